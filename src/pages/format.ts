import { assert } from "../domain/assert.ts";
import { formatMicros, MICROS_PER_CENTAVO, parseAmountMicros } from "../domain/money.ts";
import { formatSaoPaulo, TIME_ZONE } from "../domain/period.ts";
import type { Language } from "../http/language.ts";

/** How numbers, money and times are written for people, in the language of the page; times are São Paulo's. */
export type Format = {
  readonly count: (value: number) => string;
  /** A share of 1, as a percentage with one place. */
  readonly share: (value: number) => string;
  /** Reais with at least two places: exact, never rounded. */
  readonly money: (micros: number) => string;
  /** Reais as our own answers and manifests write them: `12.3450`. */
  readonly amount: (decimal: string) => string;
  /** Whole centavos, in which statements count. */
  readonly centavos: (centavos: number) => string;
  /** Reais as they are typed into a field: at least two places, no thousands. */
  readonly typedMoney: (micros: number) => string;
  readonly milliseconds: (ms: number) => string;
  /** A span of time in its largest unit: `3 min`, `2 h`, `5 d`. */
  readonly span: (ms: number) => string;
  readonly time: (ms: number) => string;
  /** The hour of the day, 0 to 23. */
  readonly hour: (ms: number) => number;
  readonly day: (ms: number) => string;
  /** `2026-11-27` as people write it. */
  readonly date: (date: string) => string;
  /** A short day for an axis: `27/11`. */
  readonly shortDate: (date: string) => string;
  /** `2026-11` as `novembro de 2026`. */
  readonly month: (period: string) => string;
  readonly bytes: (bytes: number) => string;
};

const LEAST_PLACES = 2;
const SPANS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
] as const;

const formats = new Map<Language, Format>();

export function formatFor(language: Language): Format {
  let format = formats.get(language);
  if (format === undefined) formats.set(language, (format = makeFormat(language)));
  return format;
}

function makeFormat(language: Language): Format {
  // English as it is read in Brazil: days first, so that no date has two readings.
  const locale = language === "en" ? "en-GB" : "pt-BR";
  const numbers = new Intl.NumberFormat(locale);
  const shares = new Intl.NumberFormat(locale, {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const oneMore = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const times = new Intl.DateTimeFormat(locale, { timeZone: TIME_ZONE, dateStyle: "short", timeStyle: "medium" });
  const days = new Intl.DateTimeFormat(locale, { timeZone: TIME_ZONE, dateStyle: "short" });
  const months = new Intl.DateTimeFormat(locale, { timeZone: "UTC", month: "long", year: "numeric" });
  const utc = (date: string) => Date.parse(`${date}T00:00:00Z`);
  const dates = new Intl.DateTimeFormat(locale, { timeZone: "UTC", dateStyle: "short" });
  const shortDates = new Intl.DateTimeFormat(locale, { timeZone: "UTC", day: "2-digit", month: "2-digit" });
  const money = (micros: number) =>
    `${micros < 0 ? "−" : ""}R$\u00a0${writeMoney(micros, language, { isGrouped: true })}`;
  return {
    count: (value) => numbers.format(value),
    share: (value) => shares.format(value),
    money,
    amount: (decimal) => money(microsOf(decimal)),
    centavos: (centavos) => money(centavos * MICROS_PER_CENTAVO),
    // Never three places: `1,125` could be read as a thousand, and the field that shows it would refuse it.
    typedMoney: (micros) =>
      `${micros < 0 ? "-" : ""}${writeMoney(micros, language, { isGrouped: false })}`.replace(/[.,]\d{3}$/, "$&0"),
    milliseconds: (ms) => `${numbers.format(Math.round(ms))} ms`,
    span: (ms) => {
      const [unitMs, unit] = SPANS.find(([least]) => Math.abs(ms) >= least) ?? [1000, "s"];
      return `${oneMore.format(ms / unitMs)} ${unit}`;
    },
    time: (ms) => times.format(ms),
    hour: (ms) => Number(formatSaoPaulo(ms).slice(11, 13)),
    day: (ms) => days.format(ms),
    date: (date) => dates.format(utc(date)),
    shortDate: (date) => shortDates.format(utc(date)),
    month: (period) => months.format(utc(`${period}-01`)),
    bytes: (bytes) =>
      bytes < 1_000_000 ? `${oneMore.format(bytes / 1000)} kB` : `${oneMore.format(bytes / 1_000_000)} MB`,
  };
}

function microsOf(decimal: string): number {
  const micros = parseAmountMicros(decimal);
  assert(micros.ok, "an amount of ours cannot be read");
  return micros.value;
}

/** From the exact decimal, so that nothing is rounded on its way to a person. Without its sign. */
function writeMoney(micros: number, language: Language, { isGrouped }: { isGrouped: boolean }): string {
  const [whole = "", places = ""] = formatMicros(Math.abs(micros)).split(".");
  const shown = places.replace(/0+$/, "").padEnd(LEAST_PLACES, "0");
  const [thousands, point] = language === "en" ? [",", "."] : [".", ","];
  const grouped = isGrouped ? whole.replaceAll(/\B(?=(?:\d{3})+$)/g, thousands) : whole;
  return `${grouped}${point}${shown}`;
}

/** With a capital first letter. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
