import { assert } from "../assert.ts";
import type { StoredEventRow } from "../event_row.ts";
import type { Outcome } from "../meter_event.ts";
import { addExact } from "../money.ts";
import { periodBounds, periodOf, saoPauloDate } from "../period.ts";
import { FULL_BUCKET } from "../rate_limit.ts";
import { countOfDay } from "./day_counts.ts";
import type { Adjusted, EventTime } from "./entries.ts";
import { usesAllowance } from "./limits.ts";
import type { KeyCounts, LedgerState } from "./state.ts";
import { withdrawalId } from "./withdrawal_id.ts";

/** What of a ledger's state its past events tell: all that they number, price and use up. */
export type Past = Pick<
  LedgerState,
  | "lastSeq"
  | "period"
  | "periodStartMs"
  | "tieredInPeriod"
  | "spentInPeriodMicros"
  | "allowanceUsed"
  | "highestPriceVersion"
  | "keys"
>;

type Placed = { readonly seq: number; readonly time: Pick<EventTime, "period" | "periodStartMs"> };

const MINUTE_MS = 60_000;

/** Counts a lookup that ended as the next event. */
export function countEnded(
  past: Past,
  event: Placed & { keyId: string | null; outcome: Outcome; units: number; amountMicros: number },
): void {
  const { seq, time, keyId, outcome, units, amountMicros } = event;
  nextSeq(past, seq);
  enterPeriod(past, time);
  if (usesAllowance(outcome)) past.allowanceUsed += 1;
  if (units > 0) past.tieredInPeriod += 1;
  past.spentInPeriodMicros = addExact(past.spentInPeriodMicros, amountMicros);
  if (keyId !== null) spend(countsOf(past, keyId), time.period, amountMicros);
}

/** Counts an adjustment as the next event: the money of a charge that is taken back counts against caps no more. */
export function countAdjusted(past: Past, event: Placed & Pick<Adjusted, "amountMicros" | "takesBack">): void {
  const { seq, time, amountMicros, takesBack } = event;
  nextSeq(past, seq);
  enterPeriod(past, time);
  if (takesBack === null || takesBack.period !== time.period) return;
  past.spentInPeriodMicros = addExact(past.spentInPeriodMicros, amountMicros);
  const counts = takesBack.keyId === null ? undefined : past.keys.get(takesBack.keyId);
  if (counts !== undefined) spend(counts, time.period, amountMicros);
}

/** Counts an event as it was recorded, the next in seq. `corrected` is the lookup that an adjustment corrects. */
export function countRecorded(past: Past, event: StoredEventRow, corrected: StoredEventRow | undefined): void {
  const { seq, key_id: keyId, outcome, units, amount_micros: amountMicros } = event;
  const period = periodOfEvent(event);
  const time = { period, periodStartMs: periodBounds(period).startMs };
  past.highestPriceVersion = Math.max(past.highestPriceVersion, event.price_version ?? 0);
  if (event.kind === "adjustment") {
    const isWithdrawal = event.corrects !== null && event.id === withdrawalId(event.corrects);
    const takesBack =
      isWithdrawal && corrected !== undefined
        ? { keyId: corrected.key_id, period: periodOfEvent(corrected) }
        : // Where the charge is not at hand its money goes on counting: a cap may hold too early, never too late.
          null;
    return countAdjusted(past, { seq, time, amountMicros, takesBack });
  }
  assert(outcome !== null, `the event ${seq} has no outcome`);
  countEnded(past, { seq, time, keyId, outcome, units, amountMicros });
  if (keyId === null) return;
  const counts = countsOf(past, keyId);
  const admittedAtMs = event.admitted_at ?? event.occurred_at;
  if (usesAllowance(outcome)) counts.days = countOfDay(counts.days, saoPauloDate(admittedAtMs));
  noteUse(counts, admittedAtMs);
}

/** The month that an event was put in; one of before months were written down is in that of its time. */
export function periodOfEvent({ period, occurred_at: occurredAtMs }: StoredEventRow): EventTime["period"] {
  return period ?? periodOf(occurredAtMs);
}

export function enterPeriod(past: Past, { period, periodStartMs }: Placed["time"]): void {
  if (past.period !== null && period <= past.period) return;
  past.period = period;
  past.periodStartMs = periodStartMs;
  past.tieredInPeriod = 0;
  past.spentInPeriodMicros = 0;
}

export function countsOf({ keys }: Pick<Past, "keys">, keyId: string): KeyCounts {
  let counts = keys.get(keyId);
  if (counts === undefined) {
    counts = { days: [], period: "", spentMicros: 0, open: 0, bucket: FULL_BUCKET, lastUsedAtMs: 0 };
    keys.set(keyId, counts);
  }
  return counts;
}

export function noteUse(counts: KeyCounts, atMs: number): void {
  counts.lastUsedAtMs = Math.max(counts.lastUsedAtMs, atMs - (atMs % MINUTE_MS));
}

function nextSeq(past: Past, seq: number): void {
  assert(seq === past.lastSeq + 1, `seq ${seq} follows ${past.lastSeq}`);
  past.lastSeq = seq;
}

function spend(counts: KeyCounts, period: string, micros: number): void {
  if (period > counts.period) {
    counts.period = period;
    counts.spentMicros = 0;
  }
  if (period === counts.period) counts.spentMicros = addExact(counts.spentMicros, micros);
}
