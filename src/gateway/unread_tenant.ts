import type { Failure } from "../domain/failure.ts";

/** A failure of a search through many tenants that says which of them could not be read: else nobody knows what to repair. */
export function nameTenant(tenantId: string, failure: Failure): Failure {
  return { ...failure, issues: [{ path: "", code: "tenant_unread", params: { tenantId } }] };
}
