import { FULL_BUCKET, refilled, takeToken, type Bucket, type RateLimit } from "../../domain/rate_limit.ts";
import type { LedgerStore } from "./ledger_store.ts";

/**
 * The rate's tokens. They live in memory; what `save` kept of them and all admissions since tell how many there are. A row
 * leaves only after a `save`, or when the bucket is full and its admission does not matter any more.
 */
export class RateBucket {
  readonly #store: LedgerStore;
  #saved: Bucket;
  #bucket: Bucket;

  constructor(store: LedgerStore, limit: RateLimit | null, nowMs: number) {
    this.#store = store;
    this.#saved = store.bucket() ?? FULL_BUCKET;
    this.#bucket = limit === null ? FULL_BUCKET : this.#restored(limit, nowMs);
  }

  get state(): Bucket {
    return this.#bucket;
  }

  become(bucket: Bucket): void {
    this.#bucket = bucket;
  }

  /** Before a limit changes: what was gained until then was gained at the old rate. */
  refill(limit: RateLimit, nowMs: number): void {
    this.#bucket = refilled(limit, this.#bucket, nowMs);
  }

  /** A full one that follows a full one tells nothing new, and is no row. */
  save(limit: RateLimit, nowMs: number): void {
    const bucket = refilled(limit, this.#bucket, nowMs);
    if (bucket.missing === 0 && this.#saved.missing === 0) return;
    this.#store.saveBucket(bucket);
    this.#saved = bucket;
  }

  // From the end, back to where the bucket is known: when it was saved, or after a pause in which it filled up.
  #restored(limit: RateLimit, nowMs: number): Bucket {
    const fillMs = (limit.burst / limit.ratePerSecond) * 1000;
    const admissions: number[] = [];
    let firstMs = nowMs;
    for (const { admittedAtMs, endedAtMs } of this.#store.admissionsFromTheEnd()) {
      if (endedAtMs !== null && (endedAtMs < this.#saved.atMs || firstMs - endedAtMs >= fillMs)) break;
      if (admittedAtMs <= this.#saved.atMs) continue;
      admissions.push(Math.min(admittedAtMs, nowMs));
      firstMs = Math.min(firstMs, admittedAtMs);
    }
    return admissions
      .toSorted((left, right) => left - right)
      .reduce((bucket, admittedAtMs) => takeToken(limit, bucket, admittedAtMs).bucket, this.#saved);
  }
}
