import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDecimal, readAmountMicros, waysToWrite } from "../../src/domain/written_amount.ts";

const REAL = 1_000_000;
const micros = fc.integer({ min: -9_000_000 * REAL, max: 9_000_000 * REAL });

/** An amount as a Brazilian writes it: `-1.234,56`. */
function brazilian(amount: number, options: { grouped: boolean; places: number }): string {
  return (amount / REAL).toLocaleString("pt-BR", {
    useGrouping: options.grouped,
    minimumFractionDigits: options.places,
    maximumFractionDigits: options.places,
  });
}

describe("an amount in reais", () => {
  test.each([
    ["5000", 5000],
    ["5000,50", 5000.5],
    ["5.000,00", 5000],
    ["R$ 5.000,00", 5000],
    ["R$5.000,00", 5000],
    ["R$\u00a05.000,00", 5000],
    ["1.234.567", 1_234_567],
    ["1.234.567,8", 1_234_567.8],
    ["0", 0],
    ["0,15", 0.15],
    ["0.15", 0.15],
    ["0.150", 0.15],
    ["0,150", 0.15],
    ["1234.567", 1234.567],
    ["1234,567", 1234.567],
    ["5,0000", 5],
    ["0.000001", 0.000_001],
    ["-12,34", -12.34],
    ["-R$ 12,34", -12.34],
    ["R$ -12,34", -12.34],
  ])("%s is taken", (text, reais) => {
    expect(readAmountMicros(text)).toEqual({ ok: true, value: Math.round(reais * REAL) });
  });

  test.each(["5.000", "5,000", "12.345", "123,456", "-1.500", "R$ 1.000"])(
    "%s can mean two, and is refused",
    (text) => {
      expect(readAmountMicros(text)).toEqual({ ok: false, failure: "ambiguous" });
      // Each of the ways that are offered instead is taken, and they differ a thousandfold.
      const offered = [...waysToWrite(text).matchAll(/-?[\d,]+/g)].map(([way]) => readAmountMicros(way));
      expect(offered).toHaveLength(2);
      const [thousands, decimals] = offered.map((read) => (read.ok ? read.value : Number.NaN));
      expect(thousands).toBe((decimals ?? 0) * 1000);
    },
  );

  test.each([
    ["", "5.000.00", "5,000.00", "1,234,567", "5.00.000", "12.34.567,00", "0.000,5", "05", "0005000", ".5", "5.", ",5"],
    ["5 000", " 5", "5 ", "+5", "--5", "-R$ -5", "5e3", "0x10", "Infinity", "NaN", "cinco mil", "US$ 5", "5 R$", "5%"],
    ["0.0000001", "0,0000001", "5.000,0000001", "\u0665", "５", "5\n", "5\u0000"],
  ])("%s and the like are refused", (...texts) => {
    for (const text of texts) expect([text, readAmountMicros(text).ok]).toEqual([text, false]);
  });

  test("too large an amount to be exact is refused", () => {
    expect(readAmountMicros("99.999.999.999,00")).toEqual({ ok: false, failure: "too_large" });
  });

  test("reads back what a Brazilian writes, exactly or not at all; never another amount", () => {
    fc.assert(
      fc.property(
        micros,
        fc.boolean(),
        fc.constantFrom(0, 2, 3, 6),
        fc.constantFrom("", "R$ "),
        (amount, grouped, places, currency) => {
          const unit = 10 ** (6 - places);
          const rounded = Math.round(amount / unit) * unit;
          const text = `${currency}${brazilian(rounded, { grouped, places })}`;
          const read = readAmountMicros(text);
          if (read.ok) expect([text, read.value + 0]).toEqual([text, rounded + 0]);
          else expect([text, read.failure]).toEqual([text, "ambiguous"]);
        },
      ),
    );
  });

  test("is sent as it was read", () => {
    fc.assert(
      fc.property(micros, (amount) => {
        expect(
          readAmountMicros(
            formatDecimal(amount)
              .replace(".", ",")
              .replace(/(,\d{3})$/, "$10"),
          ),
        ).toEqual({
          ok: true,
          value: amount,
        });
      }),
    );
  });

  test("no text is read as an amount that differs a thousandfold from another reading of it", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789.,"), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(digits, (text) => {
        const read = readAmountMicros(text);
        if (!read.ok) return;
        const english = /^[1-9]\d{0,2}(?:,\d{3})+(?:\.\d{1,6})?$/.test(text)
          ? microsOf(text.replaceAll(",", ""))
          : null;
        const decimalPoint = /^\d+(?:\.\d{1,6})?$/.test(text) ? microsOf(text) : null;
        for (const other of [english, decimalPoint].filter((one) => one !== null)) {
          expect([text, read.value]).toEqual([text, other]);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

/** Of a number with a point, exactly: a product of floats would be off by one where the amount is large. */
function microsOf(text: string): number {
  const [whole = "", places = ""] = text.split(".");
  return Number(`${whole}${places.padEnd(6, "0")}`);
}
