import { formatMicros } from "../money.ts";
import { CRLF, csvLine, csvText } from "./csv.ts";
import { type FileEncoder, lineEncoder } from "./file_encoder.ts";
import { formatLocalTime, PORTUGUESE_COLUMNS, type SheetColumn, type SheetValue } from "./portuguese_columns.ts";
import { remembered } from "./remembered.ts";

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * For Brazilian imports, with the columns and words of `eventos.xlsx`: a byte order mark so that a spreadsheet sees UTF-8,
 * semicolons, CRLF, decimal comma, São Paulo times. Texts are as they are; only what would start a formula is guarded.
 */
export function eventsPtbrCsv(): FileEncoder {
  const names = csvLine(
    PORTUGUESE_COLUMNS.map(({ header }) => header),
    ";",
  );
  const textsOf = PORTUGUESE_COLUMNS.map(textIn);
  const lineOf = (values: readonly SheetValue[]) =>
    values.map((value, column) => (value === null ? "" : textsOf[column]?.(value))).join(";") + CRLF;
  return lineEncoder(BYTE_ORDER_MARK + names, ({ portugueseRows }) => portugueseRows.map(lineOf));
}

/** How a column's values are written. */
function textIn({ type, isRepeated }: SheetColumn): (value: NonNullable<SheetValue>) => string {
  switch (type) {
    case "text":
      return isRepeated ? remembered(csvText) : csvText;
    case "integer":
      return String;
    case "money":
      return remembered((micros) => formatMicros(Number(micros)).replace(".", ","));
    case "time":
      return (time) => formatLocalTime(String(time));
  }
}
