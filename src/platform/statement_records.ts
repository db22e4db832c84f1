import type { Period } from "../domain/period.ts";
import type { ExportPublicKey } from "../domain/statement.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";

/** A closed month of a tenant, as D1 has it. `manifest` is the text of `manifest.json`, byte for byte. */
export type StoredStatement = {
  readonly tenantId: string;
  readonly period: Period;
  readonly closedAtMs: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** What the names of its files in R2 start with. */
  readonly prefix: string;
  readonly manifest: string;
  readonly manifestSha256: string;
  readonly isArchived: boolean;
  readonly isPruned: boolean;
};

export type NewStatement = Omit<StoredStatement, "isArchived" | "isPruned">;

/** How far the closing of a month for all tenants is. The cursor is the tenant that was begun last. */
export type Closing = { readonly cursor: readonly [number, string]; readonly completedAtMs: number | null };

const COLUMNS = `tenant_id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256`;

const SQL = {
  insert: `INSERT INTO statements (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  exists: `SELECT 1 FROM statements WHERE tenant_id = ? AND period = ?`,
  statement: `SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE tenant_id = ? AND period = ?`,
  latest: `SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE tenant_id = ? ORDER BY period DESC LIMIT 1`,
  between: `
    SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE tenant_id = ? AND period >= ? AND period <= ?`,
  ofTenants: `
    SELECT ${COLUMNS}, archived_at, pruned_at FROM statements
    WHERE period = ?1 AND tenant_id IN (SELECT value FROM json_each(?2))`,
  unpruned: `
    SELECT ${COLUMNS}, archived_at, pruned_at FROM statements WHERE pruned_at IS NULL
      AND (closed_at, tenant_id, period) > (?, ?, ?) ORDER BY closed_at, tenant_id, period LIMIT ?`,
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
    ORDER BY created_at, id LIMIT ?5`,
  countToClose: `
    SELECT count(*) AS count FROM tenants WHERE created_at < ?1
      AND NOT EXISTS (SELECT 1 FROM statements WHERE tenant_id = tenants.id AND period = ?2)`,
  countTenants: `SELECT count(*) AS count FROM tenants WHERE created_at < ?`,
  insertKey: `INSERT INTO export_keys (kid, x, first_used_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
  key: `SELECT x FROM export_keys WHERE kid = ?`,
  keys: `SELECT kid, x FROM export_keys ORDER BY first_used_at, kid`,
  pruneEvents: `DELETE FROM event_batches
    WHERE tenant_id = ?1 AND mode = ?2 AND first_seq >= ?3 AND last_seq <= ?4 AND first_seq < ?5`,
  firstEvent: `SELECT first_seq AS seq FROM event_batches
    WHERE tenant_id = ?1 AND mode = ?2 AND first_seq >= ?3 AND first_seq <= ?4 AND last_seq <= ?4
    ORDER BY first_seq LIMIT 1`,
} as const;

type Row = Record<string, unknown>;
type SqlValue = string | number | null;

/** Closed statements in D1 and the work of closing. What has a row is closed; the first row to arrive stays. */
export class StatementRecords {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** False when somebody else has closed it first; nothing is changed then. */
  async insert(statement: NewStatement, audit: AuditEntry): Promise<boolean> {
    const { tenantId, period, closedAtMs, firstSeq, lastSeq, prefix, manifest, manifestSha256 } = statement;
    const [, inserted] = await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.exists, values: [tenantId, period] }),
      this.#bind(SQL.insert, tenantId, period, closedAtMs, firstSeq, lastSeq, prefix, manifest, manifestSha256),
    ]);
    return inserted?.meta.changes === 1;
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

  /** Statements whose events are still in D1, oldest first. */
  async unpruned(after: StoredStatement | null, limit: number): Promise<StoredStatement[]> {
    const place = after === null ? ([0, "", ""] as const) : ([after.closedAtMs, after.tenantId, after.period] as const);
    return (await this.#bind(SQL.unpruned, ...place, limit).all<Row>()).results.map(toStatement);
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
    const row = found?.results[0] ?? {};
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

  /** Tenants after a place who have existed before `createdBeforeMs` and have no statement of the period. */
  async tenantsToClose(
    period: Period,
    page: { after: readonly [number, string]; createdBeforeMs: number; limit: number },
  ): Promise<(readonly [number, string])[]> {
    const { after, createdBeforeMs, limit } = page;
    const rows = await this.#bind(SQL.tenantsToClose, ...after, createdBeforeMs, period, limit).all<Row>();
    return rows.results.map((row) => [row["created_at"] as number, row["id"] as string] as const);
  }

  async progress(period: Period, createdBeforeMs: number): Promise<{ closed: number; remaining: number }> {
    const [tenants, toClose] = await this.#db.batch<{ count: number }>([
      this.#bind(SQL.countTenants, createdBeforeMs),
      this.#bind(SQL.countToClose, createdBeforeMs, period),
    ]);
    const remaining = toClose?.results[0]?.count ?? 0;
    return { closed: (tenants?.results[0]?.count ?? 0) - remaining, remaining };
  }

  /** Keeps a public key for ever. False when its name is another key's. */
  async keepKey({ kid, x }: ExportPublicKey, atMs: number): Promise<boolean> {
    const [, kept] = await this.#db.batch<{ x: string }>([
      this.#bind(SQL.insertKey, kid, x, atMs),
      this.#bind(SQL.key, kid),
    ]);
    return kept?.results[0]?.x === x;
  }

  async keys(): Promise<ExportPublicKey[]> {
    const { results } = await this.#db.prepare(SQL.keys).all<{ kid: string; x: string }>();
    return results.map(({ kid, x }) => ({ kty: "OKP", crv: "Ed25519", x, kid }));
  }

  /** Deletes some `limit` events of a range from D1, in whole batches. True when none of the range is left. */
  async pruneEvents(
    ledger: { tenantId: string; mode: "live" | "test" },
    range: { first: number; last: number },
    limit: number,
  ): Promise<boolean> {
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
