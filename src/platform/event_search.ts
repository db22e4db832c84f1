import { meterEventOf, type StoredEventRow } from "../domain/event_row.ts";
import type { LedgerName, MeterEvent, Mode } from "../domain/meter_event.ts";
import type { SeqRange } from "./event_copy.ts";

/** What lookups can be found by: columns of a stored event. */
export type SearchedColumn = "id" | "request_id" | "reference";

/** The events of a stretch of seqs whose column holds a value; D1 looks into its batches, and sends what it found. */
const SEARCH = `
  SELECT value AS event FROM event_batches, json_each(event_batches.events)
  WHERE tenant_id = ?1 AND mode = ?2 AND first_seq <= ?4 AND first_seq >= coalesce((
      SELECT first_seq FROM event_batches WHERE tenant_id = ?1 AND mode = ?2 AND first_seq <= ?3
      ORDER BY first_seq DESC LIMIT 1), ?3)
    AND first_seq + key BETWEEN ?3 AND ?4 AND value->>?5 = ?6
  ORDER BY first_seq, key LIMIT ?7`;

/** A lookup's event by its id, in the batches that hold its time, of whichever tenant; the index has their first and last times. */
const SEARCH_BY_ID = `
  SELECT tenant_id, mode, value AS event FROM event_batches, json_each(event_batches.events)
  WHERE events->>'$[0].occurred_at' BETWEEN ?1 AND ?3 AND events->>'$[#-1].occurred_at' >= ?2
    AND value->>'id' = ?4 LIMIT 1`;

/**
 * Batches of all tenants in the order of when they began, the newest first, from the one of the place on; of each the first
 * events whose column holds a value, in the place's own those after it. What a batch's text does not hold at all is not
 * taken apart.
 */
const SEARCH_ALL = `
  WITH part AS MATERIALIZED (
    SELECT tenant_id, mode, first_seq, events->>'$[0].occurred_at' AS began, events->>'$[#-1].occurred_at' AS ended,
      iif(instr(events, ?10) > 0, events, '[]') AS events
    FROM event_batches
    WHERE (events->>'$[0].occurred_at', events->>'$[#-1].occurred_at', tenant_id, mode, first_seq) <= (?1, ?2, ?3, ?4, ?5)
      AND events->>'$[0].occurred_at' BETWEEN ?7 AND ?1
    ORDER BY events->>'$[0].occurred_at' DESC, events->>'$[#-1].occurred_at' DESC, tenant_id DESC, mode DESC, first_seq DESC
    LIMIT ?8)
  SELECT tenant_id, mode, first_seq, began, ended, (
    SELECT json_group_array(json_object('at', at, 'event', json(event))) FROM (
      SELECT key AS at, value AS event FROM json_each(part.events)
      WHERE value->>?11 = ?12 AND key > iif(tenant_id = ?3 AND mode = ?4 AND first_seq = ?5, ?6, -1) LIMIT ?9)) AS found
  FROM part`;

/**
 * The batches that began last of those with events since an instant, up to a number of events, and how lookups in them
 * failed; of all tenants, or of one. A tenant that asks little has one batch for weeks. Batches are chosen by their keys, and
 * an event whose text says that it was delivered is not taken apart: that is most of the time that this takes. To see a key
 * SQLite reads the whole row, so that more are looked at only where the first are not full.
 */
const FULL_BATCHES = 10;
const LATEST_FAILURES = (recent: string) => `
  WITH newest AS MATERIALIZED (${recent} ORDER BY began DESC LIMIT ${FULL_BATCHES}),
  older AS (${recent} ORDER BY began DESC
    LIMIT (SELECT iif(sum(last_seq - first_seq + 1) < ?3, ?2, 0) FROM newest) OFFSET ${FULL_BATCHES}),
  recent AS (SELECT * FROM newest UNION ALL SELECT * FROM older),
  latest AS MATERIALIZED (SELECT tenant_id, first_seq FROM (
      SELECT tenant_id, first_seq, sum(last_seq - first_seq + 1) OVER (ORDER BY began DESC, tenant_id, first_seq
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newer FROM recent)
    WHERE coalesce(newer, 0) < ?3)
  SELECT coalesce(value->>'failure_code', value->>'outcome') AS code, count(*) AS failures,
    count(DISTINCT batch.tenant_id) AS tenants, max(value->>'occurred_at') AS last_at
  FROM latest CROSS JOIN event_batches AS batch
    ON batch.tenant_id = latest.tenant_id AND batch.mode = 'live' AND batch.first_seq = latest.first_seq,
    json_each(batch.events)
  WHERE instr(value, '"outcome":"delivered"') = 0 AND value->>'outcome' IN ('failed', 'unknown', 'rejected')
    AND value->>'occurred_at' >= ?1
  GROUP BY code ORDER BY failures DESC, code LIMIT ?4`;

/** By the index of all batches' times. */
const RECENT_OF_ALL = `
  SELECT tenant_id, first_seq, last_seq, events->>'$[0].occurred_at' AS began FROM event_batches
  WHERE mode = 'live' AND events->>'$[0].occurred_at' >= ?5 AND events->>'$[#-1].occurred_at' >= ?1`;
/** No index has one tenant's times: to ask for them would take each of its batches apart. */
const RECENT_OF_ONE = `
  SELECT tenant_id, first_seq, last_seq, first_seq AS began FROM event_batches WHERE tenant_id = ?5 AND mode = 'live'`;

/** A batch is of one month: none began longer before the events in it. */
const LONGEST_BATCH_MS = 32 * 86_400_000;

type Row = { readonly event: string };

/** Lookups that failed in one way. */
export type FailureGroup = {
  readonly code: string;
  readonly failures: number;
  readonly tenants: number;
  readonly lastAtMs: number;
};

const FAILURE_BATCHES = 200;
/** A batch of a busy tenant has 500: without this bound, reading 200 of them took a second. */
const FAILURE_EVENTS = 5000;
const FAILURE_CODES = 20;

/** How lookups failed since an instant, by code, the most frequent first; of the last 200 batches or 5,000 events that D1 got. */
export async function latestFailures(
  db: D1Database,
  { sinceMs, tenantId = null }: { sinceMs: number; tenantId?: string | null },
): Promise<FailureGroup[]> {
  const [recent, of] = tenantId === null ? [RECENT_OF_ALL, sinceMs - LONGEST_BATCH_MS] : [RECENT_OF_ONE, tenantId];
  const asked = db.prepare(LATEST_FAILURES(recent)).bind(sinceMs, FAILURE_BATCHES, FAILURE_EVENTS, FAILURE_CODES, of);
  const { results } = await asked.all<{ code: string; failures: number; tenants: number; last_at: number }>();
  return results.map(({ last_at: lastAtMs, ...group }) => ({ ...group, lastAtMs }));
}

export async function searchEvents(
  db: D1Database,
  ledger: LedgerName,
  { range, column, value, most }: { range: SeqRange; column: SearchedColumn; value: string; most: number },
): Promise<MeterEvent[]> {
  const bound = [ledger.tenantId, ledger.mode, range.first, range.last, column, value, most];
  const { results } = await db
    .prepare(SEARCH)
    .bind(...bound)
    .all<Row>();
  return results.map(({ event }) => meterEventOf(JSON.parse(event) as StoredEventRow, ledger));
}

/** A place in the copy: a batch, by what batches are in the order of, and an event of it that comes before what is wanted. */
export type CopyPlace = {
  readonly beganMs: number;
  readonly endedMs: number;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly firstSeq: number;
  readonly at: number;
};

type BatchRow = { tenant_id: string; mode: Mode; first_seq: number; began: number; ended: number; found: string };
type BatchHit = { readonly at: number; readonly event: StoredEventRow };

/** A batch that was looked into: its place, before all of its events, and those that were found. */
export type SearchedBatch = { readonly place: CopyPlace; readonly hits: readonly (readonly [number, MeterEvent])[] };

/** The next batches of all tenants from a place on, up to `most`, each with the first `mostHits` events of a value. */
export async function searchEventsOfAll(
  db: D1Database,
  { column, value }: { column: SearchedColumn; value: string },
  { from, sinceMs, most, mostHits }: { from: CopyPlace; sinceMs: number; most: number; mostHits: number },
): Promise<SearchedBatch[]> {
  const place = [from.beganMs, from.endedMs, from.tenantId, from.mode, from.firstSeq, from.at];
  const asked = [sinceMs - LONGEST_BATCH_MS, most, mostHits, writtenValue(value), column, value];
  const { results } = await db
    .prepare(SEARCH_ALL)
    .bind(...place, ...asked)
    .all<BatchRow>();
  return results.map(({ tenant_id: tenantId, mode, first_seq: firstSeq, began, ended, found }) => ({
    place: { beganMs: began, endedMs: ended, tenantId, mode, firstSeq, at: -1 },
    hits: (JSON.parse(found) as BatchHit[]).map(({ at, event }) => [at, meterEventOf(event, { tenantId, mode })]),
  }));
}

/** A value as JSON's text has it: a line or a batch that does not hold it at all is not worth taking apart. */
export function writtenValue(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

/** The event of a lookup that ended between two instants; null where D1 has none. */
export async function eventById(
  db: D1Database,
  id: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<MeterEvent | null> {
  const found = await db
    .prepare(SEARCH_BY_ID)
    .bind(fromMs - LONGEST_BATCH_MS, fromMs, toMs, id)
    .first<Row & { tenant_id: string; mode: Mode }>();
  if (found === null) return null;
  const ledger = { tenantId: found.tenant_id, mode: found.mode };
  return meterEventOf(JSON.parse(found.event) as StoredEventRow, ledger);
}
