import { meterEventOf, type StoredEventRow } from "../domain/event_row.ts";
import { countEvent, emptyDay, usageOf, type DaySums } from "../domain/ledger/day_sums.ts";
import { periodOfEvent } from "../domain/ledger/past.ts";
import type { Period } from "../domain/period.ts";
import type { Manifest } from "../domain/statement.ts";
import { copiedBatches, copiedDays, type CopiedBatch } from "../platform/event_copy.ts";
import { sha256Hex } from "../platform/keyed_hash.ts";
import type { MonthTotals } from "../platform/ledger/messages.ts";
import type { Comparison } from "./verify_ledger.ts";

/** Delivered, not found, rejected, failed, unknown, billed, micros, adjustments, and their micros. */
export type Sums = readonly number[];

export const NO_SUMS: Sums = [0, 0, 0, 0, 0, 0, 0, 0, 0];

const BATCHES_A_PAGE = 20;

export class LedgerAwayError extends Error {
  override readonly name = "LedgerAwayError";
}

export function sumsOf(totals: Omit<MonthTotals, "month">): Sums {
  const { delivered, notFound, rejected, failed, unknown, billed, amountMicros } = totals;
  const { adjustments, adjustmentMicros } = totals;
  return [delivered, notFound, rejected, failed, unknown, billed, amountMicros, adjustments, adjustmentMicros];
}

export function sumsOfManifest({ counts, adjustments, totals }: Manifest): Sums {
  return sumsOf({ ...counts, adjustments, adjustmentMicros: totals.amountMicros - counts.amountMicros });
}

type Copied = { readonly period: Period; readonly next: number; readonly last: number; readonly sums: Sums };

/** Reads a month's events in D1 up to `last`, beside the ledger's batches; `isDone` when that is the whole month. */
export async function compareCopy(
  comparison: Comparison,
  { period, last, ...place }: Copied,
): Promise<{ next: number; sums: Sums; events: number; isDone: boolean }> {
  const { services, ledger, endsAtMs, find } = comparison;
  let { next, sums } = place;
  let events = 0;
  for (let isFirst = true; next <= last; isFirst = false) {
    if (!isFirst && Date.now() >= endsAtMs) return { next, sums, events, isDone: false };
    const page = await copiedBatches(services.db, ledger, { after: next - 1, limit: BATCHES_A_PAGE });
    const digests = await digestsAfter(comparison, next - 1);
    for (const batch of page) {
      if (batch.first > last) break;
      const rows = JSON.parse(batch.text) as StoredEventRow[];
      // The next month's: whether one is missing before it cannot be said of this month alone.
      if (rows[0] !== undefined && periodOfEvent(rows[0]) > period) return { next, sums, events, isDone: true };
      if (batch.first > next) find({ code: "events_missing", period, first: next, last: batch.first - 1, what: "d1" });
      await compareBatch(comparison, { batch, rows, period, digests });
      sums = addEvents(sums, rows);
      events += rows.length;
      next = batch.last + 1;
    }
    if (page.length === BATCHES_A_PAGE && next <= last && page.at(-1)?.last === next - 1) continue;
    if (next <= last) find({ code: "events_missing", period, first: next, last, what: "d1" });
    return { next: Math.max(next, last + 1), sums, events, isDone: true };
  }
  return { next, sums, events, isDone: true };
}

/** What days come to in the ledger, and in D1's `usage_days`, where both are of the same event. */
export async function compareDays(
  { services, ledger, isReady, ask, find }: Comparison,
  { period, through }: { period: Period; through: number },
): Promise<void> {
  if (!isReady) return;
  const { days } = await ask((stub) => stub.inspect({ period, through }));
  const copied = await copiedDays(services.db, ledger, { from: `${period}-01`, to: `${period}-31` });
  for (const day of days) {
    const other = copied.find(({ date }) => date === day.date);
    const isComplete = day.lastSeq <= through;
    const isSame = other !== undefined && other.lastSeq === day.lastSeq && isSameDay(other.sums, day);
    const isEarlier = !isComplete && (other === undefined || other.lastSeq < day.lastSeq);
    if (!isSame && !isEarlier) find({ code: "usage_differs", period, what: day.date });
  }
}

function isSameDay(left: DaySums, right: DaySums): boolean {
  const shown = ({ counts, billed, amountMicros, adjustments, adjustmentMicros }: DaySums) =>
    JSON.stringify([counts, billed, amountMicros, adjustments, adjustmentMicros]);
  return shown(left) === shown(right);
}

type Digests = ReadonlyMap<string, string>;

async function digestsAfter({ ask }: Comparison, seq: number): Promise<Digests> {
  const digests = await ask((stub) => stub.batchDigests(seq));
  return new Map(digests.map(({ first, last, sha256 }) => [`${first}-${last}`, sha256]));
}

/** The hash of a batch's text says that every field of every event is the same; else they are compared one by one. */
async function compareBatch(
  { ask, ledger, find }: Comparison,
  { batch, rows, period, digests }: { batch: CopiedBatch; rows: StoredEventRow[]; period: Period; digests: Digests },
): Promise<void> {
  const { first, last, text } = batch;
  if (digests.get(`${first}-${last}`) === (await sha256Hex(text))) return;
  const held = await ask((stub) => stub.heldEvents(first, { pack: false }));
  // A month that is archived has left the ledger.
  if (held === null) return;
  const own = new Map((JSON.parse(held) as StoredEventRow[]).map((event) => [event.seq, event]));
  const shown = (event: StoredEventRow) => JSON.stringify(meterEventOf(event, ledger));
  const wrong = rows.filter((row) => {
    const event = own.get(row.seq);
    return event !== undefined && shown(event) !== shown(row);
  });
  const [from] = wrong;
  if (from !== undefined) find({ code: "events_differ", period, first: from.seq, last: wrong.at(-1)?.seq ?? from.seq });
}

function addEvents(sums: Sums, rows: readonly StoredEventRow[]): Sums {
  const day = emptyDay("", 1);
  for (const row of rows) countEvent(day, row);
  const { adjustments, adjustmentMicros } = day;
  const added = sumsOf({ ...usageOf(day), adjustments, adjustmentMicros });
  return sums.map((count, index) => count + (added[index] ?? 0));
}
