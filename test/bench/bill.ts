import type { Counts } from "./counting/counts.ts";
import { DAYS_A_MONTH } from "./counting/months.ts";
import { PRICES } from "./prices.ts";

/** What one month came to: operations that were counted, and bytes that were measured. */
export type Month = {
  readonly lookups: number;
  readonly counts: Counts;
  readonly cpuMs: number;
  /** Held on average of the month. */
  readonly ledgerBytes: number;
  readonly d1Bytes: number;
};

export type BillLine = {
  readonly operation: string;
  readonly perLookup: number;
  readonly price: string;
  readonly usdPerMillion: number;
};

export type Bill = { readonly lines: readonly BillLine[]; readonly usdPerMillion: number };

/**
 * What counting cannot tell. Each is on the dear side: an object is billed for the time that it works on a call, until its
 * writes are confirmed, and not for the time that it waits for the next one.
 */
export const ASSUMED = {
  callMs: 20,
  /** An alarm waits for D1. */
  alarmMs: 500,
  /** Billed in full, however little an object uses. */
  objectGb: 0.128,
  /** What the platform adds to a log line. */
  logLineExtraBytes: 1000,
  logsKeptDays: 7,
  /** In the object and D1: half a month on average, and until the month is closed, archived and pruned. */
  eventsKeptDays: 17,
} as const;

const MILLION = 1_000_000;
/** The marginal price of a month, by what it is charged for. */
export function billOf({ lookups, counts, cpuMs, ledgerBytes, d1Bytes }: Month): Bill {
  const objectRequests = counts.ledgerRequests + counts.sharedRequests;
  const activeMs = (objectRequests - counts.ledgerAlarms) * ASSUMED.callMs + counts.ledgerAlarms * ASSUMED.alarmMs;
  const logBytes = counts.logBytes + counts.logLines * ASSUMED.logLineExtraBytes;
  const charged: readonly (readonly [string, keyof typeof PRICES, number])[] = [
    ["Worker: requests", "workerRequest", counts.workerRequests],
    ["Worker: CPU ms", "cpuMs", cpuMs],
    ["objects: requests", "objectRequest", objectRequests],
    ["objects: duration, GB-s", "objectGbSecond", (activeMs / 1000) * ASSUMED.objectGb],
    ["objects: rows read", "objectRowRead", counts.ledgerRowsRead + counts.sharedRowsRead],
    ["objects: rows written", "objectRowWritten", counts.ledgerRowsWritten + counts.sharedRowsWritten],
    ["objects: stored, bytes", "objectGbMonth", ledgerBytes],
    ["KV: reads", "kvRead", counts.kvReads],
    ["KV: writes, deletes, lists", "kvWrite", counts.kvWrites],
    ["D1: rows read", "d1RowRead", counts.d1RowsRead],
    ["D1: rows written", "d1RowWritten", counts.d1RowsWritten],
    ["D1: stored, bytes", "d1GbMonth", d1Bytes],
    ["R2: class A", "r2ClassA", counts.r2ClassA],
    ["R2: class B", "r2ClassB", counts.r2ClassB],
    ["R2: stored, bytes", "r2GbMonth", counts.r2Bytes],
    ["logs: written, bytes", "logGb", logBytes],
    ["logs: stored, bytes", "logGbMonth", (logBytes * ASSUMED.logsKeptDays) / DAYS_A_MONTH],
  ];
  const lines = charged.map(([operation, name, amount]) => {
    const { usd, per, unit } = PRICES[name];
    const price = `${usd} a ${unit}`;
    return { operation, price, perLookup: amount / lookups, usdPerMillion: (amount / per) * usd * (MILLION / lookups) };
  });
  return { lines, usdPerMillion: lines.reduce((sum, line) => sum + line.usdPerMillion, 0) };
}
