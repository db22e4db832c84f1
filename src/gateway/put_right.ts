import type { PutRightCall } from "../domain/ledger/commands.ts";
import { ADMIT_MS, PUT_RIGHT_MS } from "../domain/ledger/times.ts";
import type { LedgerName } from "../domain/meter_event.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import type { NotedCall } from "../platform/stray_calls.ts";

const DELIVERY_TIMES = { timeoutMs: 10_000, tryMs: ADMIT_MS, tries: 2, throughOverload: true } as const;
/** Stray calls that one sweep delivers. */
const DELIVERED_AT_ONCE = 50;

/** `isSafe` resolves when the isolate may end without anything being lost, or when all has been tried; `ended` after that. */
export type PuttingRight = { readonly isSafe: Promise<void>; readonly ended: Promise<void> };

const REPEATS = { timeoutMs: PUT_RIGHT_MS, tryMs: ADMIT_MS, tries: Number.POSITIVE_INFINITY, throughOverload: true };

/**
 * Has a ledger put right what it knows of a lookup whose caller was given no answer, however long it is away: for as long
 * as a request lives here, then by a row in D1 that the sweep delivers, then, with D1 gone too, by a line in the log from
 * which it can be entered by hand. The row is written beside the first try: this isolate may end at any time.
 */
export function putRight(services: Services, ledger: LedgerName, call: PutRightCall): PuttingRight {
  // What is kept of it holds no more of the person than an event does.
  const sent = call.sent === null ? null : { ...call.sent, subject: null };
  const timed = { ...call, sent, callerNowMs: services.clock.nowMs() };
  const telling = callLedger(services.ledgers, ledger, (stub) => stub.putRight(timed), REPEATS).then(
    (reply) => reply.ok && reply.value.kind === "put_right",
  );
  // An intent that was never used expires by itself.
  if (sent === null) {
    const ended = telling.then(() => undefined);
    return { isSafe: ended, ended };
  }
  const stray = { ...ledger, call: timed, notedAtMs: services.clock.nowMs() };
  const noting = failureToNote(services, stray);
  const ended = endPuttingRight(services, stray, { telling, noting });
  return {
    isSafe: Promise.race([ended, resolvesIf(telling), resolvesIf(noting.then((error) => error === null))]),
    ended,
  };
}

async function endPuttingRight(
  services: Services,
  stray: NotedCall,
  { telling, noting }: { telling: Promise<boolean>; noting: Promise<string | null> },
): Promise<void> {
  const [isTold, failure] = await Promise.all([telling, noting]);
  const { tenantId, mode, call } = stray;
  if (isTold) {
    // Where the row stays, the sweep tells the ledger once more, which changes nothing, and removes it.
    if (failure === null) await services.strayCalls.remove(call.lookupId).catch(() => undefined);
    return;
  }
  const error = failure === null ? null : await failureToNote(services, stray);
  if (error === null) logEvent("warn", { event: "stray_call_noted", tenantId, mode, lookupId: call.lookupId });
  else logEvent("error", { event: "stray_call", tenantId, mode, call, error });
}

/** Never, if not. */
function resolvesIf(holding: Promise<boolean>): Promise<void> {
  return new Promise((resolve) => void holding.then((holds) => (holds ? resolve() : undefined)));
}

/** Why D1 does not take a call; null when it has it. */
async function failureToNote(services: Services, stray: NotedCall): Promise<string | null> {
  try {
    await services.strayCalls.add(stray);
    return null;
  } catch (error) {
    return messageOf(error);
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
