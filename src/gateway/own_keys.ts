import { DEFAULT_SCOPES, type Scope } from "../domain/api_key.ts";
import type { Failure } from "../domain/failure.ts";
import { rightsBeyond, type KeyRights } from "../domain/key_rights.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { RegisteredKey } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { issueKey, revokeKey, rotateKey, type IssuedKey, type NewKey } from "./keys.ts";
import type { Actor } from "./tenants.ts";

/** Who looks after a tenant's keys on the tenant's side. Without `rights` an operator has vouched for them, and nothing bounds them. */
export type KeyManager = { readonly tenantId: string; readonly actor: Actor; readonly rights: KeyRights | null };

/** What is not asked for is as the manager's own. */
export type OwnKeyAsked = Omit<NewKey, "scopes"> & { readonly scopes?: readonly Scope[] | undefined };

/** A key as manager of its tenant's keys. */
export async function managerByKey(
  services: Services,
  { tenantId, keyId }: { tenantId: string; keyId: string },
): Promise<KeyManager> {
  const rights = await services.register.key(keyId);
  // The ledger knows a key that the register has lost: it may do nothing here.
  if (rights === null) throw new Error("the register does not have the key that calls");
  return { tenantId, actor: `key:${keyId}`, rights };
}

/** A new key with no rights beyond the manager's. */
export async function issueOwnKey(
  services: Services,
  { tenantId, actor, rights }: KeyManager,
  asked: OwnKeyAsked,
): Promise<Result<IssuedKey, Failure>> {
  const scopes = asked.scopes ?? DEFAULT_SCOPES.filter((scope) => rights === null || rights.scopes.includes(scope));
  const key: NewKey = {
    ...asked,
    scopes,
    expiresAtMs: asked.expiresAtMs ?? rights?.expiresAtMs ?? null,
    limits: asked.limits ?? null,
    allowedIps: asked.allowedIps.length > 0 ? asked.allowedIps : (rights?.allowedIps ?? []),
  };
  const allowed = refuseBeyond(rights, key);
  return allowed.ok ? await issueKey(services, actor, tenantId, key) : allowed;
}

/** A successor of one of the tenant's keys, which the manager could have made itself, and which it does not outlive. */
export async function rotateOwnKey(
  services: Services,
  manager: KeyManager,
  { keyId, overlapMs }: { keyId: string; overlapMs: number },
): Promise<Result<IssuedKey, Failure>> {
  const key = await ownKey(services, manager, keyId);
  if (!key.ok) return key;
  const latestEndMs = manager.rights?.expiresAtMs ?? null;
  const allowed = refuseBeyond(manager.rights, { ...key.value, expiresAtMs: latestEndMs });
  return allowed.ok ? await rotateKey(services, manager.actor, keyId, { overlapMs, latestEndMs }) : allowed;
}

/** Ends one of the tenant's keys, which may be the one that asks. */
export async function revokeOwnKey(
  services: Services,
  manager: KeyManager,
  keyId: string,
): Promise<Result<{ effectiveAtMs: number }, Failure>> {
  const key = await ownKey(services, manager, keyId);
  return key.ok ? await revokeKey(services, manager.actor, keyId) : key;
}

/** Another tenant's key is not there, and a live one is not there for a test key. */
async function ownKey(
  services: Services,
  { tenantId, rights }: KeyManager,
  keyId: string,
): Promise<Result<RegisteredKey, Failure>> {
  const key = await services.register.key(keyId);
  const isVisible = key !== null && key.tenantId === tenantId && (rights?.mode !== "test" || key.mode === "test");
  return isVisible ? ok(key) : fail({ code: "not_found" });
}

function refuseBeyond(rights: KeyRights | null, asked: KeyRights): Result<null, Failure> {
  const issues = rights === null ? [] : rightsBeyond(rights, asked);
  return issues.length === 0 ? ok(null) : fail({ code: "insufficient_scope", issues });
}
