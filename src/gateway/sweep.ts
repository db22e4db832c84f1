import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { MODES } from "../domain/meter_event.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { projectTenant } from "./project_tenant.ts";

const TENANTS_A_SWEEP = 100;

/**
 * What the cron does: completes admin changes that died half-way, and looks at every ledger in turn, which re-arms the
 * alarm of one that lost it.
 */
export async function sweep(services: Services): Promise<void> {
  for (const tenantId of await services.register.unprojected(TENANTS_A_SWEEP)) {
    const projected = await projectTenant(services, tenantId);
    logEvent(projected.ok ? "info" : "warn", { event: "tenant_projected", tenantId, ok: projected.ok });
  }
  const tenants = await services.register.tenants({ after: null, limit: TENANTS_A_SWEEP });
  for (const { id: tenantId } of tenants) {
    for (const mode of MODES) await callLedger(services.ledgers, { tenantId, mode }, (ledger) => ledger.status());
  }
}
