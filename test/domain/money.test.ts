import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addExact, formatCentavos, formatMicros, parseAmountMicros, roundToCentavos } from "../../src/domain/money.ts";

const safeIntegers = fc.maxSafeInteger();

describe("formatMicros", () => {
  test.each([
    [12_345_000, "12.3450"],
    [-150_000, "-0.1500"],
    [123, "0.000123"],
    [120, "0.00012"],
    [100, "0.0001"],
    [0, "0.0000"],
    [-0, "0.0000"],
    [-1, "-0.000001"],
    [1_000_000, "1.0000"],
    [Number.MAX_SAFE_INTEGER, "9007199254.740991"],
    [Number.MIN_SAFE_INTEGER, "-9007199254.740991"],
    [9_007_199_253_999_999, "9007199253.999999"],
  ])("%d micros are %s", (micros, text) => {
    expect(formatMicros(micros)).toBe(text);
  });

  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("%d is no amount", (micros) => {
    expect(() => formatMicros(micros)).toThrow(RangeError);
  });

  test("what was formatted reads back as the same micros", () => {
    fc.assert(
      fc.property(safeIntegers, (micros) => {
        expect(parseAmountMicros(formatMicros(micros))).toEqual({ ok: true, value: micros === 0 ? 0 : micros });
        expect(BigInt(formatMicros(micros).replace(/\.(\d+)$/, (_, places: string) => places.padEnd(6, "0")))).toBe(
          BigInt(micros),
        );
      }),
    );
  });
});

describe("roundToCentavos", () => {
  test.each([
    [12_344_999, 1234],
    [12_345_000, 1235],
    [4_999, 0],
    [5_000, 1],
    [-4_999, 0],
    [-5_000, -1],
    [-12_345_000, -1235],
    [0, 0],
    [Number.MAX_SAFE_INTEGER, 900_719_925_474],
  ])("%d micros are %d centavos", (micros, centavos) => {
    expect(roundToCentavos(micros)).toBe(centavos);
  });

  test("agrees with exact arithmetic, and a credit mirrors a charge", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (micros) => {
        expect(BigInt(roundToCentavos(micros))).toBe((BigInt(micros) * 2n + 10_000n) / 20_000n);
        expect(roundToCentavos(-micros) + roundToCentavos(micros)).toBe(0);
      }),
    );
  });
});

test.each([
  [1235, "12.35"],
  [5, "0.05"],
  [-5, "-0.05"],
  [0, "0.00"],
  [-123_400, "-1234.00"],
])("%d centavos are %s", (centavos, text) => {
  expect(formatCentavos(centavos)).toBe(text);
});

describe("parseAmountMicros", () => {
  test.each([
    ["-12.34", -12_340_000],
    ["0.15", 150_000],
    ["0", 0],
    ["-0", 0],
    ["1.000001", 1_000_001],
    ["9007199254.740991", Number.MAX_SAFE_INTEGER],
    ["-9007199254.740991", Number.MIN_SAFE_INTEGER],
  ])("reads %s as %d", (text, micros) => {
    expect(parseAmountMicros(text)).toEqual({ ok: true, value: micros });
  });

  test.each([
    "",
    "-",
    ".5",
    "1.",
    "1,5",
    "+1",
    " 1",
    "1\n",
    "01",
    "1e3",
    "0x10",
    "1.0000001",
    "1_000",
    "NaN",
    "١",
    "9007199254.740992",
    "99999999999",
  ])("refuses %j", (text) => {
    expect(parseAmountMicros(text)).toEqual({ ok: false, failure: "invalid_amount" });
  });
});

test("addExact refuses a sum that could not be exact", () => {
  expect(addExact(Number.MAX_SAFE_INTEGER, -1)).toBe(Number.MAX_SAFE_INTEGER - 1);
  expect(() => addExact(Number.MAX_SAFE_INTEGER, 1)).toThrow(RangeError);
});
