import { CommanderError } from "commander";
import { wholeProgram } from "./commands/whole_program.ts";
import { CtlError, EXIT } from "./ctl_error.ts";
import { wantsJson } from "./program.ts";
import { messageOf } from "../platform/log.ts";
import { allowClosedOutput, printError } from "./terminal/output.ts";

/** `npm run ctl`: the operator's command line over the admin API. Each group of commands is a file of `commands/`. */
async function main(argv: readonly string[]): Promise<number> {
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

allowClosedOutput();
// Not `process.exit`: what was printed may still be on its way into a pipe.
process.exitCode = await main(process.argv.slice(2));
