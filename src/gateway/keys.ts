import { makeApiKey, type ApiKey, type Scope } from "../domain/api_key.ts";
import type { Failure } from "../domain/failure.ts";
import type { Mode } from "../domain/meter_event.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { sha256Hex } from "../platform/keyed_hash.ts";
import type { RegisteredKey } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { effective, type Actor } from "./tenants.ts";

export type NewKey = {
  readonly mode: Mode;
  readonly label: string | null;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number | null;
  readonly allowedIps: readonly string[];
};

/** A key that was just made: the only time that its secret is seen. */
export type IssuedKey = { readonly key: ApiKey; readonly registered: RegisteredKey };

export async function issueKey(
  services: Services,
  actor: Actor,
  tenantId: string,
  asked: NewKey,
): Promise<Result<IssuedKey, Failure>> {
  if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
  const issued = await makeKey(services, { ...asked, tenantId, replaces: null });
  await services.register.insertKey(issued.registered, {
    atMs: issued.registered.createdAtMs,
    actor,
    action: "key.create",
    target: issued.registered.id,
    before: null,
    after: audited(issued.registered),
  });
  const projected = await effective(services, tenantId);
  return projected.ok ? ok(issued) : projected;
}

/** A new key with the old one's rights. Both work until the overlap is over; they share the tenant's limits. */
export async function rotateKey(
  services: Services,
  actor: Actor,
  keyId: string,
  overlapMs: number,
): Promise<Result<IssuedKey, Failure>> {
  const old = await services.register.key(keyId);
  if (old === null) return fail({ code: "not_found" });
  const nowMs = services.clock.nowMs();
  if (old.revokedAtMs !== null) return conflict("the key is revoked");
  if (old.expiresAtMs !== null && old.expiresAtMs <= nowMs) return conflict("the key has expired");
  const { tenantId, mode, label, scopes, allowedIps } = old;
  const issued = await makeKey(services, {
    tenantId,
    mode,
    label,
    scopes,
    allowedIps,
    expiresAtMs: null,
    replaces: keyId,
  });
  const ends = { id: keyId, expiresAtMs: nowMs + overlapMs };
  await services.register.replaceKey(issued.registered, ends, {
    atMs: nowMs,
    actor,
    action: "key.rotate",
    target: keyId,
    before: audited(old),
    after: { ...audited(issued.registered), oldKeyEndsAt: new Date(ends.expiresAtMs).toISOString() },
  });
  const projected = await effective(services, tenantId);
  return projected.ok ? ok(issued) : projected;
}

/** Ends a key at once and for ever. Revoking it again changes nothing. */
export async function revokeKey(
  services: Services,
  actor: Actor,
  keyId: string,
): Promise<Result<{ effectiveAtMs: number }, Failure>> {
  const key = await services.register.key(keyId);
  if (key === null) return fail({ code: "not_found" });
  const nowMs = services.clock.nowMs();
  if (key.revokedAtMs === null) {
    const after = { ...audited(key), revokedAt: new Date(nowMs).toISOString() };
    const audit = { atMs: nowMs, actor, action: "key.revoke", target: keyId, before: audited(key), after };
    await services.register.revokeKey(key, nowMs, audit);
  }
  const projected = await effective(services, key.tenantId);
  return projected.ok ? ok({ effectiveAtMs: key.revokedAtMs ?? nowMs }) : projected;
}

async function makeKey(
  services: Services,
  asked: NewKey & { readonly tenantId: string; readonly replaces: string | null },
): Promise<IssuedKey> {
  const key = makeApiKey(asked.mode, (count) => crypto.getRandomValues(new Uint8Array(count)));
  const registered: RegisteredKey = {
    ...asked,
    id: key.keyId,
    secretHash: await sha256Hex(key.text),
    createdAtMs: services.clock.nowMs(),
    revokedAtMs: null,
    inDirectory: false,
  };
  return { key, registered };
}

function conflict(message: string): Result<never, Failure> {
  return fail({ code: "conflict", issues: [{ path: "", message }] });
}

function audited({ tenantId, mode, label, scopes, allowedIps, expiresAtMs }: RegisteredKey): Record<string, unknown> {
  const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString();
  return { tenantId, mode, label, scopes, allowedIps, expiresAt };
}
