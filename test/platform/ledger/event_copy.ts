import { env } from "cloudflare:workers";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";

export type CopiedRow = {
  readonly seq: number;
  readonly id: string;
  readonly occurred_at: number;
  readonly outcome: string | null;
  readonly amount_micros: number;
  readonly corrects: string | null;
};

/** What D1 has of a tenant's events. */
export async function copiedRows(tenantId: string): Promise<CopiedRow[]> {
  const sql = `
    SELECT seq, id, occurred_at, outcome, amount_micros, corrects FROM events WHERE tenant_id = ? ORDER BY seq`;
  return (await env.DB.prepare(sql).bind(tenantId).all<CopiedRow>()).results;
}

export async function emptyCopy(tenantId: string): Promise<void> {
  await env.DB.prepare("DELETE FROM event_batches WHERE tenant_id = ?").bind(tenantId).run();
}

/** Has a ledger write again all that it once flushed. */
export async function recopyAll(ledger: DurableObjectStub<TenantLedger>): Promise<void> {
  for (let seq = 0, isDone = false; !isDone;) {
    const reply = await ledger.recopy(seq);
    if (reply.kind === "failed") throw new Error(reply.reason);
    seq = reply.through;
    isDone = reply.isDone;
  }
}
