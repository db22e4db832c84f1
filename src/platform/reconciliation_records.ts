import type { Period } from "../domain/period.ts";
import type { ResolvedUnknown } from "../domain/reconciliation.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";

export type NewReconciliation = {
  readonly period: Period;
  readonly reportSha256: string;
  readonly atMs: number;
  readonly matched: number;
  readonly delta: number;
  readonly resolved: readonly ResolvedUnknown[];
};

const SQL = {
  insert: `
    INSERT INTO reconciliations (period, report_sha256, reconciled_at, matched, unknown_resolved, delta)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  exists: `SELECT 1 FROM reconciliations WHERE period = ? AND report_sha256 = ?`,
  resolve: `
    INSERT INTO resolved_unknowns (tenant_id, period, seq, lookup_id, transaction_id, resolved_at)
    SELECT value->>'tenantId', ?1, value->>'seq', value->>'lookupId', value->>'transactionId', ?2
    FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING`,
  resolved: `SELECT seq, transaction_id FROM resolved_unknowns WHERE tenant_id = ? AND period = ?`,
  countResolved: `SELECT count(*) AS count FROM resolved_unknowns WHERE tenant_id = ? AND period = ?`,
} as const;

/** As many resolved lookups as one parameter carries without coming near D1's limits. */
const ROWS_A_STATEMENT = 2000;

/** What Claro's reports have told, in D1. Nothing in it is ever taken back: a report only adds. */
export class ReconciliationRecords {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Keeps a report's result, all of it or nothing. The same report again changes nothing. */
  async insert(reconciliation: NewReconciliation, audit: AuditEntry): Promise<void> {
    const { period, reportSha256, atMs, matched, delta, resolved } = reconciliation;
    const parts = Array.from({ length: Math.ceil(resolved.length / ROWS_A_STATEMENT) }, (_, index) =>
      resolved.slice(index * ROWS_A_STATEMENT, (index + 1) * ROWS_A_STATEMENT),
    );
    await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.exists, values: [period, reportSha256] }),
      this.#db.prepare(SQL.insert).bind(period, reportSha256, atMs, matched, resolved.length, delta),
      ...parts.map((part) => this.#db.prepare(SQL.resolve).bind(period, atMs, JSON.stringify(part))),
    ]);
  }

  /** Lookups that Claro has confirmed, by seq, with the transaction that it named. */
  async resolved(tenantId: string, period: Period): Promise<Map<number, { transactionId: string | null }>> {
    const { results } = await this.#db
      .prepare(SQL.resolved)
      .bind(tenantId, period)
      .all<{ seq: number; transaction_id: string | null }>();
    return new Map(results.map(({ seq, transaction_id: transactionId }) => [seq, { transactionId }]));
  }

  async countResolved(tenantId: string, period: Period): Promise<number> {
    const row = await this.#db.prepare(SQL.countResolved).bind(tenantId, period).first<{ count: number }>();
    return row?.count ?? 0;
  }
}
