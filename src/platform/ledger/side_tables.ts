import type { RecordedAdjustment } from "../../domain/ledger/commands.ts";
import type { DaySums } from "../../domain/ledger/day_sums.ts";
import type { PriceTier } from "../../domain/plan.ts";

const SQL = {
  day: `SELECT sums FROM day_sums WHERE date = ?`,
  days: `SELECT sums FROM day_sums WHERE date >= ? AND date <= ? ORDER BY date`,
  saveDay: `INSERT INTO day_sums (date, sums) VALUES (?, ?) ON CONFLICT (date) DO UPDATE SET sums = excluded.sums`,
  adjustment: `SELECT seq, occurred_at AS occurredAtMs FROM adjustments WHERE id = ?`,
  addAdjustment: `INSERT INTO adjustments (id, seq, occurred_at) VALUES (?, ?, ?)`,
  moveAdjustment: `UPDATE adjustments SET seq = ?, occurred_at = ? WHERE id = ?`,
  savePrice: `INSERT INTO prices (version, tiers) VALUES (?, ?) ON CONFLICT (version) DO NOTHING`,
  copied: `SELECT through FROM copied`,
  saveCopied: `
    INSERT INTO copied (id, through, schema) VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET through = excluded.through`,
} as const;

/** The small tables beside the journal: day sums, ids of adjustments, prices, and how far D1 has the batches. */
export class SideTables {
  readonly #sql: SqlStorage;
  #copiedThrough: number | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  day(date: string): DaySums | undefined {
    const [row] = this.#sql.exec<{ sums: string }>(SQL.day, date).toArray();
    return row === undefined ? undefined : (JSON.parse(row.sums) as DaySums);
  }

  days({ from, to }: { from: string; to: string }): DaySums[] {
    const rows = this.#sql.exec<{ sums: string }>(SQL.days, from, to).toArray();
    return rows.map(({ sums }) => JSON.parse(sums) as DaySums);
  }

  saveDay(sums: DaySums): void {
    this.#sql.exec(SQL.saveDay, sums.date, JSON.stringify(sums));
  }

  adjustment(id: string): RecordedAdjustment | undefined {
    return this.#sql.exec<RecordedAdjustment>(SQL.adjustment, id).toArray()[0];
  }

  addAdjustment(id: string, { seq, occurredAtMs }: RecordedAdjustment): void {
    this.#sql.exec(SQL.addAdjustment, id, seq, occurredAtMs);
  }

  /** An adjustment has another place in the sequence than the object had given it. */
  moveAdjustment(id: string, { seq, occurredAtMs }: RecordedAdjustment): void {
    this.#sql.exec(SQL.moveAdjustment, seq, occurredAtMs, id);
  }

  savePrice(version: number, tiers: readonly PriceTier[]): void {
    this.#sql.exec(SQL.savePrice, version, JSON.stringify(tiers));
  }

  /** The last seq that D1 has. What waits may be among it. */
  copiedThrough(): number {
    this.#copiedThrough ??= this.#sql.exec<{ through: number }>(SQL.copied).toArray()[0]?.through ?? 0;
    return this.#copiedThrough;
  }

  saveCopied(through: number, schema: number): void {
    this.#sql.exec(SQL.saveCopied, through, schema);
    this.#copiedThrough = through;
  }
}
