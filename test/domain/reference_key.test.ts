import { describe, expect, test } from "vitest";
import { endOfReferencesMs, isEndCertain, nextReferenceKey, referenceKeyAt } from "../../src/domain/reference_key.ts";

const DAY_MS = 24 * 3_600_000;
const END_MS = Date.UTC(2032, 0, 1, 3);
const EARLIER = { isolateMs: END_MS, storeMs: END_MS };
const NOW = { isolateMs: END_MS + DAY_MS, storeMs: END_MS + DAY_MS };

describe("the end of a key", () => {
  test("is certain by two clocks at two times, a day apart", () => {
    expect(isEndCertain(END_MS, EARLIER, NOW)).toBe(true);
    expect(isEndCertain(END_MS, EARLIER, { ...NOW, storeMs: NOW.storeMs - 1 })).toBe(false);
  });

  test.each(["isolateMs", "storeMs"] as const)("is not certain while one reading of %s is before it", (clock) => {
    expect(isEndCertain(END_MS, { ...EARLIER, [clock]: END_MS - 1 }, NOW)).toBe(false);
    expect(isEndCertain(END_MS, EARLIER, { ...NOW, [clock]: END_MS - 1 })).toBe(false);
  });

  test.each([
    ["2026", Date.UTC(2026, 5), 5, Date.UTC(2032, 0, 1, 3)],
    ["2026", Date.UTC(2025, 11, 30), 1, Date.UTC(2028, 0, 1, 3)],
    ["2001", Date.UTC(2026, 5), 5, Date.UTC(2032, 0, 1, 3)],
    ["v1", Date.UTC(2026, 5), 5, Date.UTC(2032, 0, 1, 3)],
    ["9999", Date.UTC(2026, 5), 5, Number.POSITIVE_INFINITY],
  ])("of %s, made %i, after %i years", (name, madeAtMs, years, endMs) => {
    expect(endOfReferencesMs({ name, madeAtMs }, years)).toBe(endMs);
  });
});

test("a key is of São Paulo's year", () => {
  expect([referenceKeyAt(Date.UTC(2027, 0, 1, 3) - 1), referenceKeyAt(Date.UTC(2027, 0, 1, 3))]).toEqual([
    "2026",
    "2027",
  ]);
  expect(nextReferenceKey("2026")).toBe("2027");
});
