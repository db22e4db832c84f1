import { formatMicros } from "../money.ts";
import { CRLF, csvLine, csvText } from "./csv.ts";
import type { ExportContext } from "./exported_event.ts";
import { type FileEncoder, rowEncoder } from "./file_encoder.ts";
import { formatLocalTime, PORTUGUESE_COLUMNS, type SheetColumn, type SheetValue } from "./portuguese_columns.ts";
import { fixedColumn, type RowColumn, RowWriter } from "./row_writer.ts";

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * For Brazilian imports, with the columns and words of `eventos.xlsx`: a byte order mark so that a spreadsheet sees UTF-8,
 * semicolons, CRLF, decimal comma, São Paulo times. Texts are as they are; only what would start a formula is guarded.
 */
export function eventsPtbrCsv(context: ExportContext): FileEncoder {
  const names = csvLine(
    PORTUGUESE_COLUMNS.map(({ header }) => header),
    ";",
  );
  const columns = PORTUGUESE_COLUMNS.flatMap((column, index) => {
    const { isOwn, type } = column;
    const [valueOf, textOf] = [column.values(context), textIn(column)];
    const cell: RowColumn = {
      isOwn,
      write(out, event, isPlain) {
        const value = valueOf(event);
        if (value !== null) out.putText(type === "text" && isPlain ? String(value) : textOf(value));
      },
    };
    return index === 0 ? [cell] : [fixedColumn(";"), cell];
  });
  return rowEncoder(BYTE_ORDER_MARK + names, new RowWriter([...columns, fixedColumn(CRLF)]));
}

/** How a column's values are written. */
function textIn({ type }: SheetColumn): (value: NonNullable<SheetValue>) => string {
  switch (type) {
    case "text":
      return csvText;
    case "integer":
      return String;
    case "money":
      return (micros) => formatMicros(Number(micros)).replace(".", ",");
    case "time":
      return (time) => formatLocalTime(String(time));
  }
}
