import { read } from "@e965/xlsx";
import { expect, test } from "vitest";
import { Workbook } from "../../../src/domain/export/workbook.ts";

const COLUMNS = [
  { header: "número", width: 10, type: "integer", isOwn: true },
  { header: "texto", width: 10, type: "text", isOwn: false },
] as const;
const [number, text] = COLUMNS;

test("a sheet that is full is followed by another, each with its header, and no row is lost", () => {
  for (const count of [0, 1, 3, 4, 9, 10, 11]) {
    const workbook = new Workbook(COLUMNS, { sheetName: "Eventos", mostRows: 4 });
    const chunks = [workbook.begin()];
    for (let row = 1; row <= count; row += 1) {
      workbook.addRow((out) => {
        workbook.putCell(out, row, number);
        workbook.putCell(out, `texto ${row % 2}`, text);
      });
      if (row % 2 === 0) chunks.push(workbook.take());
    }
    chunks.push(workbook.end());
    const { SheetNames, Sheets } = read(Buffer.concat(chunks), { type: "buffer" });
    const sheets = Math.max(Math.ceil(count / 3), 1);
    expect(SheetNames).toEqual(["Eventos", "Eventos 2", "Eventos 3", "Eventos 4"].slice(0, sheets));
    const numbers = SheetNames.flatMap((name) => {
      const sheet = Sheets[name] ?? {};
      expect([sheet["A1"]?.v, sheet["B1"]?.v]).toEqual(["número", "texto"]);
      return [2, 3, 4].flatMap((row) =>
        sheet[`A${row}`] === undefined ? [] : [sheet[`A${row}`].v, sheet[`B${row}`].v],
      );
    });
    expect(numbers).toEqual(
      Array.from({ length: count }, (_, index) => [index + 1, `texto ${(index + 1) % 2}`]).flat(),
    );
  }
});
