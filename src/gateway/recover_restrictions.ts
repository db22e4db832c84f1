import { isoTime } from "../domain/instant.ts";
import { logEvent } from "../platform/log.ts";
import type { Restriction } from "../platform/restrictions.ts";
import type { Services } from "../platform/services.ts";

/**
 * Brings D1 and R2 to the same restrictions: D1 may have been restored to before one was made or ended, or a call may have
 * died between the two. Ledgers are told by whoever projects their tenants next.
 */
export async function recoverRestrictions(services: Services): Promise<void> {
  const { restrictions, clock } = services;
  const { inR2, inD1 } = await restrictions.differences();
  for (const restriction of inR2) {
    const { id, endedAtMs, endedBy } = restriction;
    const because = "R2 remembers it";
    const audit = {
      atMs: clock.nowMs(),
      actor: "gateway",
      target: id,
      before: null,
      after: { ...restrictionForAudit(restriction), because },
    };
    await restrictions.insert(restriction, { ...audit, action: "subject.restrict" });
    if (endedAtMs !== null)
      await restrictions.end(id, {
        atMs: endedAtMs,
        by: endedBy ?? "gateway",
        audit: { ...audit, action: "subject.unrestrict" },
      });
    logEvent("warn", { event: "restriction_recovered", id, isEnded: endedAtMs !== null });
  }
  for (const restriction of inD1) await restrictions.remember(restriction);
}

/** What the audit has of a restriction: why and until when, and nothing of the person. */
export function restrictionForAudit({ reason, untilMs, endedAtMs }: Restriction): Readonly<Record<string, unknown>> {
  return { reason, until: isoTime(untilMs), endedAt: isoTime(endedAtMs) };
}
