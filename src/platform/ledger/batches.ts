import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { assert } from "../../domain/assert.ts";
import { batchText, type EventRow, type StoredEventRow } from "../../domain/event_row.ts";
import { uuidTimeMs } from "../../domain/lookup_id.ts";
import type { BatchDigest } from "./messages.ts";
import { LARGEST_ROW_CHARS } from "./tables.ts";

const statements = (table: BatchTable) => ({
  insert: `
    INSERT INTO ${table} (last_seq, first_seq, period, first_id_ms, last_id_ms, events) VALUES (?, ?, ?, ?, ?, ?)`,
  after: `SELECT last_seq, first_seq, events FROM ${table} WHERE last_seq > ? ORDER BY last_seq LIMIT ?`,
  around: `
    SELECT last_seq, first_seq, first_id_ms, events FROM ${table} WHERE last_id_ms >= ?1
    ORDER BY last_id_ms LIMIT ?2`,
  untimed: `
    SELECT last_seq, first_seq, events FROM ${table} WHERE last_id_ms IS NULL ORDER BY last_seq DESC LIMIT ?`,
  latestId: `SELECT max(last_id_ms) AS latest FROM ${table}`,
  count: `SELECT count(*) AS n FROM ${table} WHERE last_seq > ?`,
  drop: `DELETE FROM ${table} WHERE last_seq <= ?`,
});

/** The ledger's batches, or those that take their place when a restore of the object is done. */
export type BatchTable = "event_batches" | "restored_batches";

export type BatchRow = { readonly last_seq: number; readonly first_seq: number; readonly events: ArrayBuffer };

/** Batches overlap in the times of their ids by what lookups take: a time is within few of them. */
const BATCHES_AROUND = 4;
/** Batches of before have no times; what may still be settled is in the last of them. */
const UNTIMED_BATCHES = 2;
const CACHED_BATCHES = 3;
/** The quickest: a cut happens among lookups, and nobody pays for the bytes. */
const PACKING_LEVEL = 1;

type Events = ReadonlyMap<string, StoredEventRow>;

/** Events that have left the state, packed as D1 takes them. A row is written once and never changed. */
export class Batches {
  readonly #sql: SqlStorage;
  readonly #statements: ReturnType<typeof statements>;
  /** The events of batches that were packed or opened last, by last seq. */
  readonly #cache = new Map<number, Events>();
  /** The latest time of an id in any batch. */
  #latestIdMs: number;

  constructor(sql: SqlStorage, table: BatchTable = "event_batches") {
    this.#sql = sql;
    this.#statements = statements(table);
    this.#latestIdMs = this.#readLatestId();
  }

  /** Packs events of one month, in the order of seq. */
  pack(events: readonly (EventRow | StoredEventRow)[]): void {
    const [first] = events;
    const last = events.at(-1);
    assert(first !== undefined && last !== undefined, "a batch has no events");
    const packed = gzipSync(new TextEncoder().encode(batchText(events)), { level: PACKING_LEVEL });
    assert(packed.length <= LARGEST_ROW_CHARS, `a batch of ${packed.length} bytes is too large for a row`);
    let firstIdMs: number | null = null;
    let lastIdMs: number | null = null;
    for (const { id } of events) {
      const idMs = uuidTimeMs(id);
      if (idMs === null) continue;
      firstIdMs = Math.min(firstIdMs ?? idMs, idMs);
      lastIdMs = Math.max(lastIdMs ?? idMs, idMs);
    }
    const bytes = packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.byteLength);
    this.#sql.exec(this.#statements.insert, last.seq, first.seq, first.period ?? null, firstIdMs, lastIdMs, bytes);
    this.#latestIdMs = Math.max(this.#latestIdMs, lastIdMs ?? 0);
    this.#remember(last.seq, new Map(events.map((event) => [event.id, event])));
  }

  /** The event of a lookup at any age; undefined where it is in no batch here. */
  find(lookupId: string): StoredEventRow | undefined {
    const idMs = uuidTimeMs(lookupId);
    if (idMs === null)
      return this.#findIn(this.#sql.exec<BatchRow>(this.#statements.untimed, UNTIMED_BATCHES).toArray(), lookupId);
    // Each admission asks, and nearly none is of a lookup that is packed: that is known without a statement.
    if (idMs > this.#latestIdMs) return undefined;
    const rows = this.#sql
      .exec<BatchRow & { first_id_ms: number }>(this.#statements.around, idMs, BATCHES_AROUND)
      .toArray()
      .filter((row) => row.first_id_ms <= idMs);
    return this.#findIn(rows, lookupId);
  }

  /** The batches that end after `seq`, in order. */
  after(seq: number, limit: number): BatchRow[] {
    return this.#sql.exec<BatchRow>(this.#statements.after, seq, limit).toArray();
  }

  /** The events after `seq`, a batch at a time. */
  *eventsAfter(seq: number): Generator<StoredEventRow, void, void> {
    for (let after = seq; ;) {
      const [row] = this.after(after, 1);
      if (row === undefined) return;
      yield* (JSON.parse(Batches.textOf(row)) as StoredEventRow[]).filter((event) => event.seq > seq);
      after = row.last_seq;
    }
  }

  /** The events from `seq` on that are in its batch, as text; null where it is in none here. */
  heldFrom(seq: number): string | null {
    const [batch] = this.after(seq - 1, 1);
    if (batch === undefined || batch.first_seq > seq) return null;
    const events = JSON.parse(Batches.textOf(batch)) as StoredEventRow[];
    return JSON.stringify(events.slice(seq - batch.first_seq));
  }

  countAfter(seq: number): number {
    return this.#sql.exec<{ n: number }>(this.#statements.count, seq).one().n;
  }

  /** Hashes of the texts of batches that end after `seq`. */
  digests(seq: number, limit: number): BatchDigest[] {
    return this.after(seq, limit).map((row) => {
      const sha256 = createHash("sha256").update(Batches.textOf(row)).digest("hex");
      return { first: row.first_seq, last: row.last_seq, sha256 };
    });
  }

  /** Drops the batches all of whose events are up to `through`. */
  drop(through: number): void {
    this.#sql.exec(this.#statements.drop, through);
  }

  /** Other rows are in the table now. */
  forget(): void {
    this.#cache.clear();
    this.#latestIdMs = this.#readLatestId();
  }

  /** The events of a batch as text, in the form that D1 takes. */
  static textOf({ events }: Pick<BatchRow, "events">): string {
    return new TextDecoder().decode(gunzipSync(new Uint8Array(events)));
  }

  #readLatestId(): number {
    return this.#sql.exec<{ latest: number | null }>(this.#statements.latestId).one().latest ?? 0;
  }

  #findIn(rows: readonly BatchRow[], lookupId: string): StoredEventRow | undefined {
    for (const row of rows) {
      const found = this.#eventsOf(row).get(lookupId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #eventsOf(row: BatchRow): Events {
    const known = this.#cache.get(row.last_seq);
    if (known !== undefined) return known;
    const events = JSON.parse(Batches.textOf(row)) as StoredEventRow[];
    const byId = new Map(events.map((event) => [event.id, event]));
    this.#remember(row.last_seq, byId);
    return byId;
  }

  #remember(lastSeq: number, events: Events): void {
    this.#cache.set(lastSeq, events);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > CACHED_BATCHES && oldest !== undefined) this.#cache.delete(oldest);
  }
}
