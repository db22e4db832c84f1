import type { ReportRow } from "../domain/claro_report.ts";
import {
  type ReconciledEvent,
  Reconciler,
  type ReconcilerState,
  type ResolvedUnknown,
} from "../domain/reconciliation.ts";
import { StoreError } from "./outage.ts";
import type { Difference } from "../domain/reconciliation_differences.ts";
import { deleteKeys, keysUnder, listPages } from "./r2_objects.ts";

/** Where a comparison stands: the part of the report, the last tenant whose events it has, all that it knows. */
export type RunState = {
  readonly part: number;
  readonly parts: number;
  /** Null at the beginning of a part, whose rows are not among what it knows yet. */
  readonly after: readonly [createdAtMs: number, tenantId: string] | null;
  readonly customers: Readonly<Record<string, number>>;
  readonly reconciler: ReconcilerState;
  /** The files of events by the part they belong to; a run that was begun before there were any has none. */
  readonly eventFiles?: readonly (readonly string[])[];
};

/** An event, and what an earlier report said of it where it is an `unknown`. */
export type FedEvent = { readonly event: ReconciledEvent; readonly told?: { readonly transactionId: string | null } };

/** What a comparison has come to, without its differences, which are read by pages. */
export type RunResult = {
  readonly matched: number;
  readonly unknownResolved: number;
  readonly sharedCustomerIds: readonly string[];
  readonly deltaQuantity: number;
  readonly deltaCostMicros: number | null;
  readonly unitCostMicros: number | null;
  readonly unexplained: number;
  readonly pages: number;
};

export type ResultPage = {
  readonly onlyOurs: readonly Difference[];
  readonly onlyClaro: readonly Difference[];
  readonly resolved: readonly ResolvedUnknown[];
};

const ROOT = "reconciliations/";
/** Entries of each side on a page. */
const PAGE_ENTRIES = 1000;

/** The rows, the state and the result of comparisons, in R2 under `reconciliations/<id>/`. */
export class ReconciliationFiles {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async writeRows(id: string, place: { part: number; number: number }, rows: readonly ReportRow[]): Promise<void> {
    await this.#bucket.put(`${folderOf(id)}rows/${place.part}/${place.number}.json`, JSON.stringify(rows));
  }

  /** The rows of a part, a file at a time. */
  async *rowsOf(id: string, part: number): AsyncGenerator<readonly ReportRow[], void, void> {
    for (const key of await keysUnder(this.#bucket, `${folderOf(id)}rows/${part}/`)) {
      const object = await this.#bucket.get(key);
      if (object === null) throw new StoreError("rows of a report are not in R2");
      yield await object.json<ReportRow[]>();
    }
  }

  /** Gives the file's name. One whose step did not end is named by nobody, and is not read. */
  async writeEvents(id: string, part: number, events: readonly FedEvent[]): Promise<string> {
    const key = `${folderOf(id)}events/${part}/${crypto.randomUUID()}.json`;
    await this.#bucket.put(key, JSON.stringify(events));
    return key;
  }

  async readEvents(key: string): Promise<readonly FedEvent[]> {
    const object = await this.#bucket.get(key);
    if (object === null) throw new StoreError("events of a comparison are not in R2");
    return await object.json<FedEvent[]>();
  }

  async begin(id: string, parts: number): Promise<void> {
    const eventFiles = Array.from({ length: parts }, () => []);
    const reconciler = new Reconciler().save();
    const state: RunState = { part: 0, parts, after: null, customers: {}, reconciler, eventFiles };
    await this.#bucket.put(stateOf(id), JSON.stringify(state));
  }

  /** Where it stands, with the tag that `writeState` asks for; null when it has ended. */
  async readState(id: string): Promise<{ state: RunState; etag: string } | null> {
    const object = await this.#bucket.get(stateOf(id));
    return object === null ? null : { state: await object.json<RunState>(), etag: object.etag };
  }

  /** False when somebody else has gone on with it meanwhile: then nothing is written. */
  async writeState(id: string, state: RunState, etag: string): Promise<string | null> {
    const onlyIf = { etagMatches: etag };
    return (await this.#bucket.put(stateOf(id), JSON.stringify(state), { onlyIf }))?.etag ?? null;
  }

  async writePages(id: string, { onlyOurs, onlyClaro, resolved }: ResultPage): Promise<number> {
    const longest = Math.max(onlyOurs.length, onlyClaro.length, resolved.length);
    const pages = Math.max(Math.ceil(longest / PAGE_ENTRIES), 1);
    for (let page = 0; page < pages; page += 1) {
      const [from, to] = [page * PAGE_ENTRIES, (page + 1) * PAGE_ENTRIES];
      const content: ResultPage = {
        onlyOurs: onlyOurs.slice(from, to),
        onlyClaro: onlyClaro.slice(from, to),
        resolved: resolved.slice(from, to),
      };
      await this.#bucket.put(`${folderOf(id)}pages/${page}.json`, JSON.stringify(content));
    }
    return pages;
  }

  async readPage(id: string, page: number): Promise<ResultPage | null> {
    return (await (await this.#bucket.get(`${folderOf(id)}pages/${page}.json`))?.json<ResultPage>()) ?? null;
  }

  async writeResult(id: string, result: RunResult): Promise<void> {
    await this.#bucket.put(`${folderOf(id)}result.json`, JSON.stringify(result));
  }

  async readResult(id: string): Promise<RunResult | null> {
    return (await (await this.#bucket.get(`${folderOf(id)}result.json`))?.json<RunResult>()) ?? null;
  }

  /** The ids of all reports that have left anything here. */
  async ids(): Promise<string[]> {
    const ids: string[] = [];
    for await (const { delimitedPrefixes } of listPages(this.#bucket, { prefix: ROOT, delimiter: "/" })) {
      ids.push(...delimitedPrefixes.map((prefix) => prefix.slice(ROOT.length, -1)));
    }
    return ids;
  }

  /** When the newest of its rows were written, by R2's clock; null when there are none. */
  async lastRowsAtMs(id: string): Promise<number | null> {
    let last: number | null = null;
    for await (const { objects } of listPages(this.#bucket, { prefix: `${folderOf(id)}rows/` })) {
      for (const { uploaded } of objects) last = Math.max(last ?? 0, uploaded.getTime());
    }
    return last;
  }

  /** What only the work needed; of a report that was refused, all there is. */
  async forgetWork(id: string): Promise<void> {
    const rows = await keysUnder(this.#bucket, `${folderOf(id)}rows/`);
    const events = await keysUnder(this.#bucket, `${folderOf(id)}events/`);
    await deleteKeys(this.#bucket, [...rows, ...events, stateOf(id)]);
  }
}

function folderOf(id: string): string {
  return `${ROOT}${id}/`;
}

function stateOf(id: string): string {
  return `${folderOf(id)}state.json`;
}
