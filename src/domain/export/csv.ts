/** RFC 4180 ends every line so, the last one too. */
const CRLF = "\r\n";

// What spreadsheets take for a formula's start, also after blanks and in full width, and what OWASP lists besides. The
// apostrophe is among them so that the one which `guardedText` puts in front can be told from one that was there.
const RISKY_START = /^(?:[\s\p{Cf}]*[=+\-@＝＋－＠]|[\t\r\n'])/u;

const NEEDS_QUOTES = /["\t\r\n]|^\s|\s$/;

/**
 * Text of others, made safe for a cell: where it could start a formula (or starts with an apostrophe) an apostrophe goes
 * in front. A reader undoes it with `unguardedText`: of every text cell that starts with an apostrophe, drop that one.
 * Numbers are not text and never come here, so a negative amount stays a number. Null is an empty cell.
 */
export function guardedText(text: string | null): string {
  if (text === null) return "";
  return RISKY_START.test(text) ? `'${text}` : text;
}

/** What was written by `guardedText`. */
export function unguardedText(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell;
}

/** One line of RFC 4180 with its line end. Cells come guarded; quotes go around separators, quotes, line ends, outer blanks. */
export function csvLine(cells: readonly (string | number | boolean)[], separator: "," | ";"): string {
  return (
    cells.map((cell) => (typeof cell === "string" ? quoted(cell, separator) : String(cell))).join(separator) + CRLF
  );
}

function quoted(cell: string, separator: string): string {
  const isPlain = !cell.includes(separator) && !NEEDS_QUOTES.test(cell);
  return isPlain ? cell : `"${cell.replaceAll('"', '""')}"`;
}
