import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fields, table, type Column } from "../../../src/ctl/terminal/table.ts";
import { textWidth, truncate, wrap } from "../../../src/ctl/terminal/text_width.ts";

type Row = { id: string; name: string; count: number };
const COLUMNS: readonly Column<Row>[] = [
  { title: "ID", cell: (row) => row.id },
  { title: "NAME", cell: (row) => row.name, elastic: true },
  { title: "N", cell: (row) => String(row.count), align: "right" },
];
const plain = (text: string) => text;

describe("textWidth", () => {
  test.each([
    ["", 0],
    ["Loja", 4],
    ["São João", 8],
    ["Sa\u0303o", 3],
    ["\u001b[1mbold\u001b[22m", 4],
    ["日本", 4],
    ["ﾊﾝｶｸ", 4],
    ["🇧🇷", 2],
    ["👩‍👩‍👧", 2],
    ["❤️", 2],
    ["©", 1],
    ["a\u200bb", 2],
  ])("%j takes %i columns", (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  test("a truncated text never takes more than it may, and says that something is missing", () => {
    for (const text of ["Loja São João", "日本語のテキスト", "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧"]) {
      for (let width = 1; width < textWidth(text); width += 1) {
        expect(textWidth(truncate(text, width))).toBeLessThanOrEqual(width);
        expect(truncate(text, width)).toMatch(/…$/);
      }
      expect(truncate(text, textWidth(text))).toBe(text);
    }
  });
});

describe("table", () => {
  const rows: readonly Row[] = [
    { id: "ten_1", name: "Padaria do João Açúcar & Filhos", count: 7 },
    { id: "ten_22", name: "日本 🇧🇷", count: 1234 },
  ];

  test("aligns columns by what a terminal shows", () => {
    const lines = table(rows, COLUMNS, { maxWidth: null, bold: plain }).split("\n");
    expect(lines).toEqual([
      "ID      NAME                                N",
      "ten_1   Padaria do João Açúcar & Filhos     7",
      "ten_22  日本 🇧🇷                          1234",
    ]);
    expect(new Set(lines.map(textWidth)).size).toBe(1);
  });

  test("takes what a narrow terminal lacks from elastic columns only", () => {
    const lines = table(rows, COLUMNS, { maxWidth: 30, bold: plain }).split("\n");
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(30);
    expect(lines[1]).toMatch(/^ten_1 {3}Padaria.*… {2,}7$/);
    // There is a limit to giving way: ids are never cut.
    expect(table(rows, COLUMNS, { maxWidth: 5, bold: plain })).toContain("ten_22");
  });

  test("leaves out what is optional, from the right, before it is wider than the terminal, and says so", () => {
    const many: readonly Column<Row>[] = [
      ...COLUMNS,
      { title: "FIRST", cell: () => "x".repeat(10), optional: true },
      { title: "SECOND", cell: () => "y".repeat(10), optional: true },
    ];
    const shownAt = (maxWidth: number) => table(rows, many, { maxWidth, bold: plain });
    expect(shownAt(80)).not.toContain("not shown");
    expect(shownAt(40)).toMatch(/xxx.*\(not shown for want of width: SECOND\)$/s);
    expect(shownAt(25)).toMatch(/\(not shown for want of width: FIRST, SECOND\)$/);
    for (const line of shownAt(40).split("\n").slice(0, -1)) expect(textWidth(line)).toBeLessThanOrEqual(40);
  });

  test("lets no cell move the cursor, break the line or turn the text around", () => {
    const evil = { id: "ten_1", name: "a\u001b[2J\nb\u202ec", count: 1 };
    const text = table([evil], COLUMNS, { maxWidth: null, bold: plain });
    expect(text.split("\n")).toHaveLength(2);
    for (const moved of ["\u001b", "\u202e"]) expect(text).not.toContain(moved);
  });
});

describe("prose", () => {
  test("is broken between words, as far from the edge as its line began; words stay whole", () => {
    const url = "https://gateway.example/a/very/long/address";
    expect(wrap(`  one two three ${url} four\nfive`, 14)).toBe(`  one two\n  three\n  ${url}\n  four\nfive`);
    expect(wrap("日本語 日本語", 10)).toBe("日本語\n日本語");
  });

  test("is no wider than it may be, and loses no word", () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "日", "👩‍🍳"), minLength: 1, maxLength: 8 }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 16, max: 40 }), fc.nat({ max: 4 }), (texts, width, indent) => {
        const lines = wrap(`${" ".repeat(indent)}${texts.join(" ")}`, width + indent).split("\n");
        expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width + indent);
        expect(lines.flatMap((line) => line.trim().split(" "))).toEqual(texts);
      }),
    );
  });

  test("of a field goes on below itself", () => {
    expect(
      fields(
        [
          ["Name", "one two three"],
          ["Id", "x"],
        ],
        { maxWidth: 14 },
      ),
    ).toBe("Name  one two\n      three\nId    x");
  });
});
