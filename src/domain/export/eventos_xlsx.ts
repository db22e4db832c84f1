import type { ExportContext, FileEncoder } from "./exported_event.ts";
import { PORTUGUESE_COLUMNS } from "./portuguese_columns.ts";
import { Workbook } from "./workbook.ts";

/** For people, in any spreadsheet program: times are times, money is money, and a reference like `007` stays text. */
export function eventosXlsx(context: ExportContext): FileEncoder {
  const workbook = new Workbook(PORTUGUESE_COLUMNS, { sheetName: "Eventos" });
  const cells = PORTUGUESE_COLUMNS.map((column) => column.cells(context));
  return {
    header: () => workbook.begin(),
    rows: (events) => workbook.addRows(events.map((event) => cells.map((cellOf) => cellOf(event)))),
    footer: () => workbook.end(),
  };
}
