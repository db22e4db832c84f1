import type { Failure } from "../domain/failure.ts";
import { isoTime } from "../domain/instant.ts";
import type { ConfigureReply } from "../domain/ledger/commands.ts";
import type { LedgerKey, LedgerTerms } from "../domain/ledger/terms.ts";
import { MODES, type Mode } from "../domain/meter_event.ts";
import { periodBounds, periodOf } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { RecoveredKey, RegisteredKey, RegisteredTerms, Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { recoverRestrictions } from "./recover_restrictions.ts";

/** The tenant as its ledgers have it now, and the keys that could not be put into KV: nobody can use those yet. */
export type Projection = { readonly tenant: Tenant; readonly unpublished: readonly string[] };

/** How often a register that was restored is put above its ledgers, before somebody else must be doing the same. */
const LIFTS = 3;
/** A ledger tells a key that ended so long ago as it tells one that never was. */
const ENDED_KEYS_TOLD_MS = 90 * 86_400_000;
/** So that the terms stay small, however many keys a tenant makes and ends. */
const MOST_ENDED_KEYS = 500;

/**
 * Tells the tenant's ledgers, then KV, what the register says. It can be repeated at any time and by many at once: a
 * ledger keeps the newest version. A change is effective for lookups as soon as the ledgers have it. A ledger that has
 * newer terms than the register means that D1 was restored: the register is lifted above it, and the ledgers told again.
 */
export async function projectTenant(services: Services, tenantId: string): Promise<Result<Projection, Failure>> {
  for (let lift = 0; lift <= LIFTS; lift += 1) {
    const terms = await services.register.termsOf(tenantId);
    if (terms === null) return fail({ code: "not_found" });
    const { tenant, keys } = terms;
    const told = await tellLedgers(services, terms);
    if (!told.ok) return told;
    if (told.value.newestVersion !== null) {
      // What D1 lost of restrictions must be there again before a ledger takes its word.
      await recoverRestrictions(services);
      await liftRegister(services, tenant, { keys, above: told.value.newestVersion });
      continue;
    }
    await noteRevocations(services, keys, told.value.revokedKeyIds);
    // Last, so that a key that KV knows is known to its ledger.
    const unpublished = await publishKeys(services, tenantId, keys);
    if (unpublished.length === 0) await services.register.markProjected(tenant);
    return ok({ tenant, unpublished });
  }
  return fail({ code: "change_pending", retryAfterSeconds: 1 });
}

/** Tells a ledger its terms when it has replied that it has none (it is new, or was lost), and asks it once more. */
export async function askAgainWithTerms<Reply extends object>(
  services: Services,
  tenantId: string,
  { reply, ask }: { reply: Result<Reply, Failure>; ask: () => Promise<Result<Reply, Failure>> },
): Promise<Result<Reply, Failure>> {
  if (!reply.ok || !("reason" in reply.value) || reply.value.reason !== "no_terms") return reply;
  const projected = await projectTenant(services, tenantId);
  return projected.ok ? await ask() : reply;
}

/** What the register says that a ledger should have as terms. */
export function registeredTerms(services: Services, registered: RegisteredTerms, mode: Mode): LedgerTerms {
  return { ...ledgerTerms(registered, { mode, nowMs: services.clock.nowMs() }), knownSeq: 0 };
}

type Told = { readonly newestVersion: number | null; readonly revokedKeyIds: readonly string[] };

/** `newestVersion` is set when a ledger has terms that the register does not know. */
async function tellLedgers(services: Services, registered: RegisteredTerms): Promise<Result<Told, Failure>> {
  const nowMs = services.clock.nowMs();
  const { tenant } = registered;
  const replies = await Promise.all(
    MODES.map((mode) => {
      const terms = ledgerTerms(registered, { mode, nowMs });
      return callLedger(services.ledgers, { tenantId: tenant.id, mode }, (ledger) => ledger.configure(terms));
    }),
  );
  let newestVersion: number | null = null;
  const revokedKeyIds: string[] = [];
  for (const reply of replies) {
    if (!reply.ok) return reply;
    // An object that runs the code of before answers nothing: it takes what it knows, and no limits of keys, no policy.
    const value = reply.value as ConfigureReply | undefined;
    if (value === undefined && needsNewLedger(registered))
      return fail({ code: "change_pending", retryAfterSeconds: 60 });
    if (value?.kind === "too_large") return fail({ code: "conflict", issues: [{ path: "", code: "too_many_keys" }] });
    if (value?.kind === "stale") newestVersion = Math.max(newestVersion ?? 0, value.version);
    if (value?.kind === "configured") revokedKeyIds.push(...value.revokedKeys);
  }
  return ok({ newestVersion, revokedKeyIds });
}

function needsNewLedger({ tenant: { nextPlan, requires }, keys, restricted }: RegisteredTerms): boolean {
  const hasPolicy = nextPlan !== null || requires.length > 0 || restricted.subjects.length > 0;
  return hasPolicy || keys.some(({ limits, defaults }) => limits !== null || defaults !== null);
}

/** Puts the register above its ledgers' versions, and back the keys that it lost. */
async function liftRegister(
  services: Services,
  { id: tenantId, version }: Tenant,
  { keys, above }: { keys: readonly RegisteredKey[]; above: number },
): Promise<void> {
  const known = new Set(keys.map(({ id }) => id));
  const lost: RecoveredKey[] = [];
  for (const mode of MODES) {
    const terms = await callLedger(services.ledgers, { tenantId, mode }, (ledger) => ledger.terms());
    if (!terms.ok) continue;
    const unknown = (terms.value?.keys ?? []).filter(({ keyId }) => !known.has(keyId));
    lost.push(...unknown.map((key) => ({ mode, key })));
  }
  const audit = {
    atMs: services.clock.nowMs(),
    actor: "gateway",
    action: "register.lift",
    target: tenantId,
    before: { version },
    after: { version: Math.max(version, above) + 1, recoveredKeys: lost.map(({ key }) => key.keyId) },
  };
  await services.register.liftTenant(tenantId, { above, keys: lost, audit });
  logEvent("warn", { event: "register_lifted", tenantId, version, above, recoveredKeys: lost.length });
}

/** A key that was revoked in its ledger alone, by the break-glass revocation or before a restore, is so in the register. */
export async function noteRevocations(
  services: Services,
  keys: readonly RegisteredKey[],
  revokedKeyIds: readonly string[],
): Promise<void> {
  for (const key of keys.filter(({ id, revokedAtMs }) => revokedAtMs === null && revokedKeyIds.includes(id))) {
    const atMs = services.clock.nowMs();
    const audit = {
      atMs,
      actor: "gateway",
      action: "key.revoke",
      target: key.id,
      before: { revokedAt: null },
      after: { revokedAt: isoTime(atMs), because: "its ledger has it as revoked" },
    };
    await services.register.revokeKey(key, atMs, audit);
  }
}

/** Puts into KV the keys that it does not hold yet, and tells which it did not take. */
async function publishKeys(services: Services, tenantId: string, keys: readonly RegisteredKey[]): Promise<string[]> {
  const unpublished: string[] = [];
  for (const { secretHash, id: keyId, mode } of keys.filter((key) => !key.inDirectory)) {
    try {
      await services.keys.put(secretHash, { tenantId, keyId, mode });
      await services.register.markPublished(keyId);
    } catch (error) {
      logEvent("warn", { event: "key_not_published", tenantId, keyId, error: messageOf(error) });
      unpublished.push(keyId);
    }
  }
  return unpublished;
}

function ledgerTerms(
  { tenant, keys, restricted, knownSeq: liveSeq }: RegisteredTerms,
  { mode, nowMs }: { mode: Mode; nowMs: number },
): LedgerTerms {
  const { id: tenantId, version, status, customerId, plan, nextPlan, requires } = tenant;
  const ofMode = keys.filter((key) => key.mode === mode);
  const working = ofMode.filter((key) => endedAtMs(key, nowMs) === null);
  const ended = ofMode
    .filter((key) => (endedAtMs(key, nowMs) ?? 0) > nowMs - ENDED_KEYS_TOLD_MS)
    .slice(-MOST_ENDED_KEYS);
  const told = [...working.map(grantOf), ...ended.map(endedGrantOf)];
  const period = periodOf(tenant.createdAtMs);
  const firstMonth = { period, startMs: periodBounds(period).startMs };
  const policy = { requires, restricted: restricted.subjects, restrictedUntil: restricted.until };
  const knownSeq = mode === "live" ? liveSeq : 0;
  return { tenantId, mode, version, status, customerId, plan, nextPlan, keys: told, ...policy, firstMonth, knownSeq };
}

/** When a key ended; null while it works. */
function endedAtMs({ expiresAtMs, revokedAtMs }: RegisteredKey, nowMs: number): number | null {
  return revokedAtMs ?? (expiresAtMs !== null && expiresAtMs <= nowMs ? expiresAtMs : null);
}

function grantOf({
  id: keyId,
  scopes,
  allowedIps,
  expiresAtMs,
  revokedAtMs,
  limits,
  defaults,
}: RegisteredKey): LedgerKey {
  return { keyId, scopes, allowedIps, expiresAtMs, revokedAtMs, limits, defaults };
}

/** Of a key that has ended it is told that it has. */
function endedGrantOf({ id: keyId, expiresAtMs, revokedAtMs }: RegisteredKey): LedgerKey {
  return { keyId, scopes: [], allowedIps: [], expiresAtMs, revokedAtMs, limits: null, defaults: null };
}
