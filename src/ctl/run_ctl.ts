import { CommanderError } from "commander";
import { messageOf } from "../platform/log.ts";
import { wholeProgram } from "./commands/whole_program.ts";
import { CtlError, EXIT } from "./ctl_error.ts";
import { wantsJson } from "./program.ts";
import { printError } from "./terminal/output.ts";

/** Runs one command line, and answers its exit code. Each group of commands is a file of `commands/`. */
export async function runCtl(argv: readonly string[]): Promise<number> {
  let isWell = true;
  const program = wholeProgram((wellness) => (isWell = wellness));
  try {
    await program.parseAsync([...argv], { from: "user" });
    return isWell ? EXIT.done : EXIT.unwell;
  } catch (error) {
    // Commander has said what is wrong, or has shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const told = error instanceof CtlError ? error : new CtlError(EXIT.refused, `Unexpected: ${messageOf(error)}`);
    printError(told, { json: wantsJson(argv) });
    return told.exitCode;
  }
}
