import { assertPresent } from "../domain/assert.ts";
import { DAY_MS } from "../domain/instant.ts";
import { saoPauloDate, type SaoPauloDate } from "../domain/period.ts";
import type { Services } from "../platform/services.ts";
import { lastDates } from "./read_usage.ts";

/** Days that late copies still change are summed by each reading: a row of a day is cheaper to read than to write again. */
const RECENT_MS = DAY_MS;
/** From the weekday of a week before to today. */
const OVERVIEW_DAYS = 8;

/** The days that the overview tells of, the oldest first. */
export function overviewDates(nowMs: number): readonly SaoPauloDate[] {
  return lastDates(nowMs, OVERVIEW_DAYS);
}

/** Takes the sums of the days that are over, so that neither metrics nor the overview reads each tenant's row of them. */
export async function sumUsage(services: Services): Promise<void> {
  const nowMs = services.clock.nowMs();
  const date = saoPauloDate(nowMs - RECENT_MS);
  const over = overviewDates(nowMs).filter((each) => each < date);
  if ((await services.usageSums.beforeDate()) < date) {
    await services.usageDays.takeAllowances(assertPresent(over.at(-1), "no day is over"), nowMs);
    await services.usageSums.moveTo(date);
  }
  await services.usageDays.keep(over);
}

/** Whether sums of a day that is over were not there when it was read. */
export function isUnsummed(
  days: readonly { readonly date: string; readonly isKept: boolean }[],
  nowMs: number,
): boolean {
  const recent = saoPauloDate(nowMs - RECENT_MS);
  return days.some(({ date, isKept }) => !isKept && date < recent);
}
