const HOUR_MS = 3_600_000;

/** An answer can be had again for this long; then it is erased. */
export const ANSWER_KEPT_MS = 24 * HOUR_MS;
/** A key is remembered for this long, so that its charge is not repeated; then it is new again. */
export const KEY_KEPT_MS = 35 * 24 * HOUR_MS;

/** What the ledger remembers of an idempotency key. `answer` is encrypted under a key that the ledger does not have. */
export type KeptRequest = {
  readonly requestHash: string;
  readonly createdAtMs: number;
  /** `erased`: it ended, and its answer had its time, whatever the clock says now. */
  readonly state: "running" | "ended" | "erased";
  /** Null while running, when nobody could keep an answer (`unknown` after a crash), and when it was erased. */
  readonly answer: Uint8Array | null;
};

export type IdempotencyDecision =
  | { readonly kind: "new" }
  | { readonly kind: "mismatch" }
  | { readonly kind: "in_progress" }
  | { readonly kind: "expired" }
  | { readonly kind: "replay"; readonly answer: Uint8Array | null };

/** What a request with an idempotency key is, given what is remembered of that key. */
export function decideIdempotency(
  kept: KeptRequest | undefined,
  requestHash: string,
  nowMs: number,
): IdempotencyDecision {
  if (kept === undefined || nowMs - kept.createdAtMs >= KEY_KEPT_MS) return { kind: "new" };
  if (kept.requestHash !== requestHash) return { kind: "mismatch" };
  if (kept.state === "running") return { kind: "in_progress" };
  if (kept.state === "erased" || nowMs - kept.createdAtMs >= ANSWER_KEPT_MS) return { kind: "expired" };
  return { kind: "replay", answer: kept.answer };
}
