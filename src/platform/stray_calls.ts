import type { PutRightCall } from "../domain/ledger/commands.ts";
import type { Mode } from "../domain/meter_event.ts";
import { requireRow } from "./batch_rows.ts";

/** A call that a ledger has to be told of; see `gateway/put_right.ts`. */
export type StrayCall = { readonly tenantId: string; readonly mode: Mode; readonly call: PutRightCall };
export type NotedCall = StrayCall & { readonly notedAtMs: number };

const SQL = {
  add: `
    INSERT INTO stray_calls (lookup_id, tenant_id, mode, noted_at, call) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (lookup_id) DO NOTHING`,
  // What was tried least comes first: one that a ledger never takes holds up no other.
  oldest: `SELECT tenant_id, mode, call FROM stray_calls ORDER BY tries, noted_at LIMIT ?`,
  remove: `DELETE FROM stray_calls WHERE lookup_id = ?`,
  noteTry: `UPDATE stray_calls SET tries = tries + 1 WHERE lookup_id = ?`,
  count: `SELECT count(*) AS n FROM stray_calls`,
  ofTenant: `SELECT count(*) AS n FROM stray_calls WHERE tenant_id = ?`,
} as const;

/** Calls to Claro that wait in D1 for their ledgers. */
export class StrayCalls {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async add({ tenantId, mode, call, notedAtMs }: NotedCall): Promise<void> {
    await this.#db.prepare(SQL.add).bind(call.lookupId, tenantId, mode, notedAtMs, JSON.stringify(call)).run();
  }

  async oldest(limit: number): Promise<StrayCall[]> {
    const { results } = await this.#db
      .prepare(SQL.oldest)
      .bind(limit)
      .all<{ tenant_id: string; mode: Mode; call: string }>();
    return results.map(({ tenant_id: tenantId, mode, call }) => {
      return { tenantId, mode, call: JSON.parse(call) as PutRightCall };
    });
  }

  async remove(lookupId: string): Promise<void> {
    await this.#db.prepare(SQL.remove).bind(lookupId).run();
  }

  async noteTry(lookupId: string): Promise<void> {
    await this.#db.prepare(SQL.noteTry).bind(lookupId).run();
  }

  /** How many wait, of all tenants or of one: a month is not released while there is one. */
  async count(tenantId?: string): Promise<number> {
    const statement =
      tenantId === undefined ? this.#db.prepare(SQL.count) : this.#db.prepare(SQL.ofTenant).bind(tenantId);
    return requireRow(await statement.first<number>("n"));
  }
}
