import type { Failure } from "../domain/failure.ts";
import { type Period, periodBounds } from "../domain/period.ts";
import { costMonth, type PeriodOfAll, type TenantMonth } from "../domain/period_of_all.ts";
import type { PriceTier } from "../domain/plan.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Services } from "../platform/services.ts";
import type { Actor } from "./tenants.ts";

const TENANTS_A_PAGE = 1000;

/** An ended month over all tenants, from the statements that are closed; whose month is still open is named. */
export async function readPeriodOfAll(services: Services, period: Period): Promise<Result<PeriodOfAll, Failure>> {
  const { endMs } = periodBounds(period);
  if (services.clock.nowMs() < endMs) {
    const issues = [{ path: "period", code: "ends_at", params: { atMs: endMs } }] as const;
    return fail({ code: "period_open", issues });
  }
  const tenants: TenantMonth[] = [];
  for (let after: readonly [number, string] = [0, ""]; ;) {
    const page = { after, createdBeforeMs: endMs, limit: TENANTS_A_PAGE };
    const months = await services.statements.monthsOfTenants(period, page);
    tenants.push(...months.map(({ month }) => month));
    const last = months.at(-1);
    if (last === undefined || months.length < TENANTS_A_PAGE) break;
    after = [last.createdAtMs, last.month.tenantId];
  }
  const prices = await services.upstreamPrices.of(period);
  return ok(costMonth(period, tenants, prices?.tiers ?? null));
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
