import { expect, test } from "vitest";
import * as times from "../../../src/domain/ledger/times.ts";

/** The longest that Claro may be asked, by the settings' own bound, and as it is by default. */
const CLARO_MS = [100, 10_000, 60_000];
/** The platform ends a request's work this long after its answer. */
const PLATFORM_WAIT_MS = 30_000;
/** The oldest Worker that can still run beside a new one. */
const HOUR_MS = 3_600_000;

test.each<[string, number, number]>([
  ["an isolate uses a grant for less than a change of terms waits", times.GRANT_USE_MS, times.GRANT_MS],
  ["the step that grants end at fits between the two", times.GRANT_USE_MS + times.GRANT_STEP_MS, times.GRANT_MS],
  ["two tries of an admission fit into its time", 2 * times.ADMIT_TRY_MS, times.ADMIT_MS],
  ["two tries of a settlement fit into its time", 2 * times.SETTLE_TRY_MS, times.SETTLE_MS],
  ["a settlement's reply has time left after the last try began", times.SETTLE_REPLY_MS, times.SETTLE_MS],
  ["what is put right is so before the platform ends the request", times.PUT_RIGHT_MS, PLATFORM_WAIT_MS],
  ["and leaves time to write to D1 what was not", times.PUT_RIGHT_MS + 5000, PLATFORM_WAIT_MS],
  [
    "a grant's places are held until no request can bring its call any more, Claro's default budget included",
    times.GRANT_USE_MS + times.ADMIT_MS + 10_000 + times.PUT_RIGHT_MS,
    times.GRANT_HELD_MS,
  ],
  ["a repeat of the admission comes while the place is held", times.GRANT_USE_MS + times.ADMIT_MS, times.GRANT_HELD_MS],
  ["a clock that is believed cannot end an intent of the future", times.CLOCK_MARGIN_MS, times.LONGEST_JUMP_BACK_MS],
  ["a write to D1 ends before the next alarm of a failing copy doubles", times.D1_WRITE_MS, 60_000],
  ["an answer is erased before its key is forgotten", times.ANSWER_KEPT_MS, times.KEY_KEPT_MS],
  ["events wait at most six hours for D1", times.LONGEST_FLUSH_MS, 6 * HOUR_MS],
])("%s", (_, shorter, longer) => {
  expect(shorter).toBeLessThanOrEqual(longer);
});

test.each(CLARO_MS)("an intent outlives its lookup when Claro may take %i ms", (claroMs) => {
  expect(times.intentTtlMs(claroMs)).toBeGreaterThanOrEqual(claroMs + times.ADMIT_MS + times.SETTLE_MS);
});
