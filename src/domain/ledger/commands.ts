import type { StoredEventRow } from "../event_row.ts";
import type { AccessRequest } from "../authorization.ts";
import type { Failure } from "../failure.ts";
import type { RequirableField } from "../lookup_grounds.ts";
import type { Outcome } from "../meter_event.ts";
import type { Period } from "../period.ts";
import type { LimitNotices } from "./limits.ts";
import type { LedgerTerms } from "./terms.ts";

/** What a ledger is asked, and what it answers. Calls travel between isolates: plain values only. */

export type AccessCall = AccessRequest & {
  readonly keyId: string;
  /** The limit that it counts to: `read` draws from `readsPerMinute`, `token` from the plan's lookup rate, `lookup` from none. */
  readonly kind?: "lookup" | "read" | "token";
  /** The caller's clock. */
  readonly callerNowMs?: number;
};

export type AccessReply =
  | { readonly kind: "allowed"; readonly notices: LimitNotices }
  | { readonly kind: "refused"; readonly failure: Failure; readonly notices: LimitNotices | null }
  /** The ledger has no terms, or has lost events: it has to be told them, or restored. */
  | NotReadyReply;

/** Begins a stream of the tenant's files or renews its lease; a lease of 0 ms ends it. `id` is the isolate's own. */
export type StreamCall = { readonly id: string; readonly leaseMs: number };

export type NotReady = "no_terms" | "behind" | "diverged";

type NotReadyReply = { readonly kind: "not_ready"; readonly reason: NotReady };

/** What makes a repeat a repeat: two keyed hashes, so that neither the key nor the CPF is in the object. */
export type RequestIdentity = { readonly keyHash: string; readonly requestHash: string };

/**
 * The identity of a request, and while a secret is being replaced the same request under the `former` ones: isolates with
 * the settings of before and after run side by side, so a key is known under all of them.
 */
export type KeyedRequest = RequestIdentity & { readonly former?: readonly RequestIdentity[] };

export type AdmitCall = Omit<AccessCall, "kind"> & {
  /** `lkp_` and a UUID version 7: it tells when the lookup began, so that its event is found at any age. */
  readonly lookupId: string;
  readonly reference: string | null;
  readonly cpfReference: string;
  /** The same under the key of the year that the ledger's clock may be in, near a year's turn. */
  readonly otherYearsReference?: string | null;
  /** Keyed hash of the person for restrictions: of the whole gateway, and under a key that does not end with a year. */
  readonly subject?: string | null;
  readonly idempotency: KeyedRequest | null;
  readonly requestId?: string | null;
  readonly purpose?: string | null;
  readonly legalBasis?: string | null;
  readonly consentId?: string | null;
  readonly requestedBy?: string | null;
  /** What a request that is no replay is refused with, without a trace; without it, it may go on. */
  readonly refuseNew?: Failure | null;
  /** Claro is asked beside this call, on a grant: the intent is recorded even when it is refused. */
  readonly isSent?: boolean;
  /** How many early calls the caller would like to be granted. */
  readonly earlyCallsAsked?: number;
  /** The version of the policy for early calls that the caller has; null for none. Code of before does not say. */
  readonly policyVersion?: number | null;
};

export type AdmitReply =
  | {
      readonly kind: "admitted";
      readonly customerId: string;
      readonly admittedAtMs: number;
      readonly notices: LimitNotices;
      /** How many early calls are granted, for `GRANT_USE_MS` from when this was asked; `null` revokes earlier grants. */
      readonly earlyCalls: number | null;
      /** What they have to keep to; null where the caller has that version. */
      readonly policyVersion: number;
      readonly policy: EarlyCallPolicy | null;
      /** The early call came after its grant's places were given up: it may have passed a limit. For the audit. */
      readonly isLate: boolean;
    }
  /** `notices` is null when nothing is said of limits because the caller may not call at all. */
  | { readonly kind: "refused"; readonly failure: Failure; readonly notices: LimitNotices | null }
  /** The first answer to this idempotency key, sealed; null when none could be kept (`unknown`). */
  | {
      readonly kind: "replay";
      readonly answer: Uint8Array | null;
      /** What the first answer charged; null where that was not kept. */
      readonly charge: Charge | null;
      readonly notices: LimitNotices;
    }
  | NotReadyReply;

/** Whose early calls may not leave: those go to the ledger first, which refuses them. */
export type EarlyCallPolicy = {
  /** Fields that a lookup has to give, but for those that its key has defaults for. */
  readonly requires: readonly RequirableField[];
  /** Persons whose lookups are restricted. */
  readonly restricted: readonly string[];
};

export type SettleCall = {
  readonly lookupId: string;
  readonly outcome: Outcome;
  readonly transactionId: string | null;
  readonly failureCode?: string | null;
  /** The status of Claro's answer. */
  readonly upstreamStatus?: number | null;
  /** Whole milliseconds that the admission and Claro took, as the caller saw them. */
  readonly admitMs?: number | null;
  readonly claroMs?: number | null;
  /** What a later request with the same idempotency key is answered, sealed. */
  readonly answer: Uint8Array | null;
  /**
   * A score is recorded as delivered within this time of its admission, and as `unknown` later: by then nobody waits for
   * the reply any more, and what nobody can be given must not be charged. Without it, at any time.
   */
  readonly withinMs?: number;
  readonly callerNowMs?: number;
};

/** What an event charges, as its lookup's answer tells it. */
export type Charge = { readonly billed: boolean; readonly unitPriceMicros: number; readonly amountMicros: number };

export type SettleReply =
  | {
      readonly kind: "settled";
      readonly seq: number;
      readonly charge: Charge;
      /** What is left after this lookup's outcome. */
      readonly notices: LimitNotices | null;
    }
  /** The intent had ended as something else before: its time was over. The answer must not be given. */
  | { readonly kind: "ended"; readonly outcome: Outcome | null }
  | { readonly kind: "no_intent" };

/**
 * A lookup whose caller was given no answer: what the ledger has of it is put right, whatever that is. `sent` is the
 * admission of a call that reached Claro, or may have; without it nothing was sent.
 */
export type PutRightCall = {
  readonly lookupId: string;
  readonly sent: AdmitCall | null;
  /** Where the answer was kept under it, it can still be had, and its charge stands. */
  readonly idempotency: KeyedRequest | null;
  readonly outcome: "failed" | "unknown";
  readonly transactionId: string | null;
  readonly failureCode?: string | null;
  readonly upstreamStatus?: number | null;
  readonly claroMs?: number | null;
  readonly callerNowMs?: number;
};

export type PutRightReply = { readonly kind: "put_right" } | NotReadyReply;

export type AdjustCall = {
  readonly id: string;
  readonly units: number;
  readonly amountMicros: number;
  readonly reason: string;
  readonly corrects: string | null;
  readonly callerNowMs?: number;
};

/** Where an adjustment stands in the sequence. */
export type RecordedAdjustment = { readonly seq: number; readonly occurredAtMs: number };

export type AdjustReply = RecordedAdjustment | NotReadyReply;

export type ConfigureReply =
  /** The terms are in force; nothing is sent to Claro under earlier ones from `waitMs` on. */
  | {
      readonly kind: "configured";
      readonly schema: number;
      readonly waitMs: number;
      /** Keys that the ledger has as revoked and the terms had not: a revocation is never taken back. */
      readonly revokedKeys: readonly string[];
    }
  /** The ledger has newer terms, or others under the same version: D1 was restored to an earlier point. */
  | { readonly kind: "stale"; readonly schema: number; readonly version: number }
  | { readonly kind: "too_large"; readonly schema: number };

export type Command =
  | { readonly kind: "configure"; readonly terms: LedgerTerms }
  | { readonly kind: "authorize"; readonly call: AccessCall }
  | { readonly kind: "hold_stream"; readonly call: StreamCall }
  | { readonly kind: "admit"; readonly call: AdmitCall }
  | { readonly kind: "settle"; readonly call: SettleCall }
  | { readonly kind: "put_right"; readonly call: PutRightCall }
  | { readonly kind: "adjust"; readonly call: AdjustCall }
  | { readonly kind: "expire"; readonly lookupId: string }
  | { readonly kind: "close"; readonly period: Period }
  | { readonly kind: "revoke_now"; readonly keyId: string }
  | { readonly kind: "stop"; readonly reason: "diverged" };

/** The reply to each command. */
export type Replies = {
  readonly configure: ConfigureReply;
  readonly authorize: AccessReply;
  readonly hold_stream: { readonly isHeld: boolean };
  readonly admit: AdmitReply;
  readonly settle: SettleReply;
  readonly put_right: PutRightReply;
  readonly adjust: AdjustReply;
  readonly expire: null;
  readonly close: null;
  /** `waitMs` as of `configure`; null when the ledger does not know the key. */
  readonly revoke_now: { readonly waitMs: number } | null;
  readonly stop: null;
};

/** What is remembered of an idempotency key, as its row tells it. */
export type RememberedKey = {
  readonly requestHash: string;
  readonly createdAtMs: number;
  /** Sealed; null when none could be kept. */
  readonly answer: Uint8Array | null;
  /** Null where it was not kept. */
  readonly unitPriceMicros: number | null;
  /** Its time was over and it was erased, whatever the clock says now. */
  readonly isErased: boolean;
};

/** The rows that a command names, read at its turn. What does not concern a command is undefined. */
export type Facts = {
  readonly intentTtlMs: number;
  /** The event of the lookup that is named, of any age. */
  readonly event?: StoredEventRow | undefined;
  /** Of the first identity of the call that is remembered. */
  readonly idempotency?: { readonly remembered: RememberedKey; readonly requestHash: string } | undefined;
  /** An earlier adjustment under the same id, or of a lookup that is put right. */
  readonly adjustment?: RecordedAdjustment | undefined;
};
