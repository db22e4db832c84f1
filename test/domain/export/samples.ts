import fc from "fast-check";
import type { ExportedEvent } from "../../../src/domain/event_row.ts";
import { type ExportContext, exportedEvent } from "../../../src/domain/export/exported_event.ts";
import type { MeterEvent } from "../../../src/domain/meter_event.ts";
import { OUTCOMES } from "../../../src/domain/meter_event.ts";
import { parsePeriod, type Period, periodBounds } from "../../../src/domain/period.ts";

export const PERIOD = periodNamed("2026-11");
export const TENANT = "tnt_Padaria4Irmaos";
export const CONTEXT: ExportContext = {
  period: PERIOD,
  tenantName: 'Padaria & Confeitaria "Quatro Irmãos" Ltda; São João del-Rei',
  keyLabels: new Map([
    ["csg_live_0123456789", "Integração de crédito, loja nº 1"],
    ["csg_live_abcdefghij", '=HYPERLINK("http://exemplo.com";"clique")'],
  ]),
};

const START_MS = periodBounds(PERIOD).startMs;
const PLAIN: Omit<MeterEvent, "seq"> = {
  id: "lk_01JD8Q2V7M",
  occurredAtMs: START_MS,
  admittedAtMs: null,
  admitMs: null,
  tenantId: TENANT,
  keyId: "csg_live_0123456789",
  reference: null,
  customerId: null,
  mode: "live",
  outcome: "delivered",
  failureCode: null,
  upstreamStatus: null,
  billed: true,
  units: 1,
  unitPriceMicros: 150_000,
  amountMicros: 150_000,
  priceVersion: null,
  transactionId: "7a52f4c8-03f1-4d0e-9f5e-7c0b1a2d3e4f",
  cpfReference: "v1:9f2c1b7a",
  purpose: null,
  legalBasis: null,
  consentId: null,
  requestedBy: null,
  requestId: null,
  claroMs: null,
  kind: "lookup",
  corrects: null,
  period: null,
  day: null,
};

/** Text that spreadsheets and careless readers stumble over. */
export const AWKWARD_TEXTS = [
  "José da Conceição Araújo",
  'disse "olá", e saiu',
  "primeira linha\nsegunda linha",
  "ponto; e vírgula, e tab\taqui",
  "=1+1",
  "+55 11 98765-4321",
  "-2+3",
  "@SUM(A1:A9)",
  "\t=1+1",
  "\r=1+1",
  " =1+1",
  "\u200b=1+1",
  "＝1+1",
  "＋1",
  "－1",
  "＠A1",
  "'já citado",
  "''=1",
  "=cmd|' /C calc'!A0\"",
  "🍞🥐 pão de queijo 👩🏽‍🍳",
  "1234567890123456",
  "12345",
  "00123",
  "1e5",
  "12/10",
  "10:30",
  "1.234,56",
  "12,50",
  "R$ 10",
  "5 de março",
  "MAR10",
  "verdadeiro",
  " espaços ",
  "0",
  "50%",
] as const;

const UNBILLED = { billed: false, units: 0, amountMicros: 0 } as const;

export const SAMPLE_EVENTS: readonly MeterEvent[] = [
  ...AWKWARD_TEXTS.map((reference, index) => ({
    ...PLAIN,
    id: `lk_${index + 1}`,
    occurredAtMs: START_MS + index * 40_000_123,
    reference,
  })),
  { ...PLAIN, keyId: "csg_live_abcdefghij", id: "1234567890123", transactionId: "0012345678901234" },
  { ...PLAIN, keyId: "csg_live_semrotulo", ...UNBILLED, outcome: "not_found" as const },
  { ...PLAIN, ...UNBILLED, outcome: "rejected" as const },
  { ...PLAIN, ...UNBILLED, outcome: "failed" as const, transactionId: null },
  { ...PLAIN, ...UNBILLED, outcome: "unknown" as const, transactionId: null },
  { ...PLAIN, unitPriceMicros: 123, amountMicros: 123 },
  adjustment({ units: -1, amountMicros: -150_000, reference: "=devolução; cobrança em dobro", corrects: "lk_outubro" }),
  adjustment({ units: 0, amountMicros: 7_777, reference: "acréscimo\nem duas linhas", corrects: "2026-10" }),
].map((event, index) => ({ ...event, seq: 501 + index }));

export const FIRST_SEQ = 501;

function adjustment(
  fields: Pick<MeterEvent, "units" | "amountMicros" | "reference" | "corrects">,
): Omit<MeterEvent, "seq"> {
  return {
    ...PLAIN,
    id: "adj_1",
    occurredAtMs: periodBounds(PERIOD).endMs - 1,
    keyId: null,
    outcome: null,
    unitPriceMicros: null,
    transactionId: null,
    cpfReference: null,
    billed: true,
    kind: "adjustment",
    ...fields,
  };
}

const texts = fc.oneof(
  fc.constantFrom(...AWKWARD_TEXTS),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n\"';,0123456789.eE/: "), minLength: 1, maxLength: 8 }),
);

const lookups = fc
  .record({
    outcome: fc.constantFrom(...OUTCOMES),
    price: fc.constantFrom(0, 123, 150_000, 99_999, 4_999),
    reference: fc.option(texts),
    transactionId: fc.option(texts),
    keyId: fc.constantFrom("csg_live_0123456789", "csg_live_abcdefghij", "csg_live_semrotulo"),
  })
  .map(({ outcome, price, ...texts }) => ({
    ...PLAIN,
    ...texts,
    outcome,
    unitPriceMicros: price,
    ...(outcome === "delivered" ? { billed: true, units: 1, amountMicros: price } : UNBILLED),
  }));

const adjustments = fc
  .record({
    units: fc.integer({ min: -3, max: 3 }),
    amountMicros: fc.integer({ min: -1e12, max: 1e12 }),
    reference: texts,
    corrects: fc.option(texts),
  })
  .map(adjustment);

/** A period of one tenant, complete and in order. */
export const wholePeriods: fc.Arbitrary<MeterEvent[]> = fc
  .array(fc.tuple(fc.oneof({ weight: 5, arbitrary: lookups }, adjustments), fc.nat({ max: 29 * 86_400_000 })), {
    maxLength: 40,
  })
  .map((pairs) => {
    const timesMs = pairs.map(([, offsetMs]) => START_MS + offsetMs).toSorted((left, right) => left - right);
    return pairs.map(([event], index) => ({
      ...event,
      seq: FIRST_SEQ + index,
      occurredAtMs: timesMs[index] ?? START_MS,
    }));
  });

export function exported(events: readonly MeterEvent[]): ExportedEvent[] {
  return events.map((event) => exportedEvent(event, CONTEXT));
}

export function periodNamed(text: string): Period {
  const parsed = parsePeriod(text);
  if (!parsed.ok) throw new Error(`not a period: ${text}`);
  return parsed.value;
}
