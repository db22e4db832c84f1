import { confirm as ask } from "@clack/prompts";
import { usageError } from "../ctl_error.ts";
import { printableLines } from "./table.ts";

/**
 * Lets a person confirm what cannot be undone. `--yes` answers for scripts; without it and without a terminal nothing is
 * done. Throws when the answer is not a yes.
 */
export async function confirm(message: string, options: { yes: boolean }): Promise<void> {
  if (options.yes) return;
  const shown = printableLines(message);
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw usageError(`${shown}\nNobody can be asked here: repeat the command with --yes if that is meant.`);
  }
  const answer = await ask({ message: shown, initialValue: false, output: process.stderr });
  if (answer !== true) throw usageError("Not confirmed: nothing was changed.");
}
