import { formatMicros } from "../../domain/money.ts";
import type { Plan } from "../../domain/plan.ts";

/** An instant in UTC as people read it. */
export function shownTime(instant: string | null | undefined): string {
  return instant === null || instant === undefined ? "-" : instant.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

export function shownCount(count: number): string {
  return count.toLocaleString("en-US");
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

export function shownAllowance(allowance: Plan["allowance"]): string {
  if (allowance === null) return "unlimited";
  const until = allowance.endsAt === null ? "" : ` until ${shownTime(allowance.endsAt)}`;
  return `${shownCount(allowance.requests)} lookups in total${until}`;
}

export function planFields(plan: Plan): (readonly [name: string, value: string])[] {
  const { monthlySpendCapMicros: cap } = plan;
  return [
    ["Plan", plan.name],
    ["Allowance", shownAllowance(plan.allowance)],
    ["Price (BRL)", shownTiers(plan.tiers)],
    ["Rate", `${plan.ratePerSecond} a second, burst ${shownCount(plan.burst)}`],
    ["Spend cap", cap === null ? "none" : `BRL ${formatMicros(cap)} a month`],
  ];
}
