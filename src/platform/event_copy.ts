import type { Mode } from "../domain/meter_event.ts";
import type { EventRow } from "./ledger/ledger_store.ts";

/**
 * Writes a batch, as one JSON parameter and one transaction. A repeat changes nothing; the same seq with another event
 * is a broken ledger, and fails on NOT NULL instead of being swallowed.
 */
const INSERT_EVENTS = `
  INSERT INTO events (tenant_id, mode, seq, id, occurred_at, key_id, reference, outcome, billed, units,
    unit_price_micros, amount_micros, transaction_id, cpf_reference, kind, corrects)
  SELECT ?1, ?2, value->>'seq', value->>'id', value->>'occurred_at', value->>'key_id', value->>'reference',
    value->>'outcome', value->>'billed', value->>'units', value->>'unit_price_micros', value->>'amount_micros',
    value->>'transaction_id', value->>'cpf_reference', value->>'kind', value->>'corrects'
  FROM json_each(?3) WHERE true
  ON CONFLICT (tenant_id, mode, seq) DO UPDATE SET id = CASE id WHEN excluded.id THEN id END`;

/** Copies events of one ledger to D1. Throws what D1 throws: the caller keeps its events and tries again. */
export async function writeEvents(
  db: D1Database,
  ledger: { tenantId: string; mode: Mode },
  events: readonly EventRow[],
): Promise<void> {
  await db.prepare(INSERT_EVENTS).bind(ledger.tenantId, ledger.mode, JSON.stringify(events)).run();
}
