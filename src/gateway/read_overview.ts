import { DAY_MS } from "../domain/instant.ts";
import { latencyOf, type LatencyMs } from "../domain/latency.ts";
import { assertPresent } from "../domain/assert.ts";
import type { OutcomeCounts } from "../domain/ledger/day_sums.ts";
import type { UsageCounts } from "../domain/meter_event.ts";
import { periodOf, saoPauloDate, type SaoPauloDate } from "../domain/period.ts";
import { graduatedAmountMicros } from "../domain/pricing.ts";
import { possibleCostOf } from "../domain/statement_totals.ts";
import { NO_USAGE, pickCounts } from "../domain/usage.ts";
import { unlessDown } from "../platform/outage.ts";
import { latestFailures, type FailureGroup } from "../platform/event_search.ts";
import type { EndingKey } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import type { DayOfAll, FailingTenant } from "../platform/usage_days.ts";
import type { TenantNearLimit } from "../platform/usage_sums.ts";
import { alarmsOf, type HealthAlarm } from "./alarms.ts";
import { readHealth, type Health } from "./read_health.ts";
import { isUnsummed, overviewDates, sumUsage } from "./sum_usage.ts";

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

const ENDING_KEYS_DAYS = 14;
const NEAR_SHARE = 0.8;
/** One failure in ten, when there are some. */
const FAILING_SHARE = 0.1;
const FEWEST_FAILURES = 3;
const MOST_SHOWN = 20;

/**
 * The state of the business today, in a number of calls that does not grow with the number of tenants. What nobody waits for
 * goes on by `waitUntil`.
 */
export async function readOverview(services: Services, waitUntil: (work: Promise<unknown>) => void): Promise<Overview> {
  const nowMs = services.clock.nowMs();
  const dates = overviewDates(nowMs);
  const today = saoPauloDate(nowMs);
  const sameWeekday = assertPresent(dates[0], "an overview has no days");
  const asked = {
    today,
    dates,
    hoursOf: [today, sameWeekday],
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
  // The cron does it, where there is one: on one's own machine there is none.
  if (isUnsummed(found.days, nowMs)) waitUntil(unlessDown(() => sumUsage(services)));
  const shownToday = dayOf(today, found.days);
  const units = possibleCostOf(shownToday.counts).units;
  // The two are read side by side: a copy in between may be in one of them only.
  const unitsBefore = Math.max(0, month.claroUnits - units);
  const claroCostMicros = prices === null ? null : graduatedAmountMicros(prices.tiers, unitsBefore, units);
  return {
    today: shownToday,
    sameWeekday: dayOf(sameWeekday, found.days),
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

function dayOf(date: SaoPauloDate, days: readonly DayOfAll[]): OverviewDay {
  const found = days.find((day) => day.date === date);
  if (found === undefined) return { date, counts: NO_USAGE, latency: null, hours: {} };
  return { date, counts: pickCounts(found), latency: latencyOf(found.claroMs), hours: found.hours };
}
