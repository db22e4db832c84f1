import { InvalidArgumentError } from "commander";
import { parseAmountMicros } from "../../domain/money.ts";
import type { PriceTier } from "../../domain/plan.ts";
import { validateTiers } from "../../domain/pricing.ts";

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A whole number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** A number above zero, such as `0.5`. */
export function decimal(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value <= 0) throw new InvalidArgumentError("It is a number above zero such as 50 or 0.5.");
  return value;
}

/** `90s`, `15m`, `24h`, `30d`, or plain seconds. */
export function durationSeconds(text: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("It is a duration such as 90s, 15m, 24h or 30d.");
  return Number(match[1]) * UNIT_SECONDS[(match[2] || "s") as keyof typeof UNIT_SECONDS];
}

/** An instant as RFC 3339, or a duration from now; answered as RFC 3339. */
export function instant(text: string): string {
  if (/^\d+[smhd]$/.test(text)) return new Date(Date.now() + durationSeconds(text) * 1000).toISOString();
  const ms = /^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:\d{2})$/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError(
      "It is a time such as 2027-01-31T23:59:59-03:00, or a duration from now such as 90d.",
    );
  }
  return new Date(ms).toISOString();
}

/** Reais with at most six places, such as `0.15`, as micros. */
export function reais(text: string): number {
  const micros = parseAmountMicros(text);
  if (!micros.ok || micros.value < 0) {
    throw new InvalidArgumentError("It is an amount in reais with a point and at most six places, such as 0.15.");
  }
  return micros.value;
}

/** An amount in reais, or `none`. */
export function reaisOrNone(text: string): number | null {
  return text === "none" ? null : reais(text);
}

/** Graduated prices, `10000:0.15,50000:0.12,rest:0.10`, or one price for all. */
export function priceTiers(text: string): PriceTier[] {
  const tiers = text.split(",").map((part): PriceTier => {
    const [upTo, price] = part.includes(":") ? part.split(":") : ["rest", part];
    if (upTo !== "rest" && !/^\d+$/.test(upTo ?? "")) throw new InvalidArgumentError(PRICES);
    return { upTo: upTo === "rest" ? null : Number(upTo), unitPriceMicros: reais(price ?? "") };
  });
  if (!validateTiers(tiers).ok) throw new InvalidArgumentError(PRICES);
  return tiers;
}

const PRICES =
  "It is a price such as 0.15, or ascending tiers that end with the rest: 10000:0.15,50000:0.12,rest:0.10.";

/** An option that may be given several times. */
export function collect(text: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), text];
}
