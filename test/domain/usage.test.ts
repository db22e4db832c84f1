import fc from "fast-check";
import { expect, test } from "vitest";
import type { UsageCounts } from "../../src/domain/meter_event.ts";
import { addCounts, NO_USAGE, requestsOf } from "../../src/domain/usage.ts";

const NAMES = Object.keys(NO_USAGE) as (keyof UsageCounts)[];
const count = fc.nat({ max: 1_000_000 });
const counts: fc.Arbitrary<UsageCounts> = fc.record({
  delivered: count,
  notFound: count,
  rejected: count,
  failed: count,
  unknown: count,
  billed: count,
  amountMicros: count,
});

test("counts add up name by name, in any order and grouping", () => {
  fc.assert(
    fc.property(fc.array(counts), (all) => {
      const total = all.reduce(addCounts, NO_USAGE);
      for (const name of NAMES) expect(total[name]).toBe(all.reduce((sum, one) => sum + one[name], 0));
      expect(all.toReversed().reduce(addCounts, NO_USAGE)).toEqual(total);
      expect(requestsOf(total)).toBe(all.reduce((sum, one) => sum + requestsOf(one), 0));
    }),
  );
});

test("requests are the lookups that ended, however they ended; what was billed is among them", () => {
  for (const outcome of ["delivered", "notFound", "rejected", "failed", "unknown"] as const) {
    expect(requestsOf({ ...NO_USAGE, [outcome]: 3, billed: 2, amountMicros: 300_000 })).toBe(3);
  }
});
