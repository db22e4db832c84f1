import fc from "fast-check";
import type { ExportedEvent } from "../../../src/domain/event_row.ts";
import { type ExportContext, exportedEvent } from "../../../src/domain/export/exported_event.ts";
import { HOSTILE_TEXTS } from "./hostile_texts.ts";
import type { MeterEvent } from "../../../src/domain/meter_event.ts";
import { OUTCOMES } from "../../../src/domain/meter_event.ts";
import { parsePeriod, type Period, periodBounds } from "../../../src/domain/period.ts";

export const PERIOD = periodNamed("2026-11");
export const TENANT = "tnt_Padaria4Irmaos";
export const CONTEXT: ExportContext = {
  period: PERIOD,
  tenantId: TENANT,
  tenant: {
    name: 'Padaria "Quatro Irmãos"; São João del-Rei',
    legalName: "Padaria & Confeitaria Quatro Irmãos Ltda.",
    document: "12ABC34501DE35",
    address: null,
  },
  issuer: {
    name: null,
    legalName: "Consultas do Brasil Serviços de Informação S.A.",
    document: "11222333000181",
    address: "Avenida Paulista, 1000, 10º andar, São Paulo, SP, 01310-100",
  },
  keyLabels: new Map([
    ["csg_live_0123456789", "Integração de crédito, loja nº 1"],
    ["csg_live_abcdefghij", '=HYPERLINK("http://exemplo.com";"clique")'],
  ]),
  carriedIn: null,
  status: "closed",
  issuedAtMs: Date.parse("2026-12-02T03:00:00Z"),
};

const START_MS = periodBounds(PERIOD).startMs;
const PLAIN: Omit<MeterEvent, "seq"> = {
  id: "lk_01JD8Q2V7M",
  occurredAtMs: START_MS,
  admittedAtMs: START_MS - 250,
  admitMs: 12,
  tenantId: TENANT,
  keyId: "csg_live_0123456789",
  reference: null,
  customerId: "cliente-0042",
  mode: "live",
  outcome: "delivered",
  failureCode: null,
  upstreamStatus: 200,
  billed: true,
  units: 1,
  unitPriceMicros: 150_000,
  amountMicros: 150_000,
  priceVersion: 3,
  transactionId: "7a52f4c8-03f1-4d0e-9f5e-7c0b1a2d3e4f",
  cpfReference: "v1:9f2c1b7a",
  purpose: "credit_granting",
  legalBasis: "credit_protection",
  consentId: "007",
  requestedBy: "atendente 4",
  requestId: "4e1c2f6a-req-1",
  claroMs: 180,
  kind: "lookup",
  corrects: null,
  period: PERIOD,
  day: null,
};

/** Text that spreadsheets and careless readers stumble over. */
const AWKWARD_TEXTS = [
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
  { ...PLAIN, ...UNBILLED, ...nothing(), outcome: "rejected" as const },
  {
    ...PLAIN,
    ...UNBILLED,
    outcome: "failed" as const,
    failureCode: "claro_unavailable",
    upstreamStatus: 503,
    transactionId: null,
  },
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
    ...nothing(),
    billed: true,
    kind: "adjustment",
    ...fields,
  };
}

/** What an adjustment does not have, and what months that were recorded before have of no event. */
function nothing() {
  return {
    admittedAtMs: null,
    admitMs: null,
    customerId: null,
    failureCode: null,
    upstreamStatus: null,
    priceVersion: null,
    purpose: null,
    legalBasis: null,
    consentId: null,
    requestedBy: null,
    requestId: null,
    claroMs: null,
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

export function exported(events: readonly MeterEvent[], context: ExportContext = CONTEXT): ExportedEvent[] {
  return events.map((event) => exportedEvent(event, context));
}

/** Each hostile text in every place of an event, of a lookup and of an adjustment, and in the names around them. */
export function hostileMonth(): { events: ExportedEvent[]; context: ExportContext } {
  const labels = HOSTILE_TEXTS.map((text, index) => [`csg_live_hostile${index}`, text] as const);
  const party = {
    name: HOSTILE_TEXTS.join(""),
    legalName: HOSTILE_TEXTS.join(" "),
    document: "=1+1",
    address: "@A1;=2",
  };
  const context = { ...CONTEXT, tenant: party, issuer: party, keyLabels: new Map(labels) };
  const events = HOSTILE_TEXTS.flatMap((text, index) => {
    const everywhere = {
      id: text,
      reference: text,
      customerId: text,
      failureCode: text,
      transactionId: text,
      cpfReference: text,
      purpose: text,
      legalBasis: text,
      consentId: text,
      requestedBy: text,
      requestId: text,
      corrects: text,
    };
    return [
      { ...PLAIN, ...everywhere, keyId: `csg_live_hostile${index}` },
      { ...adjustment({ units: -1, amountMicros: -10_000, reference: text, corrects: text }), ...everywhere },
    ];
  });
  return {
    context,
    events: exported(
      events.map((event, index) => ({ ...event, seq: FIRST_SEQ + index })),
      context,
    ),
  };
}

export function periodNamed(text: string): Period {
  const parsed = parsePeriod(text);
  if (!parsed.ok) throw new Error(`not a period: ${text}`);
  return parsed.value;
}
