import type { Charge, SettleReply } from "../domain/ledger/commands.ts";
import type { LimitNotices } from "../domain/ledger/limits.ts";
import { SETTLE_MS, SETTLE_REPLY_MS } from "../domain/ledger/times.ts";
import { withDeadline } from "../platform/deadline.ts";
import type { Admission } from "./admit_lookup.ts";
import { keepAnswer } from "./idempotent_answer.ts";
import type { Lookup, LookupAnswer } from "./lookup.ts";
import { putRight } from "./put_right.ts";
import type { ScoreOutcome } from "./score_outcome.ts";

export type Settlement =
  | { readonly kind: "settled"; readonly charge: Charge | null; readonly notices: LimitNotices | null }
  /** The answer must not be given: its event is another one, or nobody knows. */
  | { readonly kind: "unrecorded" };

/**
 * Has the ledger record how an admitted lookup ended. Where it gives no reply the event may be there all the same, with a
 * charge for a score that is not given: that is taken back after the answer.
 */
export async function settleLookup(
  lookup: Lookup,
  admission: Extract<Admission, { kind: "admitted" }>,
  { ended, answer }: { ended: ScoreOutcome; answer: LookupAnswer },
): Promise<Settlement> {
  const { services, caller, ledger, lookupId, timings, waitUntil } = lookup;
  const kept = await keepAnswer(services, lookup, answer);
  const askedAtMs = Date.now();
  const settled = await ledger.settle({
    lookupId,
    outcome: ended.outcome,
    transactionId: ended.transactionId,
    failureCode: ended.failureCode,
    upstreamStatus: ended.upstreamStatus,
    admitMs: timings.admit ?? null,
    claroMs: timings.claro ?? null,
    answer: kept,
    withinMs: askedAtMs - admission.repliedAtMs + SETTLE_MS - SETTLE_REPLY_MS,
    callerNowMs: services.clock.nowMs(),
  });
  timings.settle = Date.now() - askedAtMs;
  if (settled.ok && settled.value.kind === "settled") {
    // A ledger that runs the code of before tells neither.
    const { charge, notices } = settled.value as Partial<Extract<SettleReply, { kind: "settled" }>>;
    return { kind: "settled", charge: charge ?? null, notices: notices ?? admission.notices };
  }
  if (!settled.ok && ended.outcome === "delivered") {
    const { idempotency } = admission.call;
    const { transactionId } = ended;
    const call = { lookupId, sent: admission.call, idempotency, outcome: "unknown", transactionId } as const;
    const { isSafe, ended: puttingRight } = putRight(services, caller, call);
    waitUntil(puttingRight);
    // Whoever is told that nothing is given must not be charged because this isolate ended just then.
    await withDeadline(SETTLE_MS, () => isSafe);
  }
  return { kind: "unrecorded" };
}
