import { MODES, type Mode } from "../domain/meter_event.ts";
import type { Manifest } from "../domain/statement.ts";
import type { SeqRange } from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { FLUSH_TIMEOUT_MS } from "./open_statement.ts";

const STATEMENTS_A_RUN = 10;
const RUN_MS = 20_000;
/** A delete of this many rows stays far below what one call to D1 may take. */
const EVENTS_A_DELETE = 5000;
const DELETES_A_RUN = 60;

/**
 * Lets the events of closed months leave D1: a month's files are read back from R2 first, and only when every hash is
 * right are its events deleted. A piece at a time; it goes on where it stopped when it is called again.
 */
export async function archiveStatements(services: Services): Promise<void> {
  const budget = { deletes: DELETES_A_RUN, endsAtMs: Date.now() + RUN_MS };
  try {
    for (const statement of await services.statements.unpruned(null, STATEMENTS_A_RUN)) {
      if (Date.now() >= budget.endsAtMs || budget.deletes <= 0) return;
      await archive(services, statement, budget);
    }
  } catch (error) {
    logEvent("warn", { event: "archiving_failed", error: messageOf(error) });
  }
}

async function archive(services: Services, statement: StoredStatement, budget: { deletes: number }): Promise<void> {
  const { tenantId, period } = statement;
  // A charge that is still to be taken back must find its event in the ledger.
  if ((await services.strayCalls.count(tenantId)) > 0) return;
  if (!statement.isArchived) {
    const wrong = await wrongFiles(services, statement);
    if (wrong.length > 0) {
      // Nothing is deleted then: D1 still has the events that the files were written from.
      logEvent("error", { event: "archive_is_wrong", tenantId, period, files: wrong });
      return;
    }
    await services.archive.removeOthers(tenantId, period, statement.prefix);
    await services.statements.markArchived(statement, services.clock.nowMs());
  }
  for (const mode of MODES) {
    if (!(await pruneEvents(services, statement, mode, budget))) return;
  }
  await services.statements.markPruned(statement, services.clock.nowMs());
  logEvent("info", { event: "statement_archived", tenantId, period });
}

/** Names of files that are not in R2 as the manifest says. */
async function wrongFiles(services: Services, statement: StoredStatement): Promise<string[]> {
  const { files } = JSON.parse(statement.manifest) as Manifest;
  const listed = [
    ...files,
    {
      name: "manifest.json",
      bytes: new TextEncoder().encode(statement.manifest).byteLength,
      sha256: statement.manifestSha256,
    },
  ];
  const wrong: string[] = [];
  for (const { name, bytes, sha256 } of listed) {
    const found = await services.archive.digest(statement.prefix, name);
    if (found?.sha256 !== sha256 || found.bytes !== bytes) wrong.push(name);
  }
  return wrong;
}

/**
 * Lets go of a month's events, first in the ledger, which could put them into D1 again, then in D1. True when none is
 * left. Test events are in no statement: they only have to be old.
 */
async function pruneEvents(
  services: Services,
  statement: StoredStatement,
  mode: Mode,
  budget: { deletes: number },
): Promise<boolean> {
  const ledger = { tenantId: statement.tenantId, mode };
  const range = await eventsRange(services, statement, mode);
  if (range === null) return false;
  if (range.last < range.first) return true;
  const released = await callLedger(services.ledgers, ledger, (stub) => stub.release(range.last));
  if (!released.ok) return false;
  while (budget.deletes > 0) {
    budget.deletes -= 1;
    if (await services.statements.pruneEvents(ledger, range, EVENTS_A_DELETE)) return true;
  }
  return false;
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
  if (!closed.ok || closed.value.kind === "failed") return null;
  return closed.value.range ?? { first: 1, last: 0 };
}
