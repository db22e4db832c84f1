import { makeApiKey, modeOfKeyId, type ApiKey, type Scope } from "../domain/api_key.ts";
import type { Failure } from "../domain/failure.ts";
import { isoTime } from "../domain/instant.ts";
import type { Issue, IssueCode } from "../domain/issue.ts";
import type { KeyLimits } from "../domain/ledger/terms.ts";
import type { LookupDefaults } from "../domain/lookup_grounds.ts";
import type { Mode } from "../domain/meter_event.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { sha256Hex } from "../platform/keyed_hash.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent } from "../platform/log.ts";
import { isOutage } from "../platform/outage.ts";
import type { RegisteredKey } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { makeEffective, UPDATE_TRIES, type Actor } from "./tenants.ts";

export type NewKey = {
  readonly mode: Mode;
  readonly label: string | null;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number | null;
  readonly allowedIps: readonly string[];
  readonly limits?: KeyLimits | null;
  readonly defaults?: LookupDefaults | null;
};

/** Only what is to change. */
export type KeyChange = {
  readonly limits?: KeyLimits | null | undefined;
  readonly defaults?: LookupDefaults | null | undefined;
};

/** A ledger holds all of a tenant's keys at once. */
const MOST_ACTIVE_KEYS = 100;

/** A key that was just made: the only time that its secret is seen. */
export type IssuedKey = { readonly key: ApiKey; readonly registered: RegisteredKey };

export async function issueKey(
  services: Services,
  actor: Actor,
  tenantId: string,
  asked: NewKey,
): Promise<Result<IssuedKey, Failure>> {
  if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
  const nowMs = services.clock.nowMs();
  const lifetimeMs = asked.expiresAtMs === null ? null : asked.expiresAtMs - nowMs;
  const { limits = null, defaults = null } = asked;
  const issued = await makeKey({
    ...asked,
    limits,
    defaults,
    tenantId,
    createdAtMs: nowMs,
    lifetimeMs,
    replaces: null,
  });
  const audit = {
    atMs: nowMs,
    actor,
    action: "key.create",
    target: issued.registered.id,
    before: null,
    after: keyForAudit(issued.registered),
  };
  const isInserted = await services.register.insertKey(issued.registered, { most: MOST_ACTIVE_KEYS, audit });
  if (!isInserted) return conflict("too_many_keys", { most: MOST_ACTIVE_KEYS });
  return await makeKeyEffective(services, issued);
}

/**
 * A new key with the old one's rights, which lives as long as the old one was made to, and to `latestEndMs` at most. Both
 * work until the overlap is over; they share the tenant's limits.
 */
export async function rotateKey(
  services: Services,
  actor: Actor,
  keyId: string,
  { overlapMs, latestEndMs = null }: { overlapMs: number; latestEndMs?: number | null },
): Promise<Result<IssuedKey, Failure>> {
  for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
    const old = await services.register.key(keyId);
    if (old === null) return fail({ code: "not_found" });
    const nowMs = services.clock.nowMs();
    if (old.revokedAtMs !== null) return conflict("key_revoked");
    if (old.expiresAtMs !== null && old.expiresAtMs <= nowMs) return conflict("key_expired");
    const lifetimeEndMs = old.lifetimeMs === null ? null : nowMs + old.lifetimeMs;
    const expiresAtMs = latestEndMs === null ? lifetimeEndMs : Math.min(lifetimeEndMs ?? Infinity, latestEndMs);
    const issued = await makeKey({ ...old, createdAtMs: nowMs, expiresAtMs, replaces: keyId });
    const oldExpiresAtMs = Math.min(old.expiresAtMs ?? Infinity, nowMs + overlapMs);
    const audit = {
      atMs: nowMs,
      actor,
      action: "key.rotate",
      target: keyId,
      before: keyForAudit(old),
      after: {
        ...keyForAudit(old),
        expiresAt: isoTime(oldExpiresAtMs),
        successor: { id: issued.registered.id, expiresAt: expiresAtMs === null ? null : isoTime(expiresAtMs) },
      },
    };
    const saved = await services.register.replaceKey(issued.registered, old, {
      oldExpiresAtMs,
      most: MOST_ACTIVE_KEYS,
      audit,
    });
    if (saved) return await makeKeyEffective(services, issued);
    if ((await services.register.activeKeys(old.tenantId, nowMs)) >= MOST_ACTIVE_KEYS) {
      return conflict("too_many_keys", { most: MOST_ACTIVE_KEYS });
    }
  }
  return conflict("changed_by_others");
}

/** Gives a working key other limits or defaults: effective for lookups when it returns. */
export async function changeKey(
  services: Services,
  actor: Actor,
  keyId: string,
  change: KeyChange,
): Promise<Result<RegisteredKey, Failure>> {
  for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
    const old = await services.register.key(keyId);
    if (old === null) return fail({ code: "not_found" });
    const nowMs = services.clock.nowMs();
    if (old.revokedAtMs !== null) return conflict("key_revoked");
    if (old.expiresAtMs !== null && old.expiresAtMs <= nowMs) return conflict("key_expired");
    const { limits = old.limits, defaults = old.defaults } = change;
    const key = { ...old, limits, defaults };
    const isChanged = JSON.stringify(keyForAudit(key)) !== JSON.stringify(keyForAudit(old));
    const audit = {
      atMs: nowMs,
      actor,
      action: "key.update",
      target: keyId,
      before: keyForAudit(old),
      after: keyForAudit(key),
    };
    if (isChanged && !(await services.register.changeKey(key, old, audit))) continue;
    const projected = await makeEffective(services, old.tenantId);
    return projected.ok ? ok(key) : projected;
  }
  return conflict("changed_by_others");
}

/** Ends a key at once and for ever. Revoking it again changes nothing. */
export async function revokeKey(
  services: Services,
  actor: Actor,
  keyId: string,
): Promise<Result<{ effectiveAtMs: number }, Failure>> {
  for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
    const key = await services.register.key(keyId);
    if (key === null) return fail({ code: "not_found" });
    const nowMs = services.clock.nowMs();
    if (key.revokedAtMs !== null) return await revokeAgain(services, key, key.revokedAtMs);
    const after = { ...keyForAudit(key), revokedAt: isoTime(nowMs) };
    const audit = { atMs: nowMs, actor, action: "key.revoke", target: keyId, before: keyForAudit(key), after };
    if (!(await services.register.revokeKey(key, nowMs, audit))) continue;
    const projected = await makeEffective(services, key.tenantId);
    return projected.ok ? ok({ effectiveAtMs: nowMs }) : projected;
  }
  return conflict("changed_by_others");
}

/**
 * Ends a key at once in its ledger, whether D1 is there or not; register and audit follow now, or else with the tenant's
 * next sweep, which finds the key revoked in the ledger.
 */
export async function revokeKeyNow(
  services: Services,
  actor: Actor,
  { tenantId, keyId }: { tenantId: string; keyId: string },
): Promise<Result<{ effectiveAtMs: number; isRegistered: boolean }, Failure>> {
  const mode = modeOfKeyId(keyId);
  if (mode === null) return fail({ code: "not_found" });
  const revoked = await callLedger(services.ledgers, { tenantId, mode }, (ledger) => ledger.revokeNow(keyId));
  if (!revoked.ok) return revoked;
  if (revoked.value === null) return fail({ code: "not_found" });
  const effectiveAtMs = services.clock.nowMs();
  logEvent("warn", { event: "key_revoked_now", tenantId, keyId });
  try {
    const registered = await revokeKey(services, actor, keyId);
    return ok({ effectiveAtMs, isRegistered: registered.ok });
  } catch (error) {
    if (!isOutage(error)) throw error;
    return ok({ effectiveAtMs, isRegistered: false });
  }
}

// When the first try died before the ledger was told, the key has worked until now.
async function revokeAgain(
  services: Services,
  key: RegisteredKey,
  revokedAtMs: number,
): Promise<Result<{ effectiveAtMs: number }, Failure>> {
  if (await services.register.isProjected(key.tenantId)) return ok({ effectiveAtMs: revokedAtMs });
  const projected = await makeEffective(services, key.tenantId);
  return projected.ok ? ok({ effectiveAtMs: services.clock.nowMs() }) : projected;
}

async function makeKeyEffective(services: Services, issued: IssuedKey): Promise<Result<IssuedKey, Failure>> {
  const { id: keyId, tenantId } = issued.registered;
  const pending: Issue = { path: "", code: "key_recorded", params: { keyId } };
  const projected = await makeEffective(services, tenantId, { keyId, pending });
  return projected.ok ? ok(issued) : projected;
}

async function makeKey(
  asked: Omit<RegisteredKey, "id" | "secretHash" | "revokedAtMs" | "inDirectory">,
): Promise<IssuedKey> {
  const key = makeApiKey(asked.mode, (count) => crypto.getRandomValues(new Uint8Array(count)));
  const secretHash = await sha256Hex(key.text);
  return { key, registered: { ...asked, id: key.keyId, secretHash, revokedAtMs: null, inDirectory: false } };
}

function conflict(code: IssueCode, params: Issue["params"] = {}): Result<never, Failure> {
  return fail({ code: "conflict", issues: [{ path: "", code, params }] });
}

function keyForAudit(key: RegisteredKey): Record<string, unknown> {
  const { tenantId, mode, label, scopes, allowedIps, expiresAtMs, limits, defaults } = key;
  return {
    tenantId,
    mode,
    label,
    scopes,
    allowedIps,
    limits,
    defaults,
    expiresAt: expiresAtMs === null ? null : isoTime(expiresAtMs),
  };
}
