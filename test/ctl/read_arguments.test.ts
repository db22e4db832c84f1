import { describe, expect, test, vi } from "vitest";
import { planTerms } from "../../src/ctl/commands/plan_options.ts";
import {
  decimal,
  durationSeconds,
  instant,
  priceTiers,
  reaisOrNone,
  wholeNumber,
} from "../../src/ctl/commands/read_arguments.ts";

describe("the command line's values", () => {
  test("are read as people write them", () => {
    expect(["90s", "15m", "24h", "30d", "60", "0s"].map(durationSeconds)).toEqual([90, 900, 86_400, 2_592_000, 60, 0]);
    expect(["0.15", "1200", "none", "0.000001"].map(reaisOrNone)).toEqual([150_000, 1_200_000_000, null, 1]);
    expect(priceTiers("0.15")).toEqual([{ upTo: null, unitPriceMicros: 150_000 }]);
    expect(priceTiers("10000:0.15,rest:0.12")).toEqual([
      { upTo: 10_000, unitPriceMicros: 150_000 },
      { upTo: null, unitPriceMicros: 120_000 },
    ]);
    expect(decimal("0.5")).toBe(0.5);
    expect(wholeNumber(1, 10)("7")).toBe(7);
    expect(instant("2027-01-31T23:59:59-03:00")).toBe("2027-02-01T02:59:59.000Z");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 23) });
    expect(instant("90d")).toBe("2027-02-21T00:00:00.000Z");
    vi.useRealTimers();
  });

  test.each<[string, () => unknown]>([
    ["a duration of words", () => durationSeconds("a day")],
    ["a negative duration", () => durationSeconds("-1h")],
    ["a day without a time", () => instant("2027-01-31")],
    ["a time without a zone", () => instant("2027-01-31T10:00:00")],
    ["a decimal comma", () => reaisOrNone("0,15")],
    ["a negative amount", () => reaisOrNone("-1")],
    ["tiers that do not ascend", () => priceTiers("10:0.1,5:0.2,rest:0.1")],
    ["tiers without a rest", () => priceTiers("10:0.1")],
    ["a rate of nothing", () => decimal("0")],
    ["too many", () => wholeNumber(1, 10)("11")],
    ["a number with a tail", () => wholeNumber(1, 10)("7x")],
  ])("are refused when they are %s", (_case, read) => {
    expect(read).toThrow(/^It is/);
  });

  test("make a plan of only what was given", () => {
    expect(planTerms({})).toEqual({});
    expect(planTerms({ plan: "trial", allowance: null, spendCap: null })).toEqual({
      name: "trial",
      allowance: null,
      monthlySpendCapMicros: null,
    });
    expect(planTerms({ allowance: 5, allowanceEnds: null })).toEqual({ allowance: { requests: 5, endsAt: null } });
    expect(() => planTerms({ allowanceEnds: null })).toThrow(/--allowance/);
  });
});
