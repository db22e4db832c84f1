import { isoTime } from "../domain/instant.ts";
import { CLARO_MS_BOUNDS, OUTCOME_ORDER, usageOf, type OutcomeCounts } from "../domain/ledger/day_sums.ts";
import type { UsageCounts } from "../domain/meter_event.ts";
import { rowsOf } from "./batch_rows.ts";
import type { TenantNearLimit } from "./usage_sums.ts";

const SUMS = [
  ...OUTCOME_ORDER.map((_, index) => `sum(sums->>'$.counts[${index}]') AS c${index}`),
  `sum(sums->>'$.billed') AS billed`,
  `sum(sums->>'$.amountMicros') AS amount`,
].join(", ");
const BUCKETS = Array.from(
  { length: CLARO_MS_BOUNDS.length + 1 },
  (_, n) => `total(sums->>'$.claroMs[${n}]') AS b${n}`,
);

const PLAN = `iif(next_plan_from <= ?4, next_plan, plan)`;

/** D1's own arithmetic, so that what comes back does not grow with the number of tenants. All of it is of live mode. */
const SQL = {
  days: `SELECT date, ${SUMS}, ${BUCKETS.join(", ")} FROM usage_days
    WHERE date BETWEEN ?1 AND ?2 AND mode = 'live' GROUP BY date ORDER BY date`,
  hours: `SELECT date, hour.key AS hour, ${OUTCOME_ORDER.map((_, n) => `sum(hour.value->>${n}) AS c${n}`).join(", ")}
    FROM usage_days, json_each(usage_days.sums, '$.hours') AS hour
    WHERE date IN (?1, ?2) AND mode = 'live' GROUP BY date, hour.key ORDER BY date, hour.key`,
  // Tenants on an allowance are few and new: a seek for each and day, instead of a pass over all days.
  allowances: `WITH RECURSIVE limited AS MATERIALIZED (
      SELECT id, name, created_at, ${PLAN}->>'$.allowance.requests' AS most, ${PLAN}->>'$.allowance.endsAt' AS ends_at
      FROM tenants WHERE status = 'active' AND most > 0 AND (ends_at IS NULL OR ends_at > ?1)),
    days(date) AS (SELECT ?2 UNION ALL SELECT date(date, '-1 day') FROM days
      WHERE date > (SELECT max(date(min(created_at) / 1000, 'unixepoch', '-1 day'), date(?2, '-400 days')) FROM limited))
    SELECT id, name, sum(${OUTCOME_ORDER.flatMap((outcome, n) => (outcome === "failed" ? [] : [`(sums->>'$.counts[${n}]')`])).join(" + ")}) AS used, most
    FROM limited CROSS JOIN days JOIN usage_days ON usage_days.date = days.date AND tenant_id = id AND mode = 'live'
    GROUP BY id HAVING used >= most * ?3 ORDER BY 1.0 * used / most DESC, id LIMIT ?5`,
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
type DayOfAll = UsageCounts & { readonly date: string; readonly claroMs: readonly number[] };
type HourOfAll = { readonly date: string; readonly hour: string; readonly counts: OutcomeCounts };
export type FailingTenant = {
  readonly tenantId: string;
  readonly name: string;
  readonly failures: number;
  readonly requests: number;
};

export type OverviewDays = {
  readonly days: readonly DayOfAll[];
  readonly hours: readonly HourOfAll[];
  readonly nearAllowance: readonly TenantNearLimit[];
  readonly failing: readonly FailingTenant[];
};

export type OverviewAsked = {
  readonly today: string;
  readonly sameWeekday: string;
  /** The first of the days whose latency is told. */
  readonly from: string;
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
    const { today, sameWeekday, from, nowMs, nearShare, failingShare, fewestFailures, most } = asked;
    const [days, hours, allowances, failing] = await this.#db.batch<Row>([
      this.#db.prepare(SQL.days).bind(from, today),
      this.#db.prepare(SQL.hours).bind(today, sameWeekday),
      this.#db.prepare(SQL.allowances).bind(isoTime(nowMs), today, nearShare, nowMs, most),
      this.#db.prepare(SQL.failing).bind(today, fewestFailures, failingShare, most),
    ]);
    return {
      days: rowsOf(days).map((row) => ({
        date: String(row["date"]),
        ...countsOf(row),
        claroMs: BUCKETS.map((_, n) => Number(row[`b${n}`])),
      })),
      hours: rowsOf(hours).map((row) => ({
        date: String(row["date"]),
        hour: String(row["hour"]),
        counts: outcomesOf(row),
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

  /** Some tenants' days, by tenant and date; a day without a lookup is not among them. */
  async ofTenants(
    tenantIds: readonly string[],
    dates: readonly string[],
  ): Promise<Map<string, Map<string, UsageCounts>>> {
    const asked = this.#db.prepare(SQL.ofTenants).bind(JSON.stringify(tenantIds), JSON.stringify(dates));
    const found = new Map<string, Map<string, UsageCounts>>(tenantIds.map((id) => [id, new Map()]));
    for (const row of (await asked.all<Row>()).results)
      found.get(String(row["tenant_id"]))?.set(String(row["date"]), countsOf(row));
    return found;
  }
}

function countsOf(row: Row): UsageCounts {
  return usageOf({
    counts: outcomesOf(row),
    billed: Number(row["billed"]),
    amountMicros: Number(row["amount"]),
  });
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
