import type { EventRow } from "../../domain/event_row.ts";
import { countEvents, emptyDay, type DaySums } from "../../domain/ledger/day_sums.ts";
import { hasTierPlaces } from "../../domain/ledger/limits.ts";
import { LEDGER_SCHEMA_VERSION } from "../../domain/ledger/schema_version.ts";
import { emptyState, type LedgerState } from "../../domain/ledger/state.ts";
import type { LedgerTerms } from "../../domain/ledger/terms.ts";
import type { Outcome } from "../../domain/meter_event.ts";
import { periodBounds, periodOf, saoPauloDate } from "../../domain/period.ts";
import type { PriceTier } from "../../domain/plan.ts";
import { FULL_BUCKET, type Bucket } from "../../domain/rate_limit.ts";
import { Batches } from "./batches.ts";
import { Journal } from "./journal.ts";
import { CUT_EVENTS } from "./ledger_core.ts";
import { SideTables } from "./side_tables.ts";
import { SCHEMA } from "./tables.ts";

/** Statements over schema version 1: a table of lookups, with n < 0 for open intents and n > 0 for events. */
const SQL = {
  isOld: `SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'ledger'`,
  head: `SELECT terms, price_version, flushed_through, period_floor FROM ledger`,
  prices: `SELECT version, tiers FROM prices`,
  bucket: `SELECT missing, at AS atMs FROM bucket`,
  keyUses: `SELECT key_id, last_used_at FROM key_uses`,
  days: `SELECT * FROM days ORDER BY date`,
  lastSeq: `SELECT coalesce(max(n), 0) AS n FROM lookups WHERE n > 0`,
  intents: `
    SELECT id, key_id, reference, cpf_reference, admitted_at, price_version, idempotency_key, outcome,
      (SELECT request_hash FROM idempotency WHERE key_hash = idempotency_key) AS request_hash
    FROM lookups WHERE n < 0 ORDER BY n DESC`,
  waiting: `
    SELECT n AS seq, id, occurred_at, day, admitted_at, key_id, reference, outcome, billed, units, unit_price_micros,
      amount_micros, price_version, transaction_id, cpf_reference, kind, corrects
    FROM lookups WHERE n > ? ORDER BY n`,
  // Nothing of before is deleted row by row: that would be a written row each.
  keepBatches: `
    ALTER TABLE batches RENAME TO event_batches;
    ALTER TABLE event_batches ADD COLUMN period TEXT;
    ALTER TABLE event_batches ADD COLUMN first_id_ms INTEGER;
    ALTER TABLE event_batches ADD COLUMN last_id_ms INTEGER;`,
  // The code of before would make its tables anew and begin again at seq 1. On a view it throws.
  bar: `
    DROP TABLE lookups; DROP TABLE days; DROP TABLE bucket; DROP TABLE key_uses; DROP TABLE ledger;
    CREATE VIEW ledger AS SELECT ${LEDGER_SCHEMA_VERSION} AS schema_version;`,
} as const;

type Head = { terms: string | null; price_version: number; flushed_through: number; period_floor: number };

type IntentRow = {
  id: string;
  key_id: string;
  reference: string | null;
  cpf_reference: string;
  admitted_at: number;
  price_version: number;
  idempotency_key: string | null;
  outcome: string | null;
  request_hash: string | null;
};

type OldDay = Record<string, number> & { date: string };

type Options = { readonly nowMs: number; readonly intentTtlMs: number };

export function isOldSchema(sql: SqlStorage): boolean {
  return sql.exec(SQL.isOld).toArray().length > 0;
}

/**
 * Takes an object of schema version 1 over: its open intents become the state, its waiting events batches, its days sums.
 * One synchronous step, to be run as one transaction; events are read by a cursor, however many wait.
 */
export function takeOver(sql: SqlStorage, options: Options): void {
  const head = sql.exec<Head>(SQL.head).one();
  sql.exec(SQL.keepBatches);
  sql.exec(SCHEMA);
  const side = new SideTables(sql);
  for (const row of sql.exec<OldDay>(SQL.days)) side.saveDay(daySumsOf(row));
  const state = stateOf(sql, { head, ...options });
  packWaiting(sql, { after: head.flushed_through, side });
  state.allowanceUsed = allowanceUsed(side);
  const month = state.period === null ? [] : side.days({ from: `${state.period}-01`, to: `${state.period}-31` });
  state.spentInPeriodMicros = month.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  const tiers = state.prices.get(state.priceVersion) ?? [];
  state.tieredInPeriod = hasTierPlaces(tiers) ? month.reduce((sum, { billed }) => sum + billed, 0) : 0;
  side.saveCopied(head.flushed_through, LEDGER_SCHEMA_VERSION);
  sql.exec(SQL.bar);
  new Journal(sql).checkpoint(state);
}

function stateOf(sql: SqlStorage, { head, nowMs, intentTtlMs }: Options & { head: Head }): LedgerState {
  const state = emptyState();
  state.terms = head.terms === null ? null : (JSON.parse(head.terms) as LedgerTerms);
  state.lastSeq = Math.max(head.flushed_through, sql.exec<{ n: number }>(SQL.lastSeq).one().n);
  state.priceVersion = head.price_version;
  state.highestPriceVersion = head.price_version;
  for (const { version, tiers } of sql.exec<{ version: number; tiers: string }>(SQL.prices)) {
    state.prices.set(version, JSON.parse(tiers) as PriceTier[]);
  }
  if (head.period_floor > 0) {
    state.period = periodOf(head.period_floor);
    state.periodStartMs = periodBounds(state.period).startMs;
  }
  state.bucket = sql.exec<Bucket>(SQL.bucket).toArray()[0] ?? FULL_BUCKET;
  for (const row of sql.exec<{ key_id: string; last_used_at: number }>(SQL.keyUses)) {
    state.keys.set(row.key_id, keyCounts(row.last_used_at));
  }
  for (const row of sql.exec<IntentRow>(SQL.intents).toArray()) addIntent(state, row, { nowMs, intentTtlMs });
  return state;
}

function addIntent(state: LedgerState, row: IntentRow, { intentTtlMs }: Options): void {
  const { id: lookupId, key_id: keyId, admitted_at: admittedAtMs, price_version: priceVersion } = row;
  const idempotency =
    row.idempotency_key === null || row.request_hash === null
      ? null
      : { keyHash: row.idempotency_key, requestHash: row.request_hash };
  state.open.set(lookupId, {
    lookup: {
      lookupId,
      keyId,
      reference: row.reference,
      cpfReference: row.cpf_reference,
      customerId: state.terms?.customerId ?? null,
      requestId: null,
      purpose: null,
      legalBasis: null,
      consentId: null,
      requestedBy: null,
      idempotency,
    },
    admittedAtMs,
    endsAtMs: admittedAtMs + intentTtlMs,
    day: saoPauloDate(admittedAtMs),
    priceVersion,
    // Which refusal it was was not kept: only its own caller would have to know, and has waited too long by now.
    refusal: row.outcome === null ? null : "ledger_unavailable",
  });
  state.openAtPrice.set(priceVersion, (state.openAtPrice.get(priceVersion) ?? 0) + 1);
  const counts = state.keys.get(keyId) ?? keyCounts(admittedAtMs);
  counts.open += 1;
  state.keys.set(keyId, counts);
  if (idempotency !== null) state.openKeys.set(idempotency.keyHash, lookupId);
}

function keyCounts(lastUsedAtMs: number) {
  return { days: [], period: "", spentMicros: 0, open: 0, bucket: FULL_BUCKET, lastUsedAtMs };
}

/** In the same portions as they were sent to D1 before: it may have one of them that it has not confirmed. */
function packWaiting(sql: SqlStorage, { after, side }: { after: number; side: SideTables }): void {
  const batches = new Batches(sql);
  let events: EventRow[] = [];
  const pack = () => {
    if (events.length === 0) return;
    batches.pack(events);
    const days = countEvents(events, { dayOf: (event) => event.day ?? "", find: (date) => side.day(date) });
    for (const sums of days) side.saveDay(sums);
    events = [];
  };
  for (const row of sql.exec<OldEvent>(SQL.waiting, after)) {
    const event = eventOf(row);
    if (events.length === CUT_EVENTS || (events[0] !== undefined && events[0].period !== event.period)) pack();
    events.push(event);
  }
  pack();
}

type OldEvent = {
  seq: number;
  id: string;
  occurred_at: number;
  day: string;
  admitted_at: number;
  key_id: string | null;
  reference: string | null;
  outcome: Outcome | null;
  billed: number;
  units: number;
  unit_price_micros: number | null;
  amount_micros: number;
  price_version: number;
  transaction_id: string | null;
  cpf_reference: string | null;
  kind: "lookup" | "adjustment";
  corrects: string | null;
};

function eventOf(row: OldEvent): EventRow {
  const isLookup = row.kind === "lookup";
  return {
    ...row,
    period: row.day.slice(0, 7) as EventRow["period"],
    day: row.day as EventRow["day"],
    admitted_at: isLookup ? row.admitted_at : null,
    price_version: isLookup ? row.price_version : null,
    admit_ms: null,
    customer_id: null,
    failure_code: null,
    upstream_status: null,
    purpose: null,
    legal_basis: null,
    consent_id: null,
    requested_by: null,
    request_id: null,
    claro_ms: null,
  };
}

function daySumsOf(row: OldDay): DaySums {
  const count = (name: string) => row[name] ?? 0;
  return {
    ...emptyDay(row.date, count("first_seq")),
    lastSeq: count("last_seq"),
    counts: [count("delivered"), count("not_found"), count("rejected"), count("failed"), count("unknown")],
    billed: count("billed"),
    units: count("billed"),
    amountMicros: count("amount_micros"),
    adjustments: count("adjustments"),
    adjustmentMicros: count("adjustment_micros"),
  };
}

function allowanceUsed(side: SideTables): number {
  return side
    .days({ from: "0000-00-00", to: "9999-99-99" })
    .reduce((sum, { counts: [delivered, notFound, rejected, , unknown] }) => {
      return sum + delivered + notFound + rejected + unknown;
    }, 0);
}
