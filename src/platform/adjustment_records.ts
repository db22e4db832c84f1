import { auditInsert, type AuditEntry } from "./audit.ts";

/** A correction as it was asked for. `seq` and `occurredAtMs` are its event's; null while the ledger has yet to make it. */
export type Adjustment = {
  readonly tenantId: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly units: number;
  readonly amountMicros: number;
  readonly reason: string;
  readonly corrects: string | null;
  readonly event: { readonly seq: number; readonly occurredAtMs: number } | null;
};

const COLUMNS = `tenant_id, id, created_at, units, amount_micros, reason, corrects`;

const SQL = {
  insert: `INSERT INTO adjustments (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  exists: `SELECT 1 FROM adjustments WHERE tenant_id = ? AND id = ?`,
  adjustment: `SELECT ${COLUMNS}, seq, occurred_at FROM adjustments WHERE tenant_id = ? AND id = ?`,
  waiting: `
    SELECT ${COLUMNS}, seq, occurred_at FROM adjustments WHERE seq IS NULL AND created_at < ? ORDER BY created_at LIMIT ?`,
  setEvent: `UPDATE adjustments SET seq = ?, occurred_at = ? WHERE tenant_id = ? AND id = ?`,
} as const;

type Row = Record<string, unknown>;

/** Corrections in D1. The first one under an id stays, whatever a repeat says. */
export class AdjustmentRecords {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Keeps a correction and its line in the audit, and gives the one that now stands under its id. */
  async insert(adjustment: Adjustment, audit: AuditEntry): Promise<Adjustment> {
    const { tenantId, id, createdAtMs, units, amountMicros, reason, corrects } = adjustment;
    const [, , found] = await this.#db.batch<Row>([
      auditInsert(this.#db, audit, { query: SQL.exists, values: [tenantId, id] }),
      this.#db.prepare(SQL.insert).bind(tenantId, id, createdAtMs, units, amountMicros, reason, corrects),
      this.#db.prepare(SQL.adjustment).bind(tenantId, id),
    ]);
    const [row] = found?.results ?? [];
    return row === undefined ? adjustment : toAdjustment(row);
  }

  /** Corrections made before `createdBeforeMs` whose event the ledger has yet to make. */
  async waiting(createdBeforeMs: number, limit: number): Promise<Adjustment[]> {
    return (await this.#db.prepare(SQL.waiting).bind(createdBeforeMs, limit).all<Row>()).results.map(toAdjustment);
  }

  async setEvent({ tenantId, id }: Adjustment, event: { seq: number; occurredAtMs: number }): Promise<void> {
    await this.#db.prepare(SQL.setEvent).bind(event.seq, event.occurredAtMs, tenantId, id).run();
  }
}

function toAdjustment(row: Row): Adjustment {
  const [seq, occurredAtMs] = [row["seq"] as number | null, row["occurred_at"] as number | null];
  return {
    tenantId: row["tenant_id"] as string,
    id: row["id"] as string,
    createdAtMs: row["created_at"] as number,
    units: row["units"] as number,
    amountMicros: row["amount_micros"] as number,
    reason: row["reason"] as string,
    corrects: row["corrects"] as string | null,
    event: seq === null || occurredAtMs === null ? null : { seq, occurredAtMs },
  };
}
