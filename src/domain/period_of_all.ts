import { formatCentavos, roundToCentavos } from "./money.ts";
import type { Period } from "./period.ts";
import type { PriceTier } from "./plan.ts";
import { graduatedAmountMicros } from "./pricing.ts";

/** What a closed month of one tenant came to, in centavos, and what Claro may charge for it, in lookups. */
export type ClosedTotals = {
  readonly quantity: number;
  readonly amountCentavos: number;
  /** Credits, charges and what was carried in; with the amount and `carriedOutCentavos` it makes the total. */
  readonly adjustmentsCentavos: number;
  readonly carriedOutCentavos: number;
  readonly totalCentavos: number;
  readonly claroUnits: number;
};

/** A tenant's row; `totals` is null while its month is open. */
export type TenantMonth = {
  readonly tenantId: string;
  readonly name: string;
  readonly document: string;
  readonly totals: ClosedTotals | null;
};

export type CostedTotals = ClosedTotals & {
  /** Its share of what Claro charges; null where nobody has said what that is. */
  readonly claroCostCentavos: number | null;
  readonly marginCentavos: number | null;
};
export type CostedMonth = Omit<TenantMonth, "totals"> & { readonly totals: CostedTotals | null };

export type PeriodOfAll = {
  readonly period: Period;
  readonly tenants: readonly CostedMonth[];
  /** Of the closed ones. */
  readonly totals: CostedTotals;
  readonly open: number;
};

/**
 * A month over all tenants. Claro charges for all of them together: each bears its lookups' share, in the order of the
 * list and so that the shares add up to the whole.
 */
export function costMonth(
  period: Period,
  tenants: readonly TenantMonth[],
  tiers: readonly PriceTier[] | null,
): PeriodOfAll {
  const units = tenants.reduce((sum, { totals }) => sum + (totals?.claroUnits ?? 0), 0);
  const costMicros = tiers === null ? null : graduatedAmountMicros(tiers, 0, units);
  const wholeCentavos = costMicros === null ? null : roundToCentavos(costMicros);
  let unitsSoFar = 0;
  const costed = tenants.map((tenant): CostedMonth => {
    if (tenant.totals === null) return { ...tenant, totals: null };
    const before = shareOf(wholeCentavos, unitsSoFar, units);
    unitsSoFar += tenant.totals.claroUnits;
    const after = shareOf(wholeCentavos, unitsSoFar, units);
    return { ...tenant, totals: withCost(tenant.totals, before === null || after === null ? null : after - before) };
  });
  const closed = costed.flatMap(({ totals }) => totals ?? []);
  return {
    period,
    tenants: costed,
    totals: withCost(addTotals(closed), wholeCentavos),
    open: costed.length - closed.length,
  };
}

function shareOf(wholeCentavos: number | null, part: number, whole: number): number | null {
  if (wholeCentavos === null) return null;
  return whole === 0 ? 0 : Number((BigInt(wholeCentavos) * BigInt(part)) / BigInt(whole));
}

function withCost(totals: ClosedTotals, claroCostCentavos: number | null): CostedTotals {
  const marginCentavos = claroCostCentavos === null ? null : totals.totalCentavos - claroCostCentavos;
  return { ...totals, claroCostCentavos, marginCentavos };
}

function addTotals(all: readonly ClosedTotals[]): ClosedTotals {
  const sumOf = (name: keyof ClosedTotals) => all.reduce((sum, totals) => sum + totals[name], 0);
  return {
    quantity: sumOf("quantity"),
    amountCentavos: sumOf("amountCentavos"),
    adjustmentsCentavos: sumOf("adjustmentsCentavos"),
    carriedOutCentavos: sumOf("carriedOutCentavos"),
    totalCentavos: sumOf("totalCentavos"),
    claroUnits: sumOf("claroUnits"),
  };
}

/** Centavos as the API writes money that was rounded; null stays null. */
export function formatOptionalCentavos(centavos: number | null): string | null {
  return centavos === null ? null : formatCentavos(centavos);
}
