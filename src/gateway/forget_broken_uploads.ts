import { CRON_MS, DAY_MS } from "../domain/instant.ts";
import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";

/**
 * Once a day, forgets the rows of reports whose sending broke off: nothing names them, and they hold
 * Claro's ids of partners' lookups. One that is being sent is younger than a day.
 */
export async function forgetBrokenUploads(services: Services): Promise<void> {
  const { clock, reconciliationFiles, reconciliations } = services;
  const nowMs = clock.nowMs();
  if (nowMs % DAY_MS >= CRON_MS) return;
  for (const id of await reconciliationFiles.ids()) {
    if ((await reconciliations.run(id)) !== null) continue;
    const lastMs = await reconciliationFiles.lastRowsAtMs(id);
    if (lastMs === null || lastMs > nowMs - DAY_MS) continue;
    await reconciliationFiles.forgetWork(id);
    logEvent("info", { event: "broken_upload_forgotten", id });
  }
}
