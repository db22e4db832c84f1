import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPlanTerms, readTiers } from "../../src/pages/console/plan_parts.ts";
import { typedMicros, typedNumber } from "../../src/pages/read_form.ts";

/** Each is two numbers to two readers, or none to anybody: nothing is guessed. */
const REFUSED = [
  "5.000",
  "5,000",
  "1.000",
  "1e3",
  "0x10",
  "0b1",
  "1_000",
  "5,000.00",
  "٥٠٠٠",
  "５０",
  "--1",
  "R$",
  "NaN",
];

function form(fields: Record<string, string>): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return made;
}

describe("a number in a form of the console", () => {
  test.each<[string, number]>([
    ["5000", 5000],
    ["5.000,00", 5000],
    ["5000,50", 5000.5],
    ["0,15", 0.15],
    ["0.15", 0.15],
    ["R$ 1.234,56", 1234.56],
    ["-1", -1],
  ])("is read as people write it: %s", (text, value) => {
    expect([typedNumber(text), typedMicros(text)]).toEqual([value, Math.round(value * 1_000_000)]);
  });

  test.each(REFUSED)("goes on as it was typed, to be refused: %s", (text) => {
    expect([typedNumber(text), typedMicros(text)]).toEqual([text, text]);
    const terms = readPlanTerms(
      form({ cap: text, allowance: text, rate: text, burst: text, tiers: `${text}: 0,15\n0,1` }),
    );
    expect(terms).toMatchObject({ monthlySpendCapMicros: text, allowance: { requests: text }, ratePerSecond: text });
    expect(readTiers(text)).toEqual([{ upTo: null, unitPriceMicros: text }]);
  });

  test("is never another one than what Brazilians mean by it", () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), fc.nat(99), (reais, centavos) => {
        const whole = String(reais).replaceAll(/\B(?=(?:\d{3})+$)/g, ".");
        expect(typedMicros(`${whole},${String(centavos).padStart(2, "0")}`)).toBe(
          reais * 1_000_000 + centavos * 10_000,
        );
      }),
    );
  });
});
