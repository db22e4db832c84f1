import type { Command } from "commander";
import { formatMicros } from "../../domain/money.ts";
import {
  DEFAULT_READS_PER_MINUTE,
  resolvePlan,
  type Allowance,
  type NoTermsLeft,
  type Plan,
  type PlanName,
  type PlanTerms,
  type PriceTier,
} from "../../domain/plan.ts";
import { usageError } from "../ctl_error.ts";
import {
  decimal,
  instantOrNever,
  priceTiers,
  reaisOrNone,
  wholeNumber,
  wholeNumberOrNone,
  type None,
} from "./read_arguments.ts";
import { shownCount, shownMany, shownTime } from "./shown_values.ts";

/** A plan's terms as options give them; what is absent keeps its default, or what the tenant has. */
export type PlanOptions = {
  readonly plan?: PlanName;
  readonly allowance?: number | None;
  /** An instant, or `never`. */
  readonly allowanceEnds?: string;
  readonly price?: PriceTier[];
  readonly rate?: number;
  readonly burst?: number;
  readonly spendCap?: number | None;
  readonly reads?: number;
};

/** Adds the terms of a plan to a command. */
export function addPlanOptions(command: Command): Command {
  return command
    .option("--allowance <n>", "lookups in total, or none", wholeNumberOrNone(0, 1e12))
    .option("--allowance-ends <time>", "when the allowance ends, e.g. 90d, or never", instantOrNever)
    .option("--price <tiers>", "reais a lookup: 0.15, or 10000:0.15,rest:0.12", priceTiers)
    .option("--rate <n>", "lookups a second, e.g. 50 or 0.5", decimal)
    .option("--burst <n>", "lookups at once", wholeNumber(1, 100_000))
    .option("--spend-cap <reais>", "the most that a month may cost, e.g. 5000 or 5.000,00, or none", reaisOrNone)
    .option("--reads <n>", "reads of usage, statements and lookups a minute", wholeNumber(1, 100_000));
}

/** What a plan's options change, as the domain and the admin API take it. */
export type GivenTerms = Omit<PlanTerms, "name"> & { readonly name?: PlanName };

/** The options as terms. `current` is the plan that the tenant has, null for a new one. */
export function planTerms(options: PlanOptions, current: Plan | null): GivenTerms {
  const { plan: name, allowance, allowanceEnds, price: tiers, rate: ratePerSecond, burst, spendCap, reads } = options;
  const inherited = name === undefined ? current : resolvePlan({ name }, 0);
  const terms = {
    name,
    allowance: allowanceOf(allowance, allowanceEnds, inherited?.allowance ?? null),
    tiers,
    ratePerSecond,
    burst,
    monthlySpendCapMicros: spendCap === "none" ? null : spendCap,
    readsPerMinute: reads,
  } satisfies Record<keyof PlanTerms, unknown>;
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

function allowanceOf(
  requests: number | None | undefined,
  ends: string | undefined,
  inherited: Allowance | null,
): PlanTerms["allowance"] {
  if (requests === "none" && ends !== undefined)
    throw usageError("--allowance none has no end: leave --allowance-ends");
  if (requests === "none") return null;
  const count = requests ?? (ends === undefined ? undefined : inherited?.requests);
  if (count !== undefined)
    return { requests: count, ...(ends === undefined ? {} : { endsAt: ends === "never" ? null : ends }) };
  if (ends !== undefined) throw usageError("There is no allowance that could end: give --allowance <n> as well");
  return undefined;
}

/** A tenant's plan, and the one that waits for its day. */
export function plansFields({
  plan,
  nextPlan,
}: {
  readonly plan: Plan;
  readonly nextPlan: (Plan & { readonly effectiveFrom: string }) | null;
}): (readonly [name: string, value: string])[] {
  return nextPlan === null
    ? planFields(plan)
    : [...planFields(plan), ["From", nextPlan.effectiveFrom], ...planFields(nextPlan)];
}

/** `0.1500`, or `0.1500 up to 10,000, then 0.1200`. */
export function shownTiers(tiers: Plan["tiers"]): string {
  return tiers
    .map(({ upTo, unitPriceMicros }) => {
      const price = formatMicros(unitPriceMicros);
      return upTo === null ? price : `${price} up to ${shownCount(upTo)}`;
    })
    .join(", then ");
}

function shownAllowance(allowance: Plan["allowance"]): string {
  if (allowance === null) return "unlimited";
  const until = allowance.endsAt === null ? "" : ` until ${shownTime(allowance.endsAt)}`;
  return `${shownMany(allowance.requests, "lookup")} in total${until}`;
}

export function planFields(plan: Plan): (readonly [name: string, value: string])[] {
  const { name, allowance, tiers, ratePerSecond, burst, readsPerMinute, monthlySpendCapMicros: cap, ...rest } = plan;
  rest satisfies NoTermsLeft;
  return [
    ["Plan", name],
    ["Allowance", shownAllowance(allowance)],
    ["Price (BRL)", shownTiers(tiers)],
    ["Rate", `${ratePerSecond} a second, burst ${shownCount(burst)}`],
    ["Reads", `${shownCount(readsPerMinute ?? DEFAULT_READS_PER_MINUTE)} a minute`],
    ["Spend cap", cap === null ? "none" : `BRL ${formatMicros(cap)} a month`],
  ];
}
