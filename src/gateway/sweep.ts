import { MODES } from "../domain/meter_event.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { projectTenant } from "./project_tenant.ts";

const TENANTS_A_SWEEP = 100;
/** A Worker has six connections at once. */
const CALLS_AT_ONCE = 6;

/**
 * What the cron does: completes admin changes that died half-way, and looks at some ledgers more, which re-arms the alarm
 * of one that lost it. Each sweep goes on where the one before ended, so that every ledger has its turn.
 */
export async function sweep(services: Services): Promise<void> {
  for (const tenantId of await services.register.unprojected(TENANTS_A_SWEEP)) {
    const projected = await projectTenant(services, tenantId);
    logEvent(projected.ok ? "info" : "warn", { event: "tenant_projected", tenantId, ok: projected.ok });
  }
  const after = await services.sweepPlace.read();
  const tenants = await services.register.tenants({ after, limit: TENANTS_A_SWEEP });
  const ledgers = tenants.flatMap(({ id: tenantId }) => MODES.map((mode) => ({ tenantId, mode })));
  for (let start = 0; start < ledgers.length; start += CALLS_AT_ONCE) {
    const some = ledgers.slice(start, start + CALLS_AT_ONCE);
    await Promise.all(some.map((ledger) => callLedger(services.ledgers, ledger, (stub) => stub.status())));
  }
  const last = tenants.length < TENANTS_A_SWEEP ? undefined : tenants.at(-1);
  await services.sweepPlace.write(last === undefined ? null : [last.createdAtMs, last.id]);
}
