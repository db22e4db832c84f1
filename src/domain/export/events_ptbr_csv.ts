import { formatMicros } from "../money.ts";
import { type CsvCell, csvLine } from "./csv.ts";
import { type ExportContext, type FileEncoder, lineEncoder } from "./exported_event.ts";
import { formatLocalTime, PORTUGUESE_COLUMNS, type SheetCell } from "./portuguese_columns.ts";

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
  const cells = PORTUGUESE_COLUMNS.map((column) => column.cells(context));
  return lineEncoder(BYTE_ORDER_MARK + names, (event) =>
    csvLine(
      cells.map((cellOf) => csvCell(cellOf(event))),
      ";",
    ),
  );
}

function csvCell(cell: SheetCell): CsvCell {
  if (cell === null) return null;
  switch (cell.type) {
    case "text":
      return cell.text;
    case "integer":
      return cell.value;
    case "money":
      return { number: formatMicros(cell.micros).replace(".", ",") };
    case "time":
      return formatLocalTime(cell.localTime);
  }
}
