import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limitNotices, refuseLimits, usesAllowance, type LimitState } from "../../../src/domain/ledger/limits.ts";
import { OUTCOMES, type Outcome } from "../../../src/domain/meter_event.ts";
import { periodOf } from "../../../src/domain/period.ts";
import { resolvePlan, type Plan, type PriceTier } from "../../../src/domain/plan.ts";
import { unitPriceMicros } from "../../../src/domain/pricing.ts";
import { FULL_BUCKET, takeToken, type Bucket } from "../../../src/domain/rate_limit.ts";

const FOREVER = { ratePerSecond: 10_000, burst: 100_000 };
const BASE: Plan = { ...resolvePlan({ name: "pay-per-use" }, 0), ...FOREVER };
const NOW_MS = Date.parse("2026-11-23T12:00:00.000-03:00");

/** Decides on one lookup more, and takes its token and its place where it may be made. */
function decideLimits(state: LimitState) {
  const refusal = refuseLimits(state);
  if (refusal !== null) return { refusal, bucket: state.bucket, notices: limitNotices(state) };
  const { bucket } = takeToken(state.plan, state.bucket, state.nowMs);
  const held = [...state.held, { tiers: state.plan.tiers, count: 1 }];
  return { refusal, bucket, notices: limitNotices({ ...state, bucket, held }) };
}

function stateOf(changes: Partial<LimitState>): LimitState {
  const nothing = {
    mode: "live" as const,
    granted: 0,
    testLookupsToday: 0,
    key: null,
    allowanceUsed: 0,
    tieredInPeriod: 0,
    spentInPeriodMicros: 0,
    held: [],
    bucket: FULL_BUCKET,
  };
  return { nowMs: NOW_MS, plan: BASE, ...nothing, ...changes };
}

/** Everything that was ever admitted, one by one: the sums are made anew for each question. */
type Lookup = { readonly tiers: readonly PriceTier[]; ended: Outcome | null; price: number; atMs: number };

class NaiveLedger {
  readonly lookups: Lookup[] = [];

  state(plan: Plan, nowMs: number): LimitState {
    const open = this.lookups.filter((lookup) => lookup.ended === null);
    const held = [...new Set(open.map((lookup) => lookup.tiers))].map((tiers) => ({
      tiers,
      count: open.filter((lookup) => lookup.tiers === tiers).length,
    }));
    return stateOf({
      nowMs,
      plan,
      held,
      allowanceUsed: this.lookups.filter(({ ended }) => ended !== null && ended !== "failed").length,
      tieredInPeriod: this.billed(nowMs).length,
      spentInPeriodMicros: this.spent(nowMs),
    });
  }

  billed(nowMs: number): Lookup[] {
    return this.lookups.filter((lookup) => lookup.ended === "delivered" && periodOf(lookup.atMs) === periodOf(nowMs));
  }

  spent(nowMs: number): number {
    return this.billed(nowMs).reduce((sum, lookup) => sum + lookup.price, 0);
  }

  /** Ends the oldest open lookup that `pick` names, at the price of its place in the month. */
  settle(pick: number, outcome: Outcome, nowMs: number): void {
    const open = this.lookups.filter((lookup) => lookup.ended === null);
    const lookup = open[pick % Math.max(open.length, 1)];
    if (lookup === undefined) return;
    lookup.price = outcome === "delivered" ? unitPriceMicros(lookup.tiers, this.billed(nowMs).length + 1) : 0;
    lookup.ended = outcome;
    lookup.atMs = nowMs;
  }

  get open(): number {
    return this.lookups.filter((lookup) => lookup.ended === null).length;
  }
}

const prices = fc.integer({ min: 0, max: 400_000 });
const tiersOf = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
    fc.array(prices, { minLength: 4, maxLength: 4 }),
  )
  .map(([bounds, unitPrices]): PriceTier[] =>
    [...bounds.toSorted((left, right) => left - right), null].map((upTo, index) => ({
      upTo,
      unitPriceMicros: unitPrices[index] ?? 0,
    })),
  );
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("admit" as const), times: fc.integer({ min: 1, max: 8 }) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("settle" as const),
        pick: fc.nat(30),
        outcome: fc.constantFrom(...OUTCOMES),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reprice" as const), tiers: tiersOf }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), days: fc.integer({ min: 1, max: 20 }) }) },
  ),
  { maxLength: 120 },
);

describe("decideLimits, against a ledger that counts everything anew", () => {
  test("grants exactly the allowance: what is open counts, what failed comes back, what is refused takes nothing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 25 }), steps, (requests, moves) => {
        const ledger = new NaiveLedger();
        const plan: Plan = { ...BASE, allowance: { requests, endsAt: null } };
        for (const move of moves) {
          if (move.kind === "settle") ledger.settle(move.pick, move.outcome, NOW_MS);
          for (let time = 0; move.kind === "admit" && time < move.times; time += 1) {
            const taken = ledger.lookups.filter(({ ended }) => ended === null || usesAllowance(ended)).length;
            const { refusal, notices } = decideLimits(ledger.state(plan, NOW_MS));
            expect(refusal?.code).toBe(taken < requests ? undefined : "quota_exceeded");
            expect(refusal?.retryAfterSeconds).toBeUndefined();
            expect(notices.allowance?.remaining).toBe(Math.max(requests - taken - (refusal === null ? 1 : 0), 0));
            if (refusal === null) ledger.lookups.push({ tiers: plan.tiers, ended: null, price: 0, atMs: NOW_MS });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("never spends more than the cap in a month, in whatever order lookups end and prices change", () => {
    fc.assert(
      fc.property(tiersOf, fc.integer({ min: 0, max: 3_000_000 }), steps, (tiers, capMicros, moves) => {
        const ledger = new NaiveLedger();
        let plan: Plan = { ...BASE, tiers, monthlySpendCapMicros: capMicros };
        let nowMs = NOW_MS;
        for (const move of moves) {
          if (move.kind === "reprice") plan = { ...plan, tiers: move.tiers };
          if (move.kind === "wait") {
            // Nothing stays open for days: it ends as `unknown` long before.
            while (ledger.open > 0) ledger.settle(0, "unknown", nowMs);
            nowMs += move.days * 86_400_000;
          }
          if (move.kind === "settle") ledger.settle(move.pick, move.outcome, nowMs);
          for (let time = 0; move.kind === "admit" && time < move.times; time += 1) {
            const { refusal } = decideLimits(ledger.state(plan, nowMs));
            const open = ledger.lookups.filter((lookup) => lookup.ended === null);
            if (open.every((lookup) => lookup.tiers === plan.tiers)) {
              // One price list: the bound is exact. The next one fits if all that is open and it were delivered.
              let worst = ledger.spent(nowMs);
              const first = ledger.billed(nowMs).length + 1;
              for (let n = 0; n <= open.length; n += 1) worst += unitPriceMicros(plan.tiers, first + n);
              expect(refusal?.code).toBe(worst <= capMicros ? undefined : "spend_cap_reached");
            }
            if (refusal === null) ledger.lookups.push({ tiers: plan.tiers, ended: null, price: 0, atMs: nowMs });
          }
          expect(ledger.spent(nowMs)).toBeLessThanOrEqual(capMicros);
        }
        while (ledger.open > 0) ledger.settle(0, "delivered", nowMs);
        expect(ledger.spent(nowMs)).toBeLessThanOrEqual(capMicros);
      }),
      { numRuns: 500 },
    );
  });

  test("what another limit refuses takes no token, and no limit is told as smaller for it", () => {
    const plan: Plan = { ...BASE, ratePerSecond: 1, burst: 3, allowance: { requests: 0, endsAt: null } };
    const refused = decideLimits(stateOf({ plan }));
    expect(refused.refusal).toEqual({ code: "quota_exceeded" });
    expect(refused.bucket).toBe(FULL_BUCKET);
    expect(refused.notices).toEqual(limitNotices(stateOf({ plan })));
    expect(refused.notices.rate.remaining).toBe(3);
  });
});

describe("a client that obeys what it is told", () => {
  const plans = fc.record({
    ratePerSecond: fc.constantFrom(0.01, 0.3, 1, 3, 7, 50, 333),
    burst: fc.integer({ min: 1, max: 60 }),
    monthlySpendCapMicros: fc.option(fc.integer({ min: 0, max: 4_000_000 }), { nil: null }),
  });

  test("is never refused twice, and not once by the rate when it heeds RateLimit", () => {
    fc.assert(
      fc.property(plans, fc.boolean(), fc.array(fc.nat(3000), { maxLength: 250 }), (terms, heedsRateLimit, thinkMs) => {
        const plan: Plan = { ...BASE, ...terms };
        let nowMs = NOW_MS;
        let bucket: Bucket = FULL_BUCKET;
        let spent = { period: periodOf(nowMs), micros: 0, count: 0 };
        let waited = false;
        for (const pauseMs of thinkMs) {
          nowMs += heedsRateLimit ? 0 : Math.floor(pauseMs / 100);
          if (periodOf(nowMs) !== spent.period) spent = { period: periodOf(nowMs), micros: 0, count: 0 };
          const state = stateOf({
            nowMs,
            plan,
            bucket,
            tieredInPeriod: spent.count,
            spentInPeriodMicros: spent.micros,
          });
          const { refusal, notices, bucket: left } = decideLimits(state);
          bucket = left;
          if (refusal !== null) {
            expect(waited, "refused after having waited").toBe(false);
            expect(heedsRateLimit && refusal.code === "rate_limited", "refused in spite of RateLimit").toBe(false);
            if (refusal.retryAfterSeconds === undefined) return;
            expect(Number.isInteger(refusal.retryAfterSeconds) && refusal.retryAfterSeconds > 0).toBe(true);
            nowMs += refusal.retryAfterSeconds * 1000;
            waited = true;
            continue;
          }
          waited = false;
          spent = {
            ...spent,
            count: spent.count + 1,
            micros: spent.micros + unitPriceMicros(plan.tiers, spent.count + 1),
          };
          // Whole seconds are what the headers have: with none left, it waits for `t`.
          if (heedsRateLimit && notices.rate.remaining === 0) nowMs += (notices.rate.resetSeconds ?? 0) * 1000;
        }
      }),
      { numRuns: 500 },
    );
  });

  test("is not told to wait for a month that will not help", () => {
    const plan: Plan = { ...BASE, monthlySpendCapMicros: 149_999 };
    expect(decideLimits(stateOf({ plan })).refusal).toEqual({ code: "spend_cap_reached" });
  });
});

describe("the trial", () => {
  /** Created, and the first instant at which it is over. */
  test.each([
    ["an ordinary day", "2026-11-23T12:00:00.000-03:00", "2027-02-23T12:00:00.000-03:00"],
    ["a month's last day into a shorter month", "2026-11-30T23:59:59.999-03:00", "2027-02-28T23:59:59.999-03:00"],
    ["into 29 February", "2027-11-30T08:00:00.000-03:00", "2028-02-29T08:00:00.000-03:00"],
    ["from 29 February", "2028-02-29T00:00:00.000-03:00", "2028-05-29T00:00:00.000-03:00"],
    ["over the new year", "2026-12-31T23:59:59.999-03:00", "2027-03-31T23:59:59.999-03:00"],
    ["into summer time", "2018-08-15T10:00:00.000-03:00", "2018-11-15T10:00:00.000-02:00"],
    ["out of summer time", "2018-11-20T10:00:00.000-02:00", "2019-02-20T10:00:00.000-03:00"],
    ["to a midnight that the clocks skipped", "2018-08-04T00:00:00.000-03:00", "2018-11-04T01:00:00.000-02:00"],
    ["to an hour that came twice: the first", "2017-11-17T23:30:00.000-02:00", "2018-02-17T23:30:00.000-02:00"],
  ])("lasts three months of São Paulo to the millisecond: %s", (_case, created, ends) => {
    const plan = { ...resolvePlan({ name: "trial" }, Date.parse(created)), ...FOREVER };
    const endsAtMs = Date.parse(ends);
    expect(plan.allowance).toEqual({ requests: 1000, endsAt: new Date(endsAtMs).toISOString() });
    expect(decideLimits(stateOf({ plan, nowMs: endsAtMs - 1, allowanceUsed: 999 })).refusal).toBeNull();
    expect(decideLimits(stateOf({ plan, nowMs: endsAtMs - 1, allowanceUsed: 1000 })).refusal?.code).toBe(
      "quota_exceeded",
    );
    for (const nowMs of [endsAtMs, endsAtMs + 1]) {
      expect(decideLimits(stateOf({ plan, nowMs })).refusal).toEqual({ code: "trial_ended" });
    }
  });

  test("of another plan, an allowance that has ended is a quota, not a trial", () => {
    const plan: Plan = { ...BASE, allowance: { requests: 10, endsAt: new Date(NOW_MS).toISOString() } };
    expect(decideLimits(stateOf({ plan })).refusal).toEqual({ code: "quota_exceeded" });
  });
});

describe("the month of the spend cap", () => {
  test.each([
    ["2026-12-01T00:00:00.000-03:00"],
    ["2027-01-01T00:00:00.000-03:00"],
    ["2028-03-01T00:00:00.000-03:00"],
    ["2018-12-01T00:00:00.000-02:00"],
    ["2019-02-01T00:00:00.000-02:00"],
    ["2019-03-01T00:00:00.000-03:00"],
  ])("ends at %s to the millisecond, and Retry-After leads into the next one", (end) => {
    const endMs = Date.parse(end);
    const plan: Plan = { ...BASE, monthlySpendCapMicros: 1_000_000 };
    for (const [beforeMs, seconds] of [
      [1, 1],
      [1000, 1],
      [1001, 2],
      [86_400_000, 86_400],
    ] as const) {
      const { refusal } = decideLimits(stateOf({ plan, nowMs: endMs - beforeMs, spentInPeriodMicros: 1_000_000 }));
      expect(refusal).toMatchObject({ code: "spend_cap_reached", retryAfterSeconds: seconds });
      expect(periodOf(endMs - beforeMs + seconds * 1000)).toBe(periodOf(endMs));
    }
    expect(periodOf(endMs - 1)).not.toBe(periodOf(endMs));
  });
});

describe("a key's own monthly cap", () => {
  const tiers = [
    { upTo: 3, unitPriceMicros: 150_000 },
    { upTo: null, unitPriceMicros: 10_000 },
  ];
  const keyOf = (open: number, spentInPeriodMicros: number) => ({
    limits: { monthlySpendCapMicros: 300_000 },
    lookupsToday: 0,
    spentInPeriodMicros,
    open,
    bucket: FULL_BUCKET,
  });

  test("is not passed by what ends after a month's turn, where the first tier is dearer", () => {
    const decide = (open: number) =>
      refuseLimits(
        stateOf({
          plan: { ...BASE, tiers },
          tieredInPeriod: 100,
          held: open === 0 ? [] : [{ tiers, count: open }],
          key: keyOf(open, 0),
        }),
      )?.code ?? null;
    // Two at 0.15 in the new month are the cap; a third would pass it, whatever it would cost in this one.
    expect([0, 1, 2].map(decide)).toEqual([null, null, "key_limit_reached"]);
  });

  test("holds whenever lookups end, in this month or the next", () => {
    fc.assert(
      fc.property(
        fc.nat(10),
        fc.nat(6),
        fc.integer({ min: 0, max: 30 }).map((n) => n * 10_000),
        (tieredInPeriod, open, spent) => {
          const held = open === 0 ? [] : [{ tiers, count: open }];
          const state = stateOf({ plan: { ...BASE, tiers }, tieredInPeriod, held, key: keyOf(open, spent) });
          if (refuseLimits(state) !== null) return;
          for (let before = 0; before <= open + 1; before += 1) {
            const priceFrom = (taken: number, count: number) =>
              Array.from({ length: count }, (_, n) => unitPriceMicros(tiers, taken + n + 1)).reduce((a, b) => a + b, 0);
            expect(spent + priceFrom(tieredInPeriod, before)).toBeLessThanOrEqual(300_000);
            expect(priceFrom(0, open + 1 - before)).toBeLessThanOrEqual(300_000);
          }
        },
      ),
    );
  });
});
