import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PriceTier } from "../../src/domain/plan.ts";
import { resolvePlan } from "../../src/domain/plan.ts";
import {
  dailyExposureMicros,
  graduatedAmountMicros,
  maxUnitPriceMicros,
  unitPriceMicros,
  validateTiers,
} from "../../src/domain/pricing.ts";

const TIERS: PriceTier[] = [
  { upTo: 10_000, unitPriceMicros: 150_000 },
  { upTo: 50_000, unitPriceMicros: 120_000 },
  { upTo: null, unitPriceMicros: 90_000 },
];

describe("tiers", () => {
  test.each([
    [1, 150_000],
    [10_000, 150_000],
    [10_001, 120_000],
    [50_000, 120_000],
    [50_001, 90_000],
    [Number.MAX_SAFE_INTEGER, 90_000],
  ])("lookup %i costs %i micros", (position, price) => {
    expect(unitPriceMicros(TIERS, position)).toBe(price);
  });

  test.each([0, -1, 1.5, Number.NaN])("there is no lookup %d", (position) => {
    expect(() => unitPriceMicros(TIERS, position)).toThrow(RangeError);
  });

  test("the dearest tier is what one lookup can cost at most, wherever it stands", () => {
    expect(maxUnitPriceMicros(TIERS)).toBe(150_000);
    expect(maxUnitPriceMicros([...TIERS].reverse())).toBe(150_000);
    expect(maxUnitPriceMicros([{ upTo: null, unitPriceMicros: 0 }])).toBe(0);
  });

  test("a day costs at most what rate, burst and allowance let through at the highest price", () => {
    const plan = resolvePlan({ name: "pay-per-use", tiers: TIERS, ratePerSecond: 0.5, burst: 3 }, 0);
    expect(dailyExposureMicros(plan)).toBe((43_200 + 3) * 150_000);
    expect(dailyExposureMicros({ ...plan, allowance: { requests: 7, endsAt: null } })).toBe(7 * 150_000);
    const dear = [{ upTo: null, unitPriceMicros: 1_000_000_000_000 }];
    expect(dailyExposureMicros({ ...plan, ratePerSecond: 10_000, tiers: dear })).toBe(Number.MAX_SAFE_INTEGER);
    expect(dailyExposureMicros(resolvePlan({ name: "trial" }, 0))).toBe(0);
  });

  test.each<[string, PriceTier[], string]>([
    ["none", [], "no_tiers"],
    ["a bounded last one", [{ upTo: 10, unitPriceMicros: 1 }], "last_tier_bounded"],
    [
      "an open one before the last",
      [
        { upTo: null, unitPriceMicros: 1 },
        { upTo: null, unitPriceMicros: 1 },
      ],
      "tiers_not_ascending",
    ],
    [
      "equal bounds",
      [
        { upTo: 10, unitPriceMicros: 1 },
        { upTo: 10, unitPriceMicros: 1 },
      ],
      "tiers_not_ascending",
    ],
    [
      "a bound of zero",
      [
        { upTo: 0, unitPriceMicros: 1 },
        { upTo: null, unitPriceMicros: 1 },
      ],
      "tiers_not_ascending",
    ],
    [
      "a bound that is no integer",
      [
        { upTo: 1.5, unitPriceMicros: 1 },
        { upTo: null, unitPriceMicros: 1 },
      ],
      "tiers_not_ascending",
    ],
    ["a price below zero", [{ upTo: null, unitPriceMicros: -1 }], "invalid_unit_price"],
    ["a price that is no integer", [{ upTo: null, unitPriceMicros: 0.5 }], "invalid_unit_price"],
  ])("%s are refused", (_, tiers, failure) => {
    expect(validateTiers(tiers)).toEqual({ ok: false, failure });
  });

  test("good tiers pass", () => {
    expect(validateTiers(TIERS)).toEqual({ ok: true, value: TIERS });
    expect(validateTiers([{ upTo: null, unitPriceMicros: 0 }]).ok).toBe(true);
  });

  test("the amount of a run of lookups is the sum of their prices, wherever it starts", () => {
    const bounds = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 4 });
    const prices = fc.array(fc.nat({ max: 200_000 }), { minLength: 5, maxLength: 5 });
    const tiersOf = (upTos: number[], micros: number[]): PriceTier[] =>
      [...upTos.toSorted((left, right) => left - right), null].map((upTo, index) => ({
        upTo,
        unitPriceMicros: micros[index] ?? 0,
      }));
    fc.assert(
      fc.property(
        fc.tuple(bounds, prices),
        fc.nat({ max: 80 }),
        fc.nat({ max: 80 }),
        ([upTos, micros], billed, count) => {
          const tiers = tiersOf(upTos, micros);
          expect(validateTiers(tiers).ok).toBe(true);
          const positions = Array.from({ length: count }, (_, index) => billed + index + 1);
          const sum = positions.reduce((total, position) => total + unitPriceMicros(tiers, position), 0);
          expect(graduatedAmountMicros(tiers, billed, count)).toBe(sum);
          expect(sum).toBeLessThanOrEqual(count * maxUnitPriceMicros(tiers));
        },
      ),
    );
  });
});
