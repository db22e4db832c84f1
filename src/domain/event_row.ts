import { assertPresent } from "./assert.ts";
import { EVENT_FIELDS, STORED_ONLY_FIELDS, type EventField, type FieldTypes } from "./event_fields.ts";
import type { MeterEvent, Mode } from "./meter_event.ts";
import type { Period, SaoPauloDate } from "./period.ts";

type ExportedField = (typeof EVENT_FIELDS)[number];
type StoredField = Extract<ExportedField | (typeof STORED_ONLY_FIELDS)[number], { stored: "first" | "later" }>;
type Nullable<Field extends EventField> = Field["isNullable"] extends true ? null : never;

/** One event as every format shows it: the same fields, in this order. Times are RFC 3339, money is micros of BRL. */
export type ExportedEvent = {
  readonly [Field in ExportedField as Field["name"]]: FieldTypes[Field["type"]]["exported"] | Nullable<Field>;
};

/** One event as a ledger writes it, in its journal, its batches and D1's `event_batches`. Tenant and mode are the batch's. */
export type EventRow = {
  readonly [Field in StoredField as Field["column"]]: FieldTypes[Field["type"]]["stored"] | Nullable<Field>;
};

type LaterColumn = Extract<StoredField, { stored: "later" }>["column"];

/** One event as it is read: what was recorded before a field existed does not have it. */
export type StoredEventRow = Omit<EventRow, LaterColumn> & Partial<Pick<EventRow, LaterColumn>>;

const LATER_COLUMNS = [...EVENT_FIELDS, ...STORED_ONLY_FIELDS].flatMap(({ stored, column }) =>
  stored === "later" ? [column] : [],
);
/** Never within a text: there the quotes are escaped. */
const UNSET_LATER_FIELDS = new RegExp(`,"(?:${LATER_COLUMNS.join("|")})":null`, "g");

/**
 * Events as their batch has them, here and in D1. A later field that is not set is left out, as in an event of before it
 * existed: every version reads that as null, D1's view too, and it is a sixth of what D1 stores.
 */
export function batchText(events: readonly StoredEventRow[]): string {
  return JSON.stringify(events).replace(UNSET_LATER_FIELDS, "");
}

/** A stored event with what its batch says of it. */
export function meterEventOf(row: StoredEventRow, { tenantId, mode }: { tenantId: string; mode: Mode }): MeterEvent {
  return {
    seq: row.seq,
    id: row.id,
    occurredAtMs: row.occurred_at,
    admittedAtMs: row.admitted_at ?? null,
    admitMs: row.admit_ms ?? null,
    tenantId,
    keyId: row.key_id,
    reference: row.reference,
    customerId: row.customer_id ?? null,
    mode,
    outcome: row.outcome,
    failureCode: row.failure_code ?? null,
    upstreamStatus: row.upstream_status ?? null,
    billed: row.billed === 1,
    units: row.units,
    unitPriceMicros: row.unit_price_micros,
    amountMicros: row.amount_micros,
    priceVersion: row.price_version ?? null,
    transactionId: row.transaction_id,
    cpfReference: row.cpf_reference,
    purpose: row.purpose ?? null,
    legalBasis: row.legal_basis ?? null,
    consentId: row.consent_id ?? null,
    requestedBy: row.requested_by ?? null,
    requestId: row.request_id ?? null,
    claroMs: row.claro_ms ?? null,
    kind: row.kind,
    corrects: row.corrects,
    period: row.period ?? null,
    day: row.day ?? null,
  };
}

/**
 * A stored event as it was, from a line of a closed month's `events.jsonl`. A file of before a field existed does not have
 * it, and neither has the row.
 */
export function storedRowOf(exported: Partial<ExportedEvent>, period: Period): StoredEventRow {
  const row: Record<string, unknown> = {};
  for (const field of EVENT_FIELDS) {
    const value = exported[field.name];
    if (value === undefined || field.column === null || field.stored === "batch") continue;
    row[field.column] = value === null ? null : storedValue(field.type, value);
  }
  const localTime = assertPresent(exported.occurredAtSaoPaulo, "a line of events.jsonl has no time of São Paulo");
  const date = localTime.slice(0, 10);
  // What a clock that jumped back left in this month stands on its first day.
  const day = (date.startsWith(period) ? date : `${period}-01`) as SaoPauloDate;
  return { ...row, period, day } as unknown as StoredEventRow;
}

function storedValue(type: keyof FieldTypes, value: string | number | boolean): string | number {
  if (type === "time" && typeof value === "string") return Date.parse(value);
  return typeof value === "boolean" ? Number(value) : value;
}
