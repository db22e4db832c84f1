import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CtlError, EXIT } from "../ctl_error.ts";
import type { Account } from "./account.ts";
import { CloudflareError } from "./cloudflare_api.ts";
import { runWrangler } from "./run_wrangler.ts";
import { say } from "./terminal.ts";

/** What D1's schema is, beside what this checkout knows. */
export type SchemaState = {
  readonly pending: readonly string[];
  /** Those of them that take away or rename what the version before uses. */
  readonly replacing: readonly string[];
};

const MIGRATIONS_NAMED = 3;

/** `databaseId` is null for a database that is still to be made. */
export async function readSchemaState(
  account: Account,
  { databaseId, dir, migrations }: { databaseId: string | null; dir: string; migrations: readonly string[] },
): Promise<SchemaState> {
  const applied = databaseId === null ? [] : await appliedMigrations(account, databaseId);
  const foreign = applied.filter((name) => !migrations.includes(name));
  if (foreign.length > 0) {
    throw new CtlError(
      EXIT.refused,
      `D1 has migrations that this checkout does not know (${foreign.join(", ")}): what is deployed is newer. Update the
checkout; to return to the version before, use --rollback.`,
    );
  }
  const pending = migrations.filter((name) => !applied.includes(name));
  return { pending, replacing: replacingMigrations(dir, pending) };
}

/** A first deployment has dozens: their names would fill the terminal. */
export function describeMigrations(names: readonly string[]): string {
  return names.length <= MIGRATIONS_NAMED
    ? names.join(", ")
    : `${names.length} migrations, ${names[0]} to ${names.at(-1)}`;
}

/** Applies what is missing, each migration as a transaction, in order. */
export async function applySchema(
  { pending }: SchemaState,
  { configPath, database }: { configPath: string; database: string },
): Promise<void> {
  if (pending.length === 0) return;
  const { code, output } = await runWrangler(["d1", "migrations", "apply", database, "--remote", "-c", configPath]);
  if (code !== 0) throw new CtlError(EXIT.refused, `The schema could not be applied:\n${output}`);
  say(`Applied the schema: ${describeMigrations(pending)}.`);
}

/** Migrations that break the code of earlier releases. Additions do not. */
export function replacingMigrations(dir: string, names: readonly string[]): string[] {
  return names.filter((name) => isReplacing(readFileSync(join(dir, name), "utf8")));
}

export function isReplacing(sql: string): boolean {
  const code = sql.replaceAll(/--.*$|\/\*[\s\S]*?\*\//gm, " ").replaceAll(/'(?:[^']|'')*'/g, "''");
  return /\bDROP\s+(?:TABLE|VIEW|COLUMN)\b|\bRENAME\b|\bALTER\s+TABLE\s+\S+\s+DROP\b/i.test(code);
}

async function appliedMigrations(account: Account, databaseId: string): Promise<string[]> {
  const sql = "SELECT name FROM d1_migrations ORDER BY id";
  try {
    const results = await account.api.post<{ results: { name: string }[] }[]>(
      `${account.path}/d1/database/${databaseId}/query`,
      { sql },
    );
    return results.flatMap((result) => result.results.map(({ name }) => name));
  } catch (error) {
    // wrangler makes the table with the first migration.
    if (error instanceof CloudflareError && error.message.includes("no such table")) return [];
    throw error;
  }
}
