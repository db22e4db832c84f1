import type { Account } from "./account.ts";
import { release, type Release } from "./release.ts";

type Binding = { readonly name: string; readonly type: string; readonly json?: unknown } & Readonly<
  Record<string, unknown>
>;

/** One version of a Worker, as far as it matters to what comes after it. */
export type Version = {
  readonly id: string;
  readonly createdAt: string;
  /** Null for a version that this command has not made. */
  readonly release: Release | null;
  readonly bindings: readonly Binding[];
  readonly classNames: readonly string[];
};

/** Which versions answer, and how many calls of a hundred each. */
export type Split = readonly { readonly versionId: string; readonly percentage: number }[];

type WireVersion = {
  readonly id: string;
  readonly metadata: { readonly created_on: string };
  readonly resources: { readonly bindings: readonly Binding[] };
};
type WireDeployment = { readonly versions: readonly { readonly version_id: string; readonly percentage: number }[] };

/** wrangler's own default. */
const OBJECT_UPDATE_SECONDS = 300;

/** Deployments of a Worker, the present one first; none where there is no Worker. */
export async function listDeployments(account: Account, worker: string): Promise<Split[]> {
  const path = `${scriptPath(account, worker)}/deployments`;
  const found = await account.api.find<{ deployments: WireDeployment[] }>(path);
  return (found?.deployments ?? []).map(({ versions }) =>
    versions.map(({ version_id: versionId, percentage }) => ({ versionId, percentage })),
  );
}

export async function readVersion(account: Account, worker: string, versionId: string): Promise<Version> {
  const path = `${scriptPath(account, worker)}/versions/${versionId}`;
  const { id, metadata, resources } = await account.api.get<WireVersion>(path);
  const { bindings } = resources;
  const told = release.safeParse(bindings.find(({ name }) => name === "RELEASE")?.json);
  return {
    id,
    createdAt: metadata.created_on,
    release: told.success ? told.data : null,
    bindings,
    classNames: bindings
      .filter(({ type }) => type === "durable_object_namespace")
      .map((binding) => String(binding["class_name"]))
      .toSorted(),
  };
}

/** Has these versions answer from now on. Objects begin anew with `atOnce`, else within five minutes. */
export async function deployVersions(
  account: Account,
  worker: string,
  { split, message, atOnce }: { split: Split; message: string; atOnce: boolean },
): Promise<void> {
  const deployment = {
    strategy: "percentage",
    versions: split.map(({ versionId, percentage }) => ({ version_id: versionId, percentage })),
    annotations: { "workers/message": message },
    code_update_strategy: atOnce ? { mode: "immediate" } : { mode: "deferred", max_delay: OBJECT_UPDATE_SECONDS },
  };
  await account.api.post(`${scriptPath(account, worker)}/deployments`, deployment, { isRepeatable: true });
}

export async function listSecretNames(account: Account, worker: string): Promise<string[]> {
  const secrets = await account.api.find<{ name: string }[]>(`${scriptPath(account, worker)}/secrets`);
  return (secrets ?? []).map(({ name }) => name);
}

function scriptPath(account: Account, worker: string): string {
  return `${account.path}/workers/scripts/${worker}`;
}
