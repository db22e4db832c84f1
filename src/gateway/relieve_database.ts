import { databaseSize, type DatabaseSize } from "../platform/database_size.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";

const TENANTS_A_RUN = 20;
const EVENTS_A_DELETE = 5000;
const DELETES_A_TENANT = 20;

/**
 * Watches the size of D1, which is one for all tenants. When it fills, what nobody is billed for goes first: test events,
 * which their ledgers let go of too. Events of closed months leave it in any case, when their archive has been read back.
 */
export async function relieveDatabase(
  services: Services,
  measure: (db: D1Database) => Promise<DatabaseSize> = databaseSize,
): Promise<void> {
  try {
    const size = await measure(services.db);
    if (size.state === "ample") return;
    logEvent(size.state === "filling" ? "warn" : "error", { event: "database_fills", ...size });
    for (const tenantId of await services.statements.tenantsWithTestEvents(TENANTS_A_RUN)) {
      await dropTestEvents(services, tenantId);
    }
  } catch (error) {
    logEvent("warn", { event: "database_not_relieved", error: messageOf(error) });
  }
}

async function dropTestEvents(services: Services, tenantId: string): Promise<void> {
  const ledger = { tenantId, mode: "test" } as const;
  const last = await services.statements.lastEvent(ledger);
  if (last === null) return;
  const released = await callLedger(services.ledgers, ledger, (stub) => stub.release(last));
  if (!released.ok) return;
  for (let deletes = 0; deletes < DELETES_A_TENANT; deletes += 1) {
    if (await services.statements.pruneEvents(ledger, { first: 1, last }, EVENTS_A_DELETE)) break;
  }
  logEvent("info", { event: "test_events_dropped", tenantId, through: last });
}
