import { InvalidArgumentError } from "commander";
import { parseCnpj } from "../../domain/cnpj.ts";
import { parsePeriod } from "../../domain/period.ts";
import type { PriceTier } from "../../domain/plan.ts";
import { validateTiers } from "../../domain/pricing.ts";
import { formatDecimal, readAmountMicros, waysToWrite } from "../../domain/written_amount.ts";

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
type Unit = keyof typeof UNIT_SECONDS;

/** A value that takes something away. Commander takes no null for a value. */
export type None = "none";

/** A whole number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}, digits only.`);
    return value;
  };
}

/** A whole number, or `none`. */
export function wholeNumberOrNone(least: number, most: number): (text: string) => number | None {
  return (text) => (text === "none" ? "none" : wholeNumber(least, most)(text));
}

/** A number above zero, such as `0.5` or `0,5`. */
export function decimal(text: string): number {
  const micros = readMicros(text, "It is a number above zero such as 50 or 0.5.");
  if (micros <= 0) throw new InvalidArgumentError("It is a number above zero such as 50 or 0.5.");
  return micros / 1_000_000;
}

/** `90s`, `15m`, `24h` or `30d`. A bare number could be any of them, and is refused. */
export function durationSeconds(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (match !== null) return Number(match[1]) * UNIT_SECONDS[match[2] as Unit];
  const meant = /^\d{1,9}$/.test(text) ? ` Which unit do you mean: ${text}m, ${text}h or ${text}d?` : "";
  throw new InvalidArgumentError(`It is a duration with its unit, such as 90s, 15m, 24h or 30d.${meant}`);
}

/** A duration as people read it: `24 h`, `90 s`. */
export function formatDuration(seconds: number): string {
  const unit = (["d", "h", "m"] as const).find((name) => seconds > 0 && seconds % UNIT_SECONDS[name] === 0) ?? "s";
  return `${seconds / UNIT_SECONDS[unit]} ${unit === "m" ? "min" : unit}`;
}

/** An instant as RFC 3339, or a duration from now; answered as RFC 3339. */
export function instant(text: string): string {
  if (/^\d+[smhd]$/.test(text)) {
    const atMs = Date.now() + durationSeconds(text) * 1000;
    if (atMs <= LATEST_MS) return new Date(atMs).toISOString();
  }
  const ms = /^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:\d{2})$/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError(
      "It is a time such as 2027-01-31T23:59:59-03:00, or a duration from now such as 90d.",
    );
  }
  return new Date(ms).toISOString();
}

/** A day of São Paulo as `YYYY-MM-DD`. `01/12/2026` is refused, because it is another day elsewhere. */
export function saoPauloDate(text: string): string {
  const atMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(atMs) || !new Date(atMs).toISOString().startsWith(text))
    throw new InvalidArgumentError("It is a day such as 2026-11-30.");
  return text;
}

/** A month of São Paulo as `YYYY-MM`. */
export function month(text: string): string {
  if (!parsePeriod(text).ok) throw new InvalidArgumentError("It is a month such as 2026-11.");
  return text;
}

/** The end of the year 9999, the last that RFC 3339 can write. */
const LATEST_MS = Date.UTC(10_000, 0, 1) - 1;

/** An instant, or `never`. */
export function instantOrNever(text: string): string {
  return text === "never" ? "never" : instant(text);
}

const AMOUNT = "It is an amount in reais such as 5000, 5.000,00, 0,15 or 0.15.";

/** Reais with at most six places as micros, not below zero. */
function reais(text: string): number {
  const micros = readMicros(text, AMOUNT);
  if (micros < 0) throw new InvalidArgumentError(`${AMOUNT} It is not below zero.`);
  return micros;
}

/** An amount in reais, or `none`. */
export function reaisOrNone(text: string): number | None {
  return text === "none" ? "none" : reais(text);
}

/** Reais with their sign, as the admin API takes them. */
export function signedReais(text: string): string {
  return formatDecimal(readMicros(text, "It is an amount in reais such as -12,34 or 0.15."));
}

/** Graduated prices, `10000:0.15,50000:0.12,rest:0.10`, or one price for all. */
export function priceTiers(text: string): PriceTier[] {
  // A comma ends a tier where the next one begins; any other is a decimal comma.
  const tiers = text.split(/,(?=(?:\d+|rest):)/).map((part): PriceTier => {
    const [upTo, price] = part.includes(":") ? part.split(":", 2) : ["rest", part];
    if (upTo !== "rest" && !/^\d{1,15}$/.test(upTo ?? "")) throw new InvalidArgumentError(PRICES);
    return { upTo: upTo === "rest" ? null : Number(upTo), unitPriceMicros: reais(price ?? "") };
  });
  if (!validateTiers(tiers).ok) throw new InvalidArgumentError(PRICES);
  return tiers;
}

const PRICES =
  "It is a price such as 0.15, or ascending tiers that end with the rest: 10000:0.15,50000:0.12,rest:0.10.";

/** A CNPJ with right check digits, with its punctuation or without any. */
export function cnpj(text: string): string {
  const parsed = parseCnpj(text.trim().toUpperCase());
  if (!parsed.ok) {
    throw new InvalidArgumentError(
      "It is a CNPJ with right check digits, such as 12ABC34501DE35 or 12.ABC.345/01DE-35: is there a typo?",
    );
  }
  return parsed.value;
}

/** An option that may be given several times, each time one of `choices`. */
export function collectOf(choices: readonly string[]): (text: string, earlier?: readonly string[]) => string[] {
  return (text, earlier) => {
    if (!choices.includes(text)) throw new InvalidArgumentError(`It is one of ${choices.join(", ")}.`);
    return [...new Set([...(earlier ?? []), text])];
  };
}

/** An option that may be given several times. */
export function collect(text: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), text];
}

function readMicros(text: string, form: string): number {
  const micros = readAmountMicros(text);
  if (micros.ok) return micros.value;
  if (micros.failure === "ambiguous") {
    throw new InvalidArgumentError(`It can mean two amounts. Write ${waysToWrite(text)}.`);
  }
  throw new InvalidArgumentError(form);
}
