import type { DaySums } from "../../domain/ledger/day_sums.ts";
import type { AdmitCall, AdmitReply, NotReady, SettleCall, SettleReply } from "../../domain/ledger/commands.ts";
import type { UsageCounts } from "../../domain/meter_event.ts";

/** What travels between isolates and ledgers beside the commands of `domain/ledger/commands.ts`. */

/** What lookups ask of their ledger. */
export type LookupCall =
  | { readonly kind: "admit"; readonly call: AdmitCall }
  | { readonly kind: "settle"; readonly call: SettleCall };

export type LookupReply = AdmitReply | SettleReply;

export type UsageDay = UsageCounts & {
  readonly date: string;
  readonly adjustments: number;
  readonly adjustmentMicros: number;
  readonly keys: DaySums["keys"];
};

export type UsageReply = {
  readonly days: readonly UsageDay[];
  readonly allowance: { readonly limit: number; readonly used: number; readonly endsAt: string | null } | null;
  /** Of the month that runs. */
  readonly spendCap: { readonly limitMicros: number; readonly spentMicros: number; readonly resetsAtMs: number } | null;
  readonly asOfMs: number;
  /** Where the ledger does not serve: it has lost events, and the counts are not true. */
  readonly notReady: NotReady | null;
};

/** A month's counts so far. Adjustments are no lookups: their number and amount stand apart. */
export type MonthTotals = UsageCounts & {
  readonly month: string;
  readonly adjustments: number;
  readonly adjustmentMicros: number;
};

export type BeginRestoreReply =
  | { readonly kind: "begun"; readonly reason: NotReady }
  /** It serves: there is nothing to put back. */
  | { readonly kind: "not_needed"; readonly lastSeq: number }
  | { readonly kind: "no_terms" };

/** Some batches of what D1 and R2 have of a ledger, JSON lists of events each, in the order of seq. */
export type RestorePart = {
  readonly name: string;
  readonly batches: readonly string[];
  /** Whether the object keeps them: the events of a closed month are read from R2. */
  readonly isKept: boolean;
};

export type RestorePartReply =
  | { readonly kind: "taken"; readonly through: number }
  /** Another restore of this ledger was begun since. */
  | { readonly kind: "other_restore" };

export type FinishRestoreReply =
  | {
      readonly kind: "restored";
      /** The last event that D1 and R2 have. */
      readonly recordedThrough: number;
      readonly lastSeq: number;
      /** Events that only the object had; they follow the recorded ones. */
      readonly ownEvents: number;
    }
  | { readonly kind: "other_restore" };

/** What a ledger says of a month, for whoever compares it with D1 and R2. */
export type Inspection = {
  /** Up to the seq that was asked for; null when it has no event until there. */
  readonly totals: MonthTotals | null;
  readonly days: readonly DaySums[];
};

/** A batch by the hash of its text, as D1 was sent it. */
export type BatchDigest = { readonly first: number; readonly last: number; readonly sha256: string };

export type ClosePeriodReply =
  /** `range` is all that the period will ever hold, null when that is nothing; `isCopied` when D1 has it. */
  | {
      readonly kind: "closed";
      readonly range: { readonly first: number; readonly last: number } | null;
      readonly isCopied: boolean;
    }
  /** It has lost events, or has others than D1: what it would say of the period is not true. */
  | { readonly kind: "not_ready"; readonly reason: NotReady };

export type FlushReply =
  /** Everything up to `flushedThrough` is in D1; nothing older waits in the object. */
  { readonly kind: "flushed"; readonly flushedThrough: number } | { readonly kind: "failed"; readonly reason: string };

export type RecopyReply =
  /** D1 has, once more, what it once had up to `through`; `isDone` when that is all. */
  | { readonly kind: "recopied"; readonly through: number; readonly events: number; readonly isDone: boolean }
  | { readonly kind: "failed"; readonly reason: string };

export type LedgerStatus = {
  readonly schema: number;
  readonly lastSeq: number;
  readonly flushedThrough: number;
  readonly openIntents: number;
  readonly oldestUnflushedAtMs: number | null;
  /** Whether D1 did not take the last batch. */
  readonly isFailing: boolean;
  readonly lastUsedAtMs: Readonly<Record<string, number>>;
  /** Why it does not serve, where it does not. */
  readonly notReady: NotReady | null;
  readonly termsVersion: number | null;
  readonly keyIds: readonly string[];
  readonly revokedKeyIds: readonly string[];
  /** Early calls that came after their places had been given up, since ever. */
  readonly lateEarlyCalls: number;
};
