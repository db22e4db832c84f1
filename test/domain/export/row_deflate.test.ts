import { crc32 as nodesCrc32, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32 } from "../../../src/domain/crc32.ts";
import { RowDeflate } from "../../../src/domain/export/row_deflate.ts";

const cell = fc.oneof(
  fc.constant("<c/>"),
  fc.nat(20).map((value) => `<c s="5"><v>${value}</v></c>`),
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => textCell(text)),
  fc.uuid().map(textCell),
  // Longer than the longest match; the last, further than the format can point back.
  fc
    .oneof({ weight: 30, arbitrary: fc.nat(700) }, { weight: 1, arbitrary: fc.constant(33_000) })
    .map((length) => textCell("a".repeat(length))),
);
const rows = fc.integer({ min: 1, max: 6 }).chain((columns) => {
  const row = fc.array(cell, { minLength: columns, maxLength: columns });
  return fc.array(fc.array(row, { maxLength: 4 }), { maxLength: 6 });
});

test("whatever the rows are, and however they come, a foreign program reads them back", () => {
  fc.assert(
    fc.property(rows, (pushes) => {
      let row = 1;
      const texts = ['<sheetData><row r="1"><c s="1"/></row>'];
      for (const push of pushes) texts.push(push.map((cells) => rowXml((row += 1), cells)).join(""));
      texts.push("</sheetData>");
      const { bytes, part } = deflated(texts);
      const all = Buffer.from(texts.join(""));
      expect(inflateRawSync(bytes).equals(all)).toBe(true);
      expect([part.size, part.crc]).toEqual([all.byteLength, nodesCrc32(all)]);
    }),
    { numRuns: 100 },
  );
});

test("rows that are alike take little more than what differs in them", () => {
  const texts = Array.from({ length: 1000 }, (_, index) =>
    rowXml(index + 1, [textCell("sempre o mesmo texto"), `<c s="5"><v>${index}</v></c>`, textCell("e mais outro")]),
  );
  const { bytes } = deflated(texts);
  expect(bytes.byteLength / texts.length).toBeLessThan(20);
});

test("a checksum is that of all bytes, in whatever pieces they come", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      expect(crc32(crc32(0, bytes.subarray(0, at)), bytes.subarray(at))).toBe(nodesCrc32(bytes));
    }),
  );
});

function deflated(texts: readonly string[]): { bytes: Buffer; part: RowDeflate } {
  const chunks: Uint8Array[] = [];
  const part = new RowDeflate("sheet1.xml", new Date(1980, 0, 1));
  part.ondata = (_error, bytes) => chunks.push(bytes);
  for (const [index, text] of texts.entries()) part.push(Buffer.from(text), index === texts.length - 1);
  return { bytes: Buffer.concat(chunks), part };
}

function rowXml(row: number, cells: readonly string[]): string {
  return `<row r="${row}">${cells.join("")}</row>`;
}

function textCell(text: string): string {
  return `<c s="2" t="inlineStr"><is><t>${text.replaceAll("<", "&lt;")}</t></is></c>`;
}
