import type { Actor } from "../gateway/tenants.ts";
import type { Services } from "../platform/services.ts";
import type { AuditDeclaration } from "./endpoint.ts";

/** Writes the audit's line of a call that only reads. A change writes its own, in one transaction with itself. */
export async function noteInAudit(
  { register, clock }: Services,
  declared: AuditDeclaration | undefined,
  { actor, params }: { actor: Actor; params: Readonly<Record<string, unknown>> },
): Promise<void> {
  if (declared === undefined || declared === "in_change") return;
  const target = declared.target(params as Readonly<Record<string, string>>);
  await register.note({ atMs: clock.nowMs(), actor, action: declared.action, target, before: null, after: null });
}
