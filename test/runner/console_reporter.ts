import { appendFileSync, writeFileSync } from "node:fs";
import type { Reporter } from "vitest/node";

/** Set by the runner. */
const { TEST_CONSOLE_FILE: file } = process.env;

/** Keeps what every test prints, also what the screen leaves out since the test has passed. */
export default class ConsoleReporter implements Reporter {
  onInit(): void {
    if (file !== undefined) writeFileSync(file, "");
  }

  onUserConsoleLog({ content }: { readonly content: string }): void {
    if (file !== undefined) appendFileSync(file, content);
  }
}
