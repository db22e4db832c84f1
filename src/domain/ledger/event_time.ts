import { periodBounds, periodOf, saoPauloDate, type SaoPauloDate } from "../period.ts";
import type { EventTime } from "./entries.ts";
import type { LedgerState } from "./state.ts";
import { CLOCK_MARGIN_MS } from "./times.ts";

/**
 * The instant that is believed of the object's clock and its caller's: the earlier one, give or take a margin. One wrong
 * reading a year ahead would otherwise move all later events into that month.
 */
export function believedNowMs(objectNowMs: number, callerNowMs: number | undefined): number {
  return callerNowMs === undefined ? objectNowMs : Math.min(objectNowMs, callerNowMs + CLOCK_MARGIN_MS);
}

/**
 * The period, day and time of an event that ends now. Events never fall behind the period of the one before, so that a
 * period is one range of seq: where a clock jumped back, or the month was closed, they stand at the period's first instant.
 */
export function eventTimeAt(state: LedgerState, nowMs: number): EventTime {
  const period = periodOf(nowMs);
  if (state.period === null || period >= state.period) {
    const { startMs: periodStartMs } = periodBounds(period);
    return { occurredAtMs: nowMs, day: saoPauloDate(nowMs), period, periodStartMs };
  }
  return {
    occurredAtMs: Math.max(nowMs, state.periodStartMs),
    day: `${state.period}-01` as SaoPauloDate,
    period: state.period,
    periodStartMs: state.periodStartMs,
  };
}
