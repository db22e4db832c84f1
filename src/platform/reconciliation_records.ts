import type { Period } from "../domain/period.ts";
import type { ResolvedUnknown } from "../domain/reconciliation.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";
import { requireRow, rowOf, rowsOf } from "./batch_rows.ts";

/** A comparison with a report. What it came to is in R2. */
export type ReconciliationRun = {
  readonly id: string;
  readonly period: Period;
  readonly reportSha256: string;
  readonly actor: string;
  readonly lines: number;
  readonly startedAtMs: number;
  readonly done: number;
  readonly steps: number;
  readonly finishedAtMs: number | null;
  readonly unexplained: number | null;
  /** Why it will not end; null where it does. */
  readonly failure: string | null;
};

/** A lookup near its month's edge, and whose report names it. */
export type EdgeRecord = {
  readonly tenantId: string;
  readonly period: Period;
  readonly seq: number;
  readonly neighbour: Period;
  readonly lookupId: string;
  readonly matchedIn: Period | null;
};

/** A month whose last comparison left something that nothing explains. */
export type UnexplainedMonth = { readonly period: Period; readonly id: string; readonly unexplained: number };

const COLUMNS = `id, period, report_sha256, actor, lines, started_at, done, steps, finished_at, unexplained, failure`;

const SQL = {
  insert: `INSERT INTO reconciliation_runs (id, period, report_sha256, actor, lines, started_at, steps)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  run: `SELECT ${COLUMNS} FROM reconciliation_runs WHERE id = ?`,
  runs: `SELECT ${COLUMNS} FROM reconciliation_runs WHERE (?1 IS NULL OR period = ?1) AND (started_at, id) < (?2, ?3)
    ORDER BY started_at DESC, id DESC LIMIT ?4`,
  waiting: `SELECT ${COLUMNS} FROM reconciliation_runs WHERE finished_at IS NULL ORDER BY started_at, id LIMIT ?`,
  setProgress: `UPDATE reconciliation_runs SET done = max(done, ?) WHERE id = ?`,
  finish: `UPDATE reconciliation_runs SET done = steps, finished_at = ?, unexplained = ? WHERE id = ?`,
  setFailed: `UPDATE reconciliation_runs SET finished_at = ?, failure = ? WHERE id = ?`,
  isReconciled: `
    SELECT 1 FROM reconciliation_runs WHERE period = ?1 AND finished_at IS NOT NULL AND failure IS NULL
    UNION ALL SELECT 1 FROM reconciliations WHERE period = ?1 LIMIT 1`,
  unexplained: `
    SELECT period, id, unexplained FROM reconciliation_runs AS run WHERE finished_at IS NOT NULL AND failure IS NULL
      AND unexplained > 0 AND NOT EXISTS (SELECT 1 FROM reconciliation_runs AS later WHERE later.period = run.period
        AND later.finished_at IS NOT NULL AND later.failure IS NULL
        AND (later.started_at, later.id) > (run.started_at, run.id))
    ORDER BY period DESC LIMIT ?`,
  lostEdges: `
    SELECT count(*) AS count FROM edge_lookups WHERE matched_in IS NULL AND EXISTS (SELECT 1 FROM reconciliation_runs
      WHERE period = edge_lookups.neighbour AND finished_at IS NOT NULL AND failure IS NULL)`,
  resolve: `
    INSERT INTO resolved_unknowns (tenant_id, period, seq, lookup_id, transaction_id, resolved_at)
    SELECT value->>'tenantId', value->>'period', value->>'seq', value->>'lookupId', value->>'transactionId', ?1
    FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING`,
  noteEdges: `
    INSERT INTO edge_lookups (tenant_id, period, seq, neighbour, lookup_id, matched_in)
    SELECT value->>'tenantId', value->>'period', value->>'seq', value->>'neighbour', value->>'lookupId',
      value->>'matchedIn' FROM json_each(?1) WHERE true
    ON CONFLICT DO UPDATE SET matched_in = coalesce(matched_in, excluded.matched_in)`,
  edges: `SELECT seq FROM edge_lookups WHERE tenant_id = ? AND period = ? AND matched_in IS NOT NULL AND matched_in != period`,
  resolved: `SELECT seq, transaction_id FROM resolved_unknowns WHERE tenant_id = ? AND period = ?`,
  countResolved: `SELECT count(*) AS count FROM resolved_unknowns WHERE tenant_id = ? AND period = ?`,
} as const;

/** As many entries as one parameter carries without coming near D1's limits. */
const ROWS_A_STATEMENT = 2000;

type Row = Record<string, unknown>;

/** What Claro's reports have told, in D1. Nothing in it is ever taken back: a report only adds. */
export class ReconciliationRecords {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async insert(
    run: Omit<ReconciliationRun, "done" | "finishedAtMs" | "unexplained" | "failure">,
    audit: AuditEntry,
  ): Promise<void> {
    const { id, period, reportSha256, actor, lines, startedAtMs, steps } = run;
    await this.#db.batch([
      auditInsert(this.#db, audit),
      this.#db.prepare(SQL.insert).bind(id, period, reportSha256, actor, lines, startedAtMs, steps),
    ]);
  }

  async run(id: string): Promise<ReconciliationRun | null> {
    const row = await this.#db.prepare(SQL.run).bind(id).first<Row>();
    return row === null ? null : toRun(row);
  }

  /** The newest first, `limit` of them before a place. */
  async runs(period: Period | null, before: readonly [number, string] | null, limit: number) {
    const [startedAtMs, id] = before ?? [Number.MAX_SAFE_INTEGER, ""];
    const { results } = await this.#db.prepare(SQL.runs).bind(period, startedAtMs, id, limit).all<Row>();
    return results.map(toRun);
  }

  async waiting(limit: number): Promise<ReconciliationRun[]> {
    return (await this.#db.prepare(SQL.waiting).bind(limit).all<Row>()).results.map(toRun);
  }

  async setProgress(id: string, done: number): Promise<void> {
    await this.#db.prepare(SQL.setProgress).bind(done, id).run();
  }

  async fail(id: string, failure: string, atMs: number): Promise<void> {
    await this.#db.prepare(SQL.setFailed).bind(atMs, failure, id).run();
  }

  /** Keeps what a report has told, all of it or nothing. */
  async finish(
    id: string,
    told: { resolved: readonly ResolvedUnknown[]; edges: readonly EdgeRecord[]; unexplained: number },
    atMs: number,
  ): Promise<void> {
    await this.#db.batch([
      ...inParts(told.resolved).map((part) => this.#db.prepare(SQL.resolve).bind(atMs, JSON.stringify(part))),
      ...inParts(told.edges).map((part) => this.#db.prepare(SQL.noteEdges).bind(JSON.stringify(part))),
      this.#db.prepare(SQL.finish).bind(atMs, told.unexplained, id),
    ]);
  }

  async isReconciled(period: Period): Promise<boolean> {
    return (await this.#db.prepare(SQL.isReconciled).bind(period).first()) !== null;
  }

  /** Lookups of a month that a neighbour's report names. */
  async matchedElsewhere(tenantId: string, period: Period): Promise<Set<number>> {
    const { results } = await this.#db.prepare(SQL.edges).bind(tenantId, period).all<{ seq: number }>();
    return new Set(results.map(({ seq }) => seq));
  }

  /** Months whose last comparison leaves something open, and how many lookups at an edge no report names. */
  async alarms(limit: number): Promise<{ months: UnexplainedMonth[]; lostAtEdges: number }> {
    const [months, lost] = await this.#db.batch<Row>([
      this.#db.prepare(SQL.unexplained).bind(limit),
      this.#db.prepare(SQL.lostEdges),
    ]);
    return {
      months: rowsOf(months) as unknown as UnexplainedMonth[],
      lostAtEdges: rowOf(lost)["count"] as number,
    };
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
    return requireRow(row).count;
  }
}

function inParts<Entry>(entries: readonly Entry[]): (readonly Entry[])[] {
  return Array.from({ length: Math.ceil(entries.length / ROWS_A_STATEMENT) }, (_, index) =>
    entries.slice(index * ROWS_A_STATEMENT, (index + 1) * ROWS_A_STATEMENT),
  );
}

function toRun(row: Row): ReconciliationRun {
  return {
    id: row["id"] as string,
    period: row["period"] as Period,
    reportSha256: row["report_sha256"] as string,
    actor: row["actor"] as string,
    lines: row["lines"] as number,
    startedAtMs: row["started_at"] as number,
    done: row["done"] as number,
    steps: row["steps"] as number,
    finishedAtMs: row["finished_at"] as number | null,
    unexplained: row["unexplained"] as number | null,
    failure: row["failure"] as string | null,
  };
}
