import type { Failure } from "../domain/failure.ts";
import { parsePeriod, type Period, periodBounds, periodOf, previousPeriod } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { buildManifest, type Manifest, type SignedManifest } from "../domain/statement.ts";
import { StatementAccumulator } from "../domain/statement_totals.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { MonthTotals } from "../platform/ledger/messages.ts";
import { StoreError } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { billedPlan, hasStatement, openPeriodEvents, whileReadable, type PeriodEvents } from "./open_statement.ts";

const TEST_PRICES = [{ upTo: null, unitPriceMicros: 0 }];

/** A month in a list: closed with its manifest, or open with its counts so far. */
export type ListedStatement =
  | { readonly kind: "closed"; readonly period: Period; readonly manifest: Manifest }
  | { readonly kind: "open"; readonly period: Period; readonly totals: MonthTotals | null };

/** The closed statement of a period, or null while it is open. */
export async function closedStatement(
  services: Services,
  tenantId: string,
  period: Period,
): Promise<Result<StoredStatement | null, Failure>> {
  return await whileReadable(async () => {
    const stored = await services.statements.statement(tenantId, period);
    if (stored !== null) return ok(stored);
    const nowMs = services.clock.nowMs();
    const tenant = await services.register.tenant(tenantId);
    if (tenant === null || !hasStatement(tenant, period, nowMs)) return fail({ code: "not_found" });
    return ok(await closedWithoutRow(services, tenantId, period));
  });
}

/** A month that is closed although D1 has no row of it: D1 could not take it yet, or was restored to before it. */
async function closedWithoutRow(services: Services, tenantId: string, period: Period): Promise<StoredStatement | null> {
  if (services.clock.nowMs() < periodBounds(period).endMs) return null;
  const month = await services.archive.closed(tenantId, period);
  return month === null ? null : { ...month, isArchived: false, isPruned: false };
}

export function manifestOf(stored: Pick<StoredStatement, "manifest">): SignedManifest {
  return JSON.parse(stored.manifest) as SignedManifest;
}

/** What an open month's manifest would be now: no files, for they change with every lookup, and no signature. */
export async function openManifest(
  services: Services,
  tenantId: string,
  period: Period,
): Promise<Result<Manifest, Failure>> {
  return await whileReadable(async () => {
    const events = await openPeriodEvents(services, tenantId, period);
    if (!events.ok) return events;
    const before = await closedStatement(services, tenantId, previousPeriod(period));
    const previous = before.ok ? before.value : null;
    return ok(await addUpManifest(events.value, { period, previousManifestSha256: previous?.manifestSha256 ?? null }));
  });
}

/** The manifest of events that are read now. */
export async function addUpManifest(
  { pages, range, tenant, context: { carriedIn, mode } }: PeriodEvents,
  { period, previousManifestSha256 }: { period: Period; previousManifestSha256: string | null },
): Promise<Manifest> {
  const about = { tenantId: tenant.id, mode: mode ?? ("live" as const), firstSeq: range.first, carriedIn };
  const accumulator = new StatementAccumulator(period, about);
  for await (const page of pages) for (const event of page) accumulator.add(event);
  const totals = accumulator.finish();
  if (!totals.ok) throw new StoreError(`the events of ${period} are no period: ${totals.failure.name}`);
  // A test key is in many hands: it does not see what the tenant pays.
  const plan = mode === "test" ? { ...billedPlan(tenant), tiers: TEST_PRICES } : billedPlan(tenant);
  return buildManifest(totals.value, { tenant, plan, period, files: [], previousManifestSha256, closed: null });
}

/** A tenant's months, the newest first, `limit` of them after the one that `before` names. */
export async function listStatements(
  services: Services,
  tenantId: string,
  page: { before: string | null; limit: number },
): Promise<Result<ListedStatement[], Failure>> {
  return await whileReadable(async () => {
    const tenant = await services.register.tenant(tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const before = page.before === null ? null : parsePeriod(page.before);
    if (before?.ok === false) return fail({ code: "invalid_request", issues: [{ path: "cursor", code: "cursor" }] });
    const newest = before === null ? periodOf(services.clock.nowMs()) : previousPeriod(before.value);
    const periods = monthsBack(newest, { oldest: periodOf(tenant.createdAtMs), limit: page.limit });
    const oldest = periods.at(-1);
    if (oldest === undefined) return ok([]);
    const stored = await services.statements.between(tenantId, oldest, newest);
    const manifests = new Map(stored.map((statement) => [statement.period, manifestOf(statement)]));
    const without = periods.filter((period) => !manifests.has(period));
    for (const month of await Promise.all(without.map((period) => closedWithoutRow(services, tenantId, period)))) {
      if (month !== null) manifests.set(month.period, manifestOf(month));
    }
    const totals = await openTotals(services, tenantId, { from: oldest, to: newest });
    if (!totals.ok) return totals;
    return ok(
      periods.map((period): ListedStatement => {
        const manifest = manifests.get(period);
        if (manifest !== undefined) return { kind: "closed", period, manifest };
        return { kind: "open", period, totals: totals.value.get(period) ?? null };
      }),
    );
  });
}

async function openTotals(
  services: Services,
  tenantId: string,
  range: { from: Period; to: Period },
): Promise<Result<Map<string, MonthTotals>, Failure>> {
  const ledger = { tenantId, mode: "live" } as const;
  const months = await callLedger(services.ledgers, ledger, (stub) => stub.monthTotals(range));
  return months.ok ? ok(new Map(months.value.map((totals) => [totals.month, totals]))) : months;
}

function monthsBack(newest: Period, { oldest, limit }: { oldest: Period; limit: number }): Period[] {
  const periods: Period[] = [];
  for (let period = newest; period >= oldest && periods.length < limit; period = previousPeriod(period)) {
    periods.push(period);
  }
  return periods;
}
