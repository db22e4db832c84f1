import { addExact } from "../money.ts";
import { formatSaoPaulo } from "../period.ts";
import type { EventRow, StoredEventRow } from "../event_row.ts";
import type { Outcome, UsageCounts } from "../meter_event.ts";

/**
 * Upper bounds in milliseconds of the histogram of Claro's answers, each inclusive; what is slower is in one bucket more.
 */
export const CLARO_MS_BOUNDS = [50, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000] as const;
/** The same of admissions, which take a round trip to the ledger. */
export const ADMIT_MS_BOUNDS = [5, 10, 25, 50, 100, 150, 200, 300, 500, 1000, 2000, 5000] as const;

/** Lookups by outcome, in the order of `OUTCOME_ORDER`. */
export type OutcomeCounts = [delivered: number, notFound: number, rejected: number, failed: number, unknown: number];

/** What one key did in a day. */
type KeySums = { counts: OutcomeCounts; billed: number; units: number; amountMicros: number };

/**
 * What a São Paulo day comes to, as one row in the object and the same one in D1. Adjustments are no lookups: they stand
 * apart. Sums recorded before hours, keys and durations were counted do not have them.
 */
export type DaySums = {
  date: string;
  firstSeq: number;
  lastSeq: number;
  counts: OutcomeCounts;
  billed: number;
  units: number;
  amountMicros: number;
  adjustments: number;
  adjustmentMicros: number;
  /** By hour of São Paulo, "00" to "23". */
  hours: Record<string, OutcomeCounts>;
  keys: Record<string, KeySums>;
  /** Lookups by Claro's duration, a count for each of `CLARO_MS_BOUNDS` and one more. */
  claroMs: number[];
  /** Those durations, added up. */
  claroMsTotal?: number;
  /** Lookups by how long their admission took, a count for each of `ADMIT_MS_BOUNDS` and one more. */
  admitMs?: number[];
  admitMsTotal?: number;
};

/** In this order outcomes are counted. */
export const OUTCOME_ORDER = [
  "delivered",
  "not_found",
  "rejected",
  "failed",
  "unknown",
] as const satisfies readonly Outcome[];

export function emptyDay(date: string, firstSeq: number): DaySums {
  return {
    date,
    firstSeq,
    lastSeq: firstSeq - 1,
    counts: noCounts(),
    billed: 0,
    units: 0,
    amountMicros: 0,
    adjustments: 0,
    adjustmentMicros: 0,
    hours: {},
    keys: {},
    claroMs: noDurations(CLARO_MS_BOUNDS),
    claroMsTotal: 0,
    admitMs: noDurations(ADMIT_MS_BOUNDS),
    admitMsTotal: 0,
  };
}

/** Counts one event, the next in seq, into its day. */
export function countEvent(sums: DaySums, event: EventRow | StoredEventRow): void {
  sums.lastSeq = event.seq;
  if (event.kind === "adjustment") {
    sums.adjustments += 1;
    sums.adjustmentMicros = addExact(sums.adjustmentMicros, event.amount_micros);
    return;
  }
  const index = OUTCOME_ORDER.findIndex((outcome) => outcome === event.outcome);
  if (index === -1) throw new RangeError(`the event ${event.seq} has no outcome`);
  const hour = formatSaoPaulo(event.occurred_at).slice(11, 13);
  sums.counts[index] = (sums.counts[index] ?? 0) + 1;
  const hours = (sums.hours[hour] ??= noCounts());
  hours[index] = (hours[index] ?? 0) + 1;
  sums.billed += event.billed;
  sums.units += event.units;
  sums.amountMicros = addExact(sums.amountMicros, event.amount_micros);
  if (event.key_id !== null) {
    const key = (sums.keys[event.key_id] ??= { counts: noCounts(), billed: 0, units: 0, amountMicros: 0 });
    key.counts[index] = (key.counts[index] ?? 0) + 1;
    key.billed += event.billed;
    key.units += event.units;
    key.amountMicros = addExact(key.amountMicros, event.amount_micros);
  }
  const { claro_ms: claroMs = null, admit_ms: admitMs = null } = event;
  if (claroMs !== null) {
    countDuration(sums.claroMs, CLARO_MS_BOUNDS, claroMs);
    sums.claroMsTotal = (sums.claroMsTotal ?? 0) + claroMs;
  }
  if (admitMs !== null) {
    countDuration((sums.admitMs ??= noDurations(ADMIT_MS_BOUNDS)), ADMIT_MS_BOUNDS, admitMs);
    sums.admitMsTotal = (sums.admitMsTotal ?? 0) + admitMs;
  }
}

function countDuration(histogram: number[], bounds: readonly number[], ms: number): void {
  const bound = bounds.findIndex((most) => ms <= most);
  const bucket = bound === -1 ? bounds.length : bound;
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** Counts events into the days that are there, and adds those that are not; the days that changed, in order. */
export function countEvents(
  events: Iterable<EventRow | StoredEventRow>,
  { dayOf, find }: { dayOf: (event: EventRow | StoredEventRow) => string; find: (date: string) => DaySums | undefined },
): DaySums[] {
  const changed = new Map<string, DaySums>();
  for (const event of events) {
    const date = dayOf(event);
    let sums = changed.get(date) ?? find(date);
    sums ??= emptyDay(date, event.seq);
    countEvent(sums, event);
    changed.set(date, sums);
  }
  return [...changed.values()].toSorted((left, right) => (left.date < right.date ? -1 : 1));
}

/** The counts of a day as usage shows them. */
export function usageOf({
  counts,
  billed,
  amountMicros,
}: Pick<DaySums, "counts" | "billed" | "amountMicros">): UsageCounts {
  const [delivered, notFound, rejected, failed, unknown] = counts;
  return { delivered, notFound, rejected, failed, unknown, billed, amountMicros };
}

function noCounts(): OutcomeCounts {
  return [0, 0, 0, 0, 0];
}

function noDurations(bounds: readonly number[]): number[] {
  return Array.from({ length: bounds.length + 1 }, () => 0);
}
