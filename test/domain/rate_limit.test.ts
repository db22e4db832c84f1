import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bucketLevel,
  FULL_BUCKET,
  refilled,
  takeToken,
  type Bucket,
  type RateLimit,
  underLimit,
} from "../../src/domain/rate_limit.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
/** Rates in hundredths of a token a second, so that the model can count in whole numbers. */
const UNITS_A_TOKEN = 100_000;
const limits = fc.record({
  rateHundredths: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constantFrom(1, 130, 300, 700, 1_000_000)),
  burst: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })),
});
const limitOf = (given: { rateHundredths: number; burst: number }): RateLimit => ({
  ratePerSecond: given.rateHundredths / 100,
  burst: given.burst,
});

describe("takeToken", () => {
  test("counts as a bucket of whole units does, whatever the rate, the burst and the times", () => {
    fc.assert(
      fc.property(limits, fc.array(fc.nat(5000), { maxLength: 300 }), (given, pausesMs) => {
        const limit = limitOf(given);
        let nowMs = NOW_MS;
        let units = given.burst * UNITS_A_TOKEN;
        let bucket: Bucket = FULL_BUCKET;
        for (const pauseMs of pausesMs) {
          nowMs += pauseMs;
          units = Math.min(units + pauseMs * given.rateHundredths, given.burst * UNITS_A_TOKEN);
          expect(bucketLevel(limit, bucket, nowMs).remaining).toBe(Math.floor(units / UNITS_A_TOKEN));
          const decision = takeToken(limit, bucket, nowMs);
          expect(decision.allowed).toBe(units >= UNITS_A_TOKEN);
          if (decision.allowed) units -= UNITS_A_TOKEN;
          expect(decision.remaining).toBe(Math.floor(units / UNITS_A_TOKEN));
          bucket = decision.bucket;
        }
      }),
      { numRuns: 300 },
    );
  });

  test("gives a whole burst at one instant, and not one more", () => {
    for (const limit of [
      { ratePerSecond: 10_000, burst: 100_000 },
      { ratePerSecond: 0.01, burst: 7 },
      { ratePerSecond: 50, burst: 50 },
    ]) {
      let bucket: Bucket = FULL_BUCKET;
      let given = 0;
      for (let asked = 0; asked < limit.burst + 3; asked += 1) {
        const decision = takeToken(limit, bucket, NOW_MS);
        bucket = decision.bucket;
        if (decision.allowed) given += 1;
      }
      expect(given).toBe(limit.burst);
    }
  });

  test("whoever waits as told is let in, and a millisecond earlier is not", () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 40 }), (given, asked) => {
        const limit = limitOf({ ...given, burst: Math.min(given.burst, 30) });
        let bucket: Bucket = FULL_BUCKET;
        for (let i = 0; i < asked + limit.burst; i += 1) bucket = takeToken(limit, bucket, NOW_MS).bucket;
        const { remaining, resetMs } = bucketLevel(limit, bucket, NOW_MS);
        expect(remaining).toBe(0);
        expect(takeToken(limit, bucket, NOW_MS + Math.ceil(resetMs)).allowed).toBe(true);
        if (resetMs > 1) expect(takeToken(limit, bucket, NOW_MS + Math.ceil(resetMs) - 1).allowed).toBe(false);
      }),
    );
  });

  test("a clock that jumps back locks nobody out, and gives nothing away", () => {
    const limit = { ratePerSecond: 1, burst: 5 };
    let bucket: Bucket = FULL_BUCKET;
    for (let i = 0; i < 5; i += 1) bucket = takeToken(limit, bucket, NOW_MS).bucket;
    const earlier = takeToken(limit, bucket, NOW_MS - 3_600_000);
    expect(earlier.allowed).toBe(false);
    expect(earlier.resetMs).toBe(1000);
    expect(takeToken(limit, earlier.bucket, NOW_MS - 3_599_000).allowed).toBe(true);
  });

  test("what was gained before the rate changed is gained at the old rate", () => {
    const fast = { ratePerSecond: 10, burst: 3 };
    let bucket: Bucket = FULL_BUCKET;
    for (let i = 0; i < 3; i += 1) bucket = takeToken(fast, bucket, NOW_MS).bucket;
    const slow = { ratePerSecond: 0.01, burst: 3 };
    expect(bucketLevel(slow, refilled(fast, bucket, NOW_MS + 250), NOW_MS + 250).remaining).toBe(2);
  });

  test("a smaller burst holds for a bucket that was emptied under a larger one", () => {
    let bucket: Bucket = FULL_BUCKET;
    for (let i = 0; i < 100; i += 1) bucket = takeToken({ ratePerSecond: 1, burst: 100 }, bucket, NOW_MS).bucket;
    const smaller = { ratePerSecond: 1, burst: 2 };
    const lowered = takeToken(smaller, underLimit(smaller, bucket), NOW_MS);
    expect(lowered).toMatchObject({ allowed: false, remaining: 0, resetMs: 1000 });
  });
});
