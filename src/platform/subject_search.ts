import { meterEventOf, type StoredEventRow } from "../domain/event_row.ts";
import type { LedgerName, MeterEvent } from "../domain/meter_event.ts";
import { rowOf, rowsOf } from "./batch_rows.ts";
import { eventsIn, type SeqRange } from "./event_copy.ts";

/** Batches that begin in a stretch of seqs, and the one that its first seq is in. */
const IN_STRETCH = `tenant_id = ?1 AND mode = ?2 AND first_seq <= ?4 AND first_seq >= coalesce((
      SELECT first_seq FROM event_batches WHERE tenant_id = ?1 AND mode = ?2 AND first_seq <= ?3
      ORDER BY first_seq DESC LIMIT 1), ?3)`;

/**
 * The lookups of a stretch of seqs that have one of some references. A person is in few of a tenant's batches: whether a
 * batch holds a reference at all costs D1 a look at its text, a tenth of what taking it apart costs.
 */
const SEARCH = `
  WITH hits AS MATERIALIZED (
    SELECT first_seq, events FROM event_batches WHERE ${IN_STRETCH}
      AND EXISTS (SELECT 1 FROM json_each(?5) AS wanted WHERE instr(event_batches.events, wanted.value) > 0))
  SELECT event.value AS event FROM hits, json_each(hits.events) AS event
  WHERE first_seq + event.key BETWEEN ?3 AND ?4 AND event.value->>'kind' = 'lookup'
    AND event.value->>'cpf_reference' IN (SELECT value FROM json_each(?5))
  ORDER BY first_seq, event.key LIMIT ?6`;

/** How many of the stretch's events D1 has. */
const COVERED = `
  SELECT coalesce(sum(min(last_seq, ?4) - max(first_seq, ?3) + 1), 0) AS events FROM event_batches
  WHERE ${IN_STRETCH} AND last_seq >= ?3`;

const LAST = `
  SELECT last_seq AS seq FROM event_batches WHERE tenant_id = ? AND mode = ? ORDER BY first_seq DESC LIMIT 1`;

/** The lookups of persons in a stretch of seqs; `isWhole` is false where D1 does not have all of its events. */
export async function lookupsOfPerson(
  db: D1Database,
  ledger: LedgerName,
  { range, references, most }: { range: SeqRange; references: readonly string[]; most: number },
): Promise<{ readonly events: readonly MeterEvent[]; readonly isWhole: boolean }> {
  const { tenantId, mode } = ledger;
  const stretch = [tenantId, mode, range.first, range.last] as const;
  const [covered, found] = await db.batch<Record<string, unknown>>([
    db.prepare(COVERED).bind(...stretch),
    db.prepare(SEARCH).bind(...stretch, JSON.stringify(references), most),
  ]);
  const events = rowsOf(found).map(({ event }) => meterEventOf(JSON.parse(event as string) as StoredEventRow, ledger));
  return { events, isWhole: rowOf(covered)["events"] === eventsIn(range) };
}

/** The highest seq that D1 has of a ledger. */
export async function lastCopiedSeq(db: D1Database, { tenantId, mode }: LedgerName): Promise<number> {
  return (await db.prepare(LAST).bind(tenantId, mode).first<number>("seq")) ?? 0;
}
