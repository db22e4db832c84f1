import type { KeyGrant, AccessRequest, TenantStatus } from "../../domain/authorization.ts";
import type { LimitNotices } from "../../domain/admission.ts";
import type { Failure } from "../../domain/failure.ts";
import type { Mode, Outcome, UsageCounts } from "../../domain/meter_event.ts";
import type { Plan } from "../../domain/plan.ts";

/** What the register (D1) says of a tenant; a ledger takes it whole, and only when it is not older than its own. */
export type LedgerTerms = {
  readonly tenantId: string;
  readonly mode: Mode;
  /** Grows with every change of the tenant or its keys. */
  readonly version: number;
  readonly status: TenantStatus;
  /** The `X-CustomerID` that Claro is sent. */
  readonly customerId: string;
  readonly plan: Plan;
  readonly keys: readonly KeyGrant[];
};

/** `kind` names the limit that a call without admission counts to; an admission is a lookup. */
export type AccessCall = AccessRequest & { readonly keyId: string; readonly kind?: "lookup" | "read" | "token" };

export type AccessReply =
  | { readonly kind: "allowed"; readonly notices: LimitNotices }
  | { readonly kind: "refused"; readonly failure: Failure; readonly notices?: LimitNotices | null };

export type AdmitCall = AccessCall & {
  readonly lookupId: string;
  readonly reference: string | null;
  readonly cpfReference: string;
  readonly idempotency: { readonly keyHash: string; readonly requestHash: string } | null;
  /** What a request that is no replay is refused with, without a trace; without it, it may go on. */
  readonly refuseNew?: Failure | null;
  /** Claro is asked side by side with this call, on the ledger's word: the intent is recorded even when it is refused. */
  readonly isSent?: boolean;
  /** For how many lookups the caller would have such a word. */
  readonly roomAsked?: number;
};

export type AdmitReply =
  | {
      readonly kind: "admitted";
      readonly customerId: string;
      readonly admittedAtMs: number;
      readonly notices: LimitNotices;
      /** For how many lookups more the word is given, for `WORD_MS` from when this was asked; null takes back the others. */
      readonly room: number | null;
    }
  /** `notices` is null when nothing was said of limits because the caller may not call at all. */
  | { readonly kind: "refused"; readonly failure: Failure; readonly notices: LimitNotices | null }
  /** The first answer to this idempotency key, encrypted; null when none could be kept (`unknown`). */
  | { readonly kind: "replay"; readonly answer: Uint8Array | null; readonly notices: LimitNotices };

export type SettleCall = {
  readonly lookupId: string;
  readonly outcome: Outcome;
  readonly transactionId: string | null;
  /** What a later request with the same idempotency key is answered, encrypted. */
  readonly answer: Uint8Array | null;
  /**
   * A score is recorded as delivered within this time of its admission, by the ledger's clock, and as `unknown` later:
   * by then nobody waits for the reply any more, and what nobody can be given must not be charged. Without it, at any time.
   */
  readonly withinMs?: number;
};

export type SettleReply =
  | { readonly kind: "settled"; readonly seq: number }
  /** The intent had ended as something else before: its time was over. The answer must not be given. */
  | { readonly kind: "ended"; readonly outcome: Outcome | null }
  | { readonly kind: "no_intent" };

/** What lookups ask of their ledger. */
export type LookupCall =
  | { readonly kind: "admit"; readonly call: AdmitCall }
  | { readonly kind: "settle"; readonly call: SettleCall };

export type LookupReply = AdmitReply | SettleReply;

export type UsageDay = UsageCounts & { readonly date: string };

export type UsageReply = {
  readonly days: readonly UsageDay[];
  readonly allowance: { readonly limit: number; readonly used: number; readonly endsAt: string | null } | null;
  readonly asOfMs: number;
};

/** A month's counts so far. Adjustments are no lookups: their number and amount stand apart. */
export type MonthTotals = UsageCounts & {
  readonly month: string;
  readonly adjustments: number;
  readonly adjustmentMicros: number;
};

export type AdjustCall = {
  readonly id: string;
  readonly units: number;
  readonly amountMicros: number;
  readonly reason: string;
  readonly corrects: string | null;
};

export type AdjustReply = { readonly seq: number; readonly occurredAtMs: number };

export type ClosePeriodReply =
  /** D1 has all that the period will ever hold; `range` is null when that is nothing. */
  | { readonly kind: "closed"; readonly range: { readonly first: number; readonly last: number } | null }
  | { readonly kind: "failed"; readonly reason: string };

export type FlushReply =
  /** Everything up to `flushedThrough` is in D1; nothing older waits in the object. */
  { readonly kind: "flushed"; readonly flushedThrough: number } | { readonly kind: "failed"; readonly reason: string };

export type RecopyReply =
  /** D1 has, once more, what it once had up to `through`; `isDone` when that is all. */
  | { readonly kind: "recopied"; readonly through: number; readonly events: number; readonly isDone: boolean }
  | { readonly kind: "failed"; readonly reason: string };

export type LedgerStatus = {
  readonly lastSeq: number;
  readonly flushedThrough: number;
  readonly openIntents: number;
  readonly oldestUnflushedAtMs: number | null;
  /** Whether D1 did not take the last batch. */
  readonly isFailing: boolean;
  readonly lastUsedAtMs: Readonly<Record<string, number>>;
};

export type { KeyGrant };
