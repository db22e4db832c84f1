import { closeSync, openSync, writeSync } from "node:fs";

/** What a deployment says of its steps. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Shows a secret to whoever sits at the terminal, even when the output goes into a file or a pipe. Where there is no
 * terminal at all, standard output is all there is.
 */
export function showOnTerminal(text: string): void {
  if (process.stdout.isTTY) return say(text);
  try {
    const terminal = openSync("/dev/tty", "w");
    writeSync(terminal, `${text}\n`);
    closeSync(terminal);
  } catch {
    say(text);
  }
}
