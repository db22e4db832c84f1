/** A token bucket: it holds `burst` tokens and gains `ratePerSecond` of them a second; a lookup takes one. */
export type RateLimit = { readonly ratePerSecond: number; readonly burst: number };

/**
 * A bucket's state: how many tokens were missing at an instant. Kept as tokens, not as an instant of being full: at
 * today's size of an instant in milliseconds a sum of short intervals loses one token in a thousand.
 */
export type Bucket = { readonly missing: number; readonly atMs: number };

export const FULL_BUCKET: Bucket = { missing: 0, atMs: 0 };

export type BucketLevel = {
  /** Whole tokens that can be taken now. */
  readonly remaining: number;
  /** Until the next token when none is left, else until the bucket is full. */
  readonly resetMs: number;
};

export type RateDecision = BucketLevel & {
  readonly allowed: boolean;
  /** To be kept in place of the bucket that was passed in. */
  readonly bucket: Bucket;
};

/** Takes one token at `nowMs`, or says how long to wait. A refusal takes nothing. */
export function takeToken(limit: RateLimit, bucket: Bucket, nowMs: number): RateDecision {
  const now = refilled(limit, bucket, nowMs);
  const allowed = now.missing + 1 <= limit.burst + EPSILON_TOKENS;
  const after = allowed ? { missing: now.missing + 1, atMs: nowMs } : now;
  return { allowed, bucket: after, ...levelOf(limit, after) };
}

/** What can be taken at `nowMs`, when nothing is. */
export function bucketLevel(limit: RateLimit, bucket: Bucket, nowMs: number): BucketLevel {
  return levelOf(limit, refilled(limit, bucket, nowMs));
}

/** The bucket as it is at `nowMs`. Before a limit changes, so that what was gained until then is gained at the old rate. */
export function refilled(limit: RateLimit, { missing, atMs }: Bucket, nowMs: number): Bucket {
  // A clock that jumped back must not lock a tenant out: then nothing was gained, and an empty bucket is the worst.
  const gained = (Math.max(nowMs - atMs, 0) * limit.ratePerSecond) / 1000;
  return { missing: Math.max(Math.min(missing, limit.burst) - gained, 0), atMs: nowMs };
}

function levelOf({ ratePerSecond, burst }: RateLimit, { missing }: Bucket): BucketLevel {
  const remaining = Math.max(Math.floor(burst - missing + EPSILON_TOKENS), 0);
  const untilTokens = remaining > 0 ? missing : missing + 1 - burst;
  return { remaining, resetMs: Math.max((untilTokens * 1000) / ratePerSecond, 0) };
}

/** Floating point must not eat the last token of a bucket; a millionth of one is far below what is counted here. */
const EPSILON_TOKENS = 1e-6;
