import type { Failure } from "../domain/failure.ts";
import type { Issue } from "../domain/issue.ts";
import type { LedgerName } from "../domain/meter_event.ts";
import { nextPeriod, type Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { copiedBatches } from "../platform/event_copy.ts";
import { callLedger, type LedgerStub } from "../platform/ledger/ledger_client.ts";
import { StoreError } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";
import { archivedRows, FILE_START, wrongEventsFile } from "./archived_events.ts";
import { closedInArchive } from "./closed_in_archive.ts";
import { projectTenant } from "./project_tenant.ts";
import type { Actor } from "./tenants.ts";

/** Where a restore goes on: its name, the last seq that the ledger has again, and the closed month that is being read. */
export type RestorePlace = {
  readonly name: string;
  readonly through: number;
  readonly period: Period | null;
  readonly offset: number;
};

export type RestoreStep =
  /** The ledger serves: there was nothing to put back. */
  | { readonly status: "not_needed"; readonly lastSeq: number }
  | { readonly status: "restoring"; readonly through: number; readonly next: RestorePlace }
  | {
      readonly status: "restored";
      readonly recordedThrough: number;
      readonly lastSeq: number;
      readonly ownEvents: number;
    };

export type RestoreCall = {
  readonly tenantId: string;
  readonly place: RestorePlace | null;
  /** A ledger that serves is stopped first: it was found to have others than what is recorded. */
  readonly stop?: boolean;
  readonly stepMs?: number;
};

const STEP_MS = 15_000;
const CALL_MS = 60_000;
/** Of 500 events each: some megabytes. */
const BATCHES_A_PART = 10;

type Run = { readonly services: Services; readonly ledger: LedgerName };
/** The next events of the record; null when there are no more. */
type Part = { readonly batches: readonly string[]; readonly isKept: boolean; readonly next: RestorePlace } | null;

/**
 * Puts a tenant's live ledger back from what D1 and R2 have, when its object was lost or restored to an earlier point. R2
 * tells of closed months, D1 of the others, the register of terms. One call does a bounded step; until the last one the
 * ledger is what it was, and a restore that nobody goes on with leaves nothing behind that counts.
 */
export async function restoreLedger(
  services: Services,
  actor: Actor,
  { tenantId, place, stop = false, stepMs = STEP_MS }: RestoreCall,
): Promise<Result<RestoreStep, Failure>> {
  const run: Run = { services, ledger: { tenantId, mode: "live" } };
  let at = place;
  if (at === null) {
    const begun = await begin(run, stop);
    if (!begun.ok || "status" in begun.value) return begun as Result<RestoreStep, Failure>;
    at = begun.value;
  }
  const closed = await closedMonths(services, tenantId);
  const endsAtMs = Date.now() + stepMs;
  do {
    const part = await nextPart(run, at, closed);
    if (!part.ok) return part;
    if (part.value === null) return await finish(run, actor, { name: at.name, lastClosed: closed.at(-1) ?? null });
    const { batches, isKept, next } = part.value;
    if (batches.length > 0) {
      const { name } = at;
      const taken = await ask(run, (stub) => stub.takeRecorded({ name, batches, isKept }));
      if (!taken.ok) return taken;
      if (taken.value.kind === "other_restore") return otherRestore();
    }
    at = next;
  } while (Date.now() < endsAtMs);
  return ok({ status: "restoring", through: at.through, next: at });
}

/** Tells the ledger its terms, which it may have lost too, and has it begin. */
async function begin(run: Run, stop: boolean): Promise<Result<RestorePlace | RestoreStep, Failure>> {
  const projected = await projectTenant(run.services, run.ledger.tenantId);
  if (!projected.ok) return projected;
  const name = crypto.randomUUID();
  const begun = await ask(run, (stub) => stub.beginRestore(name, { stop }));
  if (!begun.ok) return begun;
  if (begun.value.kind === "no_terms") return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
  if (begun.value.kind === "not_needed") return ok({ status: "not_needed", lastSeq: begun.value.lastSeq });
  return ok({ name, through: 0, period: null, offset: FILE_START });
}

/** The months that R2 has as closed, in order. */
async function closedMonths(services: Services, tenantId: string): Promise<Period[]> {
  const closed: Period[] = [];
  for (const period of await services.archive.periods(tenantId)) {
    if ((await closedInArchive(services, tenantId, period)) !== null) closed.push(period);
  }
  return closed;
}

async function nextPart(run: Run, at: RestorePlace, closed: readonly Period[]): Promise<Result<Part, Failure>> {
  const period = closed.find((each) => at.period === null || each >= at.period);
  return period === undefined ? await copiedPart(run, at) : await archivedPart(run, { ...at, period });
}

/** A piece of a closed month. Its file's hash is checked before the first. */
async function archivedPart(
  { services, ledger: { tenantId } }: Run,
  at: RestorePlace & { period: Period },
): Promise<Result<Part, Failure>> {
  const { period, through, offset } = at;
  const month = await closedInArchive(services, tenantId, period);
  if (month === null) throw new StoreError("a closed month is not in R2 any more");
  const next = { ...at, period: nextPeriod(period), offset: FILE_START };
  if (month.lastSeq < month.firstSeq) return ok({ batches: [], isKept: false, next });
  if (offset === FILE_START) {
    if (month.firstSeq !== through + 1) return missing(through + 1, month.firstSeq - 1);
    const wrong = await wrongEventsFile(services, month);
    if (wrong !== null) return conflict({ path: "", code: "file_damaged", params: { file: wrong, month: period } });
  }
  const piece = await archivedRows(services, month, offset);
  const last = piece.rows.at(-1)?.seq ?? through;
  const batches = piece.rows.length === 0 ? [] : [JSON.stringify(piece.rows)];
  if (piece.next !== null) return ok({ batches, isKept: false, next: { ...at, through: last, offset: piece.next } });
  if (last !== month.lastSeq) return missing(last + 1, month.lastSeq);
  return ok({ batches, isKept: false, next: { ...next, through: last } });
}

/** Batches of the months that are open, as D1 has them, so that they can be copied to it again. */
async function copiedPart({ services, ledger }: Run, at: RestorePlace): Promise<Result<Part, Failure>> {
  const batches = await copiedBatches(services.db, ledger, { after: at.through, limit: BATCHES_A_PART });
  if (batches.length === 0) return ok(null);
  let through = at.through;
  for (const { first, last } of batches) {
    if (first !== through + 1) return missing(through + 1, first - 1);
    through = last;
  }
  return ok({ batches: batches.map(({ text }) => text), isKept: true, next: { ...at, through } });
}

async function finish(
  run: Run,
  actor: Actor,
  end: { name: string; lastClosed: Period | null },
): Promise<Result<RestoreStep, Failure>> {
  const { services, ledger } = run;
  const finished = await ask(run, (stub) => stub.finishRestore(end));
  if (!finished.ok) return finished;
  if (finished.value.kind === "other_restore") return otherRestore();
  const { kind: _kind, ...restored } = finished.value;
  const atMs = services.clock.nowMs();
  const target = ledger.tenantId;
  await services.register.note({ atMs, actor, action: "ledger.restored", target, before: null, after: restored });
  return ok({ status: "restored", ...restored });
}

async function ask<Reply>({ services, ledger }: Run, call: (stub: LedgerStub) => Promise<Reply>) {
  return await callLedger(services.ledgers, ledger, call, { timeoutMs: CALL_MS });
}

function missing(first: number, last: number): Result<never, Failure> {
  return conflict({ path: "", code: "events_missing", params: { first, last } });
}

function otherRestore(): Result<never, Failure> {
  return conflict({ path: "cursor", code: "restored_by_others" });
}

function conflict(issue: Issue): Result<never, Failure> {
  return fail({ code: "conflict", issues: [issue] });
}
