import { describe, expect, test } from "vitest";
import { forecastDays, type DayAmount } from "../../src/domain/forecast.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 5);

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

function daysOf(amounts: readonly number[]): DayAmount[] {
  return amounts.map((amount, day) => ({ date: new Date(START_MS + day * DAY_MS).toISOString().slice(0, 10), amount }));
}

/** A partner's days: a weekday pattern, slow growth or decline, and lookups that come at random. */
function traffic(seed: number, days: number): number[] {
  const random = randomOf(seed);
  const level = 10 ** (1 + 2.5 * random());
  const weekend = random();
  const growthADay = 1 + (random() - 0.5) * 0.006;
  const noise = 0.05 + 0.25 * random();
  return Array.from({ length: days }, (_, day) => {
    const weekday = day % 7 >= 5 ? weekend : 1;
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const mean = level * weekday * growthADay ** day;
    return Math.max(Math.round(mean * (1 + noise * normal) + Math.sqrt(mean) * normal), 0);
  });
}

describe("the forecast", () => {
  test("of traffic without chance is what comes, in a band without width", () => {
    const week = [100, 110, 120, 130, 140, 20, 10];
    const history = daysOf(Array.from({ length: 56 }, (_, day) => week[day % 7] ?? 0));
    const forecast = forecastDays(history, 10);
    expect(forecast?.expected).toBeCloseTo(630 + 100 + 110 + 120, 6);
    expect([forecast?.low, forecast?.high].map((value) => Math.round(value ?? 0))).toEqual([960, 960]);
  });

  test("knows the weekday of each day that comes", () => {
    const history = daysOf(Array.from({ length: 28 }, (_, day) => (day % 7 === 6 ? 70 : 0)));
    expect(forecastDays(history, 6)?.expected).toBe(0);
    expect(forecastDays(history, 7)?.expected).toBe(70);
  });

  test("is none before two weeks of days, nothing for no days, and never below zero", () => {
    expect(forecastDays(daysOf(Array.from({ length: 13 }, () => 5)), 5)).toBeNull();
    expect(forecastDays(daysOf(Array.from({ length: 14 }, () => 5)), 0)).toEqual({ expected: 0, low: 0, high: 0 });
    const wild = daysOf(Array.from({ length: 56 }, (_, day) => (day % 13 === 0 ? 900 : 0)));
    expect(forecastDays(wild, 3)?.low).toBe(0);
  });

  test("holds what came in about nine of ten months of simulated partners", async (context) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    await context.annotate(`seed ${seed}`);
    let held = 0;
    let width = 0;
    let cases = 0;
    for (let partner = 0; partner < 400; partner += 1) {
      const amounts = traffic(seed + partner * 7919, 56 + 25);
      for (const ahead of [3, 12, 25]) {
        const forecast = forecastDays(daysOf(amounts.slice(0, 56)), ahead);
        if (forecast === null) throw new Error("eight weeks are enough");
        const actual = amounts.slice(56, 56 + ahead).reduce((sum, amount) => sum + amount, 0);
        cases += 1;
        if (actual >= forecast.low && actual <= forecast.high) held += 1;
        width += (forecast.high - forecast.low) / Math.max(forecast.expected, 1);
      }
    }
    // A band that holds everything would tell nothing.
    expect(held / cases, `seed ${seed}`).toBeGreaterThan(0.85);
    expect(held / cases, `seed ${seed}`).toBeLessThan(0.995);
    expect(width / cases, `seed ${seed}`).toBeLessThan(0.8);
  });
});
