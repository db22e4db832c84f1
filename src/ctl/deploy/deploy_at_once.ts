import { confirm } from "../terminal/confirm.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import { addressOf } from "./address.ts";
import { checkGateway } from "./check_gateway.ts";
import { databaseBinding } from "./environment.ts";
import { firstSteps } from "./next_steps.ts";
import type { Options } from "./options.ts";
import { planText } from "./plan_text.ts";
import { chooseSecrets, prepareSecrets, showAdminToken } from "./preparation.ts";
import { describeRelease } from "./release.ts";
import { makeResources } from "./resources.ts";
import { applySchema } from "./schema.ts";
import { refuseMissingCredentials } from "./secrets.ts";
import { reasonsApart } from "./side_by_side.ts";
import type { Survey } from "./survey.ts";
import { say } from "./terminal.ts";
import { uploadVersion, type WayOut } from "./upload.ts";
import { withWorkFolder } from "./wrangler_config.ts";

/** Makes what is missing, applies the schema, uploads, checks: the first deployment as every later one. */
export async function deployAtOnce(survey: Survey, options: Options): Promise<void> {
  const { file, names, release, running, schema, found, account } = survey;
  refuseOlderLedger(survey);
  refuseMissingCredentials(survey.missingSecrets, options);
  const toSet = await chooseSecrets(survey, options);
  say(planText(survey, options, toSet));
  await confirm("Deploy this?", options);
  const { secrets, madeAdminToken } = await prepareSecrets(survey, toSet, options);

  await makeResources(account, { names, found, file, say });
  const url = await addressOf(survey, options);
  const versionId = await withWorkFolder(
    { ...survey, record: file.record, environment: options.environment },
    async (folder) => {
      await applySchema(schema, { configPath: folder.configPath, database: databaseBinding(names) });
      showAdminToken(madeAdminToken);
      return await uploadVersion(folder, { release, secrets, wayOut: wayOutOf(survey) });
    },
  );
  file.update({ deployed: { versionId, release, url, at: new Date().toISOString() } });
  say(`Uploaded ${describeRelease(release)} as version ${versionId}.`);
  const adminToken = secrets["ADMIN_TOKEN"] ?? process.env["CLARO_GATEWAY_ADMIN_TOKEN"] ?? null;
  const canReturn = running !== null && wayOutOf(survey) === "now";
  if (options.check)
    await checkGateway({ url, worker: names.worker }, { versionId, adminToken, file, options, canReturn });
  if (running === null) say(firstSteps(url, file));
}

/** Old and new objects are not left side by side where one cannot read what the other writes. */
function wayOutOf({ running, release, classNames, schema }: Survey): WayOut {
  if (running === null) return "now";
  const reasons = reasonsApart(running, { release, classNames }, { replacing: schema.replacing });
  return reasons.length === 0 ? "now" : "everywhere_now";
}

/** What a newer ledger has written, older code cannot read; going there would lose what it does not know. */
function refuseOlderLedger({ running, canary, release }: Survey): void {
  const newest = Math.max(running?.release?.ledgerSchema ?? 0, canary?.release?.ledgerSchema ?? 0);
  if (newest <= release.ledgerSchema) return;
  throw new CtlError(
    EXIT.refused,
    `The ledgers of this environment have schema ${newest}, and this checkout knows schema ${release.ledgerSchema}: it cannot read
what they hold. Update the checkout.`,
  );
}
