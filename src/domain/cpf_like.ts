import { type Cpf, parseCpf } from "./cpf.ts";

const CPF_DIGITS = 11;

/** A decimal digit of any script. */
const DIGIT = /\p{Nd}/u;

/**
 * Digits that Unicode does not count as decimal and that have no compatibility form: the first character of each run, and
 * its value. Circled ones of other kinds (❶, ➀, ➊, ⓵), Ethiopic, Brahmi, Kharoshthi and Rumi ones.
 */
const RUNS_OF_NINE: readonly (readonly [first: number, count: number])[] = [
  [0x1369, 9],
  [0x24f5, 9],
  [0x2776, 9],
  [0x2780, 9],
  [0x278a, 9],
  [0x10a40, 4],
  [0x10e60, 9],
  [0x11052, 9],
];
const OTHER_DIGITS: ReadonlyMap<string, string> = new Map([
  ...RUNS_OF_NINE.flatMap(([first, count]) =>
    Array.from({ length: count }, (_, n) => [String.fromCodePoint(first + n), String(n + 1)] as const),
  ),
  ...["⓿", "🄋", "🄌", "〇", "零"].map((zero) => [zero, "0"] as const),
  ...Array.from("一二三四五六七八九", (digit, n) => [digit, String(n + 1)] as const),
]);
const OTHER_DIGIT = new RegExp(`[${[...OTHER_DIGITS.keys()].join("")}]`, "gu");

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
 * The text with its digits as `0` to `9`: as it stands, in its compatibility form, and each with what is a digit to people
 * only. All count: only the compatible form has digits where circled or superior ones are written, only the text as it
 * stands has a superior one apart from the digit before, and a Han numeral may be a digit or stand between two.
 */
function readings(text: string): string[] {
  if (/^[ -~]*$/.test(text)) return [text];
  const plain = [text, text.normalize("NFKC")].map(withPlainDigits);
  return [...new Set([...plain, ...plain.map(withOtherDigits)])];
}

function withPlainDigits(text: string): string {
  return text.replaceAll(/(?![0-9])\p{Nd}/gu, (digit) => String(valueOf(digit)));
}

function withOtherDigits(text: string): string {
  return text.replaceAll(OTHER_DIGIT, (digit) => OTHER_DIGITS.get(digit) ?? digit);
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
