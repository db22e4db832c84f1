import type { Failure } from "../failure.ts";
import type { Outcome } from "../meter_event.ts";
import type { Period, SaoPauloDate } from "../period.ts";
import type { KeyedRequest } from "./commands.ts";
import type { LedgerTerms } from "./terms.ts";

/**
 * The facts of a ledger, in the order in which they became true: its journal. State is what remains when they are applied
 * one after the other, so an entry says all that `apply` needs, and nothing is computed from a clock again. `v` is the
 * entry's version; code reads entries of one version ahead, which may only add fields.
 */
export type Entry =
  | Configured
  | KeyRevoked
  | Accessed
  | Streamed
  | Admitted
  | RefusedAfterSending
  | Replayed
  | Ended
  | Adjusted
  | PeriodClosed
  | Cut
  | Stopped;

export const ENTRY_VERSION = 1;

/** New terms are in force. `grantsEndMs` is set when early calls under the old ones may still leave until then. */
export type Configured = {
  readonly type: "configured";
  readonly v: 1;
  readonly atMs: number;
  readonly terms: LedgerTerms;
  /** The versions under which the tiers of the plan, and of the plan after it, are known from now on. */
  readonly priceVersion: number;
  readonly nextPriceVersion: number | null;
  readonly grantsEndMs: number | null;
};

/** A key may not be used any more, by the operator's break-glass revocation; the register follows. */
export type KeyRevoked = {
  readonly type: "key_revoked";
  readonly v: 1;
  readonly atMs: number;
  readonly keyId: string;
  readonly grantsEndMs: number | null;
};

/** A key was used for something that is no lookup. Not worth a row of its own: it is written with the next entry. */
export type Accessed = {
  readonly type: "accessed";
  readonly v: 1;
  readonly atMs: number;
  readonly keyId: string;
  /** Which bucket one token was taken from. */
  readonly bucket: "reads" | "tokens" | null;
};

/** A stream of the tenant's files counts until `endsAtMs`; null ends it. Written with the next entry. */
export type Streamed = {
  readonly type: "streamed";
  readonly v: 1;
  readonly atMs: number;
  readonly id: string;
  readonly endsAtMs: number | null;
};

/** What an intent knows of its lookup; it becomes the event. */
export type LookupFacts = {
  readonly lookupId: string;
  readonly keyId: string;
  readonly reference: string | null;
  readonly cpfReference: string;
  readonly customerId: string | null;
  readonly requestId: string | null;
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  readonly consentId: string | null;
  readonly requestedBy: string | null;
  readonly idempotency: KeyedRequest | null;
};

/** An intent is durable: Claro may be called, or is being called (`early`). */
export type Admitted = {
  readonly type: "admitted";
  readonly v: 1;
  readonly atMs: number;
  /** The São Paulo day that it counts for. */
  readonly day: SaoPauloDate;
  /** Nobody settles it after this instant: it is `unknown` then. */
  readonly endsAtMs: number;
  readonly lookup: LookupFacts;
  readonly priceVersion: number;
  /** `granted`: an early call that used a place; `late`: one whose places had been given up. */
  readonly early: "granted" | "late" | null;
  /** Early calls granted along with the reply. */
  readonly granted: number;
};

/** Claro was asked on a grant, and the admission was refused: the lookup can end as `unknown` or `failed` only. */
export type RefusedAfterSending = {
  readonly type: "refused_after_sending";
  readonly v: 1;
  readonly atMs: number;
  readonly day: SaoPauloDate;
  readonly endsAtMs: number;
  readonly lookup: LookupFacts;
  readonly priceVersion: number;
  readonly refusal: Failure["code"];
};

/** A kept answer was given again, and a token was taken for it. Written with the next entry. */
type Replayed = { readonly type: "replayed"; readonly v: 1; readonly atMs: number; readonly keyId: string };

/** The period that an event falls into, decided once. `startMs` is the period's first instant by the rules of that day. */
export type EventTime = {
  readonly occurredAtMs: number;
  readonly day: SaoPauloDate;
  readonly period: Period;
  readonly periodStartMs: number;
};

/** An intent became exactly one event. */
export type Ended = {
  readonly type: "ended";
  readonly v: 1;
  readonly atMs: number;
  readonly lookupId: string;
  readonly seq: number;
  readonly time: EventTime;
  readonly outcome: Outcome;
  readonly billed: boolean;
  readonly units: number;
  readonly unitPriceMicros: number;
  readonly transactionId: string | null;
  readonly failureCode: string | null;
  readonly upstreamStatus: number | null;
  readonly admitMs: number | null;
  readonly claroMs: number | null;
};

/** An event that corrects: an operator's adjustment, or a charge taken back because its answer was not sent. */
export type Adjusted = {
  readonly type: "adjusted";
  readonly v: 1;
  readonly atMs: number;
  readonly id: string;
  readonly seq: number;
  readonly time: EventTime;
  readonly units: number;
  readonly amountMicros: number;
  readonly reason: string;
  readonly corrects: string | null;
  /** The key and the period of the charge that is taken back: its money counts against caps no more. */
  readonly takesBack: { readonly keyId: string | null; readonly period: string } | null;
};

/** A period was closed: from now on no event falls before `period`, the one after it, whatever the clock says. */
type PeriodClosed = {
  readonly type: "period_closed";
  readonly v: 1;
  readonly atMs: number;
  readonly period: Period;
  readonly nextStartMs: number;
};

/** The events up to `throughSeq` are packed in a batch and leave the state. */
type Cut = { readonly type: "cut"; readonly v: 1; readonly throughSeq: number };

/** D1 has other events at this ledger's seqs: the object was restored to an earlier point, and must not go on. */
type Stopped = { readonly type: "stopped"; readonly v: 1; readonly atMs: number; readonly reason: "diverged" };
