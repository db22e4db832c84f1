import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cpfCheckDigits, maskCpf, parseCpf } from "../../src/domain/cpf.ts";

/** The rule as the tax office words it, written without a look at the code. */
function isCpf(digits: string): boolean {
  if (digits.length !== 11 || new Set(digits).size === 1) return false;
  const numbers = [...digits].map(Number);
  const check = (count: number) => {
    const sum = numbers.slice(0, count).reduce((total, digit, index) => total + digit * (count + 1 - index), 0);
    const tenfold = (sum * 10) % 11;
    return tenfold === 10 ? 0 : tenfold;
  };
  return check(9) === numbers[9] && check(10) === numbers[10];
}

function written(cpf: string): string {
  return `${cpf.slice(0, 3)}.${cpf.slice(3, 6)}.${cpf.slice(6, 9)}-${cpf.slice(9)}`;
}

const elevenDigits = fc.stringMatching(/^[0-9]{11}$/);
const validCpf = fc
  .stringMatching(/^[0-9]{9}$/)
  .map((nine) => `${nine}${cpfCheckDigits(nine)}`)
  .filter((cpf) => new Set(cpf).size > 1);
const KNOWN = ["52998224725", "11144477735", "12345678909", "00000000191"];

describe("parseCpf", () => {
  test("takes the known ones, with and without punctuation, and as a number", () => {
    for (const cpf of KNOWN) {
      for (const input of [cpf, written(cpf), Number(cpf)]) expect(parseCpf(input)).toEqual({ ok: true, value: cpf });
    }
  });

  test("agrees with a plain model on any eleven digits, however they are written", () => {
    fc.assert(
      fc.property(fc.oneof(elevenDigits, validCpf), (digits) => {
        const expected = isCpf(digits) ? { ok: true, value: digits } : { ok: false, failure: "invalid_cpf" };
        expect(parseCpf(digits)).toEqual(expected);
        expect(parseCpf(written(digits))).toEqual(expected);
        expect(parseCpf(Number(digits))).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("knows exactly one pair of check digits for every nine", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{9}$/), (nine) => {
        const pairs = Array.from({ length: 100 }, (_, pair) => `${nine}${String(pair).padStart(2, "0")}`);
        const valid = pairs.filter((cpf) => parseCpf(cpf).ok);
        expect(valid).toEqual(new Set(nine).size === 1 && isRepeated(nine) ? [] : [`${nine}${cpfCheckDigits(nine)}`]);
      }),
      { numRuns: 300 },
    );
  });

  test("refuses any one wrong digit", () => {
    fc.assert(
      fc.property(validCpf, fc.nat({ max: 10 }), fc.integer({ min: 1, max: 9 }), (cpf, place, step) => {
        const wrong = String((Number(cpf[place]) + step) % 10);
        const changed = `${cpf.slice(0, place)}${wrong}${cpf.slice(place + 1)}`;
        expect(parseCpf(changed).ok).toBe(isCpf(changed));
      }),
    );
  });

  test("refuses all ten repeated digits", () => {
    for (let digit = 0; digit <= 9; digit += 1) {
      const repeated = String(digit).repeat(11);
      expect([repeated, written(repeated), Number(repeated)].filter((input) => parseCpf(input).ok)).toEqual([]);
    }
  });

  test.each([
    ["junk around it", (cpf: string) => `a${cpf}`],
    ["a space before it", (cpf: string) => ` ${cpf}`],
    ["a line end after it", (cpf: string) => `${cpf}\n`],
    ["other punctuation", (cpf: string) => written(cpf).replaceAll(".", "-")],
    ["half of its punctuation", (cpf: string) => written(cpf).replace("-", "")],
    ["a digit too many", (cpf: string) => `${cpf}0`],
    ["a digit too few", (cpf: string) => cpf.slice(1)],
    [
      "full-width digits",
      (cpf: string) => [...cpf].map((digit) => String.fromCharCode(0xff10 + Number(digit))).join(""),
    ],
    ["Arabic digits", (cpf: string) => [...cpf].map((digit) => String.fromCharCode(0x660 + Number(digit))).join("")],
    ["zero-width characters", (cpf: string) => [...cpf].join("\u200b")],
    ["a sign", (cpf: string) => `+${cpf}`],
    ["a list", (cpf: string) => [cpf]],
    ["an object", (cpf: string) => ({ cpf })],
    ["a string object", (cpf: string) => Object(cpf) as unknown],
    ["a big integer", (cpf: string) => BigInt(cpf)],
    ["a fraction", (cpf: string) => Number(cpf) + 0.5],
    ["a negative number", (cpf: string) => -Number(cpf)],
    ["ten times as much", (cpf: string) => Number(cpf) * 10 + 1e11],
  ])("refuses %s", (_name, spoil) => {
    for (const cpf of KNOWN) expect(parseCpf(spoil(cpf)).ok).toBe(false);
  });

  test("refuses everything that is neither text nor a whole number", () => {
    const others = fc.anything().filter((value) => typeof value !== "string" && !Number.isInteger(value));
    fc.assert(
      fc.property(others, (value) => {
        expect(parseCpf(value).ok).toBe(false);
      }),
    );
    for (const value of [Number.NaN, Infinity, -0, 0, 1e10, 1e11, 2 ** 53]) expect(parseCpf(value).ok).toBe(false);
  });
});

describe("maskCpf", () => {
  test("shows the middle only", () => {
    for (const cpf of KNOWN) {
      const parsed = parseCpf(cpf);
      if (!parsed.ok) throw new Error("a known CPF is refused");
      expect(maskCpf(parsed.value)).toBe(`***.${cpf.slice(3, 6)}.${cpf.slice(6, 9)}-**`);
    }
    expect(maskCpf("52998224725" as never)).toBe("***.982.247-**");
  });
});

function isRepeated(nine: string): boolean {
  return cpfCheckDigits(nine) === (nine[0] ?? "").repeat(2);
}
