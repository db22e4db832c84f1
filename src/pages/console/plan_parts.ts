import { html } from "hono/html";
import {
  DEFAULT_READS_PER_MINUTE,
  type NoTermsLeft,
  type Plan,
  type PlanName,
  type PlanTerms,
  type PriceTier,
} from "../../domain/plan.ts";
import { COMMON } from "../common_texts.ts";
import type { Fields } from "../form.ts";
import { facts, type Html } from "../html.ts";
import type { PageTools, Say } from "../page.ts";
import { fieldOf, typedMicros, typedNumber } from "../read_form.ts";
import { PLAN_NAME_TEXTS, PLAN_TEXTS } from "./tenants_texts.ts";

/** A plan for people to read. */
export function planFacts(plan: Plan, { say, format }: PageTools): Html {
  const none = say(COMMON.unlimited);
  const { name, allowance, tiers, ratePerSecond, burst, readsPerMinute, monthlySpendCapMicros: cap, ...rest } = plan;
  rest satisfies NoTermsLeft;
  return facts([
    [say(PLAN_TEXTS.title), say(PLAN_NAME_TEXTS[name])],
    [
      say(PLAN_TEXTS.tiers),
      html`${tiers.map(({ upTo, unitPriceMicros }) => html`<div>${format.money(unitPriceMicros)} <span class="quiet">${upTo === null ? (tiers.length > 1 ? say(PLAN_TEXTS.beyond) : "") : `${say(PLAN_TEXTS.upTo)} ${format.count(upTo)}`}</span></div>`)}`,
    ],
    [
      say(PLAN_TEXTS.allowance),
      allowance === null
        ? none
        : html`${format.count(allowance.requests)}
          ${allowance.endsAt === null ? "" : html`<span class="quiet">${say(PLAN_TEXTS.upTo)} ${format.day(Date.parse(allowance.endsAt))}</span>`}`,
    ],
    [say(PLAN_TEXTS.cap), cap === null ? none : format.money(cap)],
    [
      say(PLAN_TEXTS.rate),
      `${format.count(ratePerSecond)} (${say(PLAN_TEXTS.burst).toLowerCase()} ${format.count(burst)})`,
    ],
    [say(PLAN_TEXTS.reads), format.count(readsPerMinute ?? DEFAULT_READS_PER_MINUTE)],
  ]);
}

/** The plans to choose from, the usual one first. */
export function planChoices(say: Say): (readonly [PlanName, string])[] {
  return (["pay-per-use", "trial"] as const).map((name) => [name, say(PLAN_NAME_TEXTS[name])]);
}

/** The fields of a plan, filled in with what it is. */
export function planFields(fields: Fields, plan: Plan, { say, format }: PageTools): Html {
  const value = (number: number | null | undefined) => (number === null || number === undefined ? "" : String(number));
  return html`${fields.area("tiers", { label: say(PLAN_TEXTS.tiers), hint: say(PLAN_TEXTS.tiersHint), value: writeTiers(plan.tiers, format), rows: Math.max(plan.tiers.length + 1, 3), paths: ["plan.tiers"] })}
  ${fields.input("cap", { label: say(PLAN_TEXTS.cap), hint: say(PLAN_TEXTS.capHint), value: plan.monthlySpendCapMicros === null ? "" : format.typedMoney(plan.monthlySpendCapMicros), inputmode: "decimal", paths: ["plan.monthlySpendCapMicros"] })}
  ${fields.input("allowance", { label: say(PLAN_TEXTS.allowance), hint: say(PLAN_TEXTS.allowanceHint), value: value(plan.allowance?.requests), inputmode: "numeric", paths: ["plan.allowance"] })}
  ${fields.input("rate", { label: say(PLAN_TEXTS.rate), value: value(plan.ratePerSecond), inputmode: "decimal", paths: ["plan.ratePerSecond"] })}
  ${fields.input("burst", { label: say(PLAN_TEXTS.burst), value: value(plan.burst), inputmode: "numeric", paths: ["plan.burst"] })}
  ${fields.input("reads", { label: say(PLAN_TEXTS.reads), hint: say(PLAN_TEXTS.readsHint), value: value(plan.readsPerMinute), inputmode: "numeric", paths: ["plan.readsPerMinute"] })}`;
}

/**
 * Terms as the API takes them. What is not a number is passed on as typed, so that the API refuses it in its own
 * words.
 */
export function readPlanTerms(form: FormData): Record<string, unknown> {
  const numberOr = (name: string) => typedNumber(fieldOf(form, name));
  const cap = fieldOf(form, "cap");
  const allowance = fieldOf(form, "allowance");
  const terms = {
    tiers: readTiers(fieldOf(form, "tiers")),
    monthlySpendCapMicros: cap === "" ? null : typedMicros(cap),
    allowance: allowance === "" ? null : { requests: typedNumber(allowance) },
    ratePerSecond: numberOr("rate"),
    burst: numberOr("burst"),
    readsPerMinute: numberOr("reads"),
  } satisfies Record<Exclude<keyof PlanTerms, "name">, unknown>;
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

/** One tier a line, such as `1000: 0.15`; the last has only a price. */
export function readTiers(text: string): unknown[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [bound = "", price] = line.split(":").map((part) => part.trim());
      if (price === undefined) return { upTo: null, unitPriceMicros: typedMicros(bound) };
      return { upTo: typedNumber(bound), unitPriceMicros: typedMicros(price) };
    });
}

export function writeTiers(tiers: readonly PriceTier[], { typedMoney }: PageTools["format"]): string {
  return tiers
    .map(({ upTo, unitPriceMicros }) =>
      upTo === null ? typedMoney(unitPriceMicros) : `${upTo}: ${typedMoney(unitPriceMicros)}`,
    )
    .join("\n");
}
