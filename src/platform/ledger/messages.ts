import type { DaySums } from "../../domain/ledger/day_sums.ts";
import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../domain/ledger/commands.ts";
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
};

/** A month's counts so far. Adjustments are no lookups: their number and amount stand apart. */
export type MonthTotals = UsageCounts & {
  readonly month: string;
  readonly adjustments: number;
  readonly adjustmentMicros: number;
};

export type ClosePeriodReply =
  /** `range` is all that the period will ever hold, null when that is nothing; `isCopied` when D1 has it. */
  {
    readonly kind: "closed";
    readonly range: { readonly first: number; readonly last: number } | null;
    readonly isCopied: boolean;
  };

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
  readonly notReady: "no_terms" | "behind" | "diverged" | null;
  readonly termsVersion: number | null;
  readonly keyIds: readonly string[];
  readonly revokedKeyIds: readonly string[];
  /** Early calls that came after their places had been given up, since ever. */
  readonly lateEarlyCalls: number;
};
