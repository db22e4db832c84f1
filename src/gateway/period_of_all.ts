import type { Failure } from "../domain/failure.ts";
import { type Period, periodBounds } from "../domain/period.ts";
import { roundToCentavos } from "../domain/money.ts";
import { type ClosedTotals, costMonth, type PeriodOfAll, type TenantMonth } from "../domain/period_of_all.ts";
import type { PriceTier } from "../domain/plan.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Services } from "../platform/services.ts";
import type { TenantMonthSums } from "../platform/usage_sums.ts";
import type { Actor } from "./tenants.ts";

const TENANTS_A_PAGE = 1000;

/** An ended month over all tenants, from the statements that are closed; whose month is still open is named. */
export async function readPeriodOfAll(services: Services, period: Period): Promise<Result<PeriodOfAll, Failure>> {
  const { endMs } = periodBounds(period);
  if (services.clock.nowMs() < endMs) {
    const issues = [{ path: "period", code: "ends_at", params: { atMs: endMs } }] as const;
    return fail({ code: "period_open", issues });
  }
  const tenants = await tenantMonths(services, period);
  const prices = await services.upstreamPrices.of(period);
  return ok(costMonth(period, tenants, prices?.tiers ?? null));
}

/** A month as it stands, and whose figures may still change. */
export type PeriodSoFar = { readonly month: PeriodOfAll; readonly openIds: ReadonlySet<string> };

/**
 * A month over all tenants whether it has ended or not: who is closed as on the statement, the others by what D1 has
 * counted so far, without what the month before carries over.
 */
export async function readPeriodSoFar(services: Services, period: Period): Promise<PeriodSoFar> {
  const [tenants, sums, prices] = await Promise.all([
    tenantMonths(services, period),
    services.usageSums.readMonthByTenant(period),
    services.upstreamPrices.of(period),
  ]);
  const openIds = new Set(tenants.filter(({ totals }) => totals === null).map(({ tenantId }) => tenantId));
  const soFar = tenants.map((tenant) => ({
    ...tenant,
    totals: tenant.totals ?? totalsSoFar(sums.get(tenant.tenantId) ?? NOTHING_YET),
  }));
  return { month: costMonth(period, soFar, prices?.tiers ?? null), openIds };
}

const NOTHING_YET: TenantMonthSums = { billed: 0, amountMicros: 0, adjustmentMicros: 0, claroUnits: 0 };

function totalsSoFar({ billed, amountMicros, adjustmentMicros, claroUnits }: TenantMonthSums): ClosedTotals {
  const [amountCentavos, adjustmentsCentavos] = [roundToCentavos(amountMicros), roundToCentavos(adjustmentMicros)];
  // A statement asks for nothing below zero: the month after takes it over.
  const sum = amountCentavos + adjustmentsCentavos;
  return {
    quantity: billed,
    amountCentavos,
    adjustmentsCentavos,
    carriedOutCentavos: Math.min(sum, 0),
    totalCentavos: Math.max(sum, 0),
    claroUnits,
  };
}

async function tenantMonths(services: Services, period: Period): Promise<TenantMonth[]> {
  const { endMs } = periodBounds(period);
  const tenants: TenantMonth[] = [];
  for (let after: readonly [number, string] = [0, ""]; ;) {
    const page = { after, createdBeforeMs: endMs, limit: TENANTS_A_PAGE };
    const months = await services.statements.monthsOfTenants(period, page);
    tenants.push(...months.map(({ month }) => month));
    const last = months.at(-1);
    if (last === undefined || months.length < TENANTS_A_PAGE) return tenants;
    after = [last.createdAtMs, last.month.tenantId];
  }
}

/** What Claro charges from a month on. It is told to nobody but operators, and changes no statement. */
export async function setUpstreamPrices(
  services: Services,
  actor: Actor,
  { period, tiers }: { period: Period; tiers: readonly PriceTier[] },
): Promise<void> {
  const before = await services.upstreamPrices.of(period);
  await services.upstreamPrices.set(period, tiers, {
    atMs: services.clock.nowMs(),
    actor,
    action: "upstream_prices.set",
    target: period,
    before,
    after: { tiers },
  });
}
