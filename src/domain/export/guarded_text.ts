/**
 * Where a reader may begin a cell: after each separator that spreadsheets offer, whatever the file itself uses, and after
 * whatever a program takes for the end of a line.
 */
const CELL_STARTS = /(?<=^|[,;|\t\n\r\v\f\u0085\u2028\u2029])[^,;|\t\n\r\v\f\u0085\u2028\u2029]+/g;

/**
 * A formula's start, in each of its compatible forms (full width, small, superior), after what a reader may drop or not
 * show: blanks, fillers, control and format characters, marks, quotes. Apostrophes count among these, so that one which was there
 * can be told from the one that `guardedText` puts in front.
 */
const FORMULA_START = /^[\p{Z}\p{C}\p{M}\u115f\u1160\u2800\u3164\uffa0"']*[=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−⩵⩶﬩]/u;

/** One cell for every reader, and no formula: nearly every id. It is only here for speed. */
const HARMLESS = /^\w[^,;|\t\n\r\v\f\u0085\u2028\u2029]*$/;

const PLAIN_NUMBER = /^[+-]?[0-9]+(?:[.,][0-9]+)?$/;

/**
 * Text of others (a partner's, an operator's, Claro's), made safe for a cell: an apostrophe goes in front of what could
 * start a formula, at the text's start and behind every separator. Text that is a plain number and nothing else stays as
 * it is: a spreadsheet makes it a number. The same for all formats, and undone by `unguardedText`.
 */
export function guardedText(text: string): string {
  if (HARMLESS.test(text) || PLAIN_NUMBER.test(text)) return text;
  return text.replaceAll(CELL_STARTS, (part) => (FORMULA_START.test(part) ? `'${part}` : part));
}

/** What was written by `guardedText`: where an apostrophe stands before a formula's start, it is dropped. */
export function unguardedText(cell: string): string {
  return cell.replaceAll(CELL_STARTS, (part) =>
    part.startsWith("'") && FORMULA_START.test(part) ? part.slice(1) : part,
  );
}
