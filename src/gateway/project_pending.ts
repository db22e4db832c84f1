import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { tryToProject } from "./tenants.ts";

/** A ledger's change waits up to three seconds for early calls: what waits costs nothing, so many wait at once. */
const PROJECTIONS_AT_ONCE = 50;

/** Tells the ledgers and KV of up to `most` tenants what the register says and they do not know. True when none is left. */
export async function projectPending(services: Services, most: number): Promise<boolean> {
  const tenantIds = await services.register.unprojected(most + 1);
  const waiting = tenantIds.slice(0, most);
  let isComplete = tenantIds.length <= most;
  await Promise.all(
    Array.from({ length: Math.min(PROJECTIONS_AT_ONCE, waiting.length) }, async () => {
      for (let tenantId = waiting.pop(); tenantId !== undefined; tenantId = waiting.pop()) {
        const projected = await tryToProject(services, tenantId);
        const ok = projected?.ok === true && projected.value.unpublished.length === 0;
        isComplete &&= ok;
        logEvent(ok ? "info" : "warn", { event: "tenant_projected", tenantId, ok });
      }
    }),
  );
  return isComplete;
}
