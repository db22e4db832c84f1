import { type Cpf, parseCpf } from "./cpf.ts";

const CPF_DIGITS = 11;

/** A decimal digit of any script. */
const DIGIT = /\p{Nd}/u;

/** Digits in groups, with anything between them but letters and numbers that are no digits (Roman ones, fractions). */
const DIGIT_GROUPS = /[0-9]+(?:[^\p{L}\p{N}]+[0-9]+)*/gu;

/**
 * True when free text holds what reads as a CPF: groups of digits that follow one another, of any script, split by
 * punctuation, blanks or invisible characters (or one group), exactly eleven digits together, with right check digits.
 * Such text must not reach logs or exports. Eleven digits within a longer group do not count: one in a hundred would be
 * a CPF by chance, and order numbers, time stamps and NF-e keys are what references are made of.
 */
export function looksLikeCpf(text: string): boolean {
  return readings(text).some((reading) =>
    (reading.match(DIGIT_GROUPS) ?? []).some((run) => {
      const groups = run.split(/[^0-9]+/);
      return groups.some((_group, start) => startsWithCpf(groups.slice(start)));
    }),
  );
}

/** True when the digits of this CPF are anywhere in the text in their order, whatever is between them or around them. */
export function holdsCpf(text: string, cpf: Cpf): boolean {
  return readings(text).some((reading) => reading.replaceAll(/[^0-9]+/g, "").includes(cpf));
}

/**
 * The text with its digits as `0` to `9`, as it stands and in its compatibility form. Both count: only the second has
 * digits where circled or superior ones are written, and only the first has a superior one apart from the digit before.
 */
function readings(text: string): string[] {
  const plain = withPlainDigits(text);
  const compatible = withPlainDigits(text.normalize("NFKC"));
  return plain === compatible ? [plain] : [plain, compatible];
}

function withPlainDigits(text: string): string {
  return text.replaceAll(/(?![0-9])\p{Nd}/gu, (digit) => String(valueOf(digit)));
}

/** Unicode has the digits of a script in tens, from 0 to 9, so the place within its run of digits is the value. */
function valueOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let before = 0;
  while (DIGIT.test(String.fromCodePoint(code - before - 1))) before += 1;
  return before % 10;
}

function startsWithCpf(groups: readonly string[]): boolean {
  let digits = "";
  for (const group of groups) {
    digits += group;
    if (digits.length >= CPF_DIGITS) return parseCpf(digits).ok;
  }
  return false;
}
