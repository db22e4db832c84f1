import type { Failure } from "./failure.ts";
import type { Outcome } from "./meter_event.ts";
import { periodBounds, periodOf } from "./period.ts";
import type { Plan, PriceTier } from "./plan.ts";
import { graduatedAmountMicros, maxUnitPriceMicros, unitPriceMicros } from "./pricing.ts";
import { bucketLevel, takeToken, type Bucket, type BucketLevel } from "./rate_limit.ts";

/** What the ledger knows when it decides on one more lookup. Counts include everything up to this instant. */
export type LimitState = {
  readonly nowMs: number;
  readonly plan: Plan;
  /** Lookups that Claro answered or may have answered, since the tenant exists. */
  readonly allowanceUsed: number;
  readonly billedInPeriod: number;
  readonly spentInPeriodMicros: number;
  /** Open intents by the price they were admitted at: each may still be delivered. */
  readonly held: readonly HeldAtPrice[];
  readonly bucket: Bucket;
};

export type HeldAtPrice = { readonly tiers: readonly PriceTier[]; readonly count: number };

/** One limit as a client is told of it, in whole seconds. */
export type LimitNotice = {
  readonly quota: number;
  readonly windowSeconds: number | null;
  readonly remaining: number;
  readonly resetSeconds: number | null;
};

export type LimitNotices = { readonly rate: LimitNotice; readonly allowance: LimitNotice | null };

export type LimitDecision = {
  readonly refusal: Failure | null;
  /** To be kept in place of the bucket that was passed in. */
  readonly bucket: Bucket;
  readonly notices: LimitNotices;
};

/**
 * Decides one lookup against the plan: the allowance's end and amount, the spend cap, and last the rate, so that what
 * another limit refuses takes no token. What is open counts as if it were delivered; it is given back when it is not.
 */
export function decideLimits(state: LimitState): LimitDecision {
  const refusal = refuseAllowance(state) ?? refuseSpend(state);
  if (refusal !== null) return { refusal, bucket: state.bucket, notices: peekLimits(state) };
  const rate = takeToken(state.plan, state.bucket, state.nowMs);
  const taken = rate.allowed ? 1 : 0;
  return {
    refusal: rate.allowed ? null : { code: "rate_limited", retryAfterSeconds: atLeastOne(rate.resetMs) },
    bucket: rate.bucket,
    notices: { rate: rateNotice(state.plan, rate), allowance: allowanceNotice(state, taken) },
  };
}

/** Whether an ended lookup uses up the allowance: all that Claro answered or may have answered. */
export function usesAllowance(outcome: Outcome): boolean {
  return outcome !== "failed";
}

function refuseAllowance(state: LimitState): Failure | null {
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
  if (capMicros === null || worstSpendMicros(state) <= capMicros) return null;
  // A month in which not even the first lookup fits under the cap is not worth waiting for.
  if (unitPriceMicros(state.plan.tiers, 1) > capMicros) return { code: "spend_cap_reached" };
  const { endMs } = periodBounds(periodOf(state.nowMs));
  return { code: "spend_cap_reached", retryAfterSeconds: atLeastOne(endMs - state.nowMs) };
}

/** The month's spend if everything open, and one lookup more, were delivered. */
export function worstSpendMicros(state: LimitState): number {
  const { plan, held, billedInPeriod, spentInPeriodMicros } = state;
  const open = heldCount(state);
  const [only] = held;
  if (held.length === 0 || (held.length === 1 && only !== undefined && sameTiers(only.tiers, plan.tiers))) {
    return spentInPeriodMicros + graduatedAmountMicros(plan.tiers, billedInPeriod, open + 1);
  }
  // Open lookups of several price versions can end in any order: the dearest tier of each is the bound.
  const heldMicros = held.reduce((sum, { tiers, count }) => sum + count * maxUnitPriceMicros(tiers), 0);
  return spentInPeriodMicros + heldMicros + maxUnitPriceMicros(plan.tiers);
}

function sameTiers(left: readonly PriceTier[], right: readonly PriceTier[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** What the limits are now, when nothing is taken from them. */
export function peekLimits(state: LimitState): LimitNotices {
  const rate = bucketLevel(state.plan, state.bucket, state.nowMs);
  return { rate: rateNotice(state.plan, rate), allowance: allowanceNotice(state, 0) };
}

function rateNotice(plan: Plan, rate: BucketLevel): LimitNotice {
  return {
    quota: plan.burst,
    windowSeconds: Math.max(Math.ceil(plan.burst / plan.ratePerSecond), 1),
    remaining: rate.remaining,
    resetSeconds: rate.remaining > 0 ? Math.ceil(rate.resetMs / 1000) : atLeastOne(rate.resetMs),
  };
}

function allowanceNotice(state: LimitState, taken: number): LimitNotice | null {
  const { allowance } = state.plan;
  if (allowance === null) return null;
  return {
    quota: allowance.requests,
    windowSeconds: null,
    remaining: Math.max(allowance.requests - state.allowanceUsed - heldCount(state) - taken, 0),
    // Its end is no reset: whoever waited for that would be refused again.
    resetSeconds: null,
  };
}

function heldCount(state: LimitState): number {
  return state.held.reduce((sum, { count }) => sum + count, 0);
}

function atLeastOne(durationMs: number): number {
  return Math.max(Math.ceil(durationMs / 1000), 1);
}
