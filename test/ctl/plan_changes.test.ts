import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { dangersOf, describeChanges } from "../../src/ctl/commands/plan_changes.ts";
import { addPlanOptions, planTerms } from "../../src/ctl/commands/plan_terms.ts";
import { overridePlan, resolvePlan, type PlanTerms } from "../../src/domain/plan.ts";

const REAL = 1_000_000;
const paying = resolvePlan({ name: "pay-per-use", monthlySpendCapMicros: 5000 * REAL }, 0);
const trial = resolvePlan({ name: "trial" }, 0);
const at = (unitPriceMicros: number) => [{ upTo: null, unitPriceMicros }];

describe("a change of plan", () => {
  test.each<[string, Omit<PlanTerms, "name">, RegExp]>([
    ["the cap is taken away", { monthlySpendCapMicros: null }, /stolen key/],
    ["the cap is ten times as high", { monthlySpendCapMicros: 50_000 * REAL }, /spend cap changes/],
    ["the cap is a thousandth", { monthlySpendCapMicros: 5 * REAL }, /spend cap changes/],
    ["lookups cost nothing", { tiers: at(0) }, /cost nothing/],
    ["the price is ten times as high", { tiers: at(1_500_000) }, /price changes/],
    ["the price is a tenth", { tiers: at(15_000) }, /price changes/],
    ["a later tier is dearer", { tiers: [{ upTo: 10, unitPriceMicros: 100_000 }, ...at(150_000)] }, /dearer/],
    ["the rate is ten times as high", { ratePerSecond: 500 }, /rate changes/],
    ["the rate is a tenth", { ratePerSecond: 5 }, /rate changes/],
    ["the cap is nothing", { monthlySpendCapMicros: 0 }, /every lookup that costs is refused/],
    ["it gets an allowance", { allowance: { requests: 5000 } }, /end when the allowance is used up/],
    ["its allowance is nothing", { allowance: { requests: 0 } }, /every lookup is refused/],
  ])("is asked about when %s", (_, terms, why) => {
    expect(dangersOf(paying, overridePlan(paying, terms)).join()).toMatch(why);
  });

  test.each<[string, Omit<PlanTerms, "name">]>([
    ["nothing changes", {}],
    ["a cap is set", { monthlySpendCapMicros: 4000 * REAL }],
    ["the price falls a little", { tiers: at(120_000) }],
    ["the rate doubles", { ratePerSecond: 100 }],
  ])("is not asked about when %s", (_, terms) => {
    expect(dangersOf(paying, overridePlan(paying, terms))).toEqual([]);
  });

  test("from a trial to paying is an everyday one; a free one without an end is not", () => {
    expect(dangersOf(trial, paying)).toEqual([]);
    expect(dangersOf(trial, overridePlan(trial, { allowance: null })).join()).toMatch(/no end/);
    expect(dangersOf(trial, resolvePlan({ name: "pay-per-use", tiers: at(0) }, 0)).join()).toMatch(/cost nothing/);
    // A plan's name begins the terms anew: the cap goes with them.
    expect(dangersOf(paying, resolvePlan({ name: "pay-per-use" }, 0)).join()).toMatch(/stolen key/);
  });

  test("of an allowance is asked about when it is tenfold, up or down", () => {
    const limited = overridePlan(paying, { allowance: { requests: 10_000 } });
    const to = (requests: number) => dangersOf(limited, overridePlan(limited, { allowance: { requests } }));
    expect(to(20_000)).toEqual([]);
    expect([to(100_000), to(1000)].join()).toMatch(/tenfold.*tenfold/);
    expect(to(0).join()).toMatch(/every lookup is refused/);
    expect(dangersOf(limited, overridePlan(limited, { allowance: null }))).toEqual([]);
  });

  test("is told from what to what", () => {
    expect(describeChanges(paying, overridePlan(paying, { monthlySpendCapMicros: null, ratePerSecond: 100 }))).toEqual([
      "Rate: 50 a second, burst 50 → 100 a second, burst 100",
      "Spend cap: BRL 5000.0000 a month → none",
    ]);
    expect(describeChanges(paying, overridePlan(paying, { readsPerMinute: 30 }))).toEqual([
      "Reads: 120 a minute → 30 a minute",
    ]);
    expect(describeChanges(paying, paying)).toEqual([]);
  });
});

describe("a plan's options", () => {
  test("give every term of a plan", () => {
    const command = addPlanOptions(new Command()).option("--plan <name>");
    const terms = planTerms(
      command
        .parse("--plan pay-per-use --allowance 5 --price 0.2 --rate 2 --burst 3 --spend-cap 10 --reads 30".split(" "), {
          from: "user",
        })
        .opts(),
      null,
    );
    expect(terms).toEqual({
      name: "pay-per-use",
      allowance: { requests: 5 },
      tiers: at(200_000),
      ratePerSecond: 2,
      burst: 3,
      monthlySpendCapMicros: 10 * REAL,
      readsPerMinute: 30,
    });
  });
});
