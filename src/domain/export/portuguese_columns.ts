import { EVENT_FIELDS, type EventField } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { formatSaoPaulo } from "../period.ts";
import type { ExportContext } from "./exported_event.ts";
import { PORTUGUESE_WORDS } from "./portuguese_words.ts";

/** A typed value of a spreadsheet's cell; null is an empty one. Text is not guarded yet. */
export type SheetCell =
  | null
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "integer"; readonly value: number }
  | { readonly type: "money"; readonly micros: number }
  /** What the clocks of São Paulo show, to the second: `2026-11-27T21:20:40`. */
  | { readonly type: "time"; readonly localTime: string };

/** A column of the files in Portuguese. */
export type SheetColumn = {
  readonly header: string;
  /** How wide a program should show it, in characters. */
  readonly width: number;
  readonly type: "text" | "integer" | "money" | "time";
  readonly description: string;
  /** Whether many rows have the same text. */
  readonly isRepeated: boolean;
  /** What makes the column's cells in one file. */
  cells(context: ExportContext): (event: ExportedEvent) => SheetCell;
};

type Field = (typeof EVENT_FIELDS)[number];
type PlainField = Exclude<Field, { name: "occurredAt" | "tenantId" | "reference" }>;

/** Texts of which nearly each row has another. */
const LONG_TEXTS: ReadonlySet<EventField["name"]> = new Set([
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
  const [date = "", time = ""] = localTime.split("T");
  return `${date.split("-").toReversed().join("/")} ${time}`;
}

/** `12.345.678/0001-95`; what is no CNPJ stays as it is. */
export function formatCnpj(document: string): string {
  return document.replace(/^(\w\w)(\w{3})(\w{3})(\w{4})(\d\d)$/, "$1.$2.$3/$4-$5");
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
          { header, description: "Referência do próprio parceiro; vazio em um ajuste.", width: 24 },
          ({ kind, reference }) => (kind === "lookup" ? reference : null),
        ),
        textColumn(
          { header: "Motivo do ajuste", description: "Por que o ajuste foi feito; vazio em uma consulta.", width: 32 },
          ({ kind, reference }) => (kind === "adjustment" ? reference : null),
        ),
      ];
    default:
      return [plainColumn(field)];
  }
}

function plainColumn({ name, header, pt, type }: PlainField): SheetColumn {
  const column = { header, description: pt };
  const numberOf = (event: ExportedEvent) => event[name] as number | null;
  const textOf = (event: ExportedEvent) => event[name] as string | null;
  switch (type) {
    case "integer":
    case "milliseconds":
      return numberColumn({ ...column, type: "integer", width: 14 }, (event) => integerCell(numberOf(event)));
    case "micros":
      return numberColumn({ ...column, type: "money", width: 18 }, (event) => moneyCell(numberOf(event)));
    case "time":
    case "saoPauloTime":
      return numberColumn({ ...column, type: "time", width: 22 }, (event) => timeCell(textOf(event)));
    default: {
      const words = PORTUGUESE_WORDS[name];
      if (words !== undefined)
        return { ...textColumn({ ...column, width: 22 }, wordsOf(name, words)), isRepeated: true };
      const isRepeated = !LONG_TEXTS.has(name);
      return { ...textColumn({ ...column, width: isRepeated ? 22 : 40 }, textOf), isRepeated };
    }
  }
}

type Named = Pick<SheetColumn, "header" | "description" | "width">;

function numberColumn(
  column: Named & Pick<SheetColumn, "type">,
  cell: (event: ExportedEvent) => SheetCell,
): SheetColumn {
  return { ...column, isRepeated: false, cells: () => cell };
}

function textColumn(column: Named, textOf: (event: ExportedEvent) => string | null): SheetColumn {
  return { ...column, type: "text", isRepeated: false, cells: () => (event) => textCell(textOf(event)) };
}

/** A column with the same text in every row. */
function partnerColumn(column: Named, textOf: (context: ExportContext) => string | null): SheetColumn {
  return {
    ...column,
    type: "text",
    isRepeated: true,
    cells(context) {
      const cell = textCell(textOf(context));
      return () => cell;
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

function textCell(text: string | null): SheetCell {
  return text === null || text === "" ? null : { type: "text", text };
}

function integerCell(value: number | null): SheetCell {
  return value === null ? null : { type: "integer", value };
}

function moneyCell(micros: number | null): SheetCell {
  return micros === null ? null : { type: "money", micros };
}

// Cut to the second, not rounded: the last one of a month stays in it.
function timeCell(time: string | null): SheetCell {
  if (time === null) return null;
  const local = time.endsWith("Z") ? formatSaoPaulo(Date.parse(time)) : time;
  return { type: "time", localTime: local.slice(0, 19) };
}
