import { fail, ok, type Result } from "./result.ts";

/** The one currency of prices and statements (ISO 4217). */
export const CURRENCY = "BRL" as const;

// Prices go below the centavo, so amounts are integers of a millionth of a real.
export const MICROS_PER_REAL = 1_000_000;

/** Amounts that are due are whole centavos. */
export const MICROS_PER_CENTAVO = 10_000;
const AMOUNT = /^(-?)(0|[1-9]\d{0,9})(?:\.(\d{1,6}))?$/;

/** Micros as a decimal in reais with four to six places, exact: `12.3450`, `-0.1500`, `0.000123`. */
export function formatMicros(micros: number): string {
  const [sign, whole, rest] = split(micros, MICROS_PER_REAL);
  const places = String(rest)
    .padStart(6, "0")
    .replace(/0{1,2}$/, "");
  return `${sign}${whole}.${places}`;
}

/**
 * Micros to the nearest centavo, half up in the amount's own direction: a half goes away from zero, so that a credit of
 * -0.005 gives back as much as a charge of 0.005 took.
 */
export function roundToCentavos(micros: number): number {
  const [sign, whole, rest] = split(micros, MICROS_PER_CENTAVO);
  const centavos = rest * 2 >= MICROS_PER_CENTAVO ? whole + 1 : whole;
  return sign === "-" && centavos > 0 ? -centavos : centavos;
}

/** Centavos as a decimal in reais with two places: `12.35`. */
export function formatCentavos(centavos: number): string {
  const [sign, whole, rest] = split(centavos, 100);
  return `${sign}${whole}.${String(rest).padStart(2, "0")}`;
}

/**
 * Reads a decimal in reais, such as `-12.34`, into micros: a point, at most six places, no exponent, no plus, no spaces,
 * no leading zeros, and an amount whose micros are a safe integer (up to about nine billion reais).
 */
export function parseAmountMicros(text: string): Result<number, "invalid_amount"> {
  const match = AMOUNT.exec(text);
  if (match === null) return fail("invalid_amount");
  const [, sign, whole, places = ""] = match;
  const micros = Number(whole) * MICROS_PER_REAL + Number(places.padEnd(6, "0"));
  if (!Number.isSafeInteger(micros)) return fail("invalid_amount");
  return ok(sign === "-" && micros > 0 ? -micros : micros);
}

/** Adds integers of one unit. Throws `RangeError` when the sum could no longer be exact. */
export function addExact(left: number, right: number): number {
  const sum = left + right;
  if (!Number.isSafeInteger(sum)) throw new RangeError("a sum of money or units is not a safe integer");
  return sum;
}

/** Sign, whole part and rest, without a division that could round near the largest safe integer. */
function split(amount: number, unit: number): [sign: "-" | "", whole: number, rest: number] {
  if (!Number.isSafeInteger(amount)) throw new RangeError("an amount of money is not a safe integer");
  const size = Math.abs(amount);
  const rest = size % unit;
  return [amount < 0 ? "-" : "", (size - rest) / unit, rest];
}
