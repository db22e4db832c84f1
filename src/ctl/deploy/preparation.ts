import { confirm as ask } from "@clack/prompts";
import { describeProblem, readSettingsAt } from "../../platform/settings.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import type { Options } from "./options.ts";
import { collectSecrets, newSecret, type Secrets } from "./secrets.ts";
import type { Survey } from "./survey.ts";
import { say, showOnTerminal } from "./terminal.ts";
import { requiredSecrets, varsOf } from "./wrangler_config.ts";

/** Any name that is not this machine's: what may be set depends on that, not on which it is. */
const DEPLOYED_HOST = "gateway.example";

/** Which secrets this run sets: those that are missing, and the admin token when a new one is wanted. */
export async function chooseSecrets(survey: Survey, options: Options): Promise<string[]> {
  const { missingSecrets, file, running, template } = survey;
  const isSet =
    requiredSecrets(template, file.record).includes("ADMIN_TOKEN") && !missingSecrets.includes("ADMIN_TOKEN");
  const mayBeLost = running !== null && isSet && file.record.deployed === undefined;
  if (options.newAdminToken || (mayBeLost && (await wantsNewAdminToken(options)))) {
    return [...new Set([...missingSecrets, "ADMIN_TOKEN"])];
  }
  return [...missingSecrets];
}

/** A run that was broken off after its upload has shown a token that is in force; whether somebody kept it is not known. */
async function wantsNewAdminToken({ yes }: Options): Promise<boolean> {
  const told = "The admin token is set already: the one that an unfinished run has shown is in force.";
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) {
    say(`${told} If it is lost, --new-admin-token makes another.`);
    return false;
  }
  const message = `${told} Was it lost, and shall there be another?`;
  return (await ask({ message, initialValue: false, output: process.stderr })) === true;
}

/** Makes and asks for secrets, and refuses what the gateway would refuse at its start. */
export async function prepareSecrets(
  survey: Survey,
  names: readonly string[],
  options: Options,
): Promise<{ readonly secrets: Secrets; readonly madeAdminToken: string | null }> {
  const collected = await collectSecrets(names, options);
  const { template, file, release } = survey;
  // Secrets that are there cannot be read: a value that is surely right stands for each.
  const unread = requiredSecrets(template, file.record).map((name) => [name, newSecret(name)] as const);
  const vars = varsOf(template, file.record, release);
  const settings = readSettingsAt({ ...Object.fromEntries(unread), ...vars, ...collected.secrets }, DEPLOYED_HOST);
  if (settings.ok) return collected;
  throw new CtlError(
    EXIT.refused,
    `The gateway would not start with these settings, so nothing was changed:${settings.failure.problems.map((problem) => `\n  ${describeProblem(problem)}`).join("")}
(vars stand in wrangler.toml and ${file.path})`,
  );
}

/** Shows a new admin token, once, before the upload that brings it into force. */
export function showAdminToken(token: string | null): void {
  if (token === null) return;
  showOnTerminal(`
Admin token (shown this once; keep it now):

  ${token}

It is in force when the upload has succeeded. If this run does not get there, the next one shows another.
`);
}
