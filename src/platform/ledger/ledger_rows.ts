import type { Failure } from "../../domain/failure.ts";
import type { Outcome } from "../../domain/meter_event.ts";
import type { LedgerTerms } from "./messages.ts";

export type OpenIntentRow = {
  readonly n: number;
  readonly id: string;
  readonly key_id: string;
  readonly admitted_at: number;
  readonly price_version: number;
  readonly idempotency_key: string | null;
  /** Set before the end where the lookup was refused after Claro may have been asked. */
  readonly outcome: "unknown" | null;
};

/** What a repeat of a settle, and a withdrawal, must know of an event. */
export type EndedEvent = {
  readonly n: number;
  readonly outcome: Outcome | null;
  readonly billed: number;
  readonly amount_micros: number;
  readonly idempotency_key: string | null;
};

export type BatchRow = { readonly last_seq: number; readonly first_seq: number; readonly events: ArrayBuffer };

export type LedgerHead = {
  readonly terms: LedgerTerms | null;
  readonly priceVersion: number;
  readonly flushedThrough: number;
  readonly flushedAtMs: number | null;
  readonly periodFloorMs: number;
};

export type NewIntent = {
  readonly n: number;
  readonly lookupId: string;
  readonly keyId: string;
  readonly reference: string | null;
  readonly cpfReference: string;
  readonly admittedAtMs: number;
  readonly priceVersion: number;
  readonly idempotencyKey: string | null;
  readonly refusal: Failure | null;
};

export type EndedIntent = {
  readonly n: number;
  readonly seq: number;
  readonly occurredAtMs: number;
  readonly day: string;
  readonly outcome: Outcome;
  readonly billed: boolean;
  readonly unitPriceMicros: number;
  readonly amountMicros: number;
  readonly transactionId: string | null;
};

export type NewAdjustment = {
  readonly seq: number;
  readonly id: string;
  readonly reason: string;
  readonly occurredAtMs: number;
  readonly day: string;
  readonly units: number;
  readonly amountMicros: number;
  readonly corrects: string | null;
};
