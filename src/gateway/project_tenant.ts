import type { KeyGrant } from "../domain/authorization.ts";
import type { Failure } from "../domain/failure.ts";
import { MODES, type Mode } from "../domain/meter_event.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { LedgerTerms } from "../platform/ledger/messages.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { RegisteredKey, Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";

/** The tenant as its ledgers have it now, and the keys that could not be put into KV: nobody can use those yet. */
export type Projection = { readonly tenant: Tenant; readonly unpublished: readonly string[] };

/**
 * Tells the tenant's ledgers, then KV, what the register says. It can be repeated at any time and by many at once: a
 * ledger keeps the newest version. A change is effective for lookups as soon as the ledgers have it.
 */
export async function projectTenant(services: Services, tenantId: string): Promise<Result<Projection, Failure>> {
  const tenant = await services.register.tenant(tenantId);
  if (tenant === null) return fail({ code: "not_found" });
  const keys = await services.register.keysOfTenant(tenantId);
  const nowMs = services.clock.nowMs();
  const told = await Promise.all(
    MODES.map((mode) => {
      const terms = ledgerTerms(tenant, keys, { mode, nowMs });
      return callLedger(services.ledgers, { tenantId, mode }, (ledger) => ledger.configure(terms));
    }),
  );
  for (const reply of told) if (!reply.ok) return reply;
  // Last, so that a key that KV knows is known to its ledger.
  const unpublished = await publishKeys(services, tenantId, keys);
  if (unpublished.length === 0) await services.register.markProjected(tenant);
  return ok({ tenant, unpublished });
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
  tenant: Tenant,
  keys: readonly RegisteredKey[],
  { mode, nowMs }: { mode: Mode; nowMs: number },
): LedgerTerms {
  const { id: tenantId, version, status, customerId, plan } = tenant;
  const grants = keys.filter((key) => key.mode === mode).map((key) => grantOf(key, nowMs));
  return { tenantId, mode, version, status, customerId, plan, keys: grants };
}

/** A key that has ended is only told to be so: a tenant gathers many of them over the years. */
function grantOf({ id: keyId, scopes, allowedIps, expiresAtMs, revokedAtMs }: RegisteredKey, nowMs: number): KeyGrant {
  const hasEnded = revokedAtMs !== null || (expiresAtMs !== null && expiresAtMs <= nowMs);
  return hasEnded
    ? { keyId, scopes: [], allowedIps: [], expiresAtMs, revokedAtMs }
    : { keyId, scopes, allowedIps, expiresAtMs, revokedAtMs };
}
