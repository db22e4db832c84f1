import type { FileEncoder } from "./file_encoder.ts";
import { PORTUGUESE_COLUMNS } from "./portuguese_columns.ts";
import { Workbook } from "./workbook.ts";

/** For people, in any spreadsheet program: times are times, money is money, and a reference like `007` stays text. */
export function eventosXlsx(): FileEncoder {
  const workbook = new Workbook(PORTUGUESE_COLUMNS, { sheetName: "Eventos" });
  return {
    header: () => workbook.begin(),
    rows({ portugueseRows }) {
      for (const values of portugueseRows) workbook.addRow(values);
      return workbook.take();
    },
    footer: () => workbook.end(),
  };
}
