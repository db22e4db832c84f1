import type { ExportContext } from "./exported_event.ts";
import type { FileEncoder } from "./file_encoder.ts";
import { PORTUGUESE_COLUMNS } from "./portuguese_columns.ts";
import { type RowColumn, RowWriter } from "./row_writer.ts";
import { Workbook } from "./workbook.ts";

/** For people, in any spreadsheet program: times are times, money is money, and a reference like `007` stays text. */
export function eventosXlsx(context: ExportContext): FileEncoder {
  const workbook = new Workbook(PORTUGUESE_COLUMNS, { sheetName: "Eventos" });
  const row = new RowWriter(
    PORTUGUESE_COLUMNS.map((column): RowColumn => {
      const valueOf = column.values(context);
      return {
        isOwn: column.isOwn,
        write: (out, event, isPlain) => workbook.putCell(out, valueOf(event), column, isPlain),
      };
    }),
  );
  return {
    header: () => workbook.begin(),
    rows(page) {
      for (let index = 0; index < page.events.length; index += 1) {
        workbook.addRow((out) => row.write(out, page, index));
      }
      return workbook.take();
    },
    footer: () => workbook.end(),
  };
}
