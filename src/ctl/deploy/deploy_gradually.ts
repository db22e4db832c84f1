import { confirm } from "../terminal/confirm.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import { addressOf } from "./address.ts";
import { beginCanary, watchCanary, type Canary, type Watched } from "./canary.ts";
import { databaseBinding } from "./environment.ts";
import { makeCheckKey, type CheckKey } from "./gateway_check.ts";
import type { Options } from "./options.ts";
import { listed, planText } from "./plan_text.ts";
import { describeRelease } from "./release.ts";
import { makeResources } from "./resources.ts";
import { applySchema } from "./schema.ts";
import { reasonsApart } from "./side_by_side.ts";
import type { Survey } from "./survey.ts";
import { say } from "./terminal.ts";
import { applyTriggers, uploadVersion } from "./upload.ts";
import { deployVersions, type Version } from "./versions.ts";
import { withWorkFolder, type WorkFolder } from "./wrangler_config.ts";

/**
 * Sends a part of the calls to a new version, watches it, then gives it all of them or none. A canary that an interrupted
 * run has left out is taken up where it was.
 */
export async function deployGradually(
  survey: Survey,
  options: Options & { readonly canaryPercent: number },
  signal: AbortSignal,
): Promise<void> {
  const { account, file, found, names, release, schema, canary } = survey;
  const running = runningBeside(survey);
  say(planText(survey, options, []));
  await confirm("Deploy this?", options);

  await makeResources(account, { names, found, file, say });
  const gateway = { url: await addressOf(survey, options), worker: names.worker };
  await withWorkFolder({ ...survey, record: file.record, environment: options.environment }, async (folder) => {
    await applySchema(schema, { configPath: folder.configPath, database: databaseBinding(names) });
    const checkKey = await keyForProbes(survey, gateway, options);
    const candidate = canary?.id ?? (await uploadVersion(folder, { release, secrets: {}, wayOut: "later" }));
    const { canaryPercent: percent, watchSeconds } = options;
    const key = checkKey?.key ?? null;
    try {
      const conducted = { account, gateway, before: running.id, candidate, percent, key, watchSeconds, signal };
      await conductCanary(conducted, { survey, folder, url: gateway.url });
    } finally {
      // A key that could not be revoked ends by itself.
      await checkKey?.revoke().catch(() => undefined);
    }
  });
}

/** The version that runs, when the new one may work beside it. */
function runningBeside(survey: Survey): Version {
  const { running, canary, release, classNames, schema, missingSecrets } = survey;
  if (running === null) throw refused(["nothing runs yet: the first deployment goes out at once"]);
  if (canary !== null && canary.release?.commit !== release.commit) {
    throw refused([
      `a canary of ${canary.release === null ? canary.id : describeRelease(canary.release)} is out: end it with --rollback, or
    replace both with a deployment at once`,
    ]);
  }
  const reasons = [...reasonsApart(running, { release, classNames }, { replacing: schema.replacing })];
  if (missingSecrets.length > 0)
    reasons.push(`secrets are missing, which a deployment at once sets: ${missingSecrets.join(", ")}`);
  if (reasons.length > 0) throw refused(reasons);
  return running;
}

function refused(reasons: readonly string[]): CtlError {
  return new CtlError(EXIT.refused, `This version cannot go out gradually; nothing was changed.\n${listed(reasons)}`);
}

/** A test key from the version that runs, or null where no admin token is at hand. */
async function keyForProbes(
  { file }: Survey,
  gateway: Canary["gateway"],
  { watchSeconds, checkWaitSeconds }: Options,
): Promise<CheckKey | null> {
  const adminToken = process.env["CLARO_GATEWAY_ADMIN_TOKEN"];
  if (adminToken === undefined || adminToken === "") {
    say("CLARO_GATEWAY_ADMIN_TOKEN is not set: the canary is judged by /healthz alone, no lookup is tried.");
    return null;
  }
  return await makeCheckKey(gateway, { adminToken, file, seconds: watchSeconds, waitSeconds: checkWaitSeconds });
}

async function conductCanary(
  canary: Canary,
  { survey, folder, url }: { survey: Survey; folder: WorkFolder; url: string },
): Promise<void> {
  const { account, before, candidate, gateway, percent, watchSeconds } = canary;
  const { file, release, running } = survey;
  let watched: Watched;
  try {
    await beginCanary(canary);
    say(`Version ${candidate} gets ${percent} % of the calls and is watched for ${watchSeconds} s.`);
    watched = await watchCanary(canary);
  } catch (error) {
    watched = { verdict: "return", reason: (error as Error).message };
  }
  if (watched.verdict === "promote") {
    await applyTriggers(folder, { worker: gateway.worker, versionId: candidate });
    file.update({ deployed: { versionId: candidate, release, url, at: new Date().toISOString() } });
    return say(`Promoted: every call reaches ${describeRelease(release)} now (${watched.reason}).`);
  }
  const split = [{ versionId: before, percentage: 100 }];
  await deployVersions(account, gateway.worker, {
    split,
    message: `Returned from the canary ${candidate}`,
    atOnce: true,
  });
  const kept = running?.release === null || running === null ? before : describeRelease(running.release);
  throw new CtlError(EXIT.refused, `Returned: every call reaches ${kept} again (${watched.reason}).`);
}
