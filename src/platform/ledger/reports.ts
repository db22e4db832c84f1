import type { StoredEventRow } from "../../domain/event_row.ts";
import { countEvent, emptyDay, usageOf, type DaySums } from "../../domain/ledger/day_sums.ts";
import { periodOfEvent } from "../../domain/ledger/past.ts";
import { LEDGER_SCHEMA_VERSION } from "../../domain/ledger/schema_version.ts";
import { notReady, type LedgerState } from "../../domain/ledger/state.ts";
import { planAt } from "../../domain/ledger/terms.ts";
import type { UsageCounts } from "../../domain/meter_event.ts";
import { periodBounds, periodOf, type Period } from "../../domain/period.ts";
import { addCounts, NO_USAGE } from "../../domain/usage.ts";
import type { Inspection, LedgerStatus, MonthTotals, UsageReply } from "./messages.ts";

/** What a ledger tells of itself: of its state and its days' sums, without a decision. */

export function usageOfDays(state: Readonly<LedgerState>, days: readonly DaySums[], nowMs: number): UsageReply {
  const { terms, allowanceUsed, open } = state;
  const plan = terms === null || terms.mode === "test" ? null : planAt(terms, nowMs);
  const allowance = plan?.allowance ?? null;
  const limitMicros = plan?.monthlySpendCapMicros ?? null;
  const { endMs: resetsAtMs } = periodBounds(periodOf(nowMs));
  return {
    days: days.map((sums) => ({
      date: sums.date,
      ...usageOf(sums),
      adjustments: sums.adjustments,
      adjustmentMicros: sums.adjustmentMicros,
      keys: sums.keys,
    })),
    allowance:
      allowance === null
        ? null
        : { limit: allowance.requests, used: allowanceUsed + open.size, endsAt: allowance.endsAt },
    spendCap: limitMicros === null ? null : { limitMicros, spentMicros: spentInPeriod(state, nowMs), resetsAtMs },
    asOfMs: nowMs,
    notReady: notReady(state),
  };
}

/** The seq of the first and last event of some days. A clock that jumped back leaves days out of the order of seq. */
export function seqRangeOf(days: readonly DaySums[]): { first: number; last: number } | null {
  if (days.length === 0) return null;
  return {
    first: Math.min(...days.map(({ firstSeq }) => firstSeq)),
    last: Math.max(...days.map(({ lastSeq }) => lastSeq)),
  };
}

export function monthTotalsOf(sums: readonly DaySums[]): MonthTotals[] {
  const months = Map.groupBy(sums, ({ date }) => date.slice(0, 7));
  return [...months].map(([month, days]) => ({
    month,
    ...days.reduce((sum, day) => addCounts(sum, usageOf(day)), NO_USAGE),
    adjustments: days.reduce((sum, day) => sum + day.adjustments, 0),
    adjustmentMicros: days.reduce((sum, day) => sum + day.adjustmentMicros, 0),
  }));
}

/** A month's days, and what they come to without the events that are later than what it is compared with. */
export function inspectionOf(days: readonly DaySums[], later: Iterable<StoredEventRow>, period: Period): Inspection {
  const without = emptyDay(period, 1);
  for (const event of later) if (periodOfEvent(event) === period) countEvent(without, event);
  const [totals] = monthTotalsOf(days);
  if (totals === undefined) return { totals: null, days };
  const laterCounts = usageOf(without);
  const counts = Object.fromEntries(
    Object.entries(laterCounts).map(([name, count]) => [name, totals[name as keyof UsageCounts] - count]),
  ) as unknown as UsageCounts;
  return {
    totals: {
      ...totals,
      ...counts,
      adjustments: totals.adjustments - without.adjustments,
      adjustmentMicros: totals.adjustmentMicros - without.adjustmentMicros,
    },
    days,
  };
}

/** What of a ledger's status its state tells. */
export function standingOf(
  state: Readonly<LedgerState>,
): Omit<LedgerStatus, "flushedThrough" | "oldestUnflushedAtMs" | "isFailing"> {
  const keys = state.terms?.keys ?? [];
  return {
    schema: LEDGER_SCHEMA_VERSION,
    lastSeq: state.lastSeq,
    openIntents: state.open.size,
    lastUsedAtMs: Object.fromEntries([...state.keys].map(([keyId, { lastUsedAtMs }]) => [keyId, lastUsedAtMs])),
    notReady: notReady(state),
    termsVersion: state.terms?.version ?? null,
    keyIds: keys.map(({ keyId }) => keyId),
    revokedKeyIds: keys.filter(({ revokedAtMs }) => revokedAtMs !== null).map(({ keyId }) => keyId),
    lateEarlyCalls: state.lateEarlyCalls,
  };
}

function spentInPeriod({ period, spentInPeriodMicros }: Readonly<LedgerState>, nowMs: number): number {
  return period !== null && periodOf(nowMs) <= period ? spentInPeriodMicros : 0;
}
