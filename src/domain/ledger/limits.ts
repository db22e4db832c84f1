import type { Failure } from "../failure.ts";
import type { Mode, Outcome } from "../meter_event.ts";
import { periodBounds, periodOf, saoPauloDate, startOfNextDayMs } from "../period.ts";
import type { Plan, PriceTier } from "../plan.ts";
import { graduatedAmountMicros, maxUnitPriceMicros, unitPriceMicros } from "../pricing.ts";
import { bucketLevel, takeToken, type Bucket, type BucketLevel, type RateLimit } from "../rate_limit.ts";
import type { KeyLimits } from "./terms.ts";

/** Test lookups of a tenant in a São Paulo day. */
export const TEST_LOOKUPS_A_DAY = 10_000;

/** What the ledger knows when it decides on one more lookup. Counts include everything up to this instant. */
export type LimitState = {
  readonly nowMs: number;
  readonly mode: Mode;
  readonly plan: Plan;
  /** Lookups that Claro answered or may have answered, since the tenant exists. */
  readonly allowanceUsed: number;
  /** Lookups of this period that have a place in the tiers. */
  readonly tieredInPeriod: number;
  readonly spentInPeriodMicros: number;
  /** Open intents by the price they were admitted at: each may still be delivered. */
  readonly held: readonly HeldAtPrice[];
  /** Places of early calls that were granted and not used yet: each may still become an intent. */
  readonly granted: number;
  readonly bucket: Bucket;
  readonly testLookupsToday: number;
  readonly key: KeyUse | null;
};

export type HeldAtPrice = { readonly tiers: readonly PriceTier[]; readonly count: number };

/** What one key has used, and its own limits. */
export type KeyUse = {
  readonly limits: KeyLimits;
  readonly lookupsToday: number;
  readonly spentInPeriodMicros: number;
  readonly open: number;
  readonly bucket: Bucket;
};

/** One limit as a client is told of it, in whole seconds. */
export type LimitNotice = {
  readonly quota: number;
  readonly windowSeconds: number | null;
  readonly remaining: number;
  readonly resetSeconds: number | null;
};

export type LimitNotices = { readonly rate: LimitNotice; readonly allowance: LimitNotice | null };

/**
 * Null when one more lookup may be made, else the first limit that forbids it: allowance, cap, quota and the key's own
 * limits first, the rate last, so that what another limit refuses takes no token.
 */
export function refuseLimits(state: LimitState): Failure | null {
  return (
    refuseAllowance(state) ?? refuseSpend(state) ?? refuseTestQuota(state) ?? refuseKey(state) ?? refuseRate(state)
  );
}

/** Whether an ended lookup uses up the allowance: all that Claro answered or may have answered. */
export function usesAllowance(outcome: Outcome): boolean {
  return outcome !== "failed";
}

/** Whether lookups at these prices have a place in the tiers. A trial's, which are all free, have none. */
export function hasTierPlaces(tiers: readonly PriceTier[]): boolean {
  return maxUnitPriceMicros(tiers) > 0;
}

/** The rate of a key with a limit of its own: it may save up one second. */
export function keyRate(ratePerSecond: number): RateLimit {
  return { ratePerSecond, burst: Math.max(Math.ceil(ratePerSecond), 1) };
}

function refuseAllowance(state: LimitState): Failure | null {
  if (state.mode === "test") return null;
  const { allowance, name } = state.plan;
  if (allowance === null) return null;
  const hasEnded = allowance.endsAt !== null && state.nowMs >= Date.parse(allowance.endsAt);
  if (hasEnded) return { code: name === "trial" ? "trial_ended" : "quota_exceeded" };
  // No Retry-After: an allowance does not fill up again, and what is held may or may not be given back.
  if (state.allowanceUsed + heldCount(state) >= allowance.requests) return { code: "quota_exceeded" };
  return null;
}

function refuseSpend(state: LimitState): Failure | null {
  const capMicros = state.plan.monthlySpendCapMicros;
  if (state.mode === "test" || capMicros === null || worstSpendMicros(state) <= capMicros) return null;
  // A month in which not even the first lookup fits under the cap is not worth waiting for.
  if (unitPriceMicros(state.plan.tiers, 1) > capMicros) return { code: "spend_cap_reached" };
  return untilReset("spend_cap_reached", state.nowMs, periodBounds(periodOf(state.nowMs)).endMs);
}

function refuseTestQuota({ mode, testLookupsToday, nowMs }: LimitState): Failure | null {
  if (mode === "live" || testLookupsToday < TEST_LOOKUPS_A_DAY) return null;
  return untilReset("test_quota_exceeded", nowMs, startOfNextDayMs(saoPauloDate(nowMs)));
}

function refuseKey(state: LimitState): Failure | null {
  const { key, nowMs } = state;
  if (key === null) return null;
  const { dailyLookups, monthlySpendCapMicros: capMicros, ratePerSecond } = key.limits;
  if (dailyLookups !== undefined && key.lookupsToday >= dailyLookups) {
    return untilReset("key_limit_reached", nowMs, startOfNextDayMs(saoPauloDate(nowMs)));
  }
  if (capMicros !== undefined && state.mode === "live" && worstKeySpendMicros(state, key) > capMicros) {
    return untilReset("key_limit_reached", nowMs, periodBounds(periodOf(nowMs)).endMs);
  }
  if (ratePerSecond === undefined) return null;
  const { allowed, resetMs } = takeToken(keyRate(ratePerSecond), key.bucket, nowMs);
  return allowed ? null : { code: "key_limit_reached", retryAfterSeconds: atLeastOne(resetMs) };
}

function refuseRate({ plan, bucket, nowMs }: LimitState): Failure | null {
  const { allowed, resetMs } = takeToken(plan, bucket, nowMs);
  return allowed ? null : { code: "rate_limited", retryAfterSeconds: atLeastOne(resetMs) };
}

function untilReset(code: Failure["code"], nowMs: number, resetsAtMs: number): Failure {
  return { code, retryAfterSeconds: atLeastOne(resetsAtMs - nowMs), resetsAtMs };
}

/** The month's spend if everything open and granted, and one lookup more, were delivered. */
export function worstSpendMicros(state: LimitState): number {
  const { plan, held, granted, tieredInPeriod, spentInPeriodMicros } = state;
  const [only] = held;
  if (held.length === 0 || (held.length === 1 && only !== undefined && sameTiers(only.tiers, plan.tiers))) {
    const count = heldCount(state) + 1;
    const nowMicros = spentInPeriodMicros + graduatedAmountMicros(plan.tiers, tieredInPeriod, count);
    // What ends after the month's turn begins at the first tier again, which may be dearer.
    return Math.max(nowMicros, graduatedAmountMicros(plan.tiers, 0, count));
  }
  // Open lookups of several price versions can end in any order: the dearest tier of each is the bound.
  const heldMicros = held.reduce((sum, { tiers, count }) => sum + count * maxUnitPriceMicros(tiers), 0);
  return spentInPeriodMicros + heldMicros + (granted + 1) * maxUnitPriceMicros(plan.tiers);
}

/**
 * The key's lookups may take any of the places that are next in the tiers: the dearest of them is the bound. What ends
 * after the month's turn begins at the first tier again, with nothing spent.
 */
function worstKeySpendMicros(state: LimitState, key: KeyUse): number {
  const lookups = key.open + 1;
  const nowMicros = key.spentInPeriodMicros + lookups * dearestMicros(state, state.tieredInPeriod);
  return Math.max(nowMicros, lookups * dearestMicros(state, 0));
}

/** The most that one of the lookups that are open may cost when so many places of the month are taken. */
function dearestMicros(state: LimitState, placesTaken: number): number {
  const first = placesTaken + 1;
  const last = first + heldCount(state);
  const { tiers } = state.plan;
  const reached = tiers.filter((tier, index) => {
    const startsAfter = index === 0 ? 0 : (tiers[index - 1]?.upTo ?? 0);
    return startsAfter < last && (tier.upTo === null || tier.upTo >= first);
  });
  const heldElsewhere = state.held.filter((held) => !sameTiers(held.tiers, tiers));
  return Math.max(maxUnitPriceMicros(reached), ...heldElsewhere.map((held) => maxUnitPriceMicros(held.tiers)));
}

function sameTiers(left: readonly PriceTier[], right: readonly PriceTier[]): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/** What a client is told of the limits. Granted places that nobody has used are not told: they may come back. */
export function limitNotices(state: LimitState): LimitNotices {
  return {
    rate: rateNotice(state.plan, bucketLevel(state.plan, state.bucket, state.nowMs)),
    allowance: allowanceNotice(state),
  };
}

function rateNotice(plan: Plan, rate: BucketLevel): LimitNotice {
  return {
    quota: plan.burst,
    windowSeconds: Math.max(Math.ceil(plan.burst / plan.ratePerSecond), 1),
    remaining: rate.remaining,
    resetSeconds: rate.remaining > 0 ? Math.ceil(rate.resetMs / 1000) : atLeastOne(rate.resetMs),
  };
}

function allowanceNotice(state: LimitState): LimitNotice | null {
  const { allowance } = state.plan;
  if (state.mode === "test" || allowance === null) return null;
  return {
    quota: allowance.requests,
    windowSeconds: null,
    remaining: Math.max(allowance.requests - state.allowanceUsed - openCount(state), 0),
    // Its end is no reset: whoever waited for that would be refused again.
    resetSeconds: null,
  };
}

function openCount({ held }: LimitState): number {
  return held.reduce((sum, { count }) => sum + count, 0);
}

function heldCount(state: LimitState): number {
  return openCount(state) + state.granted;
}

function atLeastOne(durationMs: number): number {
  return Math.max(Math.ceil(durationMs / 1000), 1);
}
