import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS, OUTCOME_ORDER } from "../domain/ledger/day_sums.ts";
import type { Period } from "../domain/period.ts";

/** What only grows, of all live events that D1 has. `outcomes` and durations are as long as those of a day's sums. */
export type UsageCounters = {
  readonly outcomes: readonly number[];
  readonly billed: readonly [number];
  readonly amountMicros: readonly [number];
  readonly adjustments: readonly [number];
  readonly claroMs: readonly number[];
  readonly claroMsTotal: readonly [number];
  readonly admitMs: readonly number[];
  readonly admitMsTotal: readonly [number];
};

/** What a month's live events come to so far; adjustments may take it below zero. */
export type MonthSums = { readonly period: Period; readonly billed: number; readonly amountMicros: number };

export type UsageSums = {
  readonly counters: UsageCounters;
  readonly adjustmentMicros: number;
  readonly months: readonly MonthSums[];
  /** Tenants that have used up a share of their monthly cap: how many, and those that are nearest to it. */
  readonly nearCap: { readonly count: number; readonly tenants: readonly NearCap[] };
};

/** `share` is 1 where the cap is reached. */
type NearCap = { readonly tenantId: string; readonly share: number };

export const NEAR_CAP_SHARE = 0.8;
const TENANTS_SHOWN = 20;

const SQL = {
  totals: `SELECT billed, amount_micros, adjustments, adjustment_micros, claro_ms_total, admit_ms_total, counts, claro_ms,
      admit_ms FROM usage_totals WHERE mode = 'live'`,
  month: `SELECT coalesce(sum(billed), 0) AS billed, coalesce(sum(amount_micros + adjustment_micros), 0) AS amount
    FROM usage_months WHERE period = ? AND mode = 'live'`,
  nearCap: `
    SELECT tenant_id, spent * 1.0 / cap AS share, count(*) OVER () AS count FROM (
      SELECT month.tenant_id, month.amount_micros AS spent,
        iif(tenant.next_plan_from <= ?2, tenant.next_plan, tenant.plan)->>'$.monthlySpendCapMicros' AS cap
      FROM usage_months AS month JOIN tenants AS tenant ON tenant.id = month.tenant_id
      WHERE month.period = ?1 AND month.mode = 'live')
    WHERE cap > 0 AND spent >= cap * ?3 ORDER BY share DESC, tenant_id LIMIT ?4`,
} as const;

type Row = Record<string, unknown>;

/** What all tenants' days come to in D1, in one call of it. */
export class UsageSumsReader {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Caps are those of `periods[0]`. */
  async read(periods: readonly [Period, ...Period[]], nowMs: number): Promise<UsageSums> {
    const [totals, nearCap, ...months] = await this.#db.batch<Row>([
      this.#db.prepare(SQL.totals),
      this.#db.prepare(SQL.nearCap).bind(periods[0], nowMs, NEAR_CAP_SHARE, TENANTS_SHOWN),
      ...periods.map((period) => this.#db.prepare(SQL.month).bind(period)),
    ]);
    const row = totals?.results[0] ?? {};
    const near = nearCap?.results ?? [];
    return {
      counters: toCounters(row),
      adjustmentMicros: row["adjustment_micros"] as number,
      months: periods.map((period, index) => {
        const sums = months[index]?.results[0] ?? {};
        return { period, billed: sums["billed"] as number, amountMicros: sums["amount"] as number };
      }),
      nearCap: {
        count: (near[0]?.["count"] ?? 0) as number,
        tenants: near.map((each) => ({ tenantId: each["tenant_id"] as string, share: each["share"] as number })),
      },
    };
  }
}

function toCounters(row: Row): UsageCounters {
  const one = (column: string) => [row[column] as number] as const;
  return {
    outcomes: listOf(row["counts"], OUTCOME_ORDER.length),
    billed: one("billed"),
    amountMicros: one("amount_micros"),
    adjustments: one("adjustments"),
    claroMs: listOf(row["claro_ms"], CLARO_MS_BOUNDS.length + 1),
    claroMsTotal: one("claro_ms_total"),
    admitMs: listOf(row["admit_ms"], ADMIT_MS_BOUNDS.length + 1),
    admitMsTotal: one("admit_ms_total"),
  };
}

function listOf(json: unknown, length: number): number[] {
  const list = JSON.parse(json as string) as number[];
  if (list.length !== length)
    throw new Error(`D1 has ${list.length} sums where ${length} are kept: a migration is missing`);
  return list;
}
