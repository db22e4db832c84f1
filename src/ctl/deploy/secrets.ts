import { randomBytes } from "node:crypto";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { password, text } from "@clack/prompts";
import { usageError } from "../ctl_error.ts";
import { newSigningKey } from "../local/dev_vars.ts";

export type Secrets = Readonly<Record<string, string>>;

const RANDOM_BYTES = 32;

/** What Claro has given to whoever deploys; everything else is made here. */
const GIVEN = new Set(["CLARO_CLIENT_ID", "CLARO_CLIENT_SECRET"]);

/**
 * Values for secrets that an environment lacks. Claro's credentials come from the environment's variables, else somebody is
 * asked. The gateway's own may be given in the same way: `ADMIN_TOKEN` by whoever has no terminal to see a new one on, the
 * others by whoever moves a gateway, or means to keep them.
 */
export async function collectSecrets(
  missing: readonly string[],
  { yes }: { yes: boolean },
): Promise<{ readonly secrets: Secrets; readonly madeAdminToken: string | null }> {
  const secrets: Record<string, string> = {};
  let madeAdminToken: string | null = null;
  for (const name of missing) {
    if (GIVEN.has(name)) {
      secrets[name] = givenValue(name) ?? (await askFor(name, yes));
      continue;
    }
    const given = givenValue(name);
    secrets[name] = given ?? newSecret(name);
    if (name === "ADMIN_TOKEN" && given === null) madeAdminToken = secrets[name];
  }
  return { secrets, madeAdminToken };
}

/** Says what would be missing, before anything is made. */
export function refuseMissingCredentials(missing: readonly string[], { yes }: { yes: boolean }): void {
  const absent = missing.filter((name) => GIVEN.has(name) && givenValue(name) === null);
  if (yes && absent.length > 0) {
    throw usageError(`With --yes nobody is asked: set ${absent.join(" and ")} in the environment, as Claro gave them.`);
  }
}

/** Makes a value that the gateway takes for a secret of its own. */
export function newSecret(name: string): string {
  return name === "EXPORT_SIGNING_KEY" ? newSigningKey() : randomBytes(RANDOM_BYTES).toString("base64url");
}

/**
 * An open file with the secrets as JSON, for a child's file descriptor. It has no name from before it is written, so that
 * nothing is left of it however this process ends.
 */
export function openSecretsFile(secrets: Secrets): { readonly descriptor: number; readonly close: () => void } {
  const path = join(tmpdir(), `claro-secrets-${randomBytes(8).toString("hex")}`);
  const descriptor = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  // At a position, which leaves the reader's own at the beginning where both share one (macOS).
  writeSync(descriptor, JSON.stringify(secrets), 0);
  return { descriptor, close: () => closeSync(descriptor) };
}

function givenValue(name: string): string | null {
  const value = process.env[name];
  return value === undefined || value === "" ? null : value;
}

async function askFor(name: string, yes: boolean): Promise<string> {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) {
    throw usageError(`Nobody can be asked for ${name} here: set it in the environment.`);
  }
  const options = {
    message: `${name} (Claro's, for this environment)`,
    validate: (value: string | undefined) => (value === undefined || value.trim() === "" ? "It is needed." : undefined),
    output: process.stderr,
  };
  const answer = await (name === "CLARO_CLIENT_SECRET" ? password(options) : text(options));
  if (typeof answer !== "string") throw usageError("Stopped: nothing was changed.");
  return answer.trim();
}
