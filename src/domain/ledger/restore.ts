import type { EventRow, StoredEventRow } from "../event_row.ts";
import { nextPeriod, periodBounds, type Period } from "../period.ts";
import { countOfDay } from "./day_counts.ts";
import { eventTimeAt } from "./event_time.ts";
import { identitiesOf } from "./identities.ts";
import { countRecorded, countsOf, enterPeriod, noteUse, type Past } from "./past.ts";
import { emptyState, type LedgerState, type OpenIntent } from "./state.ts";

/** What D1 and R2 have of a ledger, beside what its object still has of itself. */
export type Recorded = {
  /** What the recorded events come to. */
  readonly past: Past;
  /** The last month that R2 has as closed. */
  readonly lastClosed: Period | null;
  /** Whether an event or an open lookup of the object is among the recorded events. */
  readonly isRecorded: (id: string) => boolean;
  /** The object's events from the first that differs from the record on, in the order of seq. */
  readonly ownEvents: Iterable<StoredEventRow>;
  /** A lookup of the object's own or of the record. */
  readonly find: (id: string) => StoredEventRow | undefined;
};

/** An event of the object's own, with the seq that it has after the record's. */
export type Renumbered = { readonly id: string; readonly seq: number; readonly occurredAtMs: number };

/** What recorded events come to before the first of them. */
export function noPast(): Past {
  const { lastSeq, period, periodStartMs, tieredInPeriod, spentInPeriodMicros, allowanceUsed, highestPriceVersion } =
    emptyState();
  return {
    lastSeq,
    period,
    periodStartMs,
    tieredInPeriod,
    spentInPeriodMicros,
    allowanceUsed,
    highestPriceVersion,
    keys: new Map(),
  };
}

/**
 * The state of a ledger whose object was lost, or restored to an earlier point: what is recorded counts, and what the
 * object alone knows follows it. An event of its own keeps its price and its time, and gets the next seq; a lookup that is
 * open here and has ended in the record is open no more.
 */
export function restoreState(own: LedgerState, recorded: Recorded): { state: LedgerState; renumbered: Renumbered[] } {
  const { past, lastClosed } = recorded;
  // Versions of the object's own could be those that the record has for other prices.
  const shift = past.highestPriceVersion;
  const state: LedgerState = {
    ...own,
    ...past,
    keys: keysOf(own, past),
    stopped: null,
    prices: new Map([...own.prices].map(([version, tiers]) => [version + shift, tiers])),
    priceVersion: own.priceVersion + shift,
    nextPriceVersion: own.nextPriceVersion === null ? null : own.nextPriceVersion + shift,
    highestPriceVersion: own.highestPriceVersion + shift,
    open: new Map(),
    openAtPrice: new Map(),
    openKeys: new Map(),
    waiting: new Map(),
  };
  if (lastClosed !== null) {
    const period = nextPeriod(lastClosed);
    enterPeriod(state, { period, periodStartMs: periodBounds(period).startMs });
  }
  for (const [lookupId, intent] of own.open) {
    if (!recorded.isRecorded(lookupId)) reopen(state, { ...intent, priceVersion: intent.priceVersion + shift });
  }
  const renumbered: Renumbered[] = [];
  for (const event of recorded.ownEvents) {
    if (!recorded.isRecorded(event.id)) renumbered.push(addOwn(state, event, { shift, find: recorded.find }));
  }
  return { state, renumbered };
}

/** Keys that the terms name, or that have something open; what they saved up is the object's. */
function keysOf(own: LedgerState, past: Past): LedgerState["keys"] {
  const keys: LedgerState["keys"] = new Map();
  for (const { keyId } of own.terms?.keys ?? []) {
    const counts = past.keys.get(keyId);
    const ownCounts = own.keys.get(keyId);
    if (counts !== undefined) keys.set(keyId, { ...counts, open: 0 });
    if (ownCounts === undefined) continue;
    const merged = countsOf({ keys }, keyId);
    merged.bucket = ownCounts.bucket;
    noteUse(merged, ownCounts.lastUsedAtMs);
  }
  return keys;
}

function reopen(state: LedgerState, intent: OpenIntent): void {
  const { lookup, priceVersion, refusal, day } = intent;
  const { lookupId, keyId, idempotency } = lookup;
  state.open.set(lookupId, intent);
  state.openAtPrice.set(priceVersion, (state.openAtPrice.get(priceVersion) ?? 0) + 1);
  for (const { keyHash } of identitiesOf(idempotency)) state.openKeys.set(keyHash, lookupId);
  const counts = countsOf(state, keyId);
  counts.open += 1;
  if (refusal === null) counts.days = countOfDay(counts.days, day);
}

function addOwn(
  state: LedgerState,
  event: StoredEventRow,
  { shift, find }: { shift: number; find: Recorded["find"] },
): Renumbered {
  const { occurredAtMs, day, period } = eventTimeAt(state, event.occurred_at);
  const priceVersion = event.price_version ?? null;
  const row = {
    ...event,
    seq: state.lastSeq + 1,
    occurred_at: occurredAtMs,
    day,
    period,
    price_version: priceVersion === null ? null : priceVersion + shift,
  } as EventRow;
  countRecorded(state, row, row.corrects === null ? undefined : find(row.corrects));
  state.waiting.set(row.id, row);
  return { id: row.id, seq: row.seq, occurredAtMs };
}
