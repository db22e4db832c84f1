import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PROJECT_ROOT } from "../local/wrangler.ts";
import type { EnvironmentRecord, Names } from "./environment.ts";
import type { Release } from "./release.ts";
import type { Template } from "./template.ts";

/** What wrangler is told: a configuration of one environment, in a folder of its own outside of the checkout. */
export type WorkFolder = { readonly dir: string; readonly configPath: string };

export type ConfiguredEnvironment = {
  readonly template: Template;
  readonly environment: string;
  readonly names: Names;
  readonly record: EnvironmentRecord;
  readonly release: Release;
};

/** Lends the folder to `work`. It goes at every end of the process that a process can see. */
export async function withWorkFolder<Value>(
  configured: ConfiguredEnvironment,
  work: (folder: WorkFolder) => Promise<Value>,
): Promise<Value> {
  const dir = mkdtempSync(join(tmpdir(), "claro-deploy-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const configPath = join(dir, "wrangler.json");
    writeFileSync(configPath, JSON.stringify(environmentConfig(configured), null, 2));
    return await work({ dir, configPath });
  } finally {
    process.removeListener("exit", remove);
    remove();
  }
}

/** `wrangler.toml` with the names, ids and settings of one environment. */
function environmentConfig({ template, environment, names, record, release }: ConfiguredEnvironment): object {
  return {
    ...template,
    // For `wrangler dev` only.
    build: undefined,
    name: names.worker,
    main: resolve(PROJECT_ROOT, template.main),
    ...(record.accountId === undefined ? {} : { account_id: record.accountId }),
    vars: varsOf(template, record, release),
    secrets: { ...template.secrets, required: requiredSecrets(template, record) },
    d1_databases: template.d1_databases.map((database) => ({
      ...database,
      database_name: names.databases[database.binding],
      ...idOf(record.databases?.[database.binding], "database_id"),
      migrations_dir: resolve(PROJECT_ROOT, database.migrations_dir),
    })),
    kv_namespaces: template.kv_namespaces.map((namespace) => ({
      ...namespace,
      ...idOf(record.namespaces?.[namespace.binding], "id"),
    })),
    r2_buckets: template.r2_buckets.map((bucket) => ({ ...bucket, bucket_name: names.buckets[bucket.binding] })),
    ratelimits: template.ratelimits.map((limit) => ({
      ...limit,
      namespace_id: limiterId(limit.namespace_id, environment),
    })),
    ...(record.customDomain === undefined
      ? {}
      : { workers_dev: false, routes: [{ pattern: record.customDomain, custom_domain: true }] }),
  };
}

export function varsOf(template: Template, record: EnvironmentRecord, release: Release): Record<string, unknown> {
  return { ...template.vars, ...record.vars, RELEASE: release };
}

/** The secrets that an environment has to have. Where only Access lets operators in, there is no admin token. */
export function requiredSecrets({ vars, secrets }: Template, record: EnvironmentRecord): readonly string[] {
  const isAccessOnly = String({ ...vars, ...record.vars }["ACCESS_REQUIRED"]) === "true";
  return secrets.required.filter((name) => !(isAccessOnly && name === "ADMIN_TOKEN"));
}

function idOf(id: string | undefined, name: string): object {
  return id === undefined ? {} : { [name]: id };
}

/** Limiters are an account's: those of two environments must not count together. */
function limiterId(id: string, environment: string): string {
  if (environment === "production") return id;
  const part = createHash("sha256").update(environment).digest().readUInt32BE() % 100_000;
  return String((part + 1) * 10_000 + Number(id));
}
