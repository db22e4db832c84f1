import { styleText } from "node:util";
import type { CtlError } from "../ctl_error.ts";
import { fields, printableLines, table, type Column } from "./table.ts";
import { wrap } from "./text_width.ts";

// oxlint-disable-next-line no-control-regex -- what a terminal is told
const BOLD = /(\u001b\[(?:1|22)m)/;
/** What JSON leaves as it is and a terminal may obey: C1 controls, and what turns the direction of text. */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Lets a reader that has seen enough (`| head`) close the pipe: the command does its work and keeps its exit code. */
export function allowClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** Prints one answer: as JSON for scripts, else as `human` words it. */
export function print(value: unknown, options: { json: boolean; human: () => string }): void {
  process.stdout.write(`${options.json ? jsonText(value) : fitted(harmless(options.human()), process.stdout)}\n`);
}

/** Prints rows as a table as wide as the terminal; into a pipe every cell is whole. */
export function tableText<Row>(rows: readonly Row[], columns: readonly Column<Row>[], whenEmpty: string): string {
  if (rows.length === 0) return whenEmpty;
  return table(rows, columns, { maxWidth: widthOf(process.stdout), bold });
}

export function fieldsText(entries: readonly (readonly [name: string, value: string])[]): string {
  return fields(entries, { maxWidth: widthOf(process.stdout) });
}

/** Tells the person at the terminal what is not part of the answer. */
export function note(text: string): void {
  process.stderr.write(`${prose(text)}\n`);
}

export function warn(text: string): void {
  process.stderr.write(`${styleText("yellow", prose(text), { stream: process.stderr })}\n`);
}

/** Text for standard error: wrapped on a terminal, unchanged elsewhere. */
export function prose(text: string): string {
  return fitted(printableLines(text), process.stderr);
}

/** Wraps between words on a terminal. In a pipe every line stays whole. */
function fitted(text: string, stream: NodeJS.WriteStream): string {
  const width = widthOf(stream);
  return width === null ? text : wrap(text, width);
}

/** Null where there is no terminal, or one that does not know its width: that one says 0. */
function widthOf({ isTTY, columns }: NodeJS.WriteStream): number | null {
  return isTTY && columns > 0 ? columns : null;
}

export function printError(error: CtlError, options: { json: boolean }): void {
  const text = options.json
    ? jsonText({ error: { message: error.message, exitCode: error.exitCode, ...error.details } })
    : styleText("red", prose(error.message), { stream: process.stderr });
  process.stderr.write(`${text}\n`);
}

/** Lines whose only escapes are those of `bold`: what others wrote may be in them. */
function harmless(text: string): string {
  return text
    .split(BOLD)
    .map((part) => (part.match(BOLD) ? part : printableLines(part)))
    .join("");
}

function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function bold(text: string): string {
  return styleText("bold", text, { stream: process.stdout });
}
