import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS, OUTCOME_ORDER } from "../domain/ledger/day_sums.ts";

const BEFORE_DATE = `(SELECT before_date FROM usage_totals WHERE mode = 'live')`;

/** Days whose sums are not taken yet, up to `?1`, which does not belong to them. */
const DAYS = `usage_days AS day WHERE day.mode = 'live' AND day.date < ?1 AND day.date >= ${BEFORE_DATE}`;

/** Those of the month `?2`: SQLite seeks by one lower bound and one upper. */
const DAYS_OF_MONTH = `usage_days AS day WHERE day.mode = 'live' AND day.date < min(?1, ?2 || '-32')
  AND day.date >= max(${BEFORE_DATE}, ?2 || '-01')`;

const SCALARS = {
  billed: "billed",
  amount_micros: "amountMicros",
  adjustments: "adjustments",
  adjustment_micros: "adjustmentMicros",
  claro_ms_total: "claroMsTotal",
  admit_ms_total: "admitMsTotal",
} as const;
/** Lists, each with its field and how long it is. */
const LISTS = {
  counts: ["counts", OUTCOME_ORDER.length],
  claro_ms: ["claroMs", CLARO_MS_BOUNDS.length + 1],
  admit_ms: ["admitMs", ADMIT_MS_BOUNDS.length + 1],
} as const;
const COLUMNS = [...Object.keys(SCALARS), ...Object.keys(LISTS)];

const sumOf = (path: string) => `coalesce(sum(day.sums->>'$.${path}'), 0)`;

/** What those days come to, in one pass over them. */
const ADDED = `SELECT ${[
  ...Object.entries(SCALARS).map(([column, field]) => `${sumOf(field)} AS ${column}`),
  ...Object.entries(LISTS).map(
    ([column, [field, length]]) =>
      `json_array(${Array.from({ length }, (_, n) => sumOf(`${field}[${n}]`)).join(", ")}) AS ${column}`,
  ),
].join(", ")} FROM ${DAYS}`;

const TOTALS = `SELECT ${[
  ...Object.keys(SCALARS).map((column) => `total.${column} + added.${column} AS ${column}`),
  ...Object.keys(LISTS).map(
    (
      column,
    ) => `(SELECT json_group_array(n) FROM (SELECT kept.value + new.value AS n FROM json_each(total.${column}) AS kept
      JOIN json_each(added.${column}) AS new ON new.key = kept.key ORDER BY kept.key)) AS ${column}`,
  ),
].join(", ")} FROM usage_totals AS total CROSS JOIN (${ADDED}) AS added WHERE total.mode = 'live'`;

/** `possibleCostOf` (domain/statement_totals.ts) in SQL. */
const CLARO_UNITS = `(day.sums->>'$.counts[0]') + (day.sums->>'$.counts[4]')`;

/** Tenants' months, of the days before the date that the totals have and of those since, up to `?1`. */
const MONTHS = `
  SELECT tenant_id, billed, amount_micros, adjustment_micros, claro_units
  FROM usage_months WHERE period = ?2 AND mode = 'live'
  UNION ALL SELECT day.tenant_id, day.sums->>'$.billed', day.sums->>'$.amountMicros',
    coalesce(day.sums->>'$.adjustmentMicros', 0), ${CLARO_UNITS} FROM ${DAYS_OF_MONTH}`;

export const USAGE_SQL = {
  totals: TOTALS,
  month: `SELECT coalesce(sum(billed), 0) AS billed, coalesce(sum(amount_micros + adjustment_micros), 0) AS amount,
    coalesce(sum(claro_units), 0) AS claro_units FROM (${MONTHS})`,
  monthByTenant: `SELECT tenant_id, sum(billed) AS billed, sum(amount_micros) AS amount,
    sum(adjustment_micros) AS adjustments, sum(claro_units) AS claro_units FROM (${MONTHS}) GROUP BY tenant_id`,
  nearCap: `
    SELECT tenant_id, name, spent, cap, count(*) OVER () AS count FROM (
      SELECT month.tenant_id, tenant.name, month.spent,
        iif(tenant.next_plan_from <= ?3, tenant.next_plan, tenant.plan)->>'$.monthlySpendCapMicros' AS cap
      FROM (SELECT tenant_id, sum(amount_micros) AS spent FROM (${MONTHS}) GROUP BY tenant_id) AS month
      JOIN tenants AS tenant ON tenant.id = month.tenant_id AND tenant.status = 'active')
    WHERE cap > 0 AND spent >= cap * ?4 ORDER BY spent * 1.0 / cap DESC, tenant_id LIMIT ?5`,
  moveMonths: `
    INSERT INTO usage_months (period, tenant_id, mode, billed, amount_micros, adjustment_micros, claro_units)
    SELECT substr(day.date, 1, 7), day.tenant_id, 'live', sum(day.sums->>'$.billed'), sum(day.sums->>'$.amountMicros'),
      sum(coalesce(day.sums->>'$.adjustmentMicros', 0)), sum(${CLARO_UNITS}) FROM ${DAYS} GROUP BY 1, 2
    ON CONFLICT DO UPDATE SET billed = billed + excluded.billed, amount_micros = amount_micros + excluded.amount_micros,
      adjustment_micros = adjustment_micros + excluded.adjustment_micros, claro_units = claro_units + excluded.claro_units`,
  moveTotals: `
    UPDATE usage_totals SET (${COLUMNS.join(", ")}, before_date) = (SELECT ${COLUMNS.join(", ")}, ?1 FROM (${TOTALS}))
    WHERE mode = 'live' AND before_date < ?1`,
  beforeDate: `SELECT before_date FROM usage_totals WHERE mode = 'live'`,
} as const;
