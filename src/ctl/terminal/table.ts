import { textWidth, truncate } from "./text_width.ts";

/** A column; `elastic` ones give way when the terminal is too narrow, the others never (an id cut short is none). */
export type Column<Row> = {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: "right";
  readonly elastic?: true;
};

const GAP = "  ";
const LEAST_ELASTIC_WIDTH = 8;

/** Rows under their titles, aligned by what a terminal shows. `maxWidth` is in columns; null leaves every cell whole. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { maxWidth: number | null; bold: (text: string) => string },
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))));
  const natural = columns.map((column, index) =>
    Math.max(textWidth(column.title), ...cells.map((line) => textWidth(line[index] ?? ""))),
  );
  const widths = options.maxWidth === null ? natural : fitted(columns, natural, options.maxWidth);
  const line = (texts: readonly string[]) =>
    columns
      .map((column, index) => pad(truncate(texts[index] ?? "", widths[index] ?? 0), widths[index] ?? 0, column.align))
      .join(GAP)
      .trimEnd();
  const head = options.bold(line(columns.map((column) => column.title)));
  return [head, ...cells.map(line)].join("\n");
}

/** Names and values under each other, for one thing. */
export function fields(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...entries.map(([name]) => textWidth(name)));
  return entries.map(([name, value]) => `${pad(name, width)}${GAP}${printable(value)}`).join("\n");
}

/** Text that others wrote, without what would move a terminal's cursor or change the direction of what follows. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu, " ");
}

// The widest elastic column gives up a column of text at a time until the line fits.
function fitted<Row>(columns: readonly Column<Row>[], natural: readonly number[], maxWidth: number): number[] {
  const widths = [...natural];
  const lineWidth = () => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1);
  while (lineWidth() > maxWidth) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (column.elastic && width > LEAST_ELASTIC_WIDTH && width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function pad(text: string, width: number, align?: "right"): string {
  const space = " ".repeat(Math.max(width - textWidth(text), 0));
  return align === "right" ? `${space}${text}` : `${text}${space}`;
}
