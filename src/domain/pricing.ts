import { addExact } from "./money.ts";
import type { Plan, PriceTier } from "./plan.ts";
import { fail, ok, type Result } from "./result.ts";

const DAY_SECONDS = 86_400;

/** What can be wrong with the tiers of a plan. */
export type TiersFailure = "no_tiers" | "tiers_not_ascending" | "last_tier_bounded" | "invalid_unit_price";

/**
 * The price of a period's `position`-th billed lookup, counted from 1, under graduated tiers. Throws `RangeError` for
 * another position and for tiers that `validateTiers` refuses.
 */
export function unitPriceMicros(tiers: readonly PriceTier[], position: number): number {
  if (!Number.isSafeInteger(position) || position < 1)
    throw new RangeError(`no billed lookup has position ${position}`);
  const tier = tiers.find(({ upTo }) => upTo === null || position <= upTo);
  if (tier === undefined) throw new RangeError(`no tier holds position ${position}`);
  return tier.unitPriceMicros;
}

/** Micros of BRL for the `count` billed lookups of a period that follow the first `alreadyBilled`. */
export function graduatedAmountMicros(tiers: readonly PriceTier[], alreadyBilled: number, count: number): number {
  const last = alreadyBilled + count;
  let amountMicros = 0;
  let tierStart = 0;
  for (const { upTo, unitPriceMicros: price } of tiers) {
    const tierEnd = upTo ?? last;
    const units = Math.max(Math.min(tierEnd, last) - Math.max(tierStart, alreadyBilled), 0);
    amountMicros = addExact(amountMicros, units * price);
    tierStart = tierEnd;
  }
  return amountMicros;
}

/** The most that one lookup can cost, which is what admission holds against a spend cap. */
export function maxUnitPriceMicros(tiers: readonly PriceTier[]): number {
  return tiers.reduce((most, tier) => Math.max(most, tier.unitPriceMicros), 0);
}

/**
 * The most that a day of lookups can cost under the plan's rate and allowance, whatever its spend cap: each at the
 * highest price, and never more than an exact amount can say.
 */
export function dailyExposureMicros({ ratePerSecond, burst, allowance, tiers }: Plan): number {
  const lookups = Math.min(Math.floor(ratePerSecond * DAY_SECONDS) + burst, allowance?.requests ?? Infinity);
  return Math.min(lookups * maxUnitPriceMicros(tiers), Number.MAX_SAFE_INTEGER);
}

/** Tiers must ascend, end without a bound, so that every position has a price, and cost whole micros, none below zero. */
export function validateTiers(tiers: readonly PriceTier[]): Result<readonly PriceTier[], TiersFailure> {
  let reached = 0;
  for (const [index, tier] of tiers.entries()) {
    if (!Number.isSafeInteger(tier.unitPriceMicros) || tier.unitPriceMicros < 0) return fail("invalid_unit_price");
    const isLast = index === tiers.length - 1;
    if (tier.upTo === null) {
      if (!isLast) return fail("tiers_not_ascending");
    } else {
      if (!Number.isSafeInteger(tier.upTo) || tier.upTo <= reached) return fail("tiers_not_ascending");
      if (isLast) return fail("last_tier_bounded");
      reached = tier.upTo;
    }
  }
  return tiers.length > 0 ? ok(tiers) : fail("no_tiers");
}
