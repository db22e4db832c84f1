import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";

/** What the cron does: chains the audit's new entries, and once an hour keeps the chain's head where D1 cannot change it. */
export async function sealAudit(services: Services): Promise<void> {
  const { auditChain, clock, settings } = services;
  const atMs = clock.nowMs();
  const last = await auditChain.seal();
  if (last === null || (await auditChain.hasHead(atMs))) return;
  const rewritten = await auditChain.findRewritten(atMs);
  if (rewritten !== null) logEvent("error", { event: "audit_rewritten", hour: rewritten.hour, entry: rewritten.n });
  try {
    await auditChain.keepHead(last, { atMs, key: settings.exportSigningKey });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The two halves of the key do not belong together.
    logEvent("error", { event: "misconfigured", settings: [error.message] });
  }
}
