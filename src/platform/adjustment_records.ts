import { isoTime } from "../domain/instant.ts";
import type { Period } from "../domain/period.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";
import { requireRow, rowsOf } from "./batch_rows.ts";

/** A correction as it was asked for. `seq` and `occurredAtMs` are its event's; null while the ledger has yet to make it. */
export type Adjustment = {
  readonly tenantId: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly units: number;
  readonly amountMicros: number;
  readonly reason: string;
  readonly corrects: string | null;
  /** The month of what it corrects; null where it names nothing. */
  readonly correctsPeriod: Period | null;
  readonly event: { readonly seq: number; readonly occurredAtMs: number } | null;
};

const COLUMNS = `tenant_id, id, created_at, units, amount_micros, reason, corrects, corrects_period`;

/** How far credits may go, in micros below zero: for what they correct, and for its month. */
export type CreditLimits = { readonly chargeMicros: number; readonly periodMicros: number };

const SQL = {
  // A credit only while all for the same charge, and all for its month, stay within what they cost.
  insert: `INSERT INTO adjustments (${COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?5 >= 0 OR (
      (SELECT coalesce(sum(amount_micros), 0) FROM adjustments
        WHERE tenant_id = ?1 AND (?7 IS NULL OR corrects IS ?7)) + ?5 >= ?9
      AND (?8 IS NULL OR (SELECT coalesce(sum(amount_micros), 0) FROM adjustments
        WHERE tenant_id = ?1 AND corrects_period IS ?8) + ?5 >= ?10))
    ON CONFLICT DO NOTHING`,
  credited: `SELECT coalesce(sum(amount_micros), 0) AS sum FROM adjustments
    WHERE tenant_id = ?1 AND (?2 IS NULL OR corrects IS ?2)`,
  list: `SELECT ${COLUMNS}, seq, occurred_at FROM adjustments
    WHERE tenant_id = ? AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`,
  eventsAbout: `
    SELECT value->>'id' AS id, value->>'occurred_at' AS occurred_at, value->>'kind' AS kind,
      value->>'amount_micros' AS amount_micros, value->>'corrects' AS corrects
    FROM event_batches, json_each(event_batches.events)
    WHERE tenant_id = ?1 AND mode = 'live' AND instr(event_batches.events, ?2) > 0 AND instr(value, ?2) > 0`,
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

  async adjustment(tenantId: string, id: string): Promise<Adjustment | null> {
    const row = await this.#db.prepare(SQL.adjustment).bind(tenantId, id).first<Row>();
    return row === null ? null : toAdjustment(row);
  }

  /**
   * Keeps an adjustment and its line in the audit, and gives the one that now stands under its id; null where it would be a
   * credit past its limits, and nothing is kept. Two at once are decided one after the other.
   */
  async insert(adjustment: Adjustment, limits: CreditLimits, audit: AuditEntry): Promise<Adjustment | null> {
    const { tenantId, id, createdAtMs, units, amountMicros, reason, corrects, correctsPeriod } = adjustment;
    const columns = [tenantId, id, createdAtMs, units, amountMicros, reason, corrects, correctsPeriod];
    const [, , found] = await this.#db.batch<Row>([
      this.#db.prepare(SQL.insert).bind(...columns, -limits.chargeMicros, -limits.periodMicros),
      // After the row: what was not kept leaves no line, and neither does a repeat.
      auditInsert(this.#db, audit, {
        query: `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM adjustments WHERE tenant_id = ? AND id = ? AND created_at = ?)
          OR EXISTS (SELECT 1 FROM audit WHERE action = 'adjustment.create' AND target = ?)`,
        values: [tenantId, id, createdAtMs, audit.target],
      }),
      this.#db.prepare(SQL.adjustment).bind(tenantId, id),
    ]);
    const [row] = rowsOf(found);
    return row === undefined ? null : toAdjustment(row);
  }

  /** What has been given back so far, and charged again, for one thing; for all when it is null. In micros, signed. */
  async adjustedMicros(tenantId: string, corrects: string | null): Promise<number> {
    return requireRow(await this.#db.prepare(SQL.credited).bind(tenantId, corrects).first<{ sum: number }>()).sum;
  }

  /** A tenant's, the oldest first. */
  async list(tenantId: string, after: readonly [number, string] | null, limit: number): Promise<Adjustment[]> {
    const [createdAtMs, id] = after ?? [0, ""];
    const { results } = await this.#db.prepare(SQL.list).bind(tenantId, createdAtMs, id, limit).all<Row>();
    return results.map(toAdjustment);
  }

  /** Events of D1 that name an id anywhere, as they are exported. */
  async eventsAbout(tenantId: string, id: string) {
    const { results } = await this.#db.prepare(SQL.eventsAbout).bind(tenantId, id).all<Row>();
    return results.map((row) => ({
      id: row["id"] as string,
      occurredAt: isoTime(row["occurred_at"] as number),
      kind: row["kind"] as "lookup" | "adjustment",
      amountMicros: row["amount_micros"] as number,
      corrects: row["corrects"] as string | null,
    }));
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
    correctsPeriod: row["corrects_period"] as Period | null,
    event: seq === null || occurredAtMs === null ? null : { seq, occurredAtMs },
  };
}
