import { html } from "hono/html";
import { LEGAL_BASES, PURPOSES } from "../../domain/lookup_grounds.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import { COMMON } from "../common_texts.ts";
import type { Fields } from "../form.ts";
import type { Html } from "../html.ts";
import type { PageTools } from "../page.ts";
import { fieldOf, typedMicros, typedNumber } from "../read_form.ts";
import { PART_TEXTS } from "./console_texts.ts";
import { GROUND_TEXTS, KEY_TEXTS } from "./tenants_texts.ts";

type Terms = Pick<RegisteredKey, "limits" | "defaults">;
type Facts = readonly (readonly [name: string, value: Html | string])[];

export const NO_TERMS: Terms = { limits: null, defaults: null };
/** The API's names for these fields, which its issues use. */
export const TERM_FIELDS = ["limits", "defaults"];

/** A key's own limits, and its defaults for lookups that name no purpose or legal basis. */
export function keyTermFacts({ limits, defaults }: Terms, { say, format }: PageTools): Facts {
  const none = say(COMMON.unlimited);
  const { dailyLookups, monthlySpendCapMicros: cap, ratePerSecond } = limits ?? {};
  return [
    [say(KEY_TEXTS.daily), dailyLookups === undefined ? none : format.count(dailyLookups)],
    [say(KEY_TEXTS.cap), cap === undefined ? none : format.money(cap)],
    [say(KEY_TEXTS.rate), ratePerSecond === undefined ? none : format.count(ratePerSecond)],
    [say(KEY_TEXTS.purpose), defaults?.purpose === undefined ? "–" : say(GROUND_TEXTS[defaults.purpose])],
    [say(KEY_TEXTS.legalBasis), defaults?.legalBasis === undefined ? "–" : say(GROUND_TEXTS[defaults.legalBasis])],
  ];
}

/** Form fields for a key's terms, filled in with the present ones. */
export function keyTermFields(made: Fields, { limits, defaults }: Terms, { say, format }: PageTools): Html {
  const written = (value: number | undefined) => (value === undefined ? "" : String(value));
  const cap = limits?.monthlySpendCapMicros;
  const choices = <Value extends keyof typeof GROUND_TEXTS>(values: readonly Value[]) =>
    [["", say(KEY_TEXTS.noDefault)], ...values.map((value) => [value, say(GROUND_TEXTS[value])] as const)] as const;
  return html`${made.input("daily", { label: say(KEY_TEXTS.daily), value: written(limits?.dailyLookups), inputmode: "numeric", paths: ["limits.dailyLookups"], hint: say(KEY_TEXTS.limitHint) })}
  ${made.input("cap", { label: `${say(KEY_TEXTS.cap)} (R$)`, value: cap === undefined ? "" : format.typedMoney(cap), inputmode: "decimal", paths: ["limits.monthlySpendCapMicros"], hint: say(KEY_TEXTS.limitHint) })}
  ${made.input("rate", { label: say(KEY_TEXTS.rate), value: written(limits?.ratePerSecond), inputmode: "decimal", paths: ["limits.ratePerSecond"], hint: say(KEY_TEXTS.limitHint) })}
  ${made.select("purpose", { label: say(KEY_TEXTS.purpose), choices: choices(PURPOSES), value: defaults?.purpose ?? "", paths: ["defaults.purpose"] })}
  ${made.select("legalBasis", { label: say(KEY_TEXTS.legalBasis), choices: choices(LEGAL_BASES), value: defaults?.legalBasis ?? "", paths: ["defaults.legalBasis"], hint: say(KEY_TEXTS.defaultHint) })}`;
}

/** As the API takes them. What is not a number is passed on as typed, so that the API refuses it in its own words. */
export function readKeyTerms(form: FormData): { limits: object | null; defaults: object | null } {
  const given = (name: string, value: unknown) => (fieldOf(form, name) === "" ? {} : { [PATHS[name] ?? name]: value });
  const limits = {
    ...given("daily", typedNumber(fieldOf(form, "daily"))),
    ...given("cap", typedMicros(fieldOf(form, "cap"))),
    ...given("rate", typedNumber(fieldOf(form, "rate"))),
  };
  const defaults = {
    ...given("purpose", fieldOf(form, "purpose")),
    ...given("legalBasis", fieldOf(form, "legalBasis")),
  };
  return { limits: orNone(limits), defaults: orNone(defaults) };
}

const PATHS: Readonly<Record<string, string>> = {
  daily: "dailyLookups",
  cap: "monthlySpendCapMicros",
  rate: "ratePerSecond",
};

function orNone(terms: object): object | null {
  return Object.keys(terms).length === 0 ? null : terms;
}

/** Names of purposes, legal bases or fields, as a list. */
export function groundNames(names: readonly (keyof typeof GROUND_TEXTS)[], { say }: PageTools): string {
  return names.length === 0 ? say(PART_TEXTS.nothing) : names.map((name) => say(GROUND_TEXTS[name])).join(", ");
}
