import { Option, type Command } from "commander";
import type { KeyLimits } from "../../domain/ledger/terms.ts";
import {
  LEGAL_BASES,
  PURPOSES,
  type LegalBasis,
  type LookupDefaults,
  type Purpose,
} from "../../domain/lookup_grounds.ts";
import { formatMicros } from "../../domain/money.ts";
import { decimal, reaisOrNone, wholeNumberOrNone, type None } from "./read_arguments.ts";
import { shownCount } from "./shown_values.ts";

/** A key's own limits and defaults as options give them. */
export type KeyTermOptions = {
  readonly dailyLookups?: number | None;
  readonly spendCap?: number | None;
  readonly rate?: number | None;
  readonly purpose?: Purpose | None;
  readonly legalBasis?: LegalBasis | None;
};

type KeyTerms = { readonly limits: KeyLimits | null; readonly defaults: LookupDefaults | null };

/** Adds a key's limits and defaults to a command. */
export function addKeyTermOptions(command: Command): Command {
  return command
    .option("--daily-lookups <n>", "its own limit a São Paulo day, or none", wholeNumberOrNone(0, 1_000_000_000))
    .option("--spend-cap <reais>", "its own limit a month, e.g. 500 or 1.500,00, or none", reaisOrNone)
    .option("--rate <n>", "its own lookups a second, or none", (text: string) =>
      text === "none" ? text : decimal(text),
    )
    .addOption(new Option("--purpose <purpose>", "of lookups that name none").choices([...PURPOSES, "none"]))
    .addOption(new Option("--legal-basis <basis>", "of lookups that name none").choices([...LEGAL_BASES, "none"]));
}

/** What the options make of a key's terms; null where they change none. */
export function changedKeyTerms(options: KeyTermOptions, before: KeyTerms): KeyTerms | null {
  const { dailyLookups, spendCap: monthlySpendCapMicros, rate: ratePerSecond, purpose, legalBasis } = options;
  const limits = merged<KeyLimits>(before.limits, { dailyLookups, monthlySpendCapMicros, ratePerSecond });
  const defaults = merged<LookupDefaults>(before.defaults, { purpose, legalBasis });
  const terms = { limits, defaults };
  return JSON.stringify(terms) === JSON.stringify({ limits: before.limits, defaults: before.defaults }) ? null : terms;
}

/** A key's terms for people. */
export function keyTermFields({ limits, defaults }: KeyTerms): (readonly [name: string, value: string])[] {
  const { dailyLookups, monthlySpendCapMicros: cap, ratePerSecond } = limits ?? {};
  const shown = [
    ...(dailyLookups === undefined ? [] : [`${shownCount(dailyLookups)} lookups a day`]),
    ...(cap === undefined ? [] : [`BRL ${formatMicros(cap)} a month`]),
    ...(ratePerSecond === undefined ? [] : [`${ratePerSecond} a second`]),
  ];
  return [
    ["Own limits", shown.join(", ") || "none"],
    ["Defaults", [defaults?.purpose, defaults?.legalBasis].filter((one) => one !== undefined).join(" ") || "none"],
  ];
}

function merged<Terms extends object>(
  before: Terms | null,
  given: { [Name in keyof Terms]?: Terms[Name] | None | undefined },
): Terms | null {
  const changes = Object.entries(given).filter(([, value]) => value !== undefined);
  const all = new Map<string, unknown>([...Object.entries(before ?? {}), ...changes]);
  const kept = [...all].filter(([, value]) => value !== "none");
  return kept.length === 0 ? null : (Object.fromEntries(kept) as Terms);
}
