import type { Failure } from "../domain/failure.ts";
import type { Result } from "../domain/result.ts";
import type { Permit } from "../platform/claro/claro_gate.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { LookupLedger } from "../platform/ledger/ledger_client.ts";
import type { AdmitCall, AdmitReply } from "../platform/ledger/messages.ts";
import type { Services } from "../platform/services.ts";
import { requestIdentity } from "./idempotent_answer.ts";
import type { LookupRequest } from "./lookup_score.ts";
import type { ScoreOutcome } from "./score_outcome.ts";

/** What a lookup can take of the ledger's time before Claro's; a reply that does not come is asked for once more. */
const ADMIT_MS = 5000;
/** After the lookup was answered there is more time for the ledger to come back, within what the platform grants. */
const PUT_RIGHT_MS = 20_000;

/** A lookup about to be admitted. With a customer id, on the ledger's word, Claro may be asked while that goes on. */
export type Admission = { readonly call: AdmitCall; readonly customerId: string | null };

/**
 * Where Claro's breaker is open the ledger is asked all the same: who may not call is told so, and an answer that was kept
 * is given again. What would be a new lookup is refused there, and leaves no trace.
 */
export async function prepareAdmission(
  services: Services,
  caller: Caller,
  { lookupId, request, permit }: { lookupId: string; request: LookupRequest; permit: Permit },
): Promise<Admission> {
  const { keyId } = caller;
  const { ip, reference } = request;
  const identity = await requestIdentity(services, caller, request);
  const refuseNew: Failure | null =
    permit.kind === "refused" ? { code: "claro_unreachable", retryAfterSeconds: permit.retryAfterSeconds } : null;
  // A request that may be a repeat must not reach Claro before the ledger knows; nor one that tries Claro's health.
  const mayAskAtOnce = request.idempotencyKey === null && (permit.kind === "free" || permit.kind === "uncounted");
  const customerId = mayAskAtOnce ? services.words.take(keyId) : null;
  const room = { isSent: customerId !== null, roomAsked: mayAskAtOnce ? services.words.wanted(keyId) : 0 };
  return {
    call: { lookupId, keyId, scope: "scores:read", ip, reference, ...identity, refuseNew, ...room },
    customerId,
  };
}

/** `left` is told `true` as soon as the admission is on its way, and `false` when it was not at the first try. */
export async function admit(
  services: Services,
  ledger: LookupLedger,
  { call }: Admission,
  left: (isOnItsWay: boolean) => void,
): Promise<Result<AdmitReply, Failure>> {
  const askedAtMs = Date.now();
  const reply = await ledger.admit(call, { timeoutMs: ADMIT_MS, tryMs: ADMIT_MS / 2, onLeave: () => left(true) });
  left(false);
  if (!reply.ok || reply.value.kind === "refused") services.words.forget(call.keyId);
  else if (reply.value.kind === "admitted") {
    const { customerId, room } = reply.value;
    services.words.note(call.keyId, { customerId, room, askedAtMs });
  }
  return reply;
}

/**
 * Puts the ledger right after a lookup that was not admitted, or of which nobody knows. `sent` is the call to Claro that
 * went out side by side with the admission, if one did: it gets its intent if it has none, and ends as `unknown` whatever
 * Claro said, for nobody is given the answer. Without one nothing can have been billed, and an intent is given back.
 */
export async function endUnanswered(
  services: Services,
  ledger: LookupLedger,
  { call }: Admission,
  context: {
    reply: Result<AdmitReply, Failure>;
    sent: Promise<ScoreOutcome | null> | null;
    permit: Permit;
    waitUntil: (work: Promise<unknown>) => void;
  },
): Promise<void> {
  const { reply, permit, waitUntil } = context;
  const ended = await context.sent;
  // Who asked Claro has left already.
  if (ended === null) waitUntil(services.gate.leave(permit, "unused"));
  // Nothing was sent, and the ledger knows that nothing would be.
  if (ended === null && reply.ok && call.isSent !== true) return;
  const times = { timeoutMs: PUT_RIGHT_MS, tryMs: ADMIT_MS, tries: Number.POSITIVE_INFINITY };
  if (ended !== null && !reply.ok) await ledger.admit(call, times);
  const outcome = ended === null || ended.outcome === "failed" ? "failed" : "unknown";
  const end = { lookupId: call.lookupId, outcome, transactionId: ended?.transactionId ?? null, answer: null } as const;
  await ledger.settle(end, ended === null ? { tries: 2 } : times);
}
