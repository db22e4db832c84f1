import { styleText } from "node:util";
import type { CtlError } from "../ctl_error.ts";
import { fields, table, type Column } from "./table.ts";

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
  process.stdout.write(`${options.json ? JSON.stringify(value, null, 2) : options.human()}\n`);
}

/** Prints rows as a table as wide as the terminal; into a pipe every cell is whole. */
export function tableText<Row>(rows: readonly Row[], columns: readonly Column<Row>[], whenEmpty: string): string {
  if (rows.length === 0) return whenEmpty;
  // A terminal that does not know its width says 0.
  const { isTTY, columns: width } = process.stdout;
  return table(rows, columns, { maxWidth: isTTY && width > 0 ? width : null, bold });
}

export function fieldsText(entries: readonly (readonly [name: string, value: string])[]): string {
  return fields(entries);
}

/** A word to the person at the terminal that is no part of the answer. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function warn(text: string): void {
  process.stderr.write(`${styleText("yellow", text, { stream: process.stderr })}\n`);
}

export function printError(error: CtlError, options: { json: boolean }): void {
  const text = options.json
    ? JSON.stringify({ error: { message: error.message, exitCode: error.exitCode, ...error.details } }, null, 2)
    : styleText("red", error.message, { stream: process.stderr });
  process.stderr.write(`${text}\n`);
}

function bold(text: string): string {
  return styleText("bold", text, { stream: process.stdout });
}
