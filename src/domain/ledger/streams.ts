import type { StreamCall } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Streamed } from "./entries.ts";
import type { LedgerState } from "./state.ts";
import { LONGEST_STREAM_LEASE_MS } from "./times.ts";

/** Files are what costs D1 most; a tenant that opens many at once must not stand in the way of a revoke. */
const MOST_STREAMS = 2;

/**
 * Lets a tenant have so many streams of its files at a time, in whichever isolates they are. One whose isolate died ends
 * with its lease.
 */
export function decideHoldStream(
  { streams }: LedgerState,
  { id, leaseMs }: StreamCall,
  nowMs: number,
): Decision<{ readonly isHeld: boolean }> {
  const isKnown = streams.has(id);
  if (leaseMs <= 0) return { entries: isKnown ? [streamed(id, null, nowMs)] : [], reply: { isHeld: false } };
  // A clock that jumped back must not lock a tenant out: no lease ends later than one that is given now.
  const latestEndMs = nowMs + LONGEST_STREAM_LEASE_MS;
  const others = [...streams].filter(([known, endMs]) => known !== id && endMs > nowMs && endMs <= latestEndMs);
  if (others.length >= MOST_STREAMS) return { entries: [], reply: { isHeld: false } };
  const endsAtMs = nowMs + Math.min(leaseMs, LONGEST_STREAM_LEASE_MS);
  return { entries: [streamed(id, endsAtMs, nowMs)], reply: { isHeld: true } };
}

function streamed(id: string, endsAtMs: number | null, atMs: number): Streamed {
  return { type: "streamed", v: 1, atMs, id, endsAtMs };
}
