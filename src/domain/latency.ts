import { assertPresent } from "./assert.ts";
import { CLARO_MS_BOUNDS } from "./ledger/day_sums.ts";

/** How long Claro took, in whole milliseconds; what is slower than the last bound counts as that. */
export type LatencyMs = { readonly p50: number; readonly p95: number; readonly p99: number };

/** Percentiles of a histogram over `CLARO_MS_BOUNDS`, even within a bucket; null where nothing was counted. */
export function latencyOf(buckets: readonly number[]): LatencyMs | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  return {
    p50: percentileMs(buckets, total * 0.5),
    p95: percentileMs(buckets, total * 0.95),
    p99: percentileMs(buckets, total * 0.99),
  };
}

function percentileMs(buckets: readonly number[], wanted: number): number {
  let below = 0;
  let lowerMs = 0;
  for (const [index, upperMs] of CLARO_MS_BOUNDS.entries()) {
    const count = assertPresent(buckets[index], "a histogram has fewer buckets than bounds");
    if (count > 0 && below + count >= wanted)
      return Math.round(lowerMs + ((wanted - below) / count) * (upperMs - lowerMs));
    below += count;
    lowerMs = upperMs;
  }
  return lowerMs;
}
