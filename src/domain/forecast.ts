import { assertPresent } from "./assert.ts";

/**
 * What the rest of a month will come to, from the days before it. A day is expected to be as its weekdays were in the last
 * eight weeks, the later ones counting more, times how the last two weeks went beside that pattern. The band is what the
 * same method would have missed by: it is run as of each of the last four weeks, for as many days ahead, and the band is
 * as wide as nine in ten of those misses, and at least as wide as days scatter. docs/forecast.md tells it to partners.
 */
export type DayAmount = { readonly date: string; readonly amount: number };

export type Forecast = {
  /** Of the days that are to come; `low` to `high` holds about nine months of ten. */
  readonly expected: number;
  readonly low: number;
  readonly high: number;
};

const WEEKS = 8;
const RECENT_DAYS = 14;
const BACKTEST_DAYS = 28;
/** Each week back counts this much of the one after it. */
const WEEK_WEIGHT = 0.8;
/** How far the last two weeks may move the pattern: one busy day is no trend. */
const LEAST_TREND = 0.5;
const MOST_TREND = 2;
/** Two sides of a normal distribution that hold nine of ten. */
const NINE_IN_TEN = 1.645;
/** The level itself is known from about as many days. */
const LEVEL_DAYS = 28;
const FEWEST_DAYS = 14;

/**
 * The sum of the `ahead` days after `history`, which is whole days in their order without a gap, the last one yesterday.
 * Null for less than two weeks of them.
 */
export function forecastDays(history: readonly DayAmount[], ahead: number): Forecast | null {
  if (history.length < FEWEST_DAYS) return null;
  if (ahead <= 0) return { expected: 0, low: 0, high: 0 };
  const amounts = history.slice(-WEEKS * 7).map(({ amount }) => amount);
  const expected = expectedSum(amounts, ahead);
  const spread = Math.max(
    missOf(amounts, ahead),
    scatterOf(amounts) * Math.sqrt(ahead + (ahead * ahead) / LEVEL_DAYS) * NINE_IN_TEN,
  );
  return { expected, low: Math.max(expected - spread, 0), high: expected + spread };
}

function expectedSum(amounts: readonly number[], ahead: number): number {
  const trend = trendOf(amounts);
  let sum = 0;
  for (let day = 0; day < ahead; day += 1) sum += patternAt(amounts, amounts.length + day) * trend;
  return sum;
}

/** What a day `index`, at or after the end of the amounts, is like by its weekdays before. */
function patternAt(amounts: readonly number[], index: number): number {
  let weighted = 0;
  let weights = 0;
  let weight = 1;
  const lastSameWeekday = index - Math.ceil((index - amounts.length + 1) / 7) * 7;
  for (let at = lastSameWeekday; at >= 0; at -= 7) {
    weighted += weight * amountAt(amounts, at);
    weights += weight;
    weight *= WEEK_WEIGHT;
  }
  return weights === 0 ? 0 : weighted / weights;
}

function amountAt(amounts: readonly number[], day: number): number {
  return assertPresent(amounts[day], "a day of a forecast has no amount");
}

/** How the last two weeks went beside the pattern of the days before them. */
function trendOf(amounts: readonly number[]): number {
  const before = amounts.slice(0, -RECENT_DAYS);
  if (before.length < RECENT_DAYS) return 1;
  const recent = amounts.slice(-RECENT_DAYS).reduce((sum, amount) => sum + amount, 0);
  let pattern = 0;
  for (let day = 0; day < RECENT_DAYS; day += 1) pattern += patternAt(before, before.length + day);
  if (pattern === 0) return 1;
  // The pattern holds the last two weeks already; half of what they differ by is trend.
  const ratio = 1 + (recent / pattern - 1) / 2;
  return Math.min(Math.max(ratio, LEAST_TREND), MOST_TREND);
}

/** What the method missed sums of as many days by, as of each of the last four weeks' days: nine in ten of the misses. */
function missOf(amounts: readonly number[], ahead: number): number {
  const misses: number[] = [];
  for (let back = ahead; back <= BACKTEST_DAYS + ahead; back += 1) {
    const known = amounts.slice(0, amounts.length - back);
    if (known.length < FEWEST_DAYS) break;
    const actual = amounts
      .slice(amounts.length - back, amounts.length - back + ahead)
      .reduce((sum, amount) => sum + amount, 0);
    misses.push(Math.abs(actual - expectedSum(known, ahead)));
  }
  const sorted = misses.toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * 0.9) - 1] ?? 0;
}

/** The standard deviation of the days about their pattern. */
function scatterOf(amounts: readonly number[]): number {
  let squares = 0;
  let days = 0;
  for (let at = 7; at < amounts.length; at += 1) {
    const miss = amountAt(amounts, at) - patternAt(amounts.slice(0, at), at);
    squares += miss * miss;
    days += 1;
  }
  return days === 0 ? 0 : Math.sqrt(squares / days);
}
