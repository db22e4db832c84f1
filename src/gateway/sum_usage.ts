import { saoPauloDate } from "../domain/period.ts";
import type { Services } from "../platform/services.ts";

/** Days that late copies still change are summed by each reading: a row of a day is cheaper to read than to write again. */
const RECENT_MS = 86_400_000;

/** Takes the sums of the days that are over, once a day, so that neither metrics nor the overview reads all of the past. */
export async function sumUsage(services: Services): Promise<void> {
  const date = saoPauloDate(services.clock.nowMs() - RECENT_MS);
  if ((await services.usageSums.beforeDate()) < date) await services.usageSums.moveTo(date);
}
