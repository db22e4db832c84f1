import { confirm } from "../terminal/confirm.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import { connectAccount, type Account } from "./account.ts";
import { checkGateway } from "./check_gateway.ts";
import { CloudflareError } from "./cloudflare_api.ts";
import type { Options } from "./options.ts";
import { listed } from "./plan_text.ts";
import { describeRelease, type Release } from "./release.ts";
import { replacingMigrations } from "./schema.ts";
import { reasonsApart } from "./side_by_side.ts";
import { readPresent, type Checkout } from "./survey.ts";
import { say } from "./terminal.ts";
import { deployVersions, listDeployments, readVersion, type Split, type Version } from "./versions.ts";

const SECRETS_CHANGED = 10_220;

type Return = { readonly from: Version; readonly to: Version; readonly reasons: readonly string[] };

/** Gives every call back to the version before. Storage stays as it is: only code and settings return. */
export async function rollBack(checkout: Checkout, options: Options): Promise<void> {
  const { names, file } = checkout;
  const account = await connectAccount(file.record.accountId ?? null, options);
  const { from, to, reasons } = await findReturn(account, checkout);
  if (reasons.length > 0) {
    const text = `The version before (${told(to)}) cannot take over; nothing was changed.\n${listed(reasons)}
Repair forward: deploy a new version.`;
    throw new CtlError(EXIT.refused, text);
  }
  say(
    `Runs now:    ${told(from)}\nReturns to:  ${told(to)}\nWhat is stored stays; code and vars become those of that version.`,
  );
  await confirm("Return to it?", options);
  await takeOver(account, names.worker, { from, to });
  const url = options.checkUrl ?? file.record.deployed?.url;
  if (to.release !== null && url !== undefined) {
    file.update({ deployed: { versionId: to.id, release: to.release, url, at: new Date().toISOString() } });
  }
  say(`Returned: every call reaches ${told(to)}.`);
  if (!options.check || url === undefined) return;
  const adminToken = process.env["CLARO_GATEWAY_ADMIN_TOKEN"] ?? null;
  await checkGateway({ url, worker: names.worker }, { versionId: to.id, adminToken, file, options, canReturn: true });
}

async function findReturn(account: Account, checkout: Checkout): Promise<Return> {
  const { worker } = checkout.names;
  const deployments = await listDeployments(account, worker);
  const { running, canary } = await readPresent(account, worker, deployments);
  if (running === null) throw new CtlError(EXIT.refused, "Nothing is deployed in this environment.");
  // They work side by side already.
  if (canary !== null) return { from: canary, to: running, reasons: [] };
  const to = await versionBefore(account, worker, { running, deployments });
  if (to === null) throw new CtlError(EXIT.refused, `Nothing was deployed before ${told(running)}.`);
  return {
    from: running,
    to,
    reasons: reasonsApart(to, running, { replacing: replacingBetween(checkout, to, running) }),
  };
}

/** The last one that had every call and is older than the one that runs. */
async function versionBefore(
  account: Account,
  worker: string,
  { running, deployments }: { running: Version; deployments: readonly Split[] },
): Promise<Version | null> {
  const ids = deployments.slice(1).flatMap((split) => (split.length === 1 ? split : []));
  for (const versionId of new Set(ids.map((entry) => entry.versionId))) {
    if (versionId === running.id) continue;
    const version = await readVersion(account, worker, versionId);
    if (version.createdAt < running.createdAt) return version;
  }
  return null;
}

/** Migrations that came between two versions and took away what the older one uses. */
function replacingBetween({ migrations, migrationsDir }: Checkout, older: Version, newer: Version): string[] {
  const schemaOf = (release: Release | null) => release?.databaseSchema ?? "";
  const between = migrations.filter((name) => name > schemaOf(older.release) && name <= schemaOf(newer.release));
  return replacingMigrations(migrationsDir, between);
}

async function takeOver(account: Account, worker: string, { from, to }: { from: Version; to: Version }): Promise<void> {
  try {
    const split = [{ versionId: to.id, percentage: 100 }];
    await deployVersions(account, worker, { split, message: `Returned from ${from.id}`, atOnce: true });
  } catch (error) {
    if (!(error instanceof CloudflareError) || !error.codes.includes(SECRETS_CHANGED)) throw error;
    throw new CtlError(
      EXIT.refused,
      `Secrets were changed since that version, and with it the old ones would return. Nothing was changed. Where that is
meant: npx wrangler rollback ${to.id} --name ${worker}`,
    );
  }
}

function told({ id, release }: Version): string {
  return release === null ? `version ${id}` : describeRelease(release);
}
