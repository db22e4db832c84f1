import type { UsageCounts } from "./meter_event.ts";

/** Lookups that ended, whatever the end. */
export function requestsOf(counts: UsageCounts): number {
  return counts.delivered + counts.notFound + counts.rejected + counts.failed + counts.unknown;
}

/** The counts of something that says more than those, such as a day. */
export function pickCounts(counts: UsageCounts): UsageCounts {
  return addCounts(NO_USAGE, counts);
}

export function addCounts(left: UsageCounts, right: UsageCounts): UsageCounts {
  return {
    delivered: left.delivered + right.delivered,
    notFound: left.notFound + right.notFound,
    rejected: left.rejected + right.rejected,
    failed: left.failed + right.failed,
    unknown: left.unknown + right.unknown,
    billed: left.billed + right.billed,
    amountMicros: left.amountMicros + right.amountMicros,
  };
}

export const NO_USAGE: UsageCounts = {
  delivered: 0,
  notFound: 0,
  rejected: 0,
  failed: 0,
  unknown: 0,
  billed: 0,
  amountMicros: 0,
};
