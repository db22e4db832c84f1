import { adminJson } from "./gateway.ts";

export type Restored = {
  readonly status: "not_needed" | "restoring" | "restored";
  readonly through: number;
  readonly lastSeq: number | null;
  readonly ownEvents: number | null;
  readonly nextCursor: string | null;
};

export type Finding = {
  readonly code: string;
  readonly period: string | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly what: string | null;
};

/** Puts a tenant's ledger back, step by step. */
export async function restore(tenantId: string, query = ""): Promise<Restored> {
  let step = await adminJson<Restored>(`/tenants/${tenantId}/ledger/restore${query}`, { method: "POST" });
  while (step.nextCursor !== null) {
    const cursor = encodeURIComponent(step.nextCursor);
    step = await adminJson<Restored>(`/tenants/${tenantId}/ledger/restore?cursor=${cursor}`, { method: "POST" });
  }
  return step;
}

/** What a comparison of ledger, D1 and R2 finds, over all of its steps. */
export async function findingsOf(tenantId: string): Promise<Finding[]> {
  const found: Finding[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query: string = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const step: { findings: Finding[]; nextCursor: string | null } = await adminJson(
      `/tenants/${tenantId}/ledger/verify${query}`,
    );
    found.push(...step.findings);
    cursor = step.nextCursor;
  }
  return found;
}
