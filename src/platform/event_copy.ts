import { meterEventOf, type StoredEventRow } from "../domain/event_row.ts";
import type { DaySums } from "../domain/ledger/day_sums.ts";
import type { LedgerName, MeterEvent } from "../domain/meter_event.ts";
import { messageOf } from "./log.ts";
import { StoreError } from "./outage.ts";

/**
 * Writes a batch, as one row. What was written by a try that gave no answer is the beginning of what the next try brings,
 * or all of it: the longer of the two stays. The same seq with another event is a broken ledger, and fails on NOT NULL
 * instead of being swallowed; so does a batch that would take the place of others without having all their events.
 */
const WRITE_BATCH = `
  INSERT INTO event_batches (tenant_id, mode, first_seq, last_seq, events)
  SELECT ?1, ?2, ?3->>'$[0].seq', ?3->>'$[#-1].seq', CASE WHEN EXISTS (
    SELECT 1 FROM event_batches AS within, json_each(within.events) AS had
    WHERE within.tenant_id = ?1 AND within.mode = ?2
      AND within.first_seq > ?3->>'$[0].seq' AND within.first_seq <= ?3->>'$[#-1].seq'
      AND ?3->>('$[' || (within.first_seq + had.key - ?3->>'$[0].seq') || '].id') IS NOT had.value->>'id'
  ) THEN NULL ELSE ?3 END WHERE true
  ON CONFLICT (tenant_id, mode, first_seq) DO UPDATE SET
    last_seq = max(last_seq, excluded.last_seq),
    events = CASE WHEN ${idsInBoth("event_batches.events")} IS NOT ${idsInBoth("excluded.events")} THEN NULL
      WHEN excluded.last_seq > last_seq THEN excluded.events ELSE events END`;

const CONFLICT = /NOT NULL constraint failed: event_batches\.events|the events are in an earlier batch/;

const WRITE_DAY = `
  INSERT INTO usage_days (tenant_id, mode, date, last_seq, sums) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (date, tenant_id, mode) DO UPDATE SET last_seq = excluded.last_seq, sums = excluded.sums
    WHERE excluded.last_seq > last_seq`;

/** The ids of those events of a list whose seqs are in both lists, in their order; the two begin with the same seq. */
function idsInBoth(events: string): string {
  return `(SELECT group_concat(value->>'id', ' ') FROM json_each(${events})
    WHERE key <= min(event_batches.last_seq, excluded.last_seq) - excluded.first_seq)`;
}

/**
 * The batches that begin in a stretch of seqs, and the one that its first seq is in, as the texts that the ledger sent: D1
 * takes half as long for them as for their events one by one.
 */
const READ_STRETCH = `
  SELECT first_seq, events FROM event_batches
  WHERE tenant_id = ?1 AND mode = ?2 AND first_seq <= ?4 AND first_seq >= coalesce((
      SELECT first_seq FROM event_batches WHERE tenant_id = ?1 AND mode = ?2 AND first_seq <= ?3
      ORDER BY first_seq DESC LIMIT 1), ?3)
  ORDER BY first_seq`;

const READ_BATCHES = `
  SELECT first_seq, last_seq, events FROM event_batches WHERE tenant_id = ?1 AND mode = ?2 AND first_seq > ?3
  ORDER BY first_seq LIMIT ?4`;

const READ_DAYS = `
  SELECT date, last_seq, sums FROM usage_days
  WHERE tenant_id = ?1 AND mode = ?2 AND date >= ?3 AND date <= ?4 ORDER BY date`;

/** About a megabyte: few enough calls for a month of a million events, little enough memory for any month. */
export const PAGE_EVENTS = 2000;

/** Both ends belong to it; an empty one has `last` one below `first`. */
export type SeqRange = { readonly first: number; readonly last: number };

export function eventsIn({ first, last }: SeqRange): number {
  return last - first + 1;
}

/** Thrown where D1 does not have what it should: a part of a month must never pass for all of it. */
export class MissingEventError extends StoreError {
  readonly seq: number;

  constructor(seq: number) {
    super(`event ${seq} is not in D1`);
    this.seq = seq;
  }
}

/** Thrown where D1 has other events at a ledger's seqs: one of the two was restored to an earlier point. */
export class ConflictingEventsError extends Error {
  override readonly name = "ConflictingEventsError";
}

/**
 * Copies a batch of one ledger's events, `EventRow`s (domain/event_row.ts) as a JSON list, to D1, and what their days come
 * to. Absolute sums with their seq: an older one changes nothing. Throws what D1 throws, and `ConflictingEventsError`.
 */
export async function writeEvents(
  db: D1Database,
  ledger: LedgerName,
  { events, days }: { events: string; days: readonly DaySums[] },
): Promise<void> {
  const { tenantId, mode } = ledger;
  try {
    await db.batch([db.prepare(WRITE_BATCH).bind(tenantId, mode, events), ...dayWrites(db, ledger, days)]);
  } catch (error) {
    if (CONFLICT.test(messageOf(error))) throw new ConflictingEventsError(messageOf(error));
    throw error;
  }
}

/** Writes what days come to, without their events. Throws what D1 throws. */
export async function writeDays(db: D1Database, ledger: LedgerName, days: readonly DaySums[]): Promise<void> {
  await db.batch(dayWrites(db, ledger, days));
}

function dayWrites(db: D1Database, { tenantId, mode }: LedgerName, days: readonly DaySums[]): D1PreparedStatement[] {
  const write = db.prepare(WRITE_DAY);
  return days.map((sums) => write.bind(tenantId, mode, sums.date, sums.lastSeq, JSON.stringify(sums)));
}

/** A batch as D1 has it: its text is what the ledger sent. */
export type CopiedBatch = { readonly first: number; readonly last: number; readonly text: string };

/** The batches that begin after a seq, in order. */
export async function copiedBatches(
  db: D1Database,
  { tenantId, mode }: LedgerName,
  { after, limit }: { after: number; limit: number },
): Promise<CopiedBatch[]> {
  const { results } = await db
    .prepare(READ_BATCHES)
    .bind(tenantId, mode, after, limit)
    .all<{ first_seq: number; last_seq: number; events: string }>();
  return results.map(({ first_seq: first, last_seq: last, events: text }) => ({ first, last, text }));
}

/** What D1 has of a ledger's days, both ends included. */
export async function copiedDays(
  db: D1Database,
  { tenantId, mode }: LedgerName,
  { from, to }: { from: string; to: string },
): Promise<{ date: string; lastSeq: number; sums: DaySums }[]> {
  const { results } = await db
    .prepare(READ_DAYS)
    .bind(tenantId, mode, from, to)
    .all<{ date: string; last_seq: number; sums: string }>();
  return results.map((row) => ({
    date: row.date,
    lastSeq: row.last_seq,
    sums: JSON.parse(row.sums) as DaySums,
  }));
}

/**
 * The events of a range from its first one on, as far as D1 has them without a hole: a page at most, and what its last batch
 * has beyond that. Throws what D1 throws.
 */
export async function readEvents(db: D1Database, ledger: LedgerName, { first, last }: SeqRange): Promise<MeterEvent[]> {
  const stretchEnd = Math.min(last, first + PAGE_EVENTS - 1);
  const stretch = db.prepare(READ_STRETCH).bind(ledger.tenantId, ledger.mode, first, stretchEnd);
  const events: MeterEvent[] = [];
  const { results } = await stretch.all<{ first_seq: number; events: string }>();
  for (const { first_seq: batchFirst, events: text } of results) {
    const rows = JSON.parse(text) as StoredEventRow[];
    for (const row of rows.slice(Math.max(first - batchFirst, 0), last - batchFirst + 1)) {
      if (row.seq !== first + events.length) return events;
      events.push(meterEventOf(row, ledger));
    }
  }
  return events;
}
