import { assertPresent } from "../../domain/assert.ts";
import { textWidth, truncate, wrap } from "./text_width.ts";

/**
 * A column. Where a terminal is too narrow, `elastic` ones give way first, then `optional` ones are left out from the
 * right; the others always stand whole (an id cut short is none).
 */
export type Column<Row> = {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: "right";
  readonly elastic?: true;
  readonly optional?: true;
};

type MeasuredColumn<Row> = Column<Row> & { readonly cells: readonly string[]; width: number };

const GAP = "  ";
const LEAST_ELASTIC_WIDTH = 8;

/** Rows under their titles, aligned by what a terminal shows. `maxWidth` is in columns; null leaves every cell whole. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { maxWidth: number | null; bold: (text: string) => string },
): string {
  const measured = columns.map((column): MeasuredColumn<Row> => {
    const cells = rows.map((row) => printable(column.cell(row)));
    return { ...column, cells, width: Math.max(textWidth(column.title), ...cells.map(textWidth)) };
  });
  const maxWidth = options.maxWidth ?? Infinity;
  const kept = withoutOptional(measured, maxWidth);
  const shown = fitted(kept, maxWidth);
  const line = (textOf: (column: MeasuredColumn<Row>) => string) =>
    shown
      .map((column) => pad(truncate(textOf(column), column.width), column.width, column.align))
      .join(GAP)
      .trimEnd();
  const head = options.bold(line(({ title }) => title));
  const lines = rows.map((_row, index) => line(({ cells }) => assertPresent(cells[index], "a row without its cell")));
  const left = measured.filter((column) => !kept.includes(column)).map((column) => column.title);
  const note = left.length === 0 ? [] : [`(not shown for want of width: ${left.join(", ")})`];
  return [head, ...lines, ...note].join("\n");
}

/** Names and values under each other, for one thing. A value that is longer than a line goes on below itself. */
export function fields(
  entries: readonly (readonly [name: string, value: string])[],
  { maxWidth = null }: { maxWidth?: number | null } = {},
): string {
  const width = Math.max(...entries.map(([name]) => textWidth(name)));
  const below = " ".repeat(width + GAP.length);
  return entries
    .map(([name, value]) => {
      const shown = maxWidth === null ? printable(value) : wrap(printable(value), maxWidth - below.length);
      return `${pad(name, width)}${GAP}${shown.replaceAll("\n", `\n${below}`)}`;
    })
    .join("\n");
}

/** Text that others wrote, without what would move a terminal's cursor or change the direction of what follows. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, " ");
}

/** Several lines of such text. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function withoutOptional<Row>(columns: readonly MeasuredColumn<Row>[], maxWidth: number): MeasuredColumn<Row>[] {
  const shown = [...columns];
  const leastWidth = () =>
    lineWidth(shown.map(({ elastic, width }) => (elastic ? Math.min(width, LEAST_ELASTIC_WIDTH) : width)));
  while (leastWidth() > maxWidth) {
    const last = shown.findLastIndex((column) => column.optional);
    if (last === -1) break;
    shown.splice(last, 1);
  }
  return shown;
}

// The widest elastic column gives up a column of text at a time until the line fits.
function fitted<Row>(columns: readonly MeasuredColumn<Row>[], maxWidth: number): MeasuredColumn<Row>[] {
  const shown = columns.map((column) => ({ ...column }));
  while (lineWidth(shown.map(({ width }) => width)) > maxWidth) {
    const elastic = shown.filter((column) => column.elastic === true && column.width > LEAST_ELASTIC_WIDTH);
    const [widest] = elastic.toSorted((one, other) => other.width - one.width);
    if (widest === undefined) break;
    widest.width -= 1;
  }
  return shown;
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
}

function pad(text: string, width: number, align?: "right"): string {
  const space = " ".repeat(Math.max(width - textWidth(text), 0));
  return align === "right" ? `${space}${text}` : `${text}${space}`;
}
