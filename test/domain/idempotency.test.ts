import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ANSWER_KEPT_MS, decideIdempotency, KEY_KEPT_MS, type KeptRequest } from "../../src/domain/idempotency.ts";

const MADE_MS = Date.parse("2026-11-23T15:00:00Z");
const ANSWER = new Uint8Array([1, 2, 3]);
const ENDED: KeptRequest = { requestHash: "a", createdAtMs: MADE_MS, state: "ended", answer: ANSWER };
const RUNNING: KeptRequest = { ...ENDED, state: "running", answer: null };
const ERASED: KeptRequest = { ...ENDED, state: "erased", answer: null };
const DAY_MS = 86_400_000;

describe("a request with an idempotency key", () => {
  test("is kept as the contract says: the answer for a day, the key for 35", () => {
    expect([ANSWER_KEPT_MS, KEY_KEPT_MS]).toEqual([DAY_MS, 35 * DAY_MS]);
  });

  test.each([
    ["that nobody knows is new", undefined, "a", 0, "new"],
    ["that has ended is answered again", ENDED, "a", 1, "replay"],
    ["that has ended is answered again to the day's last millisecond", ENDED, "a", DAY_MS - 1, "replay"],
    ["that has ended a day ago has expired", ENDED, "a", DAY_MS, "expired"],
    ["that has ended has expired to the 35th day's last millisecond", ENDED, "a", 35 * DAY_MS - 1, "expired"],
    ["that was made 35 days ago is new", ENDED, "a", 35 * DAY_MS, "new"],
    ["that still runs is in progress", RUNNING, "a", 1, "in_progress"],
    ["that still runs after a day is in progress", RUNNING, "a", DAY_MS, "in_progress"],
    ["with another body is refused", ENDED, "b", 1, "mismatch"],
    ["with another body is refused while the first runs", RUNNING, "b", 1, "mismatch"],
    ["with another body is refused after a day", ENDED, "b", DAY_MS, "mismatch"],
    ["with another body is new after 35 days", ENDED, "b", 35 * DAY_MS, "new"],
    ["that comes before its first, by a clock that jumped back, is answered again", ENDED, "a", -1, "replay"],
    ["whose answer was erased before the clock jumped back has expired", ERASED, "a", DAY_MS - 1, "expired"],
    ["whose answer was erased is refused with another body", ERASED, "b", DAY_MS, "mismatch"],
    ["whose answer was erased is new after 35 days", ERASED, "a", 35 * DAY_MS, "new"],
  ] as const)("%s", (_name, kept, requestHash, ageMs, kind) => {
    expect(decideIdempotency(kept, requestHash, MADE_MS + ageMs).kind).toBe(kind);
  });

  test("gets the very answer that was kept, also when none could be", () => {
    for (const answer of [ANSWER, null]) {
      expect(decideIdempotency({ ...ENDED, answer }, "a", MADE_MS)).toEqual({ kind: "replay", answer });
    }
  });

  test("is never charged twice within 35 days: it is new only when nothing is known of it", () => {
    const kept = fc.record({
      requestHash: fc.constantFrom("a", "b"),
      createdAtMs: fc.constant(MADE_MS),
      state: fc.constantFrom("running" as const, "ended" as const, "erased" as const),
      answer: fc.constantFrom(ANSWER, null),
    });
    fc.assert(
      fc.property(kept, fc.nat({ max: 36 * DAY_MS }), (known, ageMs) => {
        const decision = decideIdempotency(known, "a", MADE_MS + ageMs);
        expect(decision.kind === "new").toBe(ageMs >= 35 * DAY_MS);
      }),
    );
  });
});
