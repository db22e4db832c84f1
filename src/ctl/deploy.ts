import { join } from "node:path";
import { CtlError, EXIT } from "./ctl_error.ts";
import { deployAtOnce } from "./deploy/deploy_at_once.ts";
import { deployGradually } from "./deploy/deploy_gradually.ts";
import { HELP, readOptions } from "./deploy/options.ts";
import { dryPlanText } from "./deploy/plan_text.ts";
import { rollBack } from "./deploy/roll_back.ts";
import { stopWrangler } from "./deploy/run_wrangler.ts";
import { readCheckout, surveyAccount } from "./deploy/survey.ts";
import { say } from "./deploy/terminal.ts";
import { buildOnly } from "./deploy/upload.ts";
import { withWorkFolder } from "./deploy/wrangler_config.ts";
import { PROJECT_ROOT } from "./local/wrangler.ts";
import { allowClosedOutput, printError } from "./terminal/output.ts";

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** `npm run deploy`: everything that a first and every later deployment takes. */
async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options.help) return say(HELP);
  const checkout = readCheckout(options);
  if (options.dryRun) {
    say(dryPlanText(checkout, options.environment));
    const { file } = checkout;
    return await withWorkFolder(
      { ...checkout, record: file.record, environment: options.environment },
      async (folder) => {
        await buildOnly(folder, join(PROJECT_ROOT, ".tmp/deploy"));
        say("\nThe Worker was built into .tmp/deploy. Nobody was asked and nothing was changed.");
      },
    );
  }
  if (options.rollback) return await rollBack(checkout, options);
  const survey = await surveyAccount(checkout, options);
  const { canaryPercent } = options;
  if (canaryPercent === null) return await deployAtOnce(survey, options);
  const canary = new AbortController();
  endOnSignal = () => canary.abort();
  await deployGradually(survey, { ...options, canaryPercent }, canary.signal);
}

/** What a signal does instead of ending the process at once: a canary is returned first. */
let endOnSignal: (() => void) | null = null;

for (const [signal, exitCode] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    if (endOnSignal === null) return void stopWrangler().then(() => process.exit(exitCode));
    endOnSignal();
    endOnSignal = null;
  });
}

allowClosedOutput();
try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CtlError)) throw error;
  printError(error, { json: false });
  process.exitCode = error.exitCode === EXIT.done ? EXIT.refused : error.exitCode;
}
