import { expect, test } from "vitest";
import { EndedLookups, MOST_ENDED } from "../../../src/platform/ledger/ended_lookups.ts";

const KEPT_MS = 30_000;

test("what has ended is known for its time, and then no more", () => {
  const ended = new EndedLookups(KEPT_MS, [{ id: "restored", endedAtMs: 0 }]);
  ended.add("first", 10_000);
  ended.add("second", KEPT_MS - 1);
  expect(["restored", "first", "second", "other"].map((id) => ended.has(id))).toEqual([true, true, true, false]);
  ended.add("third", 10_000 + KEPT_MS);
  expect(["restored", "first", "second", "third"].map((id) => ended.has(id))).toEqual([false, false, true, true]);
});

test("a clock that was far ahead and has come back does not make it grow for ever", () => {
  const ended = new EndedLookups(KEPT_MS, []);
  const nowMs = 1_790_000_000_000;
  ended.add("from the future", nowMs + 86_400_000);
  for (let n = 0; n < MOST_ENDED; n += 1) ended.add(`lkp_${n}`, nowMs + n);
  expect(ended.has("from the future")).toBe(false);
  expect(ended.has(`lkp_${MOST_ENDED - 1}`)).toBe(true);
});
