import type { Failure } from "../domain/failure.ts";
import { MODES, type Mode } from "../domain/meter_event.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { LedgerTerms } from "../platform/ledger/messages.ts";
import type { RegisteredKey, Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";

/**
 * Tells the tenant's ledgers, then KV, what the register says. It can be repeated at any time and by many at once: a
 * ledger keeps the newest version. A change is effective for lookups as soon as the ledgers have it.
 */
export async function projectTenant(services: Services, tenantId: string): Promise<Result<Tenant, Failure>> {
  const tenant = await services.register.tenant(tenantId);
  if (tenant === null) return fail({ code: "not_found" });
  const keys = await services.register.keysOfTenant(tenantId);
  const told = await Promise.all(
    MODES.map((mode) =>
      callLedger(services.ledgers, { tenantId, mode }, (ledger) => ledger.configure(ledgerTerms(tenant, keys, mode))),
    ),
  );
  for (const reply of told) if (!reply.ok) return reply;
  // Last, so that a key that KV knows is known to its ledger.
  const unpublished = keys.filter((key) => !key.inDirectory);
  for (const { secretHash, id: keyId, mode } of unpublished) {
    await services.keys.put(secretHash, { tenantId, keyId, mode });
  }
  await services.register.markProjected(
    tenant,
    unpublished.map((key) => key.id),
  );
  return ok(tenant);
}

function ledgerTerms(tenant: Tenant, keys: readonly RegisteredKey[], mode: Mode): LedgerTerms {
  const { id: tenantId, version, status, customerId, plan } = tenant;
  const grants = keys
    .filter((key) => key.mode === mode)
    .map(({ id: keyId, scopes, expiresAtMs, revokedAtMs, allowedIps }) => {
      return { keyId, scopes, expiresAtMs, revokedAtMs, allowedIps };
    });
  return { tenantId, mode, version, status, customerId, plan, keys: grants };
}
