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
import { isUnusual } from "./plan_changes.ts";
import { shownMany } from "./shown_values.ts";

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

/** Why a change of a key's limits should be asked about. Empty for an everyday one. */
export function limitDangers(before: KeyLimits | null, after: KeyLimits | null): string[] {
  const [capBefore, cap] = [before?.monthlySpendCapMicros, after?.monthlySpendCapMicros];
  const [dailyBefore, daily] = [before?.dailyLookups, after?.dailyLookups];
  const [rateBefore, rate] = [before?.ratePerSecond, after?.ratePerSecond];
  const dangers: (readonly [boolean, string])[] = [
    [capBefore !== undefined && cap === undefined, "no cap of its own stops this key when it is stolen"],
    [dailyBefore !== undefined && daily === undefined, "no number of lookups a day stops this key when it is stolen"],
    [daily === 0 && dailyBefore !== 0, "every lookup with this key is refused"],
    [cap === 0 && capBefore !== 0, "every lookup with this key that costs is refused"],
    [capBefore !== undefined && cap !== undefined && isUnusual(capBefore, cap), "its cap changes tenfold or more"],
    [
      dailyBefore !== undefined && daily !== undefined && isUnusual(dailyBefore, daily),
      "its lookups a day change tenfold or more",
    ],
    [rateBefore !== undefined && rate !== undefined && isUnusual(rateBefore, rate), "its rate changes tenfold or more"],
  ];
  return dangers.filter(([is]) => is).map(([, why]) => why);
}

/** A key's terms for people. */
export function keyTermFields({ limits, defaults }: KeyTerms): (readonly [name: string, value: string])[] {
  return [
    ["Own limits", shownLimits(limits)],
    ["Defaults", [defaults?.purpose, defaults?.legalBasis].filter((one) => one !== undefined).join(" ") || "none"],
  ];
}

export function shownLimits(limits: KeyLimits | null): string {
  const { dailyLookups, monthlySpendCapMicros: cap, ratePerSecond } = limits ?? {};
  const shown = [
    ...(dailyLookups === undefined ? [] : [`${shownMany(dailyLookups, "lookup")} a day`]),
    ...(cap === undefined ? [] : [`BRL ${formatMicros(cap)} a month`]),
    ...(ratePerSecond === undefined ? [] : [`${ratePerSecond} a second`]),
  ];
  return shown.join(", ") || "none";
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
