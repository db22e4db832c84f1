import type { ExportContext, FileEncoder } from "./exported_event.ts";
import { PORTUGUESE_COLUMNS } from "./portuguese_columns.ts";
import { Workbook } from "./workbook.ts";

/** For people, in any spreadsheet program: times are times, money is money, and a reference like `007` stays text. */
export function eventosXlsx(context: ExportContext): FileEncoder {
  const workbook = new Workbook(PORTUGUESE_COLUMNS, { sheetName: "Eventos" });
  const values = PORTUGUESE_COLUMNS.map((column) => column.values(context));
  return {
    header: () => workbook.begin(),
    rows(events) {
      for (const event of events) workbook.addRow(values.map((valueOf) => valueOf(event)));
      return workbook.take();
    },
    footer: () => workbook.end(),
  };
}
