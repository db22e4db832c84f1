import type { Plan } from "../../domain/plan.ts";
import { maxUnitPriceMicros } from "../../domain/pricing.ts";
import { planFields } from "./plan_terms.ts";

/** A change by this factor is more likely a typo than a decision. */
const UNUSUAL_FACTOR = 10;

/** What a change of plan changes, for people: `Spend cap  BRL 5000.0000 a month → none`. */
export function describeChanges(before: Plan, after: Plan): string[] {
  const now = new Map(planFields(after));
  return planFields(before).flatMap(([name, value]) => {
    const changed = now.get(name) ?? value;
    return changed === value ? [] : [`${name}: ${value} → ${changed}`];
  });
}

/** Why a change should be asked about: it could cost much money, or has the size of a typo. Empty for an everyday one. */
export function dangersOf(before: Plan, after: Plan): string[] {
  const [priceBefore, price] = [maxUnitPriceMicros(before.tiers), maxUnitPriceMicros(after.tiers)];
  const [capBefore, cap] = [before.monthlySpendCapMicros, after.monthlySpendCapMicros];
  const isSamePlan = before.name === after.name;
  const dangers: (readonly [boolean, string])[] = [
    [capBefore !== null && cap === null, "nothing will stop a stolen key from spending"],
    [capBefore !== null && cap !== null && isUnusual(capBefore, cap), "the spend cap changes tenfold or more"],
    [after.name !== "trial" && price === 0 && (priceBefore > 0 || !isSamePlan), "lookups will cost nothing"],
    [isSamePlan && priceBefore > 0 && price > 0 && isUnusual(priceBefore, price), "the price changes tenfold or more"],
    [after.tiers.length > 1 && rises(after), "a later tier is dearer than an earlier one"],
    [
      price === 0 && after.allowance === null && !(priceBefore === 0 && before.allowance === null),
      "free lookups will have no end",
    ],
    [isUnusual(before.ratePerSecond, after.ratePerSecond), "the rate changes tenfold or more"],
    [cap === 0 && capBefore !== 0 && price > 0, "every lookup that costs is refused"],
    ...allowanceDangers(before, after),
  ];
  return dangers.filter(([is]) => is).map(([, why]) => why);
}

/** A used-up allowance stops every lookup, so a new or much smaller one is confirmed. */
function allowanceDangers(before: Plan, after: Plan): (readonly [boolean, string])[] {
  const [had, has] = [before.allowance?.requests ?? null, after.allowance?.requests ?? null];
  if (has === null) return [];
  return [
    [has === 0 && had !== 0, "every lookup is refused"],
    [had === null && before.name === after.name, "lookups end when the allowance is used up"],
    [had !== null && isUnusual(had, has), "the allowance changes tenfold or more"],
  ];
}

/** Whether one number is tenfold the other, or more. */
export function isUnusual(before: number, after: number): boolean {
  return before !== after && (after >= before * UNUSUAL_FACTOR || after * UNUSUAL_FACTOR <= before);
}

function rises({ tiers }: Plan): boolean {
  return tiers.some(({ unitPriceMicros }, index) => unitPriceMicros > (tiers[index - 1]?.unitPriceMicros ?? Infinity));
}
