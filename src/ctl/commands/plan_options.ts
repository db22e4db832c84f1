import type { Command } from "commander";
import type { PriceTier } from "../../domain/plan.ts";
import { usageError } from "../ctl_error.ts";
import { decimal, instant, priceTiers, reaisOrNone, wholeNumber } from "./read_arguments.ts";

/** A plan's terms as options give them; what is absent keeps its default, or what the tenant has. */
export type PlanOptions = {
  readonly plan?: string;
  readonly allowance?: number | null;
  readonly allowanceEnds?: string | null;
  readonly price?: PriceTier[];
  readonly rate?: number;
  readonly burst?: number;
  readonly spendCap?: number | null;
};

/** Adds the terms of a plan to a command. */
export function addPlanOptions(command: Command): Command {
  return command
    .option("--allowance <n>", "lookups in total, or none", (text) =>
      text === "none" ? null : wholeNumber(0, 1e12)(text),
    )
    .option("--allowance-ends <time>", "when the allowance ends, e.g. 90d, or never", (text) =>
      text === "never" ? null : instant(text),
    )
    .option("--price <tiers>", "reais a lookup: 0.15, or 10000:0.15,rest:0.12", priceTiers)
    .option("--rate <n>", "lookups a second, e.g. 50 or 0.5", decimal)
    .option("--burst <n>", "lookups at once", wholeNumber(1, 100_000))
    .option("--spend-cap <reais>", "the most that a month may cost, or none", reaisOrNone);
}

/** The options as the admin API takes a plan. */
export function planTerms(options: PlanOptions): Record<string, unknown> {
  const { plan: name, allowance, allowanceEnds: endsAt, price: tiers, rate: ratePerSecond, burst } = options;
  if (endsAt !== undefined && typeof allowance !== "number") {
    throw usageError("--allowance-ends needs --allowance <n>");
  }
  const terms = {
    name,
    allowance: typeof allowance === "number" ? { requests: allowance, endsAt } : allowance,
    tiers,
    ratePerSecond,
    burst,
    monthlySpendCapMicros: options.spendCap,
  };
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}
