import { randomBytes } from "node:crypto";
import { CtlError, EXIT } from "../ctl_error.ts";
import type { Account } from "./account.ts";
import { CloudflareError } from "./cloudflare_api.ts";
import type { EnvironmentFile, Names } from "./environment.ts";

/** What an environment has in the account already, by binding: ids, and null for what is still to be made. */
export type Found = {
  readonly databases: Readonly<Record<string, string | null>>;
  readonly namespaces: Readonly<Record<string, string | null>>;
  readonly buckets: Readonly<Record<string, string | null>>;
  /** The account's part of the addresses under workers.dev. */
  readonly subdomain: string | null;
};

const R2_NOT_ENABLED = 10_042;
const NO_SUBDOMAIN = 10_007;

/** Looks for an environment's storage by name, and holds what its file says against it. Changes nothing. */
export async function findResources(account: Account, names: Names, file: EnvironmentFile): Promise<Found> {
  const { databases = {}, namespaces = {} } = file.record;
  return {
    databases: await findEach(names.databases, async (name, binding) =>
      confirmId({ kind: "D1 database", name, recorded: databases[binding] }, await findDatabase(account, name)),
    ),
    namespaces: await findNamespaces(account, names, namespaces),
    buckets: await findEach(names.buckets, (name) => findBucket(account, name)),
    subdomain: await findSubdomain(account),
  };
}

/** Makes what is missing and notes each id as soon as it is known. */
export async function makeResources(
  account: Account,
  { names, found, file, say }: { names: Names; found: Found; file: EnvironmentFile; say: (text: string) => void },
): Promise<void> {
  file.update({ accountId: account.id });
  for (const [binding, name] of Object.entries(names.databases)) {
    const id = found.databases[binding] ?? (await makeDatabase(account, name));
    if (found.databases[binding] === null) say(`Made the D1 database ${name}.`);
    file.update({ databases: { ...file.record.databases, [binding]: id } });
  }
  for (const [binding, name] of Object.entries(names.namespaces)) {
    const id = found.namespaces[binding] ?? (await makeNamespace(account, name));
    if (found.namespaces[binding] === null) say(`Made the KV namespace ${name}.`);
    file.update({ namespaces: { ...file.record.namespaces, [binding]: id } });
  }
  for (const [binding, name] of Object.entries(names.buckets)) {
    if (found.buckets[binding] !== null) continue;
    await account.api.post(`${account.path}/r2/buckets`, { name });
    say(`Made the R2 bucket ${name}.`);
  }
}

/** The account's part of workers.dev, made where there is none. Others may have taken a name: it has a random end. */
export async function ensureSubdomain(account: Account, found: Found): Promise<string> {
  if (found.subdomain !== null) return found.subdomain;
  const subdomain = `score-${randomBytes(4).toString("hex")}`;
  await account.api.put(`${account.path}/workers/subdomain`, { subdomain });
  return subdomain;
}

async function findEach(
  names: Readonly<Record<string, string>>,
  find: (name: string, binding: string) => Promise<string | null>,
): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  for (const [binding, name] of Object.entries(names)) found[binding] = await find(name, binding);
  return found;
}

async function findDatabase(account: Account, name: string): Promise<string | null> {
  // The name is a filter that finds similar ones too.
  const databases = await account.api.get<{ uuid: string; name: string }[]>(`${account.path}/d1/database`, { name });
  return databases.find((database) => database.name === name)?.uuid ?? null;
}

async function makeDatabase(account: Account, name: string): Promise<string> {
  const { uuid } = await account.api.post<{ uuid: string }>(`${account.path}/d1/database`, { name });
  return uuid;
}

async function findNamespaces(
  account: Account,
  names: Names,
  recorded: Readonly<Record<string, string>>,
): Promise<Record<string, string | null>> {
  const path = `${account.path}/storage/kv/namespaces`;
  const all = await account.api.list<{ id: string; title: string }>(path, 100);
  return await findEach(names.namespaces, async (name, binding) =>
    confirmId(
      { kind: "KV namespace", name, recorded: recorded[binding] },
      all.find(({ title }) => title === name)?.id ?? null,
    ),
  );
}

async function makeNamespace(account: Account, title: string): Promise<string> {
  const { id } = await account.api.post<{ id: string }>(`${account.path}/storage/kv/namespaces`, { title });
  return id;
}

async function findBucket(account: Account, name: string): Promise<string | null> {
  try {
    const bucket = await account.api.find<{ name: string }>(`${account.path}/r2/buckets/${name}`);
    return bucket?.name ?? null;
  } catch (error) {
    if (!(error instanceof CloudflareError) || !error.codes.includes(R2_NOT_ENABLED)) throw error;
    throw new CtlError(
      EXIT.refused,
      `R2 is not enabled in this account, and only its owner can do that, once: https://dash.cloudflare.com/${account.id}/r2`,
    );
  }
}

async function findSubdomain(account: Account): Promise<string | null> {
  try {
    const found = await account.api.find<{ subdomain: string | null }>(`${account.path}/workers/subdomain`);
    return found?.subdomain ?? null;
  } catch (error) {
    if (error instanceof CloudflareError && error.codes.includes(NO_SUBDOMAIN)) return null;
    throw error;
  }
}

/** Storage that is gone or was made anew is not replaced without a word: the environment's data was in it. */
function confirmId(
  { kind, name, recorded }: { kind: string; name: string; recorded: string | undefined },
  found: string | null,
): string | null {
  if (recorded === undefined || recorded === found) return found;
  const now = found === null ? "is not in the account" : `has another id there: ${found}`;
  throw new CtlError(
    EXIT.refused,
    `The ${kind} ${name} (${recorded} in the environment's file) ${now}. Restore it, or take its line out of the file to go
on with ${found === null ? "a new and empty one" : "that one"}.`,
  );
}
