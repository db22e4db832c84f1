import { assert } from "../assert.ts";
import type { StoredEventRow } from "../event_row.ts";
import { OUTCOMES, type Outcome } from "../meter_event.ts";
import { unitPriceMicros } from "../pricing.ts";
import type { Charge, Facts, SettleCall, SettleReply } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Ended, EventTime } from "./entries.ts";
import { eventTimeAt } from "./event_time.ts";
import { hasTierPlaces, limitNotices, usesAllowance, type LimitNotices } from "./limits.ts";
import { limitState, tiersOf, type LedgerState, type OpenIntent } from "./state.ts";
import { CLOCK_MARGIN_MS, LONGEST_JUMP_BACK_MS } from "./times.ts";

/** What is known of a lookup's end. */
export type End = {
  readonly outcome: Outcome;
  readonly transactionId: string | null;
  readonly failureCode?: string | null | undefined;
  readonly upstreamStatus?: number | null | undefined;
  readonly admitMs?: number | null | undefined;
  readonly claroMs?: number | null | undefined;
};

/** Ends an intent as exactly one event. Repeating a settle gives the first one's answer. */
export function decideSettle(
  state: LedgerState,
  call: SettleCall,
  { facts, nowMs }: { facts: Facts; nowMs: number },
): Decision<SettleReply> {
  assert(OUTCOMES.includes(call.outcome), `the settlement of ${call.lookupId} has no outcome`);
  const intent = state.open.get(call.lookupId);
  if (intent === undefined) return { entries: [], reply: replyOfEvent(state, facts.event, { call, nowMs }) };
  const { withinMs = facts.intentTtlMs } = call;
  const isLate = call.outcome === "delivered" && nowMs - intent.admittedAtMs > withinMs;
  const isRefused = intent.refusal !== null && call.outcome !== "failed";
  const outcome = isLate || isRefused ? "unknown" : call.outcome;
  const entry = endedEntry(state, intent, { end: { ...call, outcome }, nowMs });
  if (outcome !== call.outcome) return { entries: [entry], reply: { kind: "ended", outcome } };
  const notices = noticesAfter(state, intent, { entry, nowMs });
  return { entries: [entry], reply: { kind: "settled", seq: entry.seq, charge: chargeOf(entry), notices } };
}

/** Ends as `unknown` what nobody settled: at the end of its time, whenever that is noticed. */
export function decideExpire(state: LedgerState, lookupId: string, nowMs: number): Decision<null> {
  const intent = state.open.get(lookupId);
  assert(intent !== undefined, `the lookup ${lookupId} expires and is not open`);
  const endedAtMs = Math.min(intent.endsAtMs, nowMs);
  const entry = endedEntry(state, intent, { end: { outcome: "unknown", transactionId: null }, nowMs: endedAtMs });
  return { entries: [entry], reply: null };
}

/** The lookups whose time is over. A clock that jumped back over an hour ends them too, not never. */
export function overdueLookups(state: LedgerState, nowMs: number): string[] {
  const overdue: string[] = [];
  for (const [lookupId, { admittedAtMs, endsAtMs }] of state.open) {
    if (nowMs < endsAtMs && admittedAtMs - nowMs <= LONGEST_JUMP_BACK_MS) break;
    overdue.push(lookupId);
  }
  return overdue;
}

/** The one event of an intent. Only a delivered lookup of live mode is priced, by its place in the period's tiers. */
export function endedEntry(
  state: LedgerState,
  { lookup, priceVersion, admittedAtMs }: Pick<OpenIntent, "lookup" | "priceVersion" | "admittedAtMs">,
  { end, nowMs }: { end: End; nowMs: number },
): Ended {
  // No event is before its admission, by whose month the limits were decided: clocks may differ by the margin.
  const time = eventTimeAt(state, Math.max(nowMs, Math.min(admittedAtMs, nowMs + CLOCK_MARGIN_MS)));
  const tiers = tiersOf(state, priceVersion);
  const isPriced = end.outcome === "delivered" && state.terms?.mode === "live" && hasTierPlaces(tiers);
  const priceMicros = isPriced ? unitPriceMicros(tiers, placeInTiers(state, time)) : 0;
  return {
    type: "ended",
    v: 1,
    atMs: nowMs,
    lookupId: lookup.lookupId,
    seq: state.lastSeq + 1,
    time,
    outcome: end.outcome,
    billed: priceMicros > 0,
    units: isPriced ? 1 : 0,
    unitPriceMicros: priceMicros,
    transactionId: end.transactionId,
    failureCode: end.failureCode ?? null,
    upstreamStatus: end.upstreamStatus ?? null,
    admitMs: end.admitMs ?? null,
    claroMs: end.claroMs ?? null,
  };
}

function placeInTiers(state: LedgerState, { period }: EventTime): number {
  return period === state.period ? state.tieredInPeriod + 1 : 1;
}

function replyOfEvent(
  state: LedgerState,
  event: StoredEventRow | undefined,
  { call, nowMs }: { call: SettleCall; nowMs: number },
): SettleReply {
  if (event === undefined) return { kind: "no_intent" };
  if (event.outcome !== call.outcome) return { kind: "ended", outcome: event.outcome };
  const charge: Charge = {
    billed: event.billed === 1,
    unitPriceMicros: event.unit_price_micros ?? 0,
    amountMicros: event.amount_micros,
  };
  const notices = state.terms === null ? null : limitNotices(limitState(state, nowMs));
  return { kind: "settled", seq: event.seq, charge, notices };
}

function chargeOf({ billed, unitPriceMicros: micros }: Ended): Charge {
  return { billed, unitPriceMicros: micros, amountMicros: micros };
}

function noticesAfter(
  state: LedgerState,
  { priceVersion }: OpenIntent,
  { entry, nowMs }: { entry: Ended; nowMs: number },
): LimitNotices | null {
  if (state.terms === null) return null;
  const before = limitState(state, nowMs);
  const tiers = tiersOf(state, priceVersion);
  return limitNotices({
    ...before,
    held: before.held.map((held) => (held.tiers === tiers ? { tiers, count: held.count - 1 } : held)),
    allowanceUsed: before.allowanceUsed + (usesAllowance(entry.outcome) ? 1 : 0),
  });
}
