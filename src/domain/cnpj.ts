import { fail, ok, type Result } from "./result.ts";

declare const cnpjBrand: unique symbol;

/** Fourteen characters with right check digits, without punctuation: `12ABC34501DE35`. */
export type Cnpj = string & { readonly [cnpjBrand]: true };

/** Since July 2026 letters may stand in every place but the two check digits (IN RFB 2.229/2024). */
const WRITTEN_CNPJ = /^(?:[A-Z0-9]{12}[0-9]{2}|[A-Z0-9]{2}\.[A-Z0-9]{3}\.[A-Z0-9]{3}\/[A-Z0-9]{4}-[0-9]{2})$/;
const REPEATED_CHARACTER = /^(.)\1{13}$/;
/** For the second check digit; the first one's weights are these without their first. */
const WEIGHTS = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2] as const;

/**
 * Reads a CNPJ as people write it: with its punctuation or without any. Anything else is refused, not repaired: a
 * stripped character could hide a typo.
 */
export function parseCnpj(text: string): Result<Cnpj, "invalid_cnpj"> {
  if (!WRITTEN_CNPJ.test(text)) return fail("invalid_cnpj");
  const characters = text.replaceAll(/[./-]/g, "");
  const isValid = characters.slice(12) === cnpjCheckDigits(characters.slice(0, 12));
  return isValid && !REPEATED_CHARACTER.test(characters) ? ok(characters as Cnpj) : fail("invalid_cnpj");
}

/** The two check digits of a CNPJ's first twelve characters: modulo 11, a remainder below 2 gives 0. */
export function cnpjCheckDigits(firstTwelve: string): string {
  const first = checkDigit(firstTwelve, WEIGHTS.slice(1));
  return `${first}${checkDigit(`${firstTwelve}${first}`, WEIGHTS)}`;
}

/** For people: `12.ABC.345/01DE-35`. What is no CNPJ stays as it is. */
export function formatCnpj(text: string): string {
  return text.replace(/^(\w{2})(\w{3})(\w{3})(\w{4})(\d{2})$/, "$1.$2.$3/$4-$5");
}

/** A character counts as its code less that of `0`: digits as themselves, `A` as 17. */
function checkDigit(characters: string, weights: readonly number[]): number {
  const sum = weights.reduce((total, weight, place) => total + weight * (characters.charCodeAt(place) - 48), 0);
  const remainder = sum % 11;
  return remainder < 2 ? 0 : 11 - remainder;
}
