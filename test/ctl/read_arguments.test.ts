import { describe, expect, test, vi } from "vitest";
import { resolvePlan } from "../../src/domain/plan.ts";
import { planTerms } from "../../src/ctl/commands/plan_terms.ts";
import {
  cnpj,
  decimal,
  durationSeconds,
  instant,
  priceTiers,
  reaisOrNone,
  saoPauloDate,
  signedReais,
  wholeNumber,
} from "../../src/ctl/commands/read_arguments.ts";

describe("the command line's values", () => {
  test("are read as people write them", () => {
    expect(["90s", "15m", "24h", "30d", "0s"].map(durationSeconds)).toEqual([90, 900, 86_400, 2_592_000, 0]);
    expect(["0.15", "0,15", "1200", "none"].map(reaisOrNone)).toEqual([150_000, 150_000, 1_200_000_000, "none"]);
    for (const price of ["0.15", "0,15", "R$ 0,15"]) {
      expect(priceTiers(price)).toEqual([{ upTo: null, unitPriceMicros: 150_000 }]);
    }
    for (const tiers of ["10000:0.15,rest:0.12", "10000:0,15,rest:0,12"]) {
      expect(priceTiers(tiers)).toEqual([
        { upTo: 10_000, unitPriceMicros: 150_000 },
        { upTo: null, unitPriceMicros: 120_000 },
      ]);
    }
    expect([signedReais("-12,34"), signedReais("1.234,5"), signedReais("0.15"), signedReais("0")]).toEqual([
      "-12.34",
      "1234.5",
      "0.15",
      "0",
    ]);
    expect([decimal("0.5"), decimal("0,5"), decimal("50")]).toEqual([0.5, 0.5, 50]);
    expect([cnpj("12.abc.345/01de-35"), cnpj("DEM00000000124")]).toEqual(["12ABC34501DE35", "DEM00000000124"]);
    expect(saoPauloDate("2028-02-29")).toBe("2028-02-29");
    expect(wholeNumber(1, 10)("7")).toBe(7);
    expect(instant("2027-01-31T23:59:59-03:00")).toBe("2027-02-01T02:59:59.000Z");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 23) });
    expect(instant("90d")).toBe("2027-02-21T00:00:00.000Z");
    vi.useRealTimers();
  });

  test.each<[string, () => unknown]>([
    ["a duration of words", () => durationSeconds("a day")],
    ["a duration without a unit", () => durationSeconds("24")],
    ["a duration with half a unit", () => durationSeconds("24hours")],
    ["an end beyond all calendars", () => instant("999999999d")],
    ["a day that no month has", () => saoPauloDate("2026-02-29")],
    ["a day as Brazilians write it", () => saoPauloDate("30/11/2026")],
    ["a CNPJ with a wrong check digit", () => cnpj("12ABC34501DE36")],
    ["an amount that can mean two", () => reaisOrNone("5.000")],
    ["tiers with such a price", () => priceTiers("10000:1.500,rest:0.12")],
    ["a rate that can mean two", () => decimal("1.000")],
    ["a negative duration", () => durationSeconds("-1h")],
    ["a day without a time", () => instant("2027-01-31")],
    ["a time without a zone", () => instant("2027-01-31T10:00:00")],
    ["an English amount", () => reaisOrNone("5,000.00")],
    ["a negative amount", () => reaisOrNone("-1")],
    ["tiers that do not ascend", () => priceTiers("10:0.1,5:0.2,rest:0.1")],
    ["tiers without a rest", () => priceTiers("10:0.1")],
    ["a rate of nothing", () => decimal("0")],
    ["too many", () => wholeNumber(1, 10)("11")],
    ["a number with a tail", () => wholeNumber(1, 10)("7x")],
  ])("are refused when they are %s", (_case, read) => {
    expect(read).toThrow(/^It (?:is|can mean)/);
  });

  test("make a plan of only what was given", () => {
    const trial = resolvePlan({ name: "trial" }, 0);
    const paying = resolvePlan({ name: "pay-per-use" }, 0);
    expect(planTerms({}, trial)).toEqual({});
    expect(planTerms({ plan: "trial", allowance: "none", spendCap: "none" }, null)).toEqual({
      name: "trial",
      allowance: null,
      monthlySpendCapMicros: null,
    });
    expect(planTerms({ allowance: 5 }, trial)).toEqual({ allowance: { requests: 5 } });
    expect(planTerms({ allowance: 5, allowanceEnds: "never" }, paying)).toEqual({
      allowance: { requests: 5, endsAt: null },
    });
    expect(planTerms({ allowanceEnds: "never" }, trial)).toEqual({ allowance: { requests: 1000, endsAt: null } });
    expect(planTerms({ plan: "trial", allowanceEnds: "never" }, paying)).toEqual({
      name: "trial",
      allowance: { requests: 1000, endsAt: null },
    });
    expect(() => planTerms({ allowanceEnds: "never" }, paying)).toThrow(/--allowance/);
    expect(() => planTerms({ allowance: "none", allowanceEnds: "never" }, trial)).toThrow(/--allowance-ends/);
  });
});

test("a duration without its unit is told which it could be", () => {
  expect(() => durationSeconds("24")).toThrow(/24m, 24h or 24d/);
});
