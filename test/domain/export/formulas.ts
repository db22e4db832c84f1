/** Where readers of CSV split, by the contract, and what else programs take for the end of a line. */
export const SEPARATORS = [",", ";", "\t", "|", "\n", "\r"] as const;

/** What a spreadsheet drops or does not show in front of a formula. */
const DROPPED = /^[\s\p{Cc}\p{Cf}"]*/u;

/**
 * Whether a cell could start a formula, said without a look at the code: its first sign is one of `= + - @`, also in other
 * widths, and it is no plain number. A reader that knows no quotes keeps the first of `"-9,2"`, which changes nothing.
 */
export function startsFormula(cell: string): boolean {
  const rest = cell.replace(DROPPED, "");
  return /^[=+@-]/.test(rest.normalize("NFKC")) && !/^"?[+-]?\d+(?:[.,]\d+)?$/.test(cell);
}
