import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVENT_FIELDS, STORED_ONLY_FIELDS } from "../../src/domain/event_fields.ts";
import { batchText, type EventRow, meterEventOf, type StoredEventRow } from "../../src/domain/event_row.ts";
import { exportedEvent } from "../../src/domain/export/exported_event.ts";
import { FIELD_NAMES } from "./export/readers.ts";
import { periodNamed } from "./export/samples.ts";

const BATCH = { tenantId: "ten_1", mode: "live" } as const;
const CONTEXT = { keyLabels: new Map([["csg_live_0123456789", "loja"]]) };

/** As months were recorded before there were more fields. */
const FIRST: StoredEventRow = {
  seq: 7,
  id: "lkp_7",
  occurred_at: Date.UTC(2026, 10, 28, 0, 20, 40, 123),
  key_id: "csg_live_0123456789",
  reference: "pedido 7",
  outcome: "delivered",
  billed: 1,
  units: 1,
  unit_price_micros: 150_000,
  amount_micros: 150_000,
  transaction_id: "tx_7",
  cpf_reference: "v1:0",
  kind: "lookup",
  corrects: null,
};
const FULL: EventRow = {
  ...FIRST,
  admitted_at: FIRST.occurred_at - 250,
  admit_ms: 12,
  customer_id: "customer-1",
  failure_code: "score_not_found",
  upstream_status: 404,
  price_version: 3,
  purpose: "credit_granting",
  legal_basis: "credit_protection",
  consent_id: "consent-1",
  requested_by: "atendente 4",
  request_id: "req-1",
  claro_ms: 180,
  period: periodNamed("2026-11"),
  day: "2026-11-27" as EventRow["day"],
};

describe("an event's fields", () => {
  test("are those of the contract, in its order", () => {
    expect(EVENT_FIELDS.map(({ name }) => name)).toEqual(FIELD_NAMES);
  });

  test("come from the stored row to whoever reads the event, each one", () => {
    const event = meterEventOf(FULL, BATCH);
    expect(event).toMatchObject({ period: "2026-11", day: "2026-11-27", billed: true });
    const exported = exportedEvent(event, CONTEXT);
    expect(Object.keys(exported)).toEqual(FIELD_NAMES);
    expect(exported).toEqual({
      seq: 7,
      id: "lkp_7",
      occurredAt: "2026-11-28T00:20:40.123Z",
      occurredAtSaoPaulo: "2026-11-27T21:20:40.123-03:00",
      admittedAt: "2026-11-28T00:20:39.873Z",
      admitMs: 12,
      tenantId: "ten_1",
      keyId: "csg_live_0123456789",
      keyLabel: "loja",
      reference: "pedido 7",
      customerId: "customer-1",
      mode: "live",
      outcome: "delivered",
      failureCode: "score_not_found",
      upstreamStatus: 404,
      billed: true,
      units: 1,
      unitPriceMicros: 150_000,
      amountMicros: 150_000,
      priceVersion: 3,
      transactionId: "tx_7",
      cpfReference: "v1:0",
      purpose: "credit_granting",
      legalBasis: "credit_protection",
      consentId: "consent-1",
      requestedBy: "atendente 4",
      requestId: "req-1",
      claroMs: 180,
      kind: "lookup",
      corrects: null,
    });
  });

  test("are null where the event was recorded before they existed", () => {
    const event = meterEventOf(FIRST, BATCH);
    const later = EVENT_FIELDS.filter(({ stored }) => stored === "later");
    const exported = exportedEvent(event, CONTEXT);
    for (const { name } of later) expect(exported[name], name).toBeNull();
    expect([event.period, event.day]).toEqual([null, null]);
    expect(exported).toMatchObject({ seq: 7, occurredAt: "2026-11-28T00:20:40.123Z", amountMicros: 150_000 });
  });
});

describe("a batch's text", () => {
  const columns = [...EVENT_FIELDS, ...STORED_ONLY_FIELDS].flatMap(({ column, stored }) =>
    column === null || stored === "batch" || column === "seq" ? [] : [{ column, stored }],
  );
  // Texts that could pass for a field in JSON, and every character.
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constantFrom(',"purpose":null', '\\",\\"purpose\\":null', '","consent_id":null', "null", "\u2028\\"),
  );
  const event = fc.record({
    seq: fc.nat(),
    ...Object.fromEntries(columns.map(({ column }) => [column, fc.oneof(fc.constant(null), fc.nat(), text)])),
  }) as unknown as fc.Arbitrary<StoredEventRow>;

  test("has each event as it was, whatever its texts are", () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 5 }), (events) => {
        const read = JSON.parse(batchText(events)) as StoredEventRow[];
        expect(read.map((row) => meterEventOf(row, BATCH))).toEqual(events.map((row) => meterEventOf(row, BATCH)));
        const unset = columns.filter(({ stored }) => stored === "later").map(({ column }) => column);
        for (const row of read) for (const column of unset) expect(row[column as keyof StoredEventRow]).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test("keeps the fields of the first version, set or not: code of before reads them as they stand", () => {
    const unset = Object.fromEntries(columns.map(({ column }) => [column, null]));
    const [read] = JSON.parse(batchText([{ seq: 1, ...unset } as unknown as StoredEventRow])) as object[];
    const first = columns.filter(({ stored }) => stored === "first").map(({ column }) => column);
    expect(Object.keys(read ?? {})).toEqual(["seq", ...first]);
  });
});
