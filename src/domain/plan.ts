import { isoTime } from "./instant.ts";
import { addMonths } from "./period.ts";

/** A graduated tier: lookups up to and including the `upTo`-th billed one of a period cost `unitPriceMicros` each. */
export type PriceTier = { readonly upTo: number | null; readonly unitPriceMicros: number };

/** What a plan grants in total, until an instant. */
export type Allowance = { readonly requests: number; readonly endsAt: string | null };

export const PLAN_NAMES = ["trial", "pay-per-use"] as const;
export type PlanName = (typeof PLAN_NAMES)[number];

/** The terms a tenant is served under. Prices are micros of BRL; the cap is per São Paulo month. */
export type Plan = {
  readonly name: PlanName;
  readonly allowance: Allowance | null;
  readonly tiers: readonly PriceTier[];
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly monthlySpendCapMicros: number | null;
  /** Usage, statements and lookups found, apart from lookups; absent: `DEFAULT_READS_PER_MINUTE`. */
  readonly readsPerMinute?: number;
};

/** What is left of a plan where each of its terms was looked at: `rest satisfies NoTermsLeft` finds one that is added. */
export type NoTermsLeft = Readonly<Record<string, never>>;

export const DEFAULT_READS_PER_MINUTE = 120;

/** What a plan is called with when only its name is given: the seed's trial, and the price list's first tier. */
const TRIAL_REQUESTS = 1000;
export const TRIAL_MONTHS = 3;
const PAY_PER_USE_UNIT_PRICE_MICROS = 150_000;
const DEFAULT_RATE = { ratePerSecond: 50, burst: 50 };

/** Terms that override a plan's defaults. An allowance without an end keeps the default's. */
export type PlanTerms = {
  readonly name: PlanName;
  readonly allowance?: { readonly requests: number; readonly endsAt?: string | null | undefined } | null | undefined;
  readonly tiers?: readonly PriceTier[] | undefined;
  readonly ratePerSecond?: number | undefined;
  readonly burst?: number | undefined;
  readonly monthlySpendCapMicros?: number | null | undefined;
  readonly readsPerMinute?: number | undefined;
};

/** The full terms of a plan for a tenant created at `createdAtMs`: the name's defaults, with what `terms` overrides. */
export function resolvePlan(terms: PlanTerms, createdAtMs: number): Plan {
  return overridePlan(terms.name === "trial" ? trialPlan(createdAtMs) : payPerUsePlan(), terms);
}

/** `plan` with what `terms` overrides. A new rate without a burst is its own burst. */
export function overridePlan(plan: Plan, terms: Omit<PlanTerms, "name">): Plan {
  const ratePerSecond = terms.ratePerSecond ?? plan.ratePerSecond;
  const inherited = terms.ratePerSecond === undefined ? plan.burst : Math.max(Math.ceil(ratePerSecond), 1);
  return {
    name: plan.name,
    allowance: overrideAllowance(plan.allowance, terms.allowance),
    tiers: terms.tiers ?? plan.tiers,
    ratePerSecond,
    burst: terms.burst ?? inherited,
    monthlySpendCapMicros:
      terms.monthlySpendCapMicros === undefined ? plan.monthlySpendCapMicros : terms.monthlySpendCapMicros,
    ...readsOf(terms.readsPerMinute ?? plan.readsPerMinute),
  };
}

function readsOf(readsPerMinute: number | undefined): Pick<Plan, "readsPerMinute"> {
  return readsPerMinute === undefined ? {} : { readsPerMinute };
}

function overrideAllowance(allowance: Allowance | null, terms: PlanTerms["allowance"]): Allowance | null {
  if (terms === undefined) return allowance;
  if (terms === null) return null;
  return { requests: terms.requests, endsAt: terms.endsAt === undefined ? (allowance?.endsAt ?? null) : terms.endsAt };
}

function trialPlan(createdAtMs: number): Plan {
  const endsAt = isoTime(addMonths(createdAtMs, TRIAL_MONTHS));
  return {
    name: "trial",
    allowance: { requests: TRIAL_REQUESTS, endsAt },
    tiers: [{ upTo: null, unitPriceMicros: 0 }],
    ...DEFAULT_RATE,
    monthlySpendCapMicros: null,
  };
}

function payPerUsePlan(): Plan {
  return {
    name: "pay-per-use",
    allowance: null,
    tiers: [{ upTo: null, unitPriceMicros: PAY_PER_USE_UNIT_PRICE_MICROS }],
    ...DEFAULT_RATE,
    monthlySpendCapMicros: null,
  };
}
