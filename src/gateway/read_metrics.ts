import { previousPeriod, periodOf } from "../domain/period.ts";
import { unlessDown } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";
import type { UsageCounters, UsageSums } from "../platform/usage_sums.ts";
import { readHealth, type Health } from "./read_health.ts";

/** What a monitoring system is told. Null is what could not be asked. */
export type MetricsReading = {
  readonly health: Health;
  readonly usage: UsageSums | null;
  /** As they may be told: never lower than before. */
  readonly counters: UsageCounters | null;
};

/** Reads it in as many calls for ten thousand tenants as for one. */
export async function readMetrics(services: Services): Promise<MetricsReading> {
  const nowMs = services.clock.nowMs();
  const period = periodOf(nowMs);
  const [health, usage] = await Promise.all([
    readHealth(services),
    unlessDown(() => services.usageSums.read([period, previousPeriod(period)], nowMs)),
  ]);
  const counters = usage && (await unlessDown(() => services.counterFloor.raise(usage.counters)));
  return { health, usage, counters };
}
