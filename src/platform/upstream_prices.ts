import type { Period } from "../domain/period.ts";
import type { PriceTier } from "../domain/plan.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";

const SQL = {
  set: `INSERT INTO upstream_prices (period, tiers, set_at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET tiers = excluded.tiers, set_at = excluded.set_at`,
  of: `SELECT period, tiers FROM upstream_prices WHERE period <= ? ORDER BY period DESC LIMIT 1`,
} as const;

/** Tiers with the month that they began with. */
export type UpstreamPrices = { readonly since: Period; readonly tiers: readonly PriceTier[] };

/** What Claro charges the operator, by the month that it charges so from. */
export class UpstreamPriceList {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async set(period: Period, tiers: readonly PriceTier[], audit: AuditEntry): Promise<void> {
    await this.#db.batch([
      auditInsert(this.#db, audit),
      this.#db.prepare(SQL.set).bind(period, JSON.stringify(tiers), audit.atMs),
    ]);
  }

  /** What a month is charged at; null where nobody has said it. */
  async of(period: Period): Promise<UpstreamPrices | null> {
    const row = await this.#db.prepare(SQL.of).bind(period).first<{ period: Period; tiers: string }>();
    return row === null ? null : { since: row.period, tiers: JSON.parse(row.tiers) as PriceTier[] };
  }
}
