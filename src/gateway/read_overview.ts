import { latencyOf, type LatencyMs } from "../domain/latency.ts";
import type { OutcomeCounts } from "../domain/ledger/day_sums.ts";
import type { UsageCounts } from "../domain/meter_event.ts";
import { periodOf, saoPauloDate, startOfDayMs, type SaoPauloDate } from "../domain/period.ts";
import { graduatedAmountMicros } from "../domain/pricing.ts";
import { possibleCostOf } from "../domain/statement_totals.ts";
import { NO_USAGE, pickCounts } from "../domain/usage.ts";
import { latestFailures, type FailureGroup } from "../platform/event_search.ts";
import type { EndingKey } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import type { FailingTenant, OverviewDays } from "../platform/usage_days.ts";
import type { TenantNearLimit } from "../platform/usage_sums.ts";
import { alarmsOf, type HealthAlarm } from "./alarms.ts";
import { readHealth, type Health } from "./read_health.ts";

/** All tenants' live lookups of a day. */
export type OverviewDay = {
  readonly date: SaoPauloDate;
  readonly counts: UsageCounts;
  readonly latency: LatencyMs | null;
  /** By hour of São Paulo, "00" to "23", those that had lookups. */
  readonly hours: Readonly<Record<string, OutcomeCounts>>;
};

export type Overview = {
  readonly today: OverviewDay;
  /** The same weekday a week before, whole. */
  readonly sameWeekday: OverviewDay;
  /** What Claro charges for today's lookups at its prices, which count the month's; null where nobody has said them. */
  readonly claroCostMicros: number | null;
  readonly marginMicros: number | null;
  readonly latencyByDay: readonly { readonly date: string; readonly latency: LatencyMs | null }[];
  readonly nearCap: readonly TenantNearLimit[];
  readonly nearAllowance: readonly TenantNearLimit[];
  readonly failing: readonly FailingTenant[];
  readonly failures: readonly FailureGroup[];
  readonly endingKeys: readonly EndingKey[];
  readonly alarms: readonly HealthAlarm[];
  readonly health: Health;
  /** Every lookup that had ended by then is counted; of later ones, most are. */
  readonly completeThroughMs: number;
  readonly asOfMs: number;
};

const DAY_MS = 86_400_000;
const LATENCY_DAYS = 8;
const ENDING_KEYS_DAYS = 14;
const NEAR_SHARE = 0.8;
/** One failure in ten, when there are some. */
const FAILING_SHARE = 0.1;
const FEWEST_FAILURES = 3;
const MOST_SHOWN = 20;

/** The state of the business today, in a number of calls that does not grow with the number of tenants. */
export async function readOverview(services: Services): Promise<Overview> {
  const nowMs = services.clock.nowMs();
  const today = saoPauloDate(nowMs);
  const daysBefore = (days: number) => saoPauloDate(startOfDayMs(today) - days * DAY_MS + DAY_MS / 2);
  const sameWeekday = daysBefore(7);
  const asked = {
    today,
    sameWeekday,
    from: daysBefore(LATENCY_DAYS - 1),
    nowMs,
    nearShare: NEAR_SHARE,
    failingShare: FAILING_SHARE,
    fewestFailures: FEWEST_FAILURES,
    most: MOST_SHOWN,
  };
  const period = periodOf(nowMs);
  const [found, { month, nearCap }, health, prices, endingKeys, failures] = await Promise.all([
    services.usageDays.overview(asked),
    services.usageSums.readMonth(period, nowMs),
    readHealth(services),
    services.upstreamPrices.of(period),
    services.register.keysEnding({ fromMs: nowMs, toMs: nowMs + ENDING_KEYS_DAYS * DAY_MS }, MOST_SHOWN),
    latestFailures(services.db, { sinceMs: nowMs - DAY_MS }),
  ]);
  const shownToday = dayOf(today, found);
  const units = possibleCostOf(shownToday.counts).units;
  // The two are read side by side: a copy in between may be in one of them only.
  const unitsBefore = Math.max(0, month.claroUnits - units);
  const claroCostMicros = prices === null ? null : graduatedAmountMicros(prices.tiers, unitsBefore, units);
  return {
    today: shownToday,
    sameWeekday: dayOf(sameWeekday, found),
    claroCostMicros,
    marginMicros: claroCostMicros === null ? null : shownToday.counts.amountMicros - claroCostMicros,
    latencyByDay: found.days.map(({ date, claroMs }) => ({ date, latency: latencyOf(claroMs) })),
    nearCap: nearCap.tenants,
    nearAllowance: found.nearAllowance,
    failing: found.failing,
    failures,
    endingKeys,
    alarms: alarmsOf(health),
    health,
    completeThroughMs: Math.min(
      nowMs - services.settings.ledgerFlushMs,
      health.oldestUnflushed?.oldestUnflushedAtMs ?? Infinity,
    ),
    asOfMs: nowMs,
  };
}

function dayOf(date: SaoPauloDate, { days, hours }: OverviewDays): OverviewDay {
  const found = days.find((day) => day.date === date);
  return {
    date,
    counts: found === undefined ? NO_USAGE : pickCounts(found),
    latency: found === undefined ? null : latencyOf(found.claroMs),
    hours: Object.fromEntries(hours.filter((each) => each.date === date).map(({ hour, counts }) => [hour, counts])),
  };
}
