import { runCtl } from "./run_ctl.ts";
import { allowClosedOutput } from "./terminal/output.ts";

// `npm run ctl`: the operator's command line over the admin API.
allowClosedOutput();
// Not `process.exit`: what was printed may still be on its way into a pipe.
process.exitCode = await runCtl(process.argv.slice(2));
