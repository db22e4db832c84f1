import type { ExportedEvent } from "../event_row.ts";
import { formatMicros } from "../money.ts";
import { csvLine, guardedText } from "./csv.ts";
import type { EventEncoder } from "./exported_event.ts";

const BYTE_ORDER_MARK = "\uFEFF";

/** The columns in Portuguese, in the order of every format. Money is in reais with a decimal comma, exact to the micro. */
const COLUMNS: readonly (readonly [name: string, cell: (event: ExportedEvent) => string | number])[] = [
  ["sequência", (event) => event.seq],
  ["identificador", (event) => literalText(event.id)],
  ["ocorrido em (UTC)", (event) => event.occurredAt],
  ["ocorrido em (São Paulo)", (event) => event.occurredAtSaoPaulo],
  ["cliente", (event) => literalText(event.tenantId)],
  ["chave", (event) => literalText(event.keyId)],
  ["nome da chave", (event) => literalText(event.keyLabel)],
  ["referência", (event) => literalText(event.reference)],
  ["modo", (event) => event.mode],
  ["resultado", (event) => event.outcome ?? ""],
  ["cobrado", (event) => (event.billed ? "sim" : "não")],
  ["unidades", (event) => event.units],
  ["preço unitário (R$)", (event) => reais(event.unitPriceMicros)],
  ["valor (R$)", (event) => reais(event.amountMicros)],
  ["transação da Claro", (event) => literalText(event.transactionId)],
  ["referência do CPF", (event) => literalText(event.cpfReference)],
  ["tipo", (event) => event.kind],
  ["corrige", (event) => literalText(event.corrects)],
];

/**
 * For a spreadsheet under Brazilian settings: a byte order mark so that it sees UTF-8, semicolons, decimal comma, CRLF.
 * Text that a spreadsheet would turn into a number, a date or a truth value gets an apostrophe in front, as a formula's
 * start does, and is undone the same way (`unguardedText`).
 */
export const eventsPtbrCsv: EventEncoder = {
  header: () =>
    BYTE_ORDER_MARK +
    csvLine(
      COLUMNS.map(([name]) => name),
      ";",
    ),
  line: (event) =>
    csvLine(
      COLUMNS.map(([, cell]) => cell(event)),
      ";",
    ),
};

// A whole number of up to eleven digits is shown and saved as it was; longer ones turn into 1,23E+15 and lose digits,
// leading zeros go, and anything made of digits and separators may become an amount, a date or a time.
const KEPT_NUMBER = /^(?:0|[1-9]\d{0,10})$/;
const NUMBER_OR_DATE = /^[\d\s.,:/%()$R-]*\d[\d\s.,:/%()$R-]*(?:[ed][+-]?\d+)?(?:\s*[ap]m?)?$/i;
const MONTH = "(?:jan|fev|feb|mar|abr|apr|mai|may|jun|jul|ago|aug|set|sep|out|oct|nov|dez|dec)\\p{L}*";
const DATE_BY_NAME = new RegExp(`^\\d{0,4}[\\s./-]*(?:de\\s+)?${MONTH}[\\s./-]*(?:de\\s+)?[\\d\\s./,-]*$`, "iu");
const TRUTH_VALUE = /^\s*(?:true|false|verdadeiro|falso)\s*$/i;

function literalText(text: string | null): string {
  const guarded = guardedText(text);
  return guarded === text && isReinterpreted(text) ? `'${text}` : guarded;
}

function isReinterpreted(text: string): boolean {
  if (KEPT_NUMBER.test(text)) return false;
  return NUMBER_OR_DATE.test(text) || DATE_BY_NAME.test(text) || TRUTH_VALUE.test(text);
}

function reais(micros: number | null): string {
  return micros === null ? "" : formatMicros(micros).replace(".", ",");
}
