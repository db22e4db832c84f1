import { guardedText } from "./guarded_text.ts";

/** RFC 4180 ends every line so, the last one too. */
export const CRLF = "\r\n";

const NEEDS_QUOTES = /[",;|\t\r\n]|^\s|\s$/;

/** Needs neither guard nor quotes: nearly every id, time and word. It is only here for speed. */
const PLAIN_TEXT = /^\w(?:[\w.:/+@ -]*\w)?$/;

/** A cell: text is guarded here, so that none can be forgotten; numbers and booleans are not text; null is an empty cell. */
export type CsvCell = string | number | boolean | null | CsvNumber;

/** A number that is written as it stands, such as an amount with its decimal comma. */
export type CsvNumber = { readonly number: string };

/** One line of RFC 4180 with its line end. */
export function csvLine(cells: readonly CsvCell[], separator: "," | ";"): string {
  return cells.map(csvText).join(separator) + CRLF;
}

/** A cell as it stands in the line. Quotes go around separators of any reader, quotes, line ends, outer blanks. */
export function csvText(cell: CsvCell): string {
  if (cell === null || cell === "") return "";
  if (typeof cell !== "string") return typeof cell === "object" ? cell.number : String(cell);
  if (PLAIN_TEXT.test(cell)) return cell;
  const text = guardedText(cell);
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
