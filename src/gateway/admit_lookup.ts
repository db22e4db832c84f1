import type { Failure } from "../domain/failure.ts";
import type { AdmitCall, AdmitReply } from "../domain/ledger/commands.ts";
import type { LimitNotices } from "../domain/ledger/limits.ts";
import { SETTLE_MS } from "../domain/ledger/times.ts";
import type { Result } from "../domain/result.ts";
import { withDeadline } from "../platform/deadline.ts";
import type { ClaroCall } from "./claro_call.ts";
import type { LookupIdentity } from "./idempotent_answer.ts";
import type { Lookup } from "./lookup.ts";
import { askAgainWithTerms } from "./project_tenant.ts";
import { putRight } from "./put_right.ts";

const UNAVAILABLE: Failure = { code: "ledger_unavailable", retryAfterSeconds: 1 };

type Admitted = Extract<AdmitReply, { kind: "admitted" }>;

/** What the ledger made of a lookup. */
export type Admission =
  | {
      readonly kind: "admitted";
      readonly call: AdmitCall;
      readonly customerId: string;
      readonly admittedAtMs: number;
      /** When the reply was here, by the isolate's clock. */
      readonly repliedAtMs: number;
      readonly notices: LimitNotices;
    }
  | Extract<AdmitReply, { kind: "replay" }>
  | { readonly kind: "refused"; readonly failure: Failure; readonly notices: LimitNotices | null };

/**
 * Asks the ledger to admit a lookup. Where it does not, or gives no reply, what may have been sent or recorded is put right
 * after the answer; the answer waits a little for that where Claro was asked.
 */
export async function admitLookup(lookup: Lookup, claro: ClaroCall, identity: LookupIdentity): Promise<Admission> {
  const { services, caller, timings, waitUntil } = lookup;
  const call = admitCall(lookup, claro, identity);
  const askedAtMs = Date.now();
  const asking = askLedger(lookup, claro, call);
  // The intent of an early call is seen to its end, whoever hangs up.
  if (claro.isEarly) waitUntil(asking);
  const reply = await asking;
  const repliedAtMs = Date.now();
  timings.admit = repliedAtMs - askedAtMs;
  if (reply.ok && reply.value.kind === "admitted") {
    const { kind, customerId, admittedAtMs, notices, isLate } = reply.value;
    const { earlyCalls = null, policyVersion = null, policy = null } = reply.value as Partial<Admitted>;
    services.earlyCalls.note(caller.keyId, { customerId, earlyCalls, policyVersion, policy, askedAtMs });
    if (isLate) waitUntil(auditLateCall(lookup));
    return { kind, call, customerId, admittedAtMs, repliedAtMs, notices };
  }
  services.earlyCalls.forget(caller.keyId);
  const ending = endUnadmitted(lookup, claro, { call, isReplied: reply.ok });
  waitUntil(ending);
  // A call to Claro whose intent may be missing: a crash should meet a lookup that has none as seldom as can be.
  if (!reply.ok && claro.isEarly) await withDeadline(SETTLE_MS, () => ending);
  const unavailable = { kind: "refused", failure: UNAVAILABLE, notices: null } as const;
  if (!reply.ok) return { ...unavailable, failure: reply.failure };
  return reply.value.kind === "refused" || reply.value.kind === "replay" ? reply.value : unavailable;
}

function admitCall(lookup: Lookup, claro: ClaroCall, identity: LookupIdentity): AdmitCall {
  const { services, caller, request, lookupId } = lookup;
  const { keyId } = caller;
  const { ip, reference, purpose, legalBasis, consentId, requestedBy, requestId, idempotencyKey } = request;
  return {
    lookupId,
    keyId,
    scope: "scores:read",
    ip,
    reference,
    purpose,
    legalBasis,
    consentId,
    requestedBy,
    requestId,
    ...identity,
    refuseNew: claro.refusal,
    isSent: claro.isEarly,
    earlyCallsAsked: idempotencyKey === null ? services.earlyCalls.wanted(keyId) : 0,
    policyVersion: services.earlyCalls.policyVersion(keyId),
    callerNowMs: services.clock.nowMs(),
  };
}

async function askLedger(lookup: Lookup, claro: ClaroCall, call: AdmitCall): Promise<Result<AdmitReply, Failure>> {
  const { services, caller, ledger } = lookup;
  const reply = await ledger.admit(call, () => claro.afterAdmission(true));
  claro.afterAdmission(false);
  return await askAgainWithTerms(services, caller.tenantId, { reply, ask: () => ledger.admit(call) });
}

/**
 * Gives an unused intent back, or records a call that Claro was sent and that nobody was answered. Ends when that cannot
 * be lost any more.
 */
async function endUnadmitted(
  lookup: Lookup,
  claro: ClaroCall,
  { call, isReplied }: { call: AdmitCall; isReplied: boolean },
): Promise<void> {
  const outcome = await claro.abandon();
  // Nothing was sent, and the ledger knows that nothing would be.
  if (outcome === null && isReplied) return;
  const { isSafe, ended } = putRight(lookup.services, lookup.caller, {
    lookupId: lookup.lookupId,
    sent: outcome === null ? null : call,
    idempotency: null,
    outcome: outcome === null || outcome.outcome === "failed" ? "failed" : "unknown",
    transactionId: outcome?.transactionId ?? null,
    failureCode: "ledger_unavailable",
    upstreamStatus: outcome?.upstreamStatus ?? null,
    claroMs: lookup.timings.claro ?? null,
  });
  lookup.waitUntil(ended);
  await isSafe;
}

/** An early call may have passed a limit because its admission came too late: the one exception that there is. */
async function auditLateCall({ services, caller, lookupId }: Lookup): Promise<void> {
  await services.register.note({
    atMs: services.clock.nowMs(),
    actor: "gateway",
    action: "lookup.late_early_call",
    target: lookupId,
    before: null,
    after: { tenantId: caller.tenantId, mode: caller.mode },
  });
}
