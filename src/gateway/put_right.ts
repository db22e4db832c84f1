import type { PutRightCall } from "../domain/ledger/commands.ts";
import { ADMIT_MS, PUT_RIGHT_MS } from "../domain/ledger/times.ts";
import { callLedger, type LedgerName } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";

const DELIVERY_TIMES = { timeoutMs: 10_000, tryMs: ADMIT_MS, tries: 2, throughOverload: true } as const;
/** Stray calls that one sweep delivers. */
const DELIVERED_AT_ONCE = 50;

/**
 * Has a ledger put right what it knows of a lookup whose caller was given no answer, however long it is away: for as long
 * as a request lives here, then by a row in D1 that the sweep delivers, then, with D1 gone too, by a line in the log from
 * which it can be entered by hand.
 */
export async function putRight(services: Services, ledger: LedgerName, call: PutRightCall): Promise<void> {
  // What is kept of it holds no more of the person than an event does.
  const sent = call.sent === null ? null : { ...call.sent, subject: null };
  const timed = { ...call, sent, callerNowMs: services.clock.nowMs() };
  const reply = await callLedger(services.ledgers, ledger, (stub) => stub.putRight(timed), {
    timeoutMs: PUT_RIGHT_MS,
    tryMs: ADMIT_MS,
    tries: Number.POSITIVE_INFINITY,
    throughOverload: true,
  });
  if (reply.ok && reply.value.kind === "put_right") return;
  // An intent that was never used expires by itself.
  if (call.sent === null) return;
  const { tenantId, mode } = ledger;
  try {
    await services.strayCalls.add({ tenantId, mode, call: timed, notedAtMs: services.clock.nowMs() });
    logEvent("warn", { event: "stray_call_noted", tenantId, mode, lookupId: call.lookupId });
  } catch (error) {
    logEvent("error", { event: "stray_call", tenantId, mode, call: timed, error: messageOf(error) });
  }
}

/** Delivers what waits in D1 to its ledgers. What a ledger does not take stays, and is tried again by the next sweep. */
export async function deliverStrayCalls(services: Services): Promise<void> {
  for (const { tenantId, mode, call } of await services.strayCalls.oldest(DELIVERED_AT_ONCE)) {
    const ledger = { tenantId, mode };
    const delivered = { ...call, callerNowMs: services.clock.nowMs() };
    const reply = await callLedger(services.ledgers, ledger, (stub) => stub.putRight(delivered), DELIVERY_TIMES);
    if (reply.ok && reply.value.kind === "put_right") await services.strayCalls.remove(call.lookupId);
    else await services.strayCalls.noteTry(call.lookupId);
  }
}
