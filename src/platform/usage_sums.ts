import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS, OUTCOME_ORDER } from "../domain/ledger/day_sums.ts";
import type { Period, SaoPauloDate } from "../domain/period.ts";
import { requireRow, rowOf, rowsOf } from "./batch_rows.ts";
import { USAGE_SQL } from "./usage_sums_sql.ts";

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
export type MonthSums = {
  readonly period: Period;
  readonly billed: number;
  readonly amountMicros: number;
  /** What Claro may charge for: delivered and unknown. */
  readonly claroUnits: number;
};

/** The same of one tenant, its adjustments apart. */
export type TenantMonthSums = {
  readonly billed: number;
  readonly amountMicros: number;
  readonly adjustmentMicros: number;
  readonly claroUnits: number;
};

/** How much of a limit a tenant has used; in micros for a cap, in lookups for an allowance. */
export type TenantNearLimit = {
  readonly tenantId: string;
  readonly name: string;
  readonly used: number;
  readonly most: number;
};

/** Active tenants that have used up a share of their monthly cap: how many, and those that are nearest to it. */
export type NearCap = { readonly count: number; readonly tenants: readonly TenantNearLimit[] };

export type UsageSums = {
  readonly counters: UsageCounters;
  readonly adjustmentMicros: number;
  readonly months: readonly MonthSums[];
  readonly nearCap: NearCap;
};

const NEAR_CAP_SHARE = 0.8;
const TENANTS_SHOWN = 20;

/** After every day. */
const NO_END = "9999-99-99";

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
      this.#db.prepare(USAGE_SQL.totals).bind(NO_END),
      this.#nearCap(periods[0], nowMs),
      ...periods.map((period) => this.#month(period)),
    ]);
    const row = rowOf(totals);
    return {
      counters: toCounters(row),
      adjustmentMicros: row["adjustment_micros"] as number,
      months: periods.map((period, index) => toMonth(period, months[index])),
      nearCap: toNearCap(nearCap),
    };
  }

  /** One month, and who is near a cap in it. */
  async readMonth(period: Period, nowMs: number): Promise<{ month: MonthSums; nearCap: NearCap }> {
    const [month, nearCap] = await this.#db.batch<Row>([this.#month(period), this.#nearCap(period, nowMs)]);
    return { month: toMonth(period, month), nearCap: toNearCap(nearCap) };
  }

  /** One month of each tenant that has anything in it. */
  async readMonthByTenant(period: Period): Promise<ReadonlyMap<string, TenantMonthSums>> {
    const { results } = await this.#db.prepare(USAGE_SQL.monthByTenant).bind(NO_END, period).all<Row>();
    return new Map(
      results.map((row) => [
        row["tenant_id"] as string,
        {
          billed: row["billed"] as number,
          amountMicros: row["amount"] as number,
          adjustmentMicros: row["adjustments"] as number,
          claroUnits: row["claro_units"] as number,
        },
      ]),
    );
  }

  #month(period: Period): D1PreparedStatement {
    return this.#db.prepare(USAGE_SQL.month).bind(NO_END, period);
  }

  #nearCap(period: Period, nowMs: number): D1PreparedStatement {
    return this.#db.prepare(USAGE_SQL.nearCap).bind(NO_END, period, nowMs, NEAR_CAP_SHARE, TENANTS_SHOWN);
  }

  /** The date from which on days are added up by each reading; empty for all. */
  async beforeDate(): Promise<string> {
    return requireRow(await this.#db.prepare(USAGE_SQL.beforeDate).first<string>("before_date"));
  }

  /** Takes the sums of the days before `date`. What such a day changes from then on, D1 adds by itself. */
  async moveTo(date: SaoPauloDate): Promise<void> {
    const statements = [USAGE_SQL.moveMonths, USAGE_SQL.moveTotals];
    await this.#db.batch(statements.map((statement) => this.#db.prepare(statement).bind(date)));
  }
}

function toMonth(period: Period, found: D1Result<Row> | undefined): MonthSums {
  const sums = rowOf(found);
  return {
    period,
    billed: sums["billed"] as number,
    amountMicros: sums["amount"] as number,
    claroUnits: sums["claro_units"] as number,
  };
}

function toNearCap(found: D1Result<Row> | undefined): NearCap {
  const rows = rowsOf(found);
  return {
    // The whole number stands in each row; without a row nobody is near.
    count: rows[0] === undefined ? 0 : (rows[0]["count"] as number),
    tenants: rows.map((row) => ({
      tenantId: row["tenant_id"] as string,
      name: row["name"] as string,
      used: row["spent"] as number,
      most: row["cap"] as number,
    })),
  };
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
