import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideLimits, type LimitState } from "../../src/domain/admission.ts";
import { ampleRoom, PromisedLookups, WORD_AND_WAY_MS } from "../../src/domain/ample_room.ts";
import type { KeyGrant } from "../../src/domain/authorization.ts";
import { resolvePlan, type Plan } from "../../src/domain/plan.ts";
import { graduatedAmountMicros } from "../../src/domain/pricing.ts";
import { FULL_BUCKET } from "../../src/domain/rate_limit.ts";

const NOW_MS = Date.parse("2026-11-23T12:00:00.000-03:00");
const KEY: KeyGrant = { keyId: "key", scopes: ["scores:read"], expiresAtMs: null, revokedAtMs: null, allowedIps: [] };
const FAR: Plan = { ...resolvePlan({ name: "pay-per-use" }, 0), ratePerSecond: 50, burst: 50 };

function stateOf(changes: Partial<LimitState>): LimitState {
  const nothing = { allowanceUsed: 0, billedInPeriod: 0, spentInPeriodMicros: 0, held: [], bucket: FULL_BUCKET };
  return { nowMs: NOW_MS, plan: FAR, ...nothing, ...changes };
}

const tiers = fc
  .tuple(fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 1, max: 800 }))
  .map(([first, second, upTo]) => [
    { upTo, unitPriceMicros: first },
    { upTo: null, unitPriceMicros: second },
  ]);

/** A tenant somewhere on its way to its limits. */
const somewhere = fc
  .record({
    tiers,
    ratePerSecond: fc.integer({ min: 1, max: 60 }),
    burst: fc.integer({ min: 1, max: 60 }),
    requests: fc.option(fc.integer({ min: 0, max: 1500 })),
    used: fc.integer({ min: 0, max: 1200 }),
    capMicros: fc.option(fc.integer({ min: 0, max: 400_000_000 })),
    held: fc.integer({ min: 0, max: 20 }),
    missing: fc.integer({ min: 0, max: 60 }),
  })
  .map((made) => {
    const { requests, used, held } = made;
    const plan: Plan = {
      ...FAR,
      ...made,
      allowance: requests === null ? null : { requests, endsAt: null },
      monthlySpendCapMicros: made.capMicros,
    };
    const spentInPeriodMicros = graduatedAmountMicros(plan.tiers, 0, used);
    const bucket = { missing: Math.min(made.missing, made.burst), atMs: NOW_MS };
    const open = held === 0 ? [] : [{ tiers: plan.tiers, count: held }];
    return stateOf({ plan, allowanceUsed: used, billedInPeriod: used, spentInPeriodMicros, held: open, bucket });
  });

describe("the word that there is ample room", () => {
  test("is kept by allowance and spend cap, whatever is admitted until its last lookup arrives", () => {
    let given = 0;
    const pauses = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 30, maxLength: 60 });
    fc.assert(
      fc.property(somewhere, pauses, fc.integer({ min: 1, max: 32 }), (start, steps, asked) => {
        const room = ampleRoom(start, KEY, { asked, promised: 0 });
        if (room === null) return;
        expect(room).toBeLessThanOrEqual(asked);
        given += 1;
        let state = start;
        for (const pauseMs of steps) {
          // As much as the rate lets through, all of it open: nothing is given back and nothing is cheaper than it seems.
          for (let refusal = null; refusal === null;) {
            const decision = decideLimits(state);
            refusal = decision.refusal;
            expect(refusal?.code ?? "rate_limited").toBe("rate_limited");
            const count = (state.held[0]?.count ?? 0) + (refusal === null ? 1 : 0);
            state = { ...state, bucket: decision.bucket, held: [{ tiers: state.plan.tiers, count }] };
          }
          const nowMs = Math.min(state.nowMs + pauseMs, start.nowMs + WORD_AND_WAY_MS);
          state = { ...state, nowMs };
        }
      }),
      { numRuns: 300 },
    );
    expect(given).toBeGreaterThan(20);
  });

  test("leaves three quarters of the tokens to who comes first, and promises none twice", () => {
    fc.assert(
      fc.property(somewhere, fc.array(fc.integer({ min: 1, max: 32 }), { maxLength: 20 }), (state, asks) => {
        let promised = 0;
        for (const asked of asks) promised += ampleRoom(state, KEY, { asked, promised }) ?? 0;
        const tokens = state.plan.burst - state.bucket.missing;
        expect(promised).toBeLessThanOrEqual(tokens / 4);
      }),
    );
  });

  test("is taken back when the bucket runs low, and only not extended while as much is promised as may be", () => {
    const at = (missing: number, promised: number) => {
      return ampleRoom(stateOf({ bucket: { missing, atMs: NOW_MS } }), KEY, { asked: 32, promised });
    };
    expect([at(0, 0), at(0, 5), at(0, 12), at(10, 10), at(10, 11), at(50, 0)]).toEqual([12, 7, 0, 0, null, 0]);
  });

  test("is not given near an end: of the key, of the allowance", () => {
    const soon = NOW_MS + WORD_AND_WAY_MS;
    const options = { asked: 8, promised: 0 };
    const ending = (endMs: number) => {
      const allowance = { requests: 100_000, endsAt: new Date(endMs).toISOString() };
      return stateOf({ plan: { ...FAR, allowance } });
    };
    expect(ampleRoom(stateOf({}), { ...KEY, expiresAtMs: soon }, options)).toBeNull();
    expect(ampleRoom(stateOf({}), { ...KEY, expiresAtMs: soon + 1 }, options)).toBe(8);
    expect(ampleRoom(ending(soon), KEY, options)).toBeNull();
    expect(ampleRoom(ending(soon + 1), KEY, options)).toBe(8);
  });

  test("is not given to a key that only some addresses may use", () => {
    const bound = { ...KEY, allowedIps: ["203.0.113.0/24"] };
    expect(ampleRoom(stateOf({}), bound, { asked: 8, promised: 0 })).toBeNull();
  });

  test("is for no trial that could end within it, and for a fresh one", () => {
    const trial = { ...resolvePlan({ name: "trial" }, NOW_MS), ratePerSecond: 50, burst: 50 };
    const given = (allowanceUsed: number) => {
      return ampleRoom(stateOf({ plan: trial, allowanceUsed }), KEY, { asked: 8, promised: 0 });
    };
    expect(given(0)).toBe(8);
    expect(given(700)).toBe(8);
    expect(given(701)).toBeNull();
  });
});

describe("promised lookups", () => {
  test("are used up one by one, and end with their word", () => {
    const promised = new PromisedLookups();
    promised.add(2, 1000);
    promised.add(0, 9000);
    promised.add(1, 2000);
    expect([promised.left(0), promised.endMs(0)]).toEqual([3, 2000]);
    expect([promised.take(500), promised.left(500)]).toEqual([true, 2]);
    expect([promised.left(1000), promised.take(1000), promised.take(1000)]).toEqual([1, true, false]);
    expect([promised.left(1000), promised.endMs(1000)]).toEqual([0, null]);
  });

  test("never stand for more than was given, nor past an end", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ give: fc.integer({ min: 0, max: 5 }), forMs: fc.integer({ min: 1, max: 50 }) }),
        fc.record({ waitMs: fc.integer({ min: 0, max: 30 }) }),
        fc.constant("take" as const),
      ),
    );
    fc.assert(
      fc.property(steps, (run) => {
        const promised = new PromisedLookups();
        let words: { left: number; endsAtMs: number }[] = [];
        let nowMs = 0;
        for (const step of run) {
          if (step === "take") {
            const word = words.find(({ left }) => left > 0);
            expect(promised.take(nowMs)).toBe(word !== undefined);
            if (word !== undefined) word.left -= 1;
          } else if ("waitMs" in step) nowMs += step.waitMs;
          else {
            promised.add(step.give, nowMs + step.forMs);
            words.push({ left: step.give, endsAtMs: nowMs + step.forMs });
          }
          words = words.filter(({ endsAtMs }) => endsAtMs > nowMs);
          expect(promised.left(nowMs)).toBe(words.reduce((sum, { left }) => sum + left, 0));
        }
      }),
    );
  });
});
