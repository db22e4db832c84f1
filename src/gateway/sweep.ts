import { MODES, type Mode } from "../domain/meter_event.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { LedgerStatus } from "../platform/ledger/messages.ts";
import { logEvent } from "../platform/log.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { noteRevocations } from "./project_tenant.ts";
import { projectPending } from "./project_pending.ts";

// What one run may use up of the ten thousand calls to other services that an invocation has: about five a projection. A
// restriction of a person is a change of every tenant.
const PROJECTIONS_A_SWEEP = 1000;
/** Two calls each, which are billed: a thousand tenants all have their turn within four hours. */
const TENANTS_A_SWEEP = 25;
/** A Worker has six connections at once. */
const CALLS_AT_ONCE = 6;

/**
 * What the cron does: completes admin changes that died half-way, and looks at some ledgers more, which re-arms the alarm
 * of one that lost it. Each sweep goes on where the one before ended, so that every ledger has its turn.
 */
export async function sweep(services: Services): Promise<void> {
  await projectPending(services, PROJECTIONS_A_SWEEP);
  const after = await services.sweepPlace.read();
  const tenants = await services.register.tenants({ after, limit: TENANTS_A_SWEEP });
  const ledgers = tenants.flatMap((tenant) => MODES.map((mode) => ({ tenant, mode })));
  for (let start = 0; start < ledgers.length; start += CALLS_AT_ONCE) {
    const some = ledgers.slice(start, start + CALLS_AT_ONCE);
    await Promise.all(some.map(({ tenant, mode }) => lookAt(services, tenant, mode)));
  }
  const last = tenants.length < TENANTS_A_SWEEP ? undefined : tenants.at(-1);
  // A write costs more than all else that a run does where nothing is to be done.
  if (last?.id !== after?.[1]) {
    await services.sweepPlace.write(last === undefined ? null : [last.createdAtMs, last.id]);
  }
}

/**
 * Where a ledger has newer terms than the register, D1 was restored. That is told and not mended: the register's older
 * terms could let in again who was suspended since. A key that was revoked in its ledger alone is revoked in the register.
 */
async function lookAt(services: Services, { id: tenantId, version }: Tenant, mode: Mode): Promise<void> {
  const status = await callLedger(services.ledgers, { tenantId, mode }, (stub) => stub.status(), { tries: 1 });
  // An object that runs the code of before does not tell.
  const { revokedKeyIds = [], termsVersion = null } = status.ok ? (status.value as Partial<LedgerStatus>) : {};
  if (termsVersion !== null && termsVersion > version)
    logEvent("error", { event: "register_is_behind", tenantId, mode, version, termsVersion });
  if (revokedKeyIds.length === 0) return;
  const keys = await services.register.keysOfTenant(tenantId);
  await noteRevocations(services, keys, revokedKeyIds);
}
