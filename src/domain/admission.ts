import type { Failure } from "./failure.ts";
import type { Outcome } from "./meter_event.ts";
import { periodBounds, periodOf } from "./period.ts";
import type { Plan, PriceTier } from "./plan.ts";
import { graduatedAmountMicros, maxUnitPriceMicros } from "./pricing.ts";
import { takeToken } from "./rate_limit.ts";

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
  readonly bucketFullAtMs: number;
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
  /** To be kept as the bucket's state. */
  readonly bucketFullAtMs: number;
  readonly notices: LimitNotices;
};

/**
 * Decides one lookup against the plan: the allowance's end and amount, the spend cap, and last the rate, so that what
 * another limit refuses takes no token. What is open counts as if it were delivered; it is given back when it is not.
 */
export function decideLimits(state: LimitState): LimitDecision {
  const refusal = refuseAllowance(state) ?? refuseSpend(state);
  if (refusal !== null) {
    return { refusal, bucketFullAtMs: state.bucketFullAtMs, notices: peekLimits(state) };
  }
  const rate = takeToken(state.plan, state.bucketFullAtMs, state.nowMs);
  const taken = rate.allowed ? 1 : 0;
  return {
    refusal: rate.allowed ? null : { code: "rate_limited", retryAfterSeconds: atLeastOne(rate.resetMs) },
    bucketFullAtMs: rate.fullAtMs,
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
  const { endMs } = periodBounds(periodOf(state.nowMs));
  return { code: "spend_cap_reached", retryAfterSeconds: atLeastOne(endMs - state.nowMs) };
}

/** The month's spend if everything open, and one lookup more, were delivered. */
function worstSpendMicros(state: LimitState): number {
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
  const { plan, nowMs } = state;
  const tokenMs = 1000 / plan.ratePerSecond;
  const untilFullMs = Math.min(Math.max(state.bucketFullAtMs - nowMs, 0), plan.burst * tokenMs);
  const remaining = Math.max(Math.floor(plan.burst - untilFullMs / tokenMs + 1e-6), 0);
  const resetMs = remaining > 0 ? untilFullMs : untilFullMs + tokenMs - plan.burst * tokenMs;
  return { rate: rateNotice(plan, { remaining, resetMs }), allowance: allowanceNotice(state, 0) };
}

function rateNotice(plan: Plan, rate: { remaining: number; resetMs: number }): LimitNotice {
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
  const endsAtMs = allowance.endsAt === null ? null : Date.parse(allowance.endsAt);
  return {
    quota: allowance.requests,
    windowSeconds: null,
    remaining: Math.max(allowance.requests - state.allowanceUsed - heldCount(state) - taken, 0),
    resetSeconds: endsAtMs === null ? null : Math.max(Math.ceil((endsAtMs - state.nowMs) / 1000), 0),
  };
}

function heldCount(state: LimitState): number {
  return state.held.reduce((sum, { count }) => sum + count, 0);
}

function atLeastOne(durationMs: number): number {
  return Math.max(Math.ceil(durationMs / 1000), 1);
}
