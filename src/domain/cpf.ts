import { fail, ok, type Result } from "./result.ts";

declare const cpfBrand: unique symbol;

/** Eleven digits with right check digits. Personal data: never in a URL, a log, an error, a name or an export. */
export type Cpf = string & { readonly [cpfBrand]: true };

const WRITTEN_CPF = /^(?:[0-9]{11}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2})$/;
const REPEATED_DIGIT = /^([0-9])\1{10}$/;
const LARGEST_CPF = 99_999_999_999;

/**
 * Reads a CPF as callers write it: `ddd.ddd.ddd-dd`, eleven digits, or a JSON integer (the seed's PHP client sends one),
 * which has lost its leading zeros. Anything else is refused, not repaired: a stripped character could hide a typo.
 */
export function parseCpf(input: unknown): Result<Cpf, "invalid_cpf"> {
  const digits = toDigits(input);
  if (digits === null || REPEATED_DIGIT.test(digits)) return fail("invalid_cpf");
  const valid = digits.slice(9) === cpfCheckDigits(digits.slice(0, 9));
  return valid ? ok(digits as Cpf) : fail("invalid_cpf");
}

/** The two check digits of a CPF's first nine: modulo 11, weights 10..2 and 11..2, a remainder below 2 gives 0. */
export function cpfCheckDigits(firstNine: string): string {
  const first = checkDigit(firstNine);
  return `${first}${checkDigit(`${firstNine}${first}`)}`;
}

/** For people who must recognise a CPF without reading it: `***.982.247-**`. */
export function maskCpf(cpf: Cpf): string {
  return `***.${cpf.slice(3, 6)}.${cpf.slice(6, 9)}-**`;
}

function toDigits(input: unknown): string | null {
  if (typeof input === "string") {
    return WRITTEN_CPF.test(input) ? input.replaceAll(/[.-]/g, "") : null;
  }
  if (typeof input === "number" && Number.isInteger(input) && input >= 0 && input <= LARGEST_CPF) {
    return String(input).padStart(11, "0");
  }
  return null;
}

function checkDigit(digits: string): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) sum += Number(digits[i]) * (digits.length + 1 - i);
  const remainder = sum % 11;
  return remainder < 2 ? 0 : 11 - remainder;
}
