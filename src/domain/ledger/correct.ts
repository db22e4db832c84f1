import type { StoredEventRow } from "../event_row.ts";
import { lookupFacts } from "./admit.ts";
import type { AdjustCall, AdjustReply, Facts, PutRightCall, PutRightReply } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Adjusted, Admitted } from "./entries.ts";
import { eventTimeAt } from "./event_time.ts";
import { hasGrant } from "./grants.ts";
import { endedEntry } from "./settle.ts";
import { notReady, priceAt, type LedgerState } from "./state.ts";
import { saoPauloDate } from "../period.ts";
import { withdrawalId } from "./withdrawal_id.ts";

type Context = { readonly facts: Facts; readonly nowMs: number };

const DONE: Decision<PutRightReply> = { entries: [], reply: { kind: "put_right" } };

/** Adds a correction as an event of the open period. Its id makes a repeat harmless, however late it comes. */
export function decideAdjust(state: LedgerState, call: AdjustCall, { facts, nowMs }: Context): Decision<AdjustReply> {
  if (facts.adjustment !== undefined) return { entries: [], reply: facts.adjustment };
  // A ledger that has lost events would give it a seq that D1 has with another.
  const reason = notReady(state);
  if (reason !== null) return { entries: [], reply: { kind: "not_ready", reason } };
  const entry = adjusted(state, { ...call, takesBack: null }, nowMs);
  return { entries: [entry], reply: { seq: entry.seq, occurredAtMs: entry.time.occurredAtMs } };
}

/**
 * The caller of a lookup was given no answer, whatever the ledger says: an open intent ends, a call to Claro that nobody
 * recorded is recorded, and a charge is taken back. Where the answer was kept for an idempotency key it can still be had,
 * and the charge stands.
 */
export function decidePutRight(state: LedgerState, call: PutRightCall, context: Context): Decision<PutRightReply> {
  const { facts, nowMs } = context;
  const reason = notReady(state);
  if (reason !== null) return { entries: [], reply: { kind: "not_ready", reason } };
  const intent = state.open.get(call.lookupId);
  if (intent !== undefined) {
    const end = { ...call, outcome: call.outcome };
    return { entries: [endedEntry(state, intent, { end, nowMs })], reply: { kind: "put_right" } };
  }
  if (facts.event !== undefined) return takeBack(state, facts.event, context);
  return call.sent === null ? DONE : recordStrayCall(state, call, context);
}

/** A call that reached Claro, or may have, and whose admission never arrived. */
function recordStrayCall(state: LedgerState, call: PutRightCall, context: Context): Decision<PutRightReply> {
  const { facts, nowMs } = context;
  const { sent } = call;
  if (sent === null) return DONE;
  const priceVersion = priceAt(state, nowMs);
  const early = hasGrant(state.grants, sent.keyId, nowMs) ? "granted" : "late";
  const admitted: Admitted = {
    type: "admitted",
    v: 1,
    atMs: nowMs,
    day: saoPauloDate(nowMs),
    endsAtMs: nowMs + facts.intentTtlMs,
    lookup: { ...lookupFacts(state, sent, nowMs), idempotency: null },
    priceVersion,
    early,
    granted: 0,
  };
  const ended = endedEntry(state, { lookup: admitted.lookup, priceVersion, admittedAtMs: nowMs }, { end: call, nowMs });
  return { entries: [admitted, ended], reply: { kind: "put_right" } };
}

function takeBack(state: LedgerState, event: StoredEventRow, { facts, nowMs }: Context): Decision<PutRightReply> {
  // Also where the answer was erased since: while it was kept it could be had.
  const remembered = facts.idempotency?.remembered;
  const isKept = remembered !== undefined && (remembered.answer !== null || remembered.isErased);
  if (event.amount_micros <= 0 || isKept || facts.adjustment !== undefined) return DONE;
  const entry = adjusted(
    state,
    {
      id: withdrawalId(event.id),
      units: -event.units,
      amountMicros: -event.amount_micros,
      reason: "the answer was not sent",
      corrects: event.id,
      takesBack: { keyId: event.key_id, period: event.period ?? "" },
    },
    nowMs,
  );
  return { entries: [entry], reply: { kind: "put_right" } };
}

function adjusted(
  state: LedgerState,
  call: Pick<AdjustCall, "id" | "units" | "amountMicros" | "reason" | "corrects"> & Pick<Adjusted, "takesBack">,
  nowMs: number,
): Adjusted {
  const { id, units, amountMicros, reason, corrects, takesBack } = call;
  return {
    type: "adjusted",
    v: 1,
    atMs: nowMs,
    id,
    seq: state.lastSeq + 1,
    time: eventTimeAt(state, nowMs),
    units,
    amountMicros,
    reason,
    corrects,
    takesBack,
  };
}
