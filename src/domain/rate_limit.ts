/**
 * A token bucket kept as one number (GCRA): the instant at which the bucket will be full again. A bucket holds `burst`
 * tokens and gains `ratePerSecond` of them a second; a lookup takes one.
 */
export type RateLimit = { readonly ratePerSecond: number; readonly burst: number };

export type RateDecision = {
  readonly allowed: boolean;
  /** To be kept in place of the instant that was passed in. */
  readonly fullAtMs: number;
  /** Tokens left after this decision. */
  readonly remaining: number;
  /** Until the next token when none is left, else until the bucket is full. */
  readonly resetMs: number;
};

/** Takes one token at `nowMs`, or says how long to wait. A refusal takes nothing. */
export function takeToken(limit: RateLimit, fullAtMs: number, nowMs: number): RateDecision {
  const tokenMs = 1000 / limit.ratePerSecond;
  const bucketMs = limit.burst * tokenMs;
  // A clock that jumped back must not lock a tenant out: an empty bucket is the worst that it can find.
  const fullAt = Math.min(Math.max(fullAtMs, nowMs), nowMs + bucketMs);
  const after = fullAt + tokenMs;
  if (after - nowMs > bucketMs + EPSILON_MS) {
    return { allowed: false, fullAtMs: fullAt, remaining: 0, resetMs: after - bucketMs - nowMs };
  }
  const remaining = Math.floor((bucketMs - (after - nowMs) + EPSILON_MS) / tokenMs);
  const resetMs = remaining > 0 ? after - nowMs : Math.max(after + tokenMs - bucketMs - nowMs, 0);
  return { allowed: true, fullAtMs: after, remaining, resetMs };
}

/** Floating point must not eat the last token of a bucket; a microsecond is far below what is measured here. */
const EPSILON_MS = 0.001;
