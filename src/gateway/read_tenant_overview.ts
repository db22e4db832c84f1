import { assertPresent } from "../domain/assert.ts";
import type { Failure } from "../domain/failure.ts";
import { forecastDays, type Forecast } from "../domain/forecast.ts";
import { DAY_MS } from "../domain/instant.ts";
import type { Mode } from "../domain/meter_event.ts";
import { periodBounds, periodOf, saoPauloDate, startOfDayMs, type SaoPauloDate } from "../domain/period.ts";
import { ok, type Result } from "../domain/result.ts";
import { requestsOf } from "../domain/usage.ts";
import { latestFailures, type FailureGroup } from "../platform/event_search.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { isOutage } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";
import { readUsage, type DayUsage, type UsageOfRange } from "./read_usage.ts";

/** What a tenant sees first: this month so far, what it will come to, and what went wrong lately. */
export type TenantOverview = {
  /** The last eight weeks and today, day by day, up to the last answered lookup. */
  readonly usage: UsageOfRange;
  readonly spentMicros: number;
  readonly lookups: number;
  /** What the month will come to in micros of BRL; null before there are two weeks of days. */
  readonly forecast: Forecast | null;
  /** For how many days the cap or the allowance lasts at this pace; null where neither will be reached this month, or there is none. */
  readonly daysLeft: { readonly of: "spend_cap" | "allowance"; readonly days: number } | null;
  /** Of the last seven days, by code; null where they could not be read. */
  readonly failures: readonly FailureGroup[] | null;
};

const HISTORY_DAYS = 56;
const FAILURE_DAYS = 7;

/** Asks the tenant's ledger once, and D1 for its failures. */
export async function readTenantOverview(
  services: Services,
  ledger: { readonly tenantId: string; readonly mode: Mode },
): Promise<Result<TenantOverview, Failure>> {
  const nowMs = services.clock.nowMs();
  const today = saoPauloDate(nowMs);
  const from = saoPauloDate(startOfDayMs(today) - HISTORY_DAYS * DAY_MS + DAY_MS / 2);
  const [usage, failures] = await Promise.all([
    readUsage(services, ledger, { from, to: today }),
    failuresOf(services, ledger, nowMs - FAILURE_DAYS * DAY_MS),
  ]);
  if (!usage.ok) return usage;
  const period = periodOf(nowMs);
  const thisMonth = usage.value.days.filter(({ date }) => date.startsWith(period));
  const spentMicros = thisMonth.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  const lookups = thisMonth.reduce((sum, day) => sum + requestsOf(day), 0);
  const forecast = ledger.mode === "live" ? monthForecast(usage.value.days, { today, period, spentMicros }) : null;
  return ok({ usage: usage.value, spentMicros, lookups, forecast, daysLeft: daysLeftOf(usage.value), failures });
}

/** What is spent before today, and what is expected of today and the days after it: never less than is spent by now. */
function monthForecast(
  days: readonly DayUsage[],
  { today, period, spentMicros }: { today: SaoPauloDate; period: ReturnType<typeof periodOf>; spentMicros: number },
): Forecast | null {
  // A tenant's first lookup is the beginning of its history: the empty days before tell nothing.
  const first = days.findIndex((day) => requestsOf(day) > 0);
  const history = first === -1 ? [] : days.slice(first).filter(({ date }) => date < today);
  const ahead = Math.round((periodBounds(period).endMs - startOfDayMs(today)) / DAY_MS);
  const rest = forecastDays(
    history.map(({ date, amountMicros }) => ({ date, amount: amountMicros })),
    ahead,
  );
  if (rest === null) return null;
  const before = spentMicros - (days.find(({ date }) => date === today)?.amountMicros ?? 0);
  const whole = (amount: number) => Math.max(Math.round(before + amount), spentMicros);
  return { expected: whole(rest.expected), low: whole(rest.low), high: whole(rest.high) };
}

function daysLeftOf({ days, spendCap, allowance }: UsageOfRange): TenantOverview["daysLeft"] {
  const lately = days.slice(-15, -1);
  const mean = (value: (day: DayUsage) => number) => lately.reduce((sum, day) => sum + value(day), 0) / lately.length;
  const ends: { of: "spend_cap" | "allowance"; days: number }[] = [];
  const spendADay = mean(({ amountMicros }) => amountMicros);
  if (spendCap !== null && spendADay > 0) {
    const left = Math.max(spendCap.limitMicros - spendCap.spentMicros, 0) / spendADay;
    const { date: today } = assertPresent(days.at(-1), "usage has no day");
    const untilReset = (spendCap.resetsAtMs - startOfDayMs(today)) / DAY_MS;
    if (left < untilReset) ends.push({ of: "spend_cap", days: left });
  }
  const lookupsADay = mean((day) => requestsOf(day) - day.failed);
  if (allowance !== null && lookupsADay > 0) ends.push({ of: "allowance", days: allowance.remaining / lookupsADay });
  return ends.toSorted((left, right) => left.days - right.days)[0] ?? null;
}

async function failuresOf(
  services: Services,
  ledger: { readonly tenantId: string; readonly mode: Mode },
  sinceMs: number,
): Promise<readonly FailureGroup[] | null> {
  if (ledger.mode === "test") return await testFailures(services, ledger, sinceMs);
  try {
    return await latestFailures(services.db, { sinceMs, tenantId: ledger.tenantId });
  } catch (error) {
    if (!isOutage(error)) throw error;
    return null;
  }
}

/** Test events are in their ledger alone. */
async function testFailures(
  services: Services,
  ledger: { readonly tenantId: string; readonly mode: Mode },
  sinceMs: number,
): Promise<readonly FailureGroup[] | null> {
  const events = await callLedger(services.ledgers, ledger, (stub) => stub.testEvents());
  if (!events.ok) return null;
  const failed = events.value.flatMap(({ failure_code: code, outcome, occurred_at: atMs }) => {
    const isFailed = outcome === "failed" || outcome === "unknown" || outcome === "rejected";
    return isFailed && atMs >= sinceMs ? [{ code: code ?? outcome, atMs }] : [];
  });
  const groups = Map.groupBy(failed, ({ code }) => code);
  return [...groups]
    .map(([code, each]) => ({
      code,
      failures: each.length,
      tenants: 1,
      lastAtMs: Math.max(...each.map(({ atMs }) => atMs)),
    }))
    .toSorted((left, right) => right.failures - left.failures);
}
