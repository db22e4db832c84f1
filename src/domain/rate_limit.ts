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

/** Takes a token that was granted before, whatever the bucket holds: what it overdraws is paid back first. */
export function overdrawToken(limit: RateLimit, bucket: Bucket, nowMs: number): Bucket {
  const now = refilled(limit, bucket, nowMs);
  return { missing: now.missing + 1, atMs: now.atMs };
}

/** Takes one token at `nowMs`, or says how long to wait. A refusal takes nothing. */
export function takeToken(limit: RateLimit, bucket: Bucket, nowMs: number): RateDecision {
  const now = refilled(limit, bucket, nowMs);
  const allowed = now.missing + 1 <= limit.burst + EPSILON_TOKENS;
  const after = allowed ? { missing: now.missing + 1, atMs: now.atMs } : now;
  return { allowed, bucket: after, ...levelOf(limit, after) };
}

/** What can be taken at `nowMs`, when nothing is. */
export function bucketLevel(limit: RateLimit, bucket: Bucket, nowMs: number): BucketLevel {
  return levelOf(limit, refilled(limit, bucket, nowMs));
}

/** A bucket of one limit under another one: at worst it is empty. */
export function underLimit(limit: RateLimit, { missing, atMs }: Bucket): Bucket {
  return { missing: Math.min(missing, limit.burst), atMs };
}

/** The bucket as it is at `nowMs`. Before a limit changes, so that what was gained until then is gained at the old rate. */
export function refilled(limit: RateLimit, { missing, atMs }: Bucket, nowMs: number): Bucket {
  // A clock that jumped back must not lock a tenant out: nothing was gained then, and the bucket goes on from there.
  const gained = (Math.max(nowMs - atMs, 0) * limit.ratePerSecond) / 1000;
  return { missing: Math.max(missing - gained, 0), atMs: nowMs };
}

function levelOf({ ratePerSecond, burst }: RateLimit, { missing }: Bucket): BucketLevel {
  const remaining = Math.max(Math.floor(burst - missing + EPSILON_TOKENS), 0);
  const untilTokens = remaining > 0 ? missing : missing + 1 - burst;
  return { remaining, resetMs: Math.max((untilTokens * 1000) / ratePerSecond, 0) };
}

/** Floating point must not eat the last token of a bucket; a millionth of one is far below what is counted here. */
const EPSILON_TOKENS = 1e-6;
