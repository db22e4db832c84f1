import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cnpjCheckDigits, formatCnpj, parseCnpj } from "../../src/domain/cnpj.ts";

const CHARACTERS = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const firstTwelve = fc
  .array(fc.constantFrom(...CHARACTERS), { minLength: 12, maxLength: 12 })
  .map((all) => all.join(""));
const cnpj = firstTwelve.map((first) => `${first}${cnpjCheckDigits(first)}`);

describe("parseCnpj", () => {
  test.each([
    ["the example of the Receita's rule", "12ABC34501DE35"],
    ["the demo tenant's", "DEM00000000124"],
    ["one of digits only", "00000000000191"],
    ["another", "11222333000181"],
    ["a check digit that is 0", "33014556000196"],
  ])("takes %s, with punctuation and without", (_, text) => {
    expect(parseCnpj(text)).toEqual({ ok: true, value: text });
    expect(parseCnpj(formatCnpj(text))).toEqual({ ok: true, value: text });
  });

  test.each([
    ["the first check digit is wrong", "12ABC34501DE45"],
    ["the second check digit is wrong", "12ABC34501DE36"],
    ["a letter is another", "12ABD34501DE35"],
    ["letters are small", "12abc34501de35"],
    ["the check digits are letters", "12ABC34501DEAB"],
    ["there is half of the punctuation", "12.ABC.345/01DE35"],
    ["the punctuation is elsewhere", "12A.BC.345/01DE-35"],
    ["there is a blank", " 12ABC34501DE35"],
    ["there is a line end", "12ABC34501DE35\n"],
    ["a digit is of another script", "12ABC34501DE3\u0665"],
    ["it is too short", "2ABC34501DE35"],
    ["it is too long", "012ABC34501DE35"],
    ["it is empty", ""],
  ])("refuses what is no CNPJ: %s", (_, text) => {
    expect(parseCnpj(text).ok).toBe(false);
  });

  test.each([..."0123456789"])("refuses the digit %s fourteen times", (digit) => {
    expect(parseCnpj(digit.repeat(14)).ok).toBe(false);
  });

  test("takes every CNPJ that its check digits end", () => {
    fc.assert(
      fc.property(cnpj, (text) => {
        fc.pre(!/^(.)\1{13}$/.test(text));
        expect(parseCnpj(text).ok).toBe(true);
        expect(parseCnpj(formatCnpj(text))).toEqual({ ok: true, value: text });
      }),
    );
  });
});
