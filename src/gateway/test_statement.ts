import { meterEventOf } from "../domain/event_row.ts";
import type { Failure } from "../domain/failure.ts";
import { type Period, periodOf } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Manifest } from "../domain/statement.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { Services } from "../platform/services.ts";
import { exportContext, type PeriodEvents, whileReadable } from "./open_statement.ts";
import { addUpManifest, type ListedStatement } from "./read_statement.ts";

/**
 * Test mode has one statement: the month that runs, of the last events that the test ledger keeps, so that a partner can
 * rehearse with its files. It is never closed, signed or charged.
 */
export async function testPeriodEvents(
  services: Services,
  tenantId: string,
  period: Period,
): Promise<Result<PeriodEvents, Failure>> {
  return await whileReadable(async () => {
    const ledger = { tenantId, mode: "test" } as const;
    if (period !== currentPeriod(services)) return fail({ code: "not_found" });
    const tenant = await services.register.tenant(tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const rows = await callLedger(services.ledgers, ledger, (stub) => stub.testEvents());
    if (!rows.ok) return fail({ code: "statement_unavailable", retryAfterSeconds: 5 });
    const kept = rows.value.map((row) => meterEventOf(row, ledger));
    const events = kept.filter(({ occurredAtMs, period: of }) => (of ?? periodOf(occurredAtMs)) === period);
    const last = events.at(-1)?.seq ?? kept.at(-1)?.seq ?? 0;
    const shared = await exportContext(services, { tenant, period, status: "open", carriedIn: null });
    const pages = (async function* () {
      yield events;
    })();
    return ok({
      tenant,
      range: { first: last - events.length + 1, last },
      pages,
      context: { ...shared, mode: "test" },
    });
  });
}

/** What the kept events of test mode come to. */
export async function testManifest(
  services: Services,
  tenantId: string,
  period: Period,
): Promise<Result<Manifest, Failure>> {
  return await whileReadable(async () => {
    const events = await testPeriodEvents(services, tenantId, period);
    if (!events.ok) return events;
    return ok(await addUpManifest(events.value, { period, previousManifestSha256: null }));
  });
}

/** The one month of test mode, with all its lookups: those too whose events are not kept any more. */
export async function listTestStatements(
  services: Services,
  tenantId: string,
  { before }: { before: string | null },
): Promise<Result<ListedStatement[], Failure>> {
  const period = currentPeriod(services);
  if (before !== null && before <= period) return ok([]);
  const ledger = { tenantId, mode: "test" } as const;
  const range = { from: period, to: period };
  const months = await callLedger(services.ledgers, ledger, (stub) => stub.monthTotals(range));
  if (!months.ok) return months;
  return ok([{ kind: "open", period, totals: months.value.find(({ month }) => month === period) ?? null }]);
}

function currentPeriod(services: Services): Period {
  return periodOf(services.clock.nowMs());
}
