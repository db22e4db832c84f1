import { describe, expect, test } from "vitest";
import { overridePlan, resolvePlan, type Plan, type PlanTerms } from "../../src/domain/plan.ts";

const CREATED_MS = Date.parse("2026-11-30T15:00:00Z");
const TRIAL = resolvePlan({ name: "trial" }, CREATED_MS);
const PAID = resolvePlan({ name: "pay-per-use" }, CREATED_MS);

describe("a plan's name alone", () => {
  test("trial: 1000 requests within three months of the tenant's creation, for nothing", () => {
    expect(TRIAL).toEqual({
      name: "trial",
      // São Paulo's 30 February is its 28th.
      allowance: { requests: 1000, endsAt: "2027-02-28T15:00:00.000Z" },
      tiers: [{ upTo: null, unitPriceMicros: 0 }],
      ratePerSecond: 50,
      burst: 50,
      monthlySpendCapMicros: null,
    });
  });

  test("pay-per-use: no allowance, no cap, one price", () => {
    expect(PAID).toEqual({
      name: "pay-per-use",
      allowance: null,
      tiers: [{ upTo: null, unitPriceMicros: 150_000 }],
      ratePerSecond: 50,
      burst: 50,
      monthlySpendCapMicros: null,
    });
  });
});

describe("terms beside the name", () => {
  test("override what they name and nothing else", () => {
    const tiers = [{ upTo: null, unitPriceMicros: 90_000 }];
    expect(resolvePlan({ name: "pay-per-use", tiers }, CREATED_MS)).toEqual({ ...PAID, tiers });
    const capped = { name: "pay-per-use", monthlySpendCapMicros: 0 } as const;
    expect(resolvePlan(capped, CREATED_MS)).toEqual({ ...PAID, monthlySpendCapMicros: 0 });
  });

  test("are each in the plan: none is dropped, at its making or later", () => {
    const terms = {
      name: "pay-per-use",
      allowance: { requests: 5, endsAt: null },
      tiers: [{ upTo: null, unitPriceMicros: 90_000 }],
      ratePerSecond: 2,
      burst: 3,
      monthlySpendCapMicros: 4,
      readsPerMinute: 6,
    } satisfies Required<PlanTerms> & Required<Plan>;
    expect(resolvePlan(terms, CREATED_MS)).toEqual(terms);
    expect(overridePlan(overridePlan(PAID, terms), {})).toEqual(terms);
  });

  test("an allowance without an end keeps the end that there is; null takes it away", () => {
    const endsAt = TRIAL.allowance?.endsAt;
    expect(overridePlan(TRIAL, { allowance: { requests: 5 } }).allowance).toEqual({ requests: 5, endsAt });
    expect(overridePlan(TRIAL, { allowance: { requests: 5, endsAt: null } }).allowance).toEqual({
      requests: 5,
      endsAt: null,
    });
    expect(overridePlan(TRIAL, { allowance: null }).allowance).toBeNull();
    expect(overridePlan(TRIAL, {}).allowance).toEqual(TRIAL.allowance);
    expect(overridePlan(PAID, { allowance: { requests: 5 } }).allowance).toEqual({ requests: 5, endsAt: null });
  });

  test("a new rate without a burst is its own burst, at least one", () => {
    const burstOf = (terms: Parameters<typeof overridePlan>[1]) => overridePlan(PAID, terms).burst;
    expect([{ ratePerSecond: 200 }, { ratePerSecond: 2.5 }, { ratePerSecond: 0.01 }].map(burstOf)).toEqual([200, 3, 1]);
    expect([{ ratePerSecond: 200, burst: 7 }, { burst: 7 }, {}].map(burstOf)).toEqual([7, 7, 50]);
  });

  test("a cap is taken away by null, and kept by saying nothing", () => {
    const capped = overridePlan(PAID, { monthlySpendCapMicros: 5 });
    expect(overridePlan(capped, {}).monthlySpendCapMicros).toBe(5);
    expect(overridePlan(capped, { monthlySpendCapMicros: null }).monthlySpendCapMicros).toBeNull();
  });
});
