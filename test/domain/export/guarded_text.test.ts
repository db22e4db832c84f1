import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guardedText, unguardedText } from "../../../src/domain/export/guarded_text.ts";
import { SEPARATORS, startsFormula } from "./formulas.ts";
import { HOSTILE_TEXTS } from "./hostile_texts.ts";

const pieces = fc.constantFrom(
  "=",
  "+",
  "-",
  "@",
  "＝",
  "＋",
  "－",
  "＠",
  "﹣",
  "−",
  ",",
  ";",
  "|",
  "\t",
  "\n",
  "\r",
  "\u2028",
  "'",
  '"',
  " ",
  "\u00a0",
  "\u200b",
  "\ufeff",
  "\u0301",
  "1",
  "12",
  ".",
  "A1",
  "SUM(A1)",
  "pedido",
  "ção",
  "😀",
  "",
);
const texts = fc.oneof(
  fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join("")),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);

describe("guardedText", () => {
  test.each([
    ["=1+1", "'=1+1"],
    ["pedido;=HYPERLINK(A1)", "pedido;'=HYPERLINK(A1)"],
    ["a,+b;-c|@d\te\n＝f", "a,'+b;'-c|'@d\te\n'＝f"],
    [" =1", "' =1"],
    ["\u200b=1", "'\u200b=1"],
    ['x;"=1"', 'x;\'"=1"'],
    ["'=1", "''=1"],
    ["''=1", "'''=1"],
    ["-", "'-"],
    ["1;-2", "1;'-2"],
    ["+55 11 98765-4321", "'+55 11 98765-4321"],
  ])("guards %j as %j", (text, guarded) => {
    expect(guardedText(text)).toBe(guarded);
    expect(unguardedText(guarded)).toBe(text);
  });

  test.each([
    "-5",
    "+5",
    "-12.34",
    "-0,15",
    "+5511987654321",
    "007",
    "'já citado",
    "d'água",
    "a-b",
    "a = b",
    "x@y.com",
    "",
  ])("leaves %j as it is", (text) => {
    expect(guardedText(text)).toBe(text);
    expect(unguardedText(text)).toBe(text);
  });

  test("leaves no cell that starts a formula, split at whatever separators", () => {
    fc.assert(
      fc.property(fc.oneof(texts, fc.constantFrom(...HOSTILE_TEXTS)), fc.subarray([...SEPARATORS]), (text, used) => {
        const cells = [...guardedText(text)].reduce<string[]>(
          (parts, character) => {
            if ((used as readonly string[]).includes(character)) parts.push("");
            else parts.push(`${parts.pop() ?? ""}${character}`);
            return parts;
          },
          [""],
        );
        expect(cells.filter(startsFormula)).toEqual([]);
      }),
      { numRuns: 5000 },
    );
  });

  test("guards every sign that is one of a formula's in another form", () => {
    const signs: string[] = [];
    for (let code = 0; code < 0x110000; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const sign = String.fromCodePoint(code);
      if (/^[=+@-]/.test(sign.normalize("NFKC"))) signs.push(sign);
    }
    expect(signs.length).toBeGreaterThan(15);
    for (const sign of signs) expect(guardedText(`a;${sign}1+1`)).toBe(`a;'${sign}1+1`);
  });

  test("is undone exactly", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(unguardedText(guardedText(text))).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  test("puts in nothing but apostrophes, and none where nothing is at risk", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(guardedText(text).replaceAll("'", "")).toBe(text.replaceAll("'", ""));
        if (!/[=+\-@−]/.test(text.normalize("NFKC"))) expect(guardedText(text)).toBe(text);
      }),
    );
  });
});
