import type { ClosedMonth } from "../domain/closed_month.ts";
import type { LedgerName } from "../domain/meter_event.ts";
import type { Period } from "../domain/period.ts";
import type { TenantMonth } from "../domain/period_of_all.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";
import { rowOf, rowsOf } from "./batch_rows.ts";

/** A closed month of a tenant, as D1 has it. */
export type StoredStatement = ClosedMonth & { readonly isArchived: boolean; readonly isPruned: boolean };

/** How far the closing of a month for all tenants is. The cursor is the tenant that was begun last. */
export type Closing = { readonly cursor: readonly [number, string]; readonly completedAtMs: number | null };

const COLUMNS = `tenant_id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256`;
/** Of months whose next step is due at an instant. */
const DUE = `NOT EXISTS (SELECT 1 FROM statement_problems AS problem WHERE problem.tenant_id = statements.tenant_id
  AND problem.period = statements.period AND problem.step = 'archive' AND problem.retry_at > ?)`;

const SQL = {
  insert: `INSERT INTO statements (${COLUMNS}, sealed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  exists: `SELECT 1 FROM statements WHERE tenant_id = ? AND period = ?`,
  statement: `SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE tenant_id = ? AND period = ?`,
  latest: `SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE tenant_id = ? ORDER BY period DESC LIMIT 1`,
  between: `
    SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE tenant_id = ? AND period >= ? AND period <= ?`,
  ofTenants: `
    SELECT ${COLUMNS}, archived_at, pruned_at FROM statements
    WHERE period = ?1 AND tenant_id IN (SELECT value FROM json_each(?2))`,
  unpruned: `
    SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE pruned_at IS NULL AND ${DUE}
    ORDER BY closed_at, tenant_id, period LIMIT ?`,
  unsealed: `
    SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE sealed_at IS NULL AND ${DUE}
    ORDER BY closed_at, tenant_id, period LIMIT ?`,
  setSealed: `UPDATE statements SET sealed_at = ? WHERE tenant_id = ? AND period = ?`,
  setArchived: `UPDATE statements SET archived_at = ? WHERE tenant_id = ? AND period = ?`,
  setPruned: `UPDATE statements SET pruned_at = ? WHERE tenant_id = ? AND period = ?`,
  startClosing: `INSERT INTO closings (period, started_at) VALUES (?, ?) ON CONFLICT DO NOTHING`,
  isClosing: `SELECT 1 FROM closings WHERE period = ?`,
  closing: `SELECT cursor_at, cursor_id, completed_at FROM closings WHERE period = ?`,
  unfinished: `SELECT period FROM closings WHERE completed_at IS NULL ORDER BY period`,
  setCursor: `UPDATE closings SET cursor_at = ?, cursor_id = ? WHERE period = ?`,
  setCompleted: `UPDATE closings SET completed_at = coalesce(completed_at, ?) WHERE period = ?`,
  tenantsToClose: `
    SELECT id, created_at FROM tenants WHERE (created_at, id) > (?1, ?2) AND created_at < ?3
      AND NOT EXISTS (SELECT 1 FROM statements WHERE tenant_id = tenants.id AND period = ?4)
      AND NOT EXISTS (SELECT 1 FROM statement_problems
        WHERE tenant_id = tenants.id AND period <= ?4 AND step = 'close' AND retry_at > ?6)
    ORDER BY created_at, id LIMIT ?5`,
  countToClose: `
    SELECT count(*) AS count FROM tenants WHERE created_at < ?1
      AND NOT EXISTS (SELECT 1 FROM statements WHERE tenant_id = tenants.id AND period = ?2)`,
  countArchived: `SELECT count(*) AS count FROM statements WHERE period = ? AND archived_at IS NOT NULL`,
  countTenants: `SELECT count(*) AS count FROM tenants WHERE created_at < ?`,
  monthsOfTenants: `
    SELECT tenant.id, tenant.created_at, coalesce(month.manifest->>'$.tenant.name', tenant.name) AS name,
      coalesce(month.manifest->>'$.tenant.document', tenant.document) AS document, month.closed_at,
      month.manifest->>'$.counts.billed' AS quantity, month.manifest->>'$.counts.delivered' AS delivered,
      (SELECT count(*) FROM resolved_unknowns WHERE tenant_id = tenant.id AND period = ?4) AS confirmed,
      (SELECT sum(value->>'amountCentavos') FROM json_each(month.manifest, '$.lines')
        WHERE value->>'kind' = 'lookups') AS amount,
      (SELECT sum(value->>'amountCentavos') FROM json_each(month.manifest, '$.lines')
        WHERE value->>'kind' != 'lookups') AS adjustments,
      month.manifest->>'$.totals.carriedOutCentavos' AS carried_out,
      month.manifest->>'$.totals.amountCentavos' AS total
    FROM tenants AS tenant LEFT JOIN statements AS month ON month.tenant_id = tenant.id AND month.period = ?4
    WHERE (tenant.created_at, tenant.id) > (?1, ?2) AND tenant.created_at < ?3
    ORDER BY tenant.created_at, tenant.id LIMIT ?5`,
  noteProblem: `
    INSERT INTO statement_problems (tenant_id, period, step, reason, seq, failures, first_at, retry_at)
    SELECT ?1, ?2, ?3, ?4, ?5, 1, ?6, ?6 + ?7 FROM tenants WHERE id = ?1
    ON CONFLICT DO UPDATE SET reason = ?4, seq = ?5, failures = failures + 1,
      retry_at = ?6 + min(?7 << min(failures, 20), ?8)`,
  clearProblem: `DELETE FROM statement_problems WHERE tenant_id = ? AND period = ? AND step = ?`,
  problems: `
    SELECT tenant_id, period, step, reason, seq, failures, first_at, retry_at FROM statement_problems
    ORDER BY first_at, tenant_id, period LIMIT ?`,
  countProblems: `SELECT count(*) AS count FROM statement_problems`,
  pruneEvents: `DELETE FROM event_batches
    WHERE tenant_id = ?1 AND mode = ?2 AND first_seq >= ?3 AND last_seq <= ?4 AND first_seq < ?5`,
  tenantsWithTestEvents: `
    SELECT id FROM tenants WHERE EXISTS (SELECT 1 FROM event_batches WHERE tenant_id = tenants.id AND mode = 'test')
    LIMIT ?`,
  lastEvent: `SELECT max(last_seq) AS seq FROM event_batches WHERE tenant_id = ? AND mode = ?`,
  firstEvent: `SELECT first_seq AS seq FROM event_batches
    WHERE tenant_id = ?1 AND mode = ?2 AND first_seq >= ?3 AND first_seq <= ?4 AND last_seq <= ?4
    ORDER BY first_seq LIMIT 1`,
} as const;

/** How many tenants' months are closed, of them archived, and how many are still to be closed. */
export type ClosingProgress = { readonly closed: number; readonly remaining: number; readonly archived: number };

export type StatementStep = "close" | "archive";

/** A step that failed for a tenant's month. */
type NewProblem = {
  readonly tenantId: string;
  readonly period: Period;
  readonly step: StatementStep;
  readonly reason: string;
  readonly seq: number | null;
};

export type StatementProblem = NewProblem & {
  readonly failures: number;
  readonly firstAtMs: number;
  readonly retryAtMs: number;
};

const FIRST_RETRY_MS = 10 * 60_000;
const LONGEST_RETRY_MS = 24 * 3_600_000;

type Row = Record<string, unknown>;
type SqlValue = string | number | null;

/** Closed statements in D1 and the work of closing. What has a row is closed; the first row to arrive stays. */
export class StatementRecords {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Copies to D1 that R2 has a month as closed. Nothing is changed where D1 knows. */
  async insert(month: ClosedMonth, audit: AuditEntry): Promise<void> {
    const { tenantId, period, closedAtMs, firstSeq, lastSeq, prefix, manifest, manifestSha256 } = month;
    const columns = [tenantId, period, closedAtMs, firstSeq, lastSeq, prefix, manifest, manifestSha256] as const;
    await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.exists, values: [tenantId, period] }),
      this.#bind(SQL.insert, ...columns, audit.atMs),
      this.#bind(SQL.clearProblem, tenantId, period, "close"),
    ]);
  }

  async statement(tenantId: string, period: Period): Promise<StoredStatement | null> {
    const row = await this.#bind(SQL.statement, tenantId, period).first<Row>();
    return row === null ? null : toStatement(row);
  }

  async latest(tenantId: string): Promise<StoredStatement | null> {
    const row = await this.#bind(SQL.latest, tenantId).first<Row>();
    return row === null ? null : toStatement(row);
  }

  async between(tenantId: string, from: Period, to: Period): Promise<StoredStatement[]> {
    return (await this.#bind(SQL.between, tenantId, from, to).all<Row>()).results.map(toStatement);
  }

  /** The closed statements of a period by tenant, for some tenants. */
  async ofTenants(period: Period, tenantIds: readonly string[]): Promise<Map<string, StoredStatement>> {
    const { results } = await this.#bind(SQL.ofTenants, period, JSON.stringify(tenantIds)).all<Row>();
    return new Map(results.map(toStatement).map((statement) => [statement.tenantId, statement]));
  }

  /** Statements whose events are still in D1 and whose turn it is, oldest first. */
  async unpruned(nowMs: number, limit: number): Promise<StoredStatement[]> {
    return (await this.#bind(SQL.unpruned, nowMs, limit).all<Row>()).results.map(toStatement);
  }

  /** Statements of which R2 has no `closed.json`, for they were closed before there was one. */
  async unsealed(nowMs: number, limit: number): Promise<StoredStatement[]> {
    return (await this.#bind(SQL.unsealed, nowMs, limit).all<Row>()).results.map(toStatement);
  }

  async markSealed({ tenantId, period }: StoredStatement, atMs: number): Promise<void> {
    await this.#bind(SQL.setSealed, atMs, tenantId, period).run();
  }

  async markArchived({ tenantId, period }: StoredStatement, atMs: number): Promise<void> {
    await this.#bind(SQL.setArchived, atMs, tenantId, period).run();
  }

  async markPruned({ tenantId, period }: StoredStatement, atMs: number): Promise<void> {
    await this.#bind(SQL.setPruned, atMs, tenantId, period).run();
  }

  /** Begins the closing of a month, or finds the one that has begun. Only its beginning is in the audit. */
  async startClosing(period: Period, audit: AuditEntry): Promise<Closing> {
    const [, , found] = await this.#db.batch<Row>([
      auditInsert(this.#db, audit, { query: SQL.isClosing, values: [period] }),
      this.#bind(SQL.startClosing, period, audit.atMs),
      this.#bind(SQL.closing, period),
    ]);
    const row = rowOf(found);
    return {
      cursor: [row["cursor_at"] as number, row["cursor_id"] as string],
      completedAtMs: row["completed_at"] as number | null,
    };
  }

  async unfinishedClosings(): Promise<Period[]> {
    return (await this.#db.prepare(SQL.unfinished).all<{ period: Period }>()).results.map(({ period }) => period);
  }

  async setCursor(period: Period, [createdAtMs, tenantId]: readonly [number, string]): Promise<void> {
    await this.#bind(SQL.setCursor, createdAtMs, tenantId, period).run();
  }

  async completeClosing(period: Period, atMs: number): Promise<void> {
    await this.#bind(SQL.setCompleted, atMs, period).run();
  }

  /** Tenants after a place who have existed before `createdBeforeMs`, have no statement of the period, and whose turn it is. */
  async tenantsToClose(
    period: Period,
    page: { after: readonly [number, string]; createdBeforeMs: number; limit: number; dueAtMs: number },
  ): Promise<(readonly [number, string])[]> {
    const { after, createdBeforeMs, limit, dueAtMs } = page;
    const rows = await this.#bind(SQL.tenantsToClose, ...after, createdBeforeMs, period, limit, dueAtMs).all<Row>();
    return rows.results.map((row) => [row["created_at"] as number, row["id"] as string] as const);
  }

  async progress(period: Period, createdBeforeMs: number): Promise<ClosingProgress> {
    const [tenants, toClose, archived] = await this.#db.batch<{ count: number }>([
      this.#bind(SQL.countTenants, createdBeforeMs),
      this.#bind(SQL.countToClose, createdBeforeMs, period),
      this.#bind(SQL.countArchived, period),
    ]);
    const remaining = rowOf(toClose).count;
    return { closed: rowOf(tenants).count - remaining, remaining, archived: rowOf(archived).count };
  }

  /** A page of the tenants that a month had, with what it came to where it is closed. */
  async monthsOfTenants(
    period: Period,
    page: { after: readonly [number, string]; createdBeforeMs: number; limit: number },
  ): Promise<{ createdAtMs: number; month: TenantMonth }[]> {
    const { after, createdBeforeMs, limit } = page;
    const rows = await this.#bind(SQL.monthsOfTenants, ...after, createdBeforeMs, period, limit).all<Row>();
    return rows.results.map((row) => ({ createdAtMs: row["created_at"] as number, month: toTenantMonth(row) }));
  }

  /** Notes that a step failed; with each failure in a row it is put off for twice as long, at most a day. */
  async noteProblem({ tenantId, period, step, reason, seq }: NewProblem, atMs: number): Promise<void> {
    const times = [atMs, FIRST_RETRY_MS, LONGEST_RETRY_MS] as const;
    await this.#bind(SQL.noteProblem, tenantId, period, step, reason, seq, ...times).run();
  }

  async clearProblem({ tenantId, period }: ClosedMonth, step: StatementStep): Promise<void> {
    await this.#bind(SQL.clearProblem, tenantId, period, step).run();
  }

  /** How many months are stuck, and the oldest of them. */
  async problems(limit: number): Promise<{ count: number; oldest: StatementProblem[] }> {
    const [counted, listed] = await this.#db.batch<Row>([
      this.#bind(SQL.countProblems),
      this.#bind(SQL.problems, limit),
    ]);
    return { count: rowOf(counted)["count"] as number, oldest: rowsOf(listed).map(toProblem) };
  }

  async tenantsWithTestEvents(limit: number): Promise<string[]> {
    return (await this.#bind(SQL.tenantsWithTestEvents, limit).all<{ id: string }>()).results.map(({ id }) => id);
  }

  /** The last event of a ledger that D1 has; null when it has none. */
  async lastEvent({ tenantId, mode }: LedgerName): Promise<number | null> {
    return (await this.#bind(SQL.lastEvent, tenantId, mode).first<{ seq: number | null }>())?.seq ?? null;
  }

  /** Deletes some `limit` events of a range from D1, in whole batches. True when none of the range is left. */
  async pruneEvents(ledger: LedgerName, range: { first: number; last: number }, limit: number): Promise<boolean> {
    const { tenantId, mode } = ledger;
    const bounds = [tenantId, mode, range.first, range.last] as const;
    const found = await this.#bind(SQL.firstEvent, ...bounds).first<{ seq: number }>();
    if (found === null) return true;
    await this.#bind(SQL.pruneEvents, ...bounds, found.seq + limit).run();
    return found.seq + limit > range.last;
  }

  #bind(statement: string, ...values: readonly SqlValue[]): D1PreparedStatement {
    return this.#db.prepare(statement).bind(...values);
  }
}

function toStatement(row: Row): StoredStatement {
  return {
    tenantId: row["tenant_id"] as string,
    period: row["period"] as Period,
    closedAtMs: row["closed_at"] as number,
    firstSeq: row["first_seq"] as number,
    lastSeq: row["last_seq"] as number,
    prefix: row["prefix"] as string,
    manifest: row["manifest"] as string,
    manifestSha256: row["manifest_sha256"] as string,
    isArchived: row["archived_at"] !== null,
    isPruned: row["pruned_at"] !== null,
  };
}

function toTenantMonth(row: Row): TenantMonth {
  const { id: tenantId, name, document } = row as { id: string; name: string; document: string };
  if (row["closed_at"] === null) return { tenantId, name, document, totals: null };
  const numberOf = (column: string) => (row[column] as number | null) ?? 0;
  return {
    tenantId,
    name,
    document,
    totals: {
      quantity: numberOf("quantity"),
      amountCentavos: numberOf("amount"),
      adjustmentsCentavos: numberOf("adjustments"),
      carriedOutCentavos: numberOf("carried_out"),
      totalCentavos: numberOf("total"),
      claroUnits: numberOf("delivered") + numberOf("confirmed"),
    },
  };
}

function toProblem(row: Row): StatementProblem {
  return {
    tenantId: row["tenant_id"] as string,
    period: row["period"] as Period,
    step: row["step"] as StatementStep,
    reason: row["reason"] as string,
    seq: row["seq"] as number | null,
    failures: row["failures"] as number,
    firstAtMs: row["first_at"] as number,
    retryAtMs: row["retry_at"] as number,
  };
}
