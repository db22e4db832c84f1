import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { assertPresent } from "../../domain/assert.ts";
import { LEDGER_SCHEMA_VERSION } from "../../domain/ledger/schema_version.ts";
import { PROJECT_ROOT } from "../local/wrangler.ts";

/**
 * What a version is, kept with it as its var `RELEASE`: the Worker tells it at `/healthz`, and a deployment reads it to know
 * what the running version can work beside. A var stays when somebody changes a secret, an annotation does not.
 */
export const release = z.object({
  version: z.string(),
  commit: z.string(),
  environment: z.string(),
  ledgerSchema: z.int(),
  /** The last migration of D1 that the code knows. */
  databaseSchema: z.string(),
});

export type Release = z.infer<typeof release>;

/** What this checkout would deploy. */
export function readRelease(environment: string, migrations: readonly string[]): Release {
  const { version } = JSON.parse(readFileSync(join(PROJECT_ROOT, "package.json"), "utf8")) as { version: string };
  return {
    version,
    commit: readCommit(),
    environment,
    ledgerSchema: LEDGER_SCHEMA_VERSION,
    databaseSchema: assertPresent(migrations.at(-1), "there are no migrations"),
  };
}

export function describeRelease({ version, commit, ledgerSchema }: Release): string {
  return `${version} (${commit}), ledger schema ${ledgerSchema}`;
}

/** The migrations in a folder, in the order in which they are applied. */
export function listMigrations(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith(".sql"))
    .toSorted();
}

/** The commit, with a mark when something is not committed; the files of environments change with each deployment. */
export function readCommit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: PROJECT_ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    const isChanged = git("status", "--porcelain", "--", ".", ":!deployments") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (isChanged ? "-changed" : "");
  } catch {
    // A checkout without git: an archive of the sources.
    return "unknown";
  }
}
