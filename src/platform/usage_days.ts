import { isoTime } from "../domain/instant.ts";
import { CLARO_MS_BOUNDS, OUTCOME_ORDER, usageOf, type OutcomeCounts } from "../domain/ledger/day_sums.ts";
import type { UsageCounts } from "../domain/meter_event.ts";
import { rowsOf } from "./batch_rows.ts";
import type { TenantNearLimit } from "./usage_sums.ts";

const COUNTS = `json_array(${OUTCOME_ORDER.map((_, n) => `sum(sums->>'$.counts[${n}]')`).join(", ")})`;
// Days of before durations were counted have none.
const BUCKETS = Array.from(
  { length: CLARO_MS_BOUNDS.length + 1 },
  (_, n) => `coalesce(sum(sums->>'$.claroMs[${n}]'), 0)`,
);

/** By hour of São Paulo, what a day's tenants come to. */
const HOURS = `(SELECT json_group_object(hour, json(counts)) FROM (
  SELECT each.key AS hour, json_array(${OUTCOME_ORDER.map((_, n) => `sum(each.value->>${n})`).join(", ")}) AS counts
  FROM usage_days AS within, json_each(within.sums, '$.hours') AS each
  WHERE within.date = day.date AND within.mode = 'live' GROUP BY each.key))`;

/** Those of the days `?1` that are not kept, each from the rows of its tenants; a day without any is not among them. */
const summed = (hours: string) => `
  SELECT day.date, ${COUNTS} AS counts, sum(sums->>'$.billed') AS billed, sum(sums->>'$.amountMicros') AS amount,
    json_array(${BUCKETS.join(", ")}) AS claro_ms, ${hours} AS hours
  FROM usage_days AS day WHERE day.mode = 'live' AND day.date IN (
    SELECT value FROM json_each(?1) WHERE NOT EXISTS (
      SELECT 1 FROM usage_of_all AS kept WHERE kept.date = value AND kept.mode = 'live'))
  GROUP BY day.date`;

const PLAN = `iif(next_plan_from <= ?3, next_plan, plan)`;
const ALLOWED = OUTCOME_ORDER.flatMap((outcome, n) => (outcome === "failed" ? [] : [`(sums->>'$.counts[${n}]')`])).join(
  " + ",
);

/**
 * What tenants on an allowance have used of it by the end of `?2`: the sum that was kept up to a day, and a seek for each day
 * since. A new tenant has no such sum yet, so each of its days is sought, 400 at most.
 */
const ALLOWANCES = `
  WITH RECURSIVE limited AS MATERIALIZED (
    SELECT id, name, coalesce(taken.used, 0) AS taken,
      coalesce(taken.through_date, date(created_at / 1000, 'unixepoch', '-2 days')) AS since,
      ${PLAN}->>'$.allowance.requests' AS most, ${PLAN}->>'$.allowance.endsAt' AS ends_at
    FROM tenants LEFT JOIN usage_allowances AS taken ON taken.tenant_id = id
    WHERE status = 'active' AND most > 0 AND (ends_at IS NULL OR ends_at > ?1)),
  days(date) AS (SELECT ?2 UNION ALL SELECT date(date, '-1 day') FROM days
    WHERE date > (SELECT max(date(min(since), '+1 day'), date(?2, '-400 days')) FROM limited))
  SELECT id, name, most, since, taken + coalesce((
    SELECT sum(${ALLOWED}) FROM days CROSS JOIN usage_days ON usage_days.date = days.date AND tenant_id = id AND mode = 'live'
    WHERE days.date > since), 0) AS used FROM limited`;

/** D1's own arithmetic, so that what comes back does not grow with the number of tenants. All of it is of live mode. */
const SQL = {
  // Hours are added up for the days of ?2 alone: they are the longer part of a day.
  days: `SELECT date, counts, billed, amount_micros AS amount, claro_ms, hours, 1 AS is_kept FROM usage_of_all
    WHERE date IN (SELECT value FROM json_each(?1)) AND mode = 'live'
    UNION ALL SELECT *, 0 FROM (${summed(`iif(day.date IN (SELECT value FROM json_each(?2)), ${HOURS}, '{}')`)}) ORDER BY date`,
  keep: `INSERT INTO usage_of_all (date, mode, counts, billed, amount_micros, claro_ms, hours)
    SELECT date, 'live', counts, billed, amount, claro_ms, hours FROM (${summed(HOURS)})`,
  allowances: `SELECT * FROM (${ALLOWANCES}) WHERE used >= most * ?4 ORDER BY 1.0 * used / most DESC, id LIMIT ?5`,
  takeAllowances: `INSERT INTO usage_allowances (tenant_id, through_date, used)
    SELECT id, ?2, used FROM (${ALLOWANCES}) WHERE since < ?2
    ON CONFLICT DO UPDATE SET through_date = excluded.through_date, used = excluded.used`,
  failing: `SELECT id, name, (sums->>'$.counts[3]') + (sums->>'$.counts[4]') AS failures,
      ${OUTCOME_ORDER.map((_, n) => `(sums->>'$.counts[${n}]')`).join(" + ")} AS requests
    FROM usage_days JOIN tenants ON id = tenant_id
    WHERE date = ?1 AND mode = 'live' AND failures >= ?2 AND failures >= requests * ?3 ORDER BY failures DESC, id LIMIT ?4`,
  ofTenants: `SELECT tenant_id, date, ${OUTCOME_ORDER.map((_, n) => `sums->>'$.counts[${n}]' AS c${n}`).join(", ")},
      sums->>'$.billed' AS billed, sums->>'$.amountMicros' AS amount
    FROM json_each(?1) AS wanted CROSS JOIN json_each(?2) AS day
    JOIN usage_days ON date = day.value AND tenant_id = wanted.value AND mode = 'live'`,
} as const;

type Row = Record<string, number | string | null>;

/** All tenants' lookups of a day, and the histogram of Claro's durations. */
export type DayOfAll = UsageCounts & {
  readonly date: string;
  readonly claroMs: readonly number[];
  /** By hour of São Paulo, where they were asked for. */
  readonly hours: Readonly<Record<string, OutcomeCounts>>;
  /** Whether its sums had been taken, so that reading it cost a row. */
  readonly isKept: boolean;
};
export type FailingTenant = {
  readonly tenantId: string;
  readonly name: string;
  readonly failures: number;
  readonly requests: number;
};

export type OverviewDays = {
  readonly days: readonly DayOfAll[];
  readonly nearAllowance: readonly TenantNearLimit[];
  readonly failing: readonly FailingTenant[];
};

export type OverviewAsked = {
  readonly today: string;
  /** The days that are told of, today among them; and those whose hours are. */
  readonly dates: readonly string[];
  readonly hoursOf: readonly string[];
  readonly nowMs: number;
  /** From which share on a limit is near, and lookups are failing; and with how many failures. */
  readonly nearShare: number;
  readonly failingShare: number;
  readonly fewestFailures: number;
  readonly most: number;
};

/** What all tenants' days come to, from the sums that the ledgers copy beside their events. */
export class UsageDays {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** All that an overview needs, in one call whatever the number of tenants. */
  async overview(asked: OverviewAsked): Promise<OverviewDays> {
    const { today, dates, hoursOf, nowMs, nearShare, failingShare, fewestFailures, most } = asked;
    const [days, allowances, failing] = await this.#db.batch<Row>([
      this.#db.prepare(SQL.days).bind(JSON.stringify(dates), JSON.stringify(hoursOf)),
      this.#db.prepare(SQL.allowances).bind(isoTime(nowMs), today, nowMs, nearShare, most),
      this.#db.prepare(SQL.failing).bind(today, fewestFailures, failingShare, most),
    ]);
    return {
      days: rowsOf(days).map((row) => ({
        date: String(row["date"]),
        ...countsOf(row, JSON.parse(String(row["counts"])) as OutcomeCounts),
        claroMs: JSON.parse(String(row["claro_ms"])) as number[],
        hours: JSON.parse(String(row["hours"])) as Record<string, OutcomeCounts>,
        isKept: row["is_kept"] === 1,
      })),
      nearAllowance: rowsOf(allowances).map(nearLimit),
      failing: rowsOf(failing).map((row) => ({
        tenantId: String(row["id"]),
        name: String(row["name"]),
        failures: Number(row["failures"]),
        requests: Number(row["requests"]),
      })),
    };
  }

  /** Takes the sums of days that are over, as far as they are not kept: the overview reads a row of each from then on. */
  async keep(dates: readonly string[]): Promise<void> {
    await this.#db.prepare(SQL.keep).bind(JSON.stringify(dates)).run();
  }

  /** Takes what tenants on an allowance have used up to a day that is over. */
  async takeAllowances(throughDate: string, nowMs: number): Promise<void> {
    await this.#db.prepare(SQL.takeAllowances).bind(isoTime(nowMs), throughDate, nowMs).run();
  }

  /** Some tenants' days, by tenant and date; a day without a lookup is not among them. */
  async ofTenants(
    tenantIds: readonly string[],
    dates: readonly string[],
  ): Promise<Map<string, Map<string, UsageCounts>>> {
    const asked = this.#db.prepare(SQL.ofTenants).bind(JSON.stringify(tenantIds), JSON.stringify(dates));
    const found = new Map<string, Map<string, UsageCounts>>(tenantIds.map((id) => [id, new Map()]));
    for (const row of (await asked.all<Row>()).results)
      found.get(String(row["tenant_id"]))?.set(String(row["date"]), countsOf(row, outcomesOf(row)));
    return found;
  }
}

function countsOf(row: Row, counts: OutcomeCounts): UsageCounts {
  return usageOf({ counts, billed: Number(row["billed"]), amountMicros: Number(row["amount"]) });
}

function outcomesOf(row: Row): OutcomeCounts {
  return OUTCOME_ORDER.map((_, n) => Number(row[`c${n}`])) as OutcomeCounts;
}

function nearLimit(row: Row): TenantNearLimit {
  return {
    tenantId: String(row["id"]),
    name: String(row["name"]),
    used: Number(row["used"]),
    most: Number(row["most"]),
  };
}
