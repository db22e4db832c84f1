import { CtlError, EXIT } from "../ctl_error.ts";
import { connectAccount, type Account } from "./account.ts";
import { EnvironmentFile, namesOf, type Names } from "./environment.ts";
import type { Options } from "./options.ts";
import { listMigrations, readRelease, type Release } from "./release.ts";
import { findResources, type Found } from "./resources.ts";
import { readSchemaState, type SchemaState } from "./schema.ts";
import { migrationsDirOf, readTemplate, refuseLocalVars, type Template } from "./template.ts";
import { listDeployments, listSecretNames, readVersion, type Split, type Version } from "./versions.ts";
import { requiredSecrets } from "./wrangler_config.ts";

/** What this checkout would deploy, known without asking anybody. */
export type Checkout = {
  readonly template: Template;
  readonly names: Names;
  readonly file: EnvironmentFile;
  readonly release: Release;
  readonly migrationsDir: string;
  readonly migrations: readonly string[];
  readonly classNames: readonly string[];
};

/** That, and what is in the account already. */
export type Survey = Checkout & {
  readonly account: Account;
  readonly found: Found;
  readonly schema: SchemaState;
  readonly missingSecrets: readonly string[];
  /** Deployments so far, the present one first. */
  readonly deployments: readonly Split[];
  /** The version in charge; where a canary is out, the one before it. */
  readonly running: Version | null;
  readonly canary: Version | null;
};

export function readCheckout({ environment }: Options): Checkout {
  const template = readTemplate();
  const file = EnvironmentFile.read(environment);
  refuseLocalVars(template.vars, "wrangler.toml");
  refuseLocalVars(file.record.vars ?? {}, file.path);
  const migrationsDir = migrationsDirOf(template);
  const migrations = listMigrations(migrationsDir);
  return {
    template,
    file,
    migrationsDir,
    migrations,
    names: namesOf(environment, template),
    release: readRelease(environment, migrations),
    classNames: template.durable_objects.bindings.map(({ class_name: name }) => name).toSorted(),
  };
}

/** Looks at the account; changes nothing there. */
export async function surveyAccount(checkout: Checkout, options: Options): Promise<Survey> {
  const { file, names, template, migrationsDir, migrations } = checkout;
  const account = await connectAccount(file.record.accountId ?? null, options);
  const found = await findResources(account, names, file);
  const databaseId = Object.values(found.databases)[0] ?? null;
  const schema = await readSchemaState(account, { databaseId, dir: migrationsDir, migrations });
  const present = await listSecretNames(account, names.worker);
  const deployments = await listDeployments(account, names.worker);
  const { running, canary } = await readPresent(account, names.worker, deployments);
  if (running !== null) confirmStorage(running, found);
  await confirmDomain(account, names.worker, file.record.customDomain);
  return {
    ...checkout,
    account,
    found,
    schema,
    deployments,
    running,
    canary,
    missingSecrets: requiredSecrets(template, file.record).filter((name) => !present.includes(name)),
  };
}

/** The versions of the present deployment: of two, the older one is in charge and the other its canary. */
export async function readPresent(
  account: Account,
  worker: string,
  deployments: readonly Split[],
): Promise<{ running: Version | null; canary: Version | null }> {
  const ids = deployments[0]?.map(({ versionId }) => versionId) ?? [];
  const versions = await Promise.all(ids.map((id) => readVersion(account, worker, id)));
  const [running = null, canary = null] = versions.toSorted((left, right) =>
    left.createdAt < right.createdAt ? -1 : 1,
  );
  return { running, canary };
}

/** wrangler would take the name from another Worker without a word. */
async function confirmDomain(account: Account, worker: string, hostname: string | undefined): Promise<void> {
  if (hostname === undefined) return;
  const domains = await account.api.get<{ hostname: string; service: string }[]>(`${account.path}/workers/domains`, {
    hostname,
  });
  const holder = domains.find((domain) => domain.hostname === hostname && domain.service !== worker);
  if (holder === undefined) return;
  throw new CtlError(
    EXIT.refused,
    `${hostname} belongs to the Worker ${holder.service}. Take it from there first, if that is meant.`,
  );
}

/** A Worker that runs must keep its storage: tenants, events and statements are in it. */
function confirmStorage({ bindings }: Version, found: Found): void {
  const used = [
    ...Object.entries(found.databases).map(([name, id]) => ({ name, id, field: "id" })),
    ...Object.entries(found.namespaces).map(([name, id]) => ({ name, id, field: "namespace_id" })),
    ...Object.entries(found.buckets).map(([name, id]) => ({ name, id, field: "bucket_name" })),
  ];
  for (const { name, id, field } of used) {
    const binding = bindings.find((candidate) => candidate.name === name);
    const now = binding === undefined ? undefined : (binding[field] ?? binding["database_id"]);
    if (now === undefined || now === id) continue;
    throw new CtlError(
      EXIT.refused,
      `The Worker that runs uses ${JSON.stringify(now)} as ${name}, but this would give it ${id ?? "a new and empty one"}. Its data would
be gone for it. Is the environment's file the right one, and committed?`,
    );
  }
}
