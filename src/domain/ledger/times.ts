/**
 * All times that hang together between an isolate and its ledgers, in milliseconds. `times.test.ts` asserts the
 * inequalities; change one here and that test says which promise it breaks.
 *
 *     grant asked ─ GRANT_USE_MS ─▶ last early call leaves ─ ADMIT_MS ─▶ lookup answered ─ PUT_RIGHT_MS ─▶ D1 takes over
 *     └────────────────────────────── GRANT_HELD_MS: its places count against the limits ───────────────────────┘
 */

/** A change of terms waits at most this long for early calls that were granted before it. */
export const GRANT_MS = 3000;
/** Grants that end within the same step are one: their list stays short however many lookups a second are granted some. */
export const GRANT_STEP_MS = 250;
/** An isolate may use a grant of early calls for this long from when it asked. */
export const GRANT_USE_MS = GRANT_MS - GRANT_STEP_MS;
/** One try of an admission; then the call is made again on a new stub. */
export const ADMIT_TRY_MS = 2500;
/** All tries of an admission before the lookup is answered 503. */
export const ADMIT_MS = 5000;
/** One try of a settlement. */
export const SETTLE_TRY_MS = 2000;
/** All tries of a settlement before the answer is given up. */
export const SETTLE_MS = 5000;
/** A settlement is refused when its reply could no longer reach the caller in time. */
export const SETTLE_REPLY_MS = 1000;
/** A lookup that was answered without its ledger goes on trying for this long; the platform ends a request after 30 s. */
export const PUT_RIGHT_MS = 25_000;
/** The places of a grant count against allowance and cap until no request can use them any more. */
export const GRANT_HELD_MS = 45_000;
/** A caller's clock and an object's may differ by this much; what one says beyond it is not believed. */
export const CLOCK_MARGIN_MS = 300_000;
/** An intent from further in the future than this was made by a clock that was wrong: it ends as `unknown` now. */
export const LONGEST_JUMP_BACK_MS = 3_600_000;
/** A stream of files whose isolate died counts no longer than this; one that goes on is renewed well before. */
export const LONGEST_STREAM_LEASE_MS = 60_000;
export const STREAM_RENEWAL_MS = 20_000;
/** One write of a batch to D1. */
export const D1_WRITE_MS = 15_000;
/** The oldest waiting event is copied to D1 at least this often. */
export const LONGEST_FLUSH_MS = 21_600_000;

const HOUR_MS = 3_600_000;
/** A kept answer can be had again for this long. */
export const ANSWER_KEPT_MS = 24 * HOUR_MS;
/** An idempotency key is remembered for this long, so that its charge is not repeated. */
export const KEY_KEPT_MS = 35 * 24 * HOUR_MS;

/** An intent that nobody settled for this long becomes `unknown`: longer than any lookup can run. */
export function intentTtlMs(claroTimeoutMs: number): number {
  return 2 * claroTimeoutMs + ADMIT_MS + SETTLE_MS;
}
