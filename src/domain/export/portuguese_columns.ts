import { formatCnpj } from "../cnpj.ts";
import { EVENT_FIELDS, OWN_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { formatSaoPaulo } from "../period.ts";
import type { ExportContext } from "./exported_event.ts";
import { PORTUGUESE_WORDS } from "./portuguese_words.ts";

/**
 * What a cell holds, by its column's type: a text that is not guarded yet, an integer, micros, or what the clocks of São
 * Paulo show to the second (`2026-11-27T21:20:40`). Null is an empty one.
 */
export type SheetValue = string | number | null;

/** A column of the files in Portuguese. */
export type SheetColumn = {
  readonly header: string;
  /** How wide a program should show it, in characters. */
  readonly width: number;
  readonly type: "text" | "integer" | "money" | "time";
  readonly description: string;
  /** Whether nearly each lookup has a value of its own. */
  readonly isOwn: boolean;
  /** What the column holds in one file. */
  values(context: ExportContext): (event: ExportedEvent) => SheetValue;
};

type Field = (typeof EVENT_FIELDS)[number];
type PlainField = Exclude<Field, { name: "occurredAt" | "tenantId" | "reference" }>;

/** Ids and people's names: they are longer than words. */
const LONG_TEXTS: ReadonlySet<Field["name"]> = new Set([
  "id",
  "transactionId",
  "cpfReference",
  "consentId",
  "requestedBy",
  "requestId",
  "corrects",
]);

/** The columns that people read, the same in `eventos.xlsx` and `events.pt-br.csv`, in the order of an event's fields. */
export const PORTUGUESE_COLUMNS: readonly SheetColumn[] = EVENT_FIELDS.flatMap(columnsOf);

/** `27/11/2026 21:20:40`. */
export function formatLocalTime(localTime: string): string {
  return `${localTime.slice(8, 10)}/${localTime.slice(5, 7)}/${localTime.slice(0, 4)} ${localTime.slice(11)}`;
}

function columnsOf(field: Field): SheetColumn[] {
  const { name, header } = field;
  switch (name) {
    // Its time of São Paulo is the next column.
    case "occurredAt":
      return [];
    case "tenantId":
      return [
        partnerColumn({ header, description: "Nome do parceiro.", width: 32 }, ({ tenant }) => tenant.name),
        partnerColumn({ header: "CNPJ", description: "CNPJ do parceiro.", width: 20 }, ({ tenant }) =>
          tenant.document === null ? null : formatCnpj(tenant.document),
        ),
      ];
    // The ledger keeps an adjustment's reason there.
    case "reference":
      return [
        textColumn(
          { header, description: "Referência do próprio parceiro; vazio em um ajuste.", width: 24, isOwn: true },
          ({ kind, reference }) => (kind === "lookup" ? reference : null),
        ),
        textColumn(
          {
            header: "Motivo do ajuste",
            description: "Por que o ajuste foi feito; vazio em uma consulta.",
            width: 32,
            isOwn: true,
          },
          ({ kind, reference }) => (kind === "adjustment" ? reference : null),
        ),
      ];
    default:
      return [plainColumn(field)];
  }
}

function plainColumn({ name, header, pt, type }: PlainField): SheetColumn {
  const column = { header, description: pt, isOwn: OWN_FIELDS.has(name) };
  const numberOf = (event: ExportedEvent) => event[name] as number | null;
  const textOf = (event: ExportedEvent) => event[name] as string | null;
  switch (type) {
    case "integer":
    case "milliseconds":
      return valueColumn({ ...column, type: "integer", width: 16 }, numberOf);
    case "micros":
      return valueColumn({ ...column, type: "money", width: 18 }, numberOf);
    case "time":
    case "saoPauloTime":
      return valueColumn({ ...column, type: "time", width: 26 }, (event) => localTimeOf(textOf(event)));
    default: {
      const words = PORTUGUESE_WORDS[name];
      const shown = words === undefined ? textOf : wordsOf(name, words);
      return textColumn({ ...column, width: LONG_TEXTS.has(name) ? 40 : 22 }, shown);
    }
  }
}

type Named = Pick<SheetColumn, "header" | "description" | "width" | "isOwn">;

function valueColumn(
  column: Named & Pick<SheetColumn, "type">,
  valueOf: (event: ExportedEvent) => SheetValue,
): SheetColumn {
  return { ...column, values: () => valueOf };
}

function textColumn(column: Named, textOf: (event: ExportedEvent) => string | null): SheetColumn {
  return valueColumn({ ...column, type: "text" }, (event) => textOf(event) || null);
}

/** A column with the same text in every row. */
function partnerColumn(column: Omit<Named, "isOwn">, textOf: (context: ExportContext) => string | null): SheetColumn {
  return {
    ...column,
    type: "text",
    isOwn: false,
    values(context) {
      const text = textOf(context) || null;
      return () => text;
    },
  };
}

/** The words for values that the gateway has chosen. What has no word stays as it is. */
function wordsOf(name: PlainField["name"], words: Readonly<Record<string, string>>) {
  return (event: ExportedEvent): string | null => {
    const value = event[name];
    return value === null ? null : (words[value as string] ?? String(value));
  };
}

// Cut to the second, not rounded: the last one of a month stays in it.
function localTimeOf(time: string | null): string | null {
  if (time === null) return null;
  const local = time.endsWith("Z") ? formatSaoPaulo(Date.parse(time)) : time;
  return local.slice(0, 19);
}
