import { MODES, type Mode } from "../domain/meter_event.ts";
import type { FileDigest, Manifest } from "../domain/statement.ts";
import type { SeqRange } from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { MANIFEST_FILE } from "../platform/statement_archive.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { wrongFiles } from "./closed_in_archive.ts";
import { FLUSH_TIMEOUT_MS } from "./open_statement.ts";

const STATEMENTS_A_RUN = 150;
const RUN_MS = 45_000;
/** Some fifteen calls a statement, of the 10,000 that the tasks of the cron share. */
const CALLS_A_STATEMENT = 15;
const CALLS_A_RUN = 2500;
/** A delete of this many rows stays far below what one call to D1 may take. */
const EVENTS_A_DELETE = 5000;

type Budget = { calls: number; readonly endsAtMs: number };

/**
 * Lets the events of closed months leave D1: a month's files are read back from R2 first, and only when every hash is
 * right are its events deleted. A piece at a time; it goes on where it stopped when it is called again. What is wrong with
 * one month is told, and tried again later: it stops nobody else's.
 */
export async function archiveStatements(services: Services): Promise<void> {
  const budget: Budget = { calls: CALLS_A_RUN, endsAtMs: Date.now() + RUN_MS };
  const nowMs = services.clock.nowMs();
  try {
    for (const [statements, work] of [
      [await services.statements.unsealed(nowMs, STATEMENTS_A_RUN), seal],
      [await services.statements.unpruned(nowMs, STATEMENTS_A_RUN), archive],
    ] as const) {
      for (const statement of statements) {
        if (Date.now() >= budget.endsAtMs || budget.calls <= 0) return;
        await attempt(services, statement, (month) => work(services, month, budget));
      }
    }
  } catch (error) {
    logEvent("warn", { event: "archiving_failed", error: messageOf(error) });
  }
}

/** Does a step of one month. A reason is a problem of the month, `later` goes on in the next run. */
async function attempt(
  services: Services,
  statement: StoredStatement,
  work: (statement: StoredStatement) => Promise<StepEnd>,
): Promise<void> {
  const { tenantId, period } = statement;
  let end: StepEnd;
  try {
    end = await work(statement);
  } catch (error) {
    logEvent("error", { event: "archiving_failed", tenantId, period, error: messageOf(error) });
    end = { reason: "unavailable" };
  }
  if (end === "done" || end === "later") return;
  const problem = { tenantId, period, step: "archive", reason: end.reason, seq: null } as const;
  await services.statements.noteProblem(problem, services.clock.nowMs());
}

type StepEnd = "done" | "later" | { readonly reason: "unavailable" | "archive_is_wrong" | "sealed_otherwise" };

/** Gives a month that was closed before there was a `closed.json` its own. */
async function seal(services: Services, statement: StoredStatement, budget: Budget): Promise<StepEnd> {
  const { isArchived: _a, isPruned: _p, ...month } = statement;
  budget.calls -= 2;
  const standing = await services.archive.seal(month);
  if (standing.manifestSha256 !== month.manifestSha256) {
    const { tenantId, period } = month;
    logEvent("error", { event: "statement_differs_from_archive", tenantId, period });
    return { reason: "sealed_otherwise" };
  }
  await services.statements.markSealed(statement, services.clock.nowMs());
  return "done";
}

async function archive(services: Services, statement: StoredStatement, budget: Budget): Promise<StepEnd> {
  const { tenantId, period } = statement;
  budget.calls -= CALLS_A_STATEMENT;
  // A charge that is still to be taken back must find its event in the ledger.
  if ((await services.strayCalls.count(tenantId)) > 0) return "later";
  if (!statement.isArchived) {
    const wrong = await wrongFiles(services, withManifest(statement), statement.prefix);
    if (wrong.length > 0) {
      // Nothing is deleted then: D1 still has the events that the files were written from.
      logEvent("error", { event: "archive_is_wrong", tenantId, period, files: wrong });
      return { reason: "archive_is_wrong" };
    }
    await services.archive.removeOthers(tenantId, period, statement.prefix);
    await services.statements.markArchived(statement, services.clock.nowMs());
  }
  for (const mode of MODES) {
    const end = await pruneEvents(services, statement, { mode, budget });
    if (end !== "done") return end;
  }
  await services.statements.markPruned(statement, services.clock.nowMs());
  await services.statements.clearProblem(statement, "archive");
  logEvent("info", { event: "statement_archived", tenantId, period });
  return "done";
}

/** The files that a month must have in R2, the manifest among them. */
function withManifest({ manifest, manifestSha256: sha256 }: StoredStatement): { files: FileDigest[] } {
  const { files } = JSON.parse(manifest) as Manifest;
  const bytes = new TextEncoder().encode(manifest).byteLength;
  return { files: [...files, { name: MANIFEST_FILE.name, bytes, sha256 }] };
}

/**
 * Lets go of a month's events, first in the ledger, which could put them into D1 again, then in D1. Test events are in no
 * statement: they only have to be old.
 */
async function pruneEvents(
  services: Services,
  statement: StoredStatement,
  { mode, budget }: { mode: Mode; budget: Budget },
): Promise<StepEnd> {
  const ledger = { tenantId: statement.tenantId, mode };
  const range = await eventsRange(services, statement, mode);
  if (range === null) return { reason: "unavailable" };
  if (range.last < range.first) return "done";
  const released = await callLedger(services.ledgers, ledger, (stub) => stub.release(range.last));
  if (!released.ok) return { reason: "unavailable" };
  for (let isFirst = true; isFirst || budget.calls > 0; isFirst = false) {
    budget.calls -= 2;
    if (await services.statements.pruneEvents(ledger, range, EVENTS_A_DELETE)) return "done";
  }
  return "later";
}

/** Null when the ledger cannot say now. */
async function eventsRange(
  services: Services,
  { tenantId, period, firstSeq, lastSeq }: StoredStatement,
  mode: Mode,
): Promise<SeqRange | null> {
  if (mode === "live") return { first: firstSeq, last: lastSeq };
  const options = { timeoutMs: FLUSH_TIMEOUT_MS };
  const ledger = { tenantId, mode };
  const closed = await callLedger(services.ledgers, ledger, (stub) => stub.closePeriod(period), options);
  if (!closed.ok) return null;
  // A test ledger that has no terms was never used, or was lost with all that it had.
  if (closed.value.kind === "not_ready") return { first: 1, last: 0 };
  return closed.value.range ?? { first: 1, last: 0 };
}
