import { runCtl } from "../../../src/ctl/run_ctl.ts";
import { allowClosedOutput } from "../../../src/ctl/terminal/output.ts";
import { END_OF_USE } from "./end_of_use.ts";

// Runs several uses of the command line one after the other in this terminal; each ends with a line that tells its exit code.
allowClosedOutput();
const uses = JSON.parse(process.argv[2] ?? "[]") as string[][];
for (const argv of uses) process.stdout.write(`\n${END_OF_USE}${await runCtl(argv)}\n`);
