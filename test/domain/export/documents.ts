import type { ExportedEvent } from "../../../src/domain/event_row.ts";
import type { ExportContext } from "../../../src/domain/export/exported_event.ts";
import { fileBytes } from "./readers.ts";
import { CONTEXT, exported, hostileMonth, periodNamed, SAMPLE_EVENTS } from "./samples.ts";

type Document = { readonly events: readonly ExportedEvent[]; readonly context: ExportContext };

const [LOOKUP] = exported(SAMPLE_EVENTS);
const ADJUSTMENT = exported(SAMPLE_EVENTS).find(({ kind }) => kind === "adjustment");

function lookups(count: number, changes: (index: number) => Partial<ExportedEvent> = () => ({})): ExportedEvent[] {
  return Array.from(
    { length: count },
    (_, index) => ({ ...LOOKUP, seq: index + 1, ...changes(index) }) as ExportedEvent,
  );
}

function credits(count: number, amountMicros: number): ExportedEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    ...(ADJUSTMENT as ExportedEvent),
    seq: 100_000 + index,
    id: `adj_${index + 1}`,
    reference: "Cobrança em dobro da mesma consulta, conforme atendimento 2026-1187",
    corrects: "lkp_0198f3c2-7d5a-7c11-9c1e-2f0a6b7d8e90",
    amountMicros,
  }));
}

const LONG =
  "Companhia Brasileira de Análise, Concessão e Recuperação de Crédito ao Consumidor e Participações do Nordeste Ltda.";

/** Months as companies have them, from the emptiest to the fullest, for the page that is sent. */
export const DOCUMENTS: Readonly<Record<string, Document>> = {
  usual: {
    context: CONTEXT,
    events: [
      ...lookups(1200, (index) => (index % 9 === 0 ? { keyId: "csg_live_semrotulo", keyLabel: null } : {})),
      ...lookups(345, () => ({ unitPriceMicros: 120_000, amountMicros: 120_000 })),
      ...lookups(61, () => ({ outcome: "not_found", billed: false, units: 0, amountMicros: 0 })),
      ...credits(2, -300_000),
    ],
  },
  empty: {
    context: {
      ...CONTEXT,
      issuer: { name: null, legalName: null, document: null, address: null },
      tenant: { name: "Loja do Zé", legalName: null, document: "11222333000181", address: null },
    },
    events: [],
  },
  open: { context: { ...CONTEXT, status: "open" }, events: lookups(12) },
  credit: {
    context: { ...CONTEXT, carriedIn: { from: periodNamed("2026-10"), centavos: -1234_56 } },
    events: [...lookups(10), ...credits(3, -150_000_000)],
  },
  long: {
    context: {
      ...CONTEXT,
      tenantId: "ten_0123456789abcdef0123456789abcdef",
      issuer: { name: null, legalName: LONG, document: "11222333000181", address: `${LONG} ${LONG}` },
      tenant: {
        name: LONG.repeat(2),
        legalName: `${LONG} ${"SemEspaço".repeat(12)}`,
        document: "12ABC34501DE35",
        address: null,
      },
    },
    events: [
      ...lookups(2400, (index) => ({
        keyId: `csg_live_${String(index % 40).padStart(10, "0")}`,
        keyLabel: index % 40 === 7 ? `rótulo ${"muito ".repeat(9)}longo` : `Loja nº ${index % 40}`,
        unitPriceMicros: index % 3 === 0 ? 123 : 150_000,
        amountMicros: index % 3 === 0 ? 123 : 150_000,
      })),
      ...lookups(3, () => ({ unitPriceMicros: 900_719_925_474, amountMicros: 900_719_925_474 })),
      ...credits(40, -10_000),
    ],
  },
  hostile: hostileMonth(),
};

/** `demonstrativo.html` of one of these months. */
export function page(name: string): string {
  const { events = [], context } = DOCUMENTS[name] ?? {};
  return fileBytes("demonstrativo.html", events, { page: 500, ...(context && { context }) }).toString();
}
