import type { MeterEvent, Mode } from "../domain/meter_event.ts";
import type { EventRow } from "./ledger/ledger_rows.ts";

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

const SELECT_EVENTS = `
  SELECT seq, id, occurred_at, key_id, reference, outcome, billed, units, unit_price_micros, amount_micros,
    transaction_id, cpf_reference, kind, corrects
  FROM events WHERE tenant_id = ? AND mode = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?`;

/** About a megabyte: few enough calls for a month of a million events, little enough memory for any month. */
const PAGE_ROWS = 2000;

export type LedgerKey = { readonly tenantId: string; readonly mode: Mode };

/** Both ends belong to it; an empty one has `last` one below `first`. */
export type SeqRange = { readonly first: number; readonly last: number };

export function eventsIn({ first, last }: SeqRange): number {
  return last - first + 1;
}

/** Thrown where D1 does not have what it should: a part of a month must never pass for all of it. */
export class MissingEventError extends Error {
  readonly seq: number;

  constructor(seq: number) {
    super(`event ${seq} is not in D1`);
    this.seq = seq;
  }
}

/**
 * Copies events of one ledger, `EventRow`s as a JSON list, to D1. Throws what D1 throws: the caller keeps them and tries
 * again.
 */
export async function writeEvents(db: D1Database, ledger: LedgerKey, events: string): Promise<void> {
  await db.prepare(INSERT_EVENTS).bind(ledger.tenantId, ledger.mode, events).run();
}

/**
 * The events of a range in order, page by page: the next page is read when it is asked for. Throws what D1 throws, and
 * `MissingEventError`.
 */
export async function* eventPages(
  db: D1Database,
  ledger: LedgerKey,
  range: SeqRange,
): AsyncGenerator<MeterEvent[], void, void> {
  for (let after = range.first - 1; after < range.last;) {
    const page = db.prepare(SELECT_EVENTS).bind(ledger.tenantId, ledger.mode, after, range.last, PAGE_ROWS);
    const { results } = await page.all<EventRow>();
    const last = results.at(-1);
    const expected = after + 1;
    const gap = results.findIndex(({ seq }, index) => seq !== expected + index);
    if (last === undefined || gap !== -1) throw new MissingEventError(expected + Math.max(gap, 0));
    yield results.map((row) => toMeterEvent(row, ledger));
    after = last.seq;
  }
}

function toMeterEvent(row: EventRow, { tenantId, mode }: LedgerKey): MeterEvent {
  return {
    seq: row.seq,
    id: row.id,
    occurredAtMs: row.occurred_at,
    tenantId,
    keyId: row.key_id,
    reference: row.reference,
    mode,
    outcome: row.outcome,
    billed: row.billed === 1,
    units: row.units,
    unitPriceMicros: row.unit_price_micros,
    amountMicros: row.amount_micros,
    transactionId: row.transaction_id,
    cpfReference: row.cpf_reference,
    kind: row.kind,
    corrects: row.corrects,
  };
}
