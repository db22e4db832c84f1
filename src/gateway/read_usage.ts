import type { Failure } from "../domain/failure.ts";
import { DAY_MS } from "../domain/instant.ts";
import { usageOf } from "../domain/ledger/day_sums.ts";
import type { Mode, UsageCounts } from "../domain/meter_event.ts";
import { addExact } from "../domain/money.ts";
import { saoPauloDate, startOfNextDayMs, type SaoPauloDate } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { addCounts, NO_USAGE, pickCounts } from "../domain/usage.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { UsageDay, UsageReply } from "../platform/ledger/messages.ts";
import type { Services } from "../platform/services.ts";

/** São Paulo days, both of which belong to it. */
export type UsageRange = { readonly from: SaoPauloDate; readonly to: SaoPauloDate };

type UsageByKey = Readonly<Record<string, UsageCounts>>;
export type DayUsage = UsageCounts & { readonly date: SaoPauloDate; readonly keys: UsageByKey };

export type UsageOfRange = {
  readonly range: UsageRange;
  readonly totals: UsageCounts;
  /** Every day of the range, those without lookups too. */
  readonly days: readonly DayUsage[];
  readonly keys: UsageByKey;
  readonly allowance: {
    readonly limit: number;
    readonly used: number;
    readonly remaining: number;
    readonly endsAt: string | null;
  } | null;
  readonly spendCap: UsageReply["spendCap"];
  readonly adjustments: { readonly count: number; readonly amountMicros: number };
  /** Lookups and adjustments together. */
  readonly dueMicros: number;
  readonly asOfMs: number;
};

/** What a tenant used in some days, up to the last lookup that was answered before the call. It asks the ledger alone. */
export async function readUsage(
  services: Services,
  ledger: { readonly tenantId: string; readonly mode: Mode },
  range: UsageRange,
): Promise<Result<UsageOfRange, Failure>> {
  const reply = await callLedger(services.ledgers, ledger, (stub) => stub.usage(range));
  if (!reply.ok) return reply;
  if ((reply.value.notReady ?? null) !== null) return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
  const { allowance, spendCap, asOfMs } = reply.value;
  const byDate = new Map(reply.value.days.map((day) => [day.date, day]));
  const days = datesOf(range).map((date) => dayUsage(date, byDate.get(date)));
  const totals = days.reduce<UsageCounts>(addCounts, NO_USAGE);
  const adjustments = reply.value.days.reduce(
    (sum, day) => ({
      count: sum.count + day.adjustments,
      amountMicros: addExact(sum.amountMicros, day.adjustmentMicros),
    }),
    { count: 0, amountMicros: 0 },
  );
  return ok({
    range,
    totals,
    days,
    keys: sumByKey(days),
    allowance: allowance === null ? null : { ...allowance, remaining: Math.max(allowance.limit - allowance.used, 0) },
    spendCap,
    adjustments,
    dueMicros: addExact(totals.amountMicros, adjustments.amountMicros),
    asOfMs,
  });
}

/** The days of a range, in order. */
export function datesOf({ from, to }: UsageRange): SaoPauloDate[] {
  const dates = [from];
  for (let day = from; day < to;) {
    day = saoPauloDate(startOfNextDayMs(day));
    dates.push(day);
  }
  return dates;
}

/** The last days up to an instant, the oldest first. */
export function lastDates(nowMs: number, days: number): SaoPauloDate[] {
  return datesOf({ from: saoPauloDate(nowMs - (days - 1) * DAY_MS), to: saoPauloDate(nowMs) });
}

function dayUsage(date: SaoPauloDate, day: UsageDay | undefined): DayUsage {
  if (day === undefined) return { ...NO_USAGE, date, keys: {} };
  const keys = Object.entries(day.keys).map(([keyId, sums]) => [keyId, usageOf(sums)] as const);
  return { ...pickCounts(day), date, keys: Object.fromEntries(keys) };
}

function sumByKey(days: readonly DayUsage[]): UsageByKey {
  const sums = new Map<string, UsageCounts>();
  for (const { keys } of days) {
    for (const [keyId, counts] of Object.entries(keys)) sums.set(keyId, addCounts(sums.get(keyId) ?? NO_USAGE, counts));
  }
  return Object.fromEntries([...sums].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
