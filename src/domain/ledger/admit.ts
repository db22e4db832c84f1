import { assert } from "../assert.ts";
import type { Failure } from "../failure.ts";
import { missingFields } from "../lookup_grounds.ts";
import { saoPauloDate } from "../period.ts";
import { overdrawToken, takeToken } from "../rate_limit.ts";
import { referenceKeyAt } from "../reference_key.ts";
import { refuseCall } from "./authorize.ts";
import type { AdmitCall, AdmitReply, EarlyCallPolicy, Facts, RememberedKey } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Admitted, LookupFacts, RefusedAfterSending } from "./entries.ts";
import { grantableCalls, hasGrant, usablePlaces } from "./grants.ts";
import { identitiesOf } from "./identities.ts";
import { limitNotices, refuseLimits, type LimitNotices, type LimitState } from "./limits.ts";
import { keyOf, limitState, notReady, priceAt, rateBucket, tiersOf, type LedgerState } from "./state.ts";
import { isRestricted, planAt } from "./terms.ts";
import { ANSWER_KEPT_MS, KEY_KEPT_MS } from "./times.ts";

/** More open lookups than these are refused: the state, and with it every checkpoint, stays bounded. */
const MOST_OPEN_LOOKUPS = 10_000;

type Context = { readonly facts: Facts; readonly nowMs: number };

/**
 * Decides on a lookup. Repeating an admitted call changes nothing. An early call, which Claro was asked beside, is never
 * refused by a limit; where it may not be made at all, it gets an intent that ends as `unknown` or `failed`.
 */
export function decideAdmit(state: LedgerState, call: AdmitCall, context: Context): Decision<AdmitReply> {
  const { facts, nowMs } = context;
  const reason = notReady(state);
  if (reason !== null) return { entries: [], reply: { kind: "not_ready", reason } };
  const known = state.open.get(call.lookupId);
  if (known !== undefined) {
    if (known.refusal !== null) return refused({ code: known.refusal }, null);
    return admitted(state, call, { admittedAtMs: known.admittedAtMs, nowMs });
  }
  // An admission that comes after its lookup's end: its caller has been answered.
  if (facts.event !== undefined) return refused({ code: "ledger_unavailable", retryAfterSeconds: 1 }, null);

  const refusal = refuseCall(state, call, nowMs) ?? refusePerson(state, call, nowMs);
  if (refusal !== null) return refuseSent(state, call, { ...context, refusal });
  if (call.isSent === true) return admitEarlyCall(state, call, context);

  const notices = limitNotices(limitState(state, nowMs));
  const repeated = decideRepeat(state, call, { ...context, notices });
  if (repeated !== null) return repeated;
  const missing = refuseMissing(state, call);
  if (missing !== null) return refused(missing, notices);
  if (call.refuseNew !== undefined && call.refuseNew !== null) return refused(call.refuseNew, notices);
  if (state.open.size >= MOST_OPEN_LOOKUPS) return refused({ code: "rate_limited", retryAfterSeconds: 1 }, notices);
  const limit = refuseLimits(limitState(state, nowMs, call.keyId));
  if (limit !== null) return refused(limit, notices);
  return admitNew(state, call, { ...context, early: null });
}

function admitEarlyCall(state: LedgerState, call: AdmitCall, context: Context): Decision<AdmitReply> {
  const early = hasGrant(state.grants, call.keyId, context.nowMs) ? "granted" : "late";
  return admitNew(state, call, { ...context, early });
}

function admitNew(
  state: LedgerState,
  call: AdmitCall,
  { facts, nowMs, early }: Context & { early: Admitted["early"] },
): Decision<AdmitReply> {
  const priceVersion = priceAt(state, nowMs);
  const after = limitsAfterAdmission(state, { nowMs, priceVersion, early });
  const earlyCalls = grant(state, call, { after, nowMs });
  const entry: Admitted = {
    type: "admitted",
    v: 1,
    atMs: nowMs,
    day: saoPauloDate(nowMs),
    endsAtMs: nowMs + facts.intentTtlMs,
    lookup: lookupFacts(state, call, nowMs),
    priceVersion,
    early,
    granted: earlyCalls ?? 0,
  };
  const reply: AdmitReply = {
    kind: "admitted",
    customerId: customerIdOf(state),
    admittedAtMs: nowMs,
    notices: limitNotices(after),
    earlyCalls,
    ...policyFor(state, call, earlyCalls),
    isLate: early === "late",
  };
  return { entries: [entry], reply };
}

/** A person whose lookups are restricted, by a keyed hash. */
function refusePerson({ terms }: LedgerState, { subject }: AdmitCall, nowMs: number): Failure | null {
  if (terms === null || subject === undefined || subject === null) return null;
  return isRestricted(terms, subject, nowMs) ? { code: "subject_restricted" } : null;
}

function refuseMissing(state: LedgerState, call: AdmitCall): Failure | null {
  const missing = missingFields(state.terms?.requires ?? [], call, keyOf(state, call.keyId)?.defaults);
  if (missing.length === 0) return null;
  return { code: "purpose_required", issues: missing.map((path) => ({ path, code: "required" })) };
}

/** Null when the request is no repeat. */
function decideRepeat(
  state: LedgerState,
  call: AdmitCall,
  { facts, nowMs, notices }: Context & { notices: LimitNotices },
): Decision<AdmitReply> | null {
  if (call.idempotency === null) return null;
  const identities = identitiesOf(call.idempotency);
  const openId = identities.find(({ keyHash }) => state.openKeys.has(keyHash));
  if (openId !== undefined) {
    const open = state.open.get(state.openKeys.get(openId.keyHash) ?? "");
    const isSame = identitiesOf(open?.lookup.idempotency ?? null).some(
      ({ requestHash }) => requestHash === openId.requestHash,
    );
    return refused(
      isSame ? { code: "idempotency_in_progress", retryAfterSeconds: 1 } : { code: "idempotency_mismatch" },
      notices,
    );
  }
  if (facts.idempotency === undefined) return null;
  const { remembered, requestHash } = facts.idempotency;
  switch (repeatKind(remembered, requestHash, nowMs)) {
    case "new":
      return null;
    case "mismatch":
      return refused({ code: "idempotency_mismatch" }, notices);
    case "expired":
      return refused({ code: "idempotency_expired" }, notices);
    case "replay":
      return replay(state, call.keyId, { remembered, nowMs, notices });
  }
}

function repeatKind(
  remembered: RememberedKey,
  requestHash: string,
  nowMs: number,
): "new" | "mismatch" | "expired" | "replay" {
  const ageMs = nowMs - remembered.createdAtMs;
  if (ageMs >= KEY_KEPT_MS) return "new";
  if (remembered.requestHash !== requestHash) return "mismatch";
  return remembered.isErased || ageMs >= ANSWER_KEPT_MS ? "expired" : "replay";
}

/** A replay costs nobody anything, but not nothing: it takes a token of the plan's rate, from a bucket of its own. */
function replay(
  state: LedgerState,
  keyId: string,
  { remembered, nowMs, notices }: { remembered: RememberedKey; nowMs: number; notices: LimitNotices },
): Decision<AdmitReply> {
  const plan = state.terms === null ? null : planAt(state.terms, nowMs);
  const token = plan === null ? null : takeToken(plan, rateBucket(state, state.tokensBucket, nowMs), nowMs);
  if (token !== null && !token.allowed) {
    return refused({ code: "rate_limited", retryAfterSeconds: Math.max(Math.ceil(token.resetMs / 1000), 1) }, notices);
  }
  const { answer, unitPriceMicros } = remembered;
  const charge =
    unitPriceMicros === null ? null : { billed: unitPriceMicros > 0, unitPriceMicros, amountMicros: unitPriceMicros };
  return {
    entries: [{ type: "replayed", v: 1, atMs: nowMs, keyId }],
    reply: { kind: "replay", answer, charge, notices },
  };
}

/** What Claro was asked before it was refused is recorded all the same: it may have been billed to us. */
function refuseSent(
  state: LedgerState,
  call: AdmitCall,
  { facts, nowMs, refusal }: Context & { refusal: Failure },
): Decision<AdmitReply> {
  const { reply } = refused(refusal, null);
  if (call.isSent !== true) return { entries: [], reply };
  const entry: RefusedAfterSending = {
    type: "refused_after_sending",
    v: 1,
    atMs: nowMs,
    day: saoPauloDate(nowMs),
    endsAtMs: nowMs + facts.intentTtlMs,
    lookup: lookupFacts(state, call, nowMs),
    priceVersion: priceAt(state, nowMs),
    refusal: refusal.code,
  };
  return { entries: [entry], reply };
}

export function lookupFacts(state: LedgerState, call: AdmitCall, admittedAtMs: number): LookupFacts {
  assert(state.terms !== null, "a lookup is taken by a ledger without terms");
  const defaults = keyOf(state, call.keyId)?.defaults ?? {};
  return {
    lookupId: call.lookupId,
    keyId: call.keyId,
    reference: call.reference,
    cpfReference: referenceAt(call, admittedAtMs),
    customerId: state.terms.customerId,
    requestId: call.requestId ?? null,
    purpose: call.purpose ?? defaults.purpose ?? null,
    legalBasis: call.legalBasis ?? defaults.legalBasis ?? null,
    consentId: call.consentId ?? null,
    requestedBy: call.requestedBy ?? null,
    idempotency: call.idempotency,
  };
}

/** The reference under the key of the year of the admission, which is the ledger's to say. */
function referenceAt({ cpfReference, otherYearsReference = null }: AdmitCall, admittedAtMs: number): string {
  const isOther = otherYearsReference?.startsWith(`${referenceKeyAt(admittedAtMs)}:`) === true;
  return isOther ? otherYearsReference : cpfReference;
}

function limitsAfterAdmission(
  state: LedgerState,
  { nowMs, priceVersion, early }: { nowMs: number; priceVersion: number; early: Admitted["early"] },
): LimitState {
  const before = limitState(state, nowMs);
  const tiers = tiersOf(state, priceVersion);
  const others = before.held.filter((held) => held.tiers !== tiers);
  const same = before.held.find((held) => held.tiers === tiers)?.count ?? 0;
  return {
    ...before,
    bucket: overdrawToken(before.plan, before.bucket, nowMs),
    held: [...others, { tiers, count: same + 1 }],
    granted: before.granted - (early === "granted" ? 1 : 0),
    testLookupsToday: before.testLookupsToday + (before.mode === "test" ? 1 : 0),
  };
}

function grant(
  state: LedgerState,
  call: AdmitCall,
  { after, nowMs }: { after: LimitState; nowMs: number },
): number | null {
  const { terms } = state;
  const key = keyOf(state, call.keyId);
  if (terms === null || key === undefined || state.open.size * 2 > MOST_OPEN_LOOKUPS) return null;
  // Code of before does not keep to a policy.
  const hasPolicy = (terms.requires?.length ?? 0) > 0 || (terms.restricted?.length ?? 0) > 0;
  if (call.policyVersion === undefined && hasPolicy) return null;
  const usable = usablePlaces(state.grants, nowMs);
  return grantableCalls(after, { terms, key, asked: call.earlyCallsAsked ?? 0, usable });
}

/** What early calls have to keep to, for a caller that has it not or not as it is now. */
function policyFor(
  state: LedgerState,
  { keyId, policyVersion: known }: AdmitCall,
  earlyCalls: number | null,
): { policyVersion: number; policy: EarlyCallPolicy | null } {
  const { terms } = state;
  assert(terms !== null, "a lookup is admitted by a ledger without terms");
  const { version: policyVersion, requires = [], restricted = [] } = terms;
  if (earlyCalls === null || earlyCalls === 0 || known === policyVersion) return { policyVersion, policy: null };
  const defaults = keyOf(state, keyId)?.defaults;
  return { policyVersion, policy: { requires: missingFields(requires, {}, defaults), restricted } };
}

function admitted(
  state: LedgerState,
  call: AdmitCall,
  { admittedAtMs, nowMs }: { admittedAtMs: number; nowMs: number },
): Decision<AdmitReply> {
  const notices = limitNotices(limitState(state, nowMs));
  const customerId = customerIdOf(state);
  return {
    entries: [],
    // A repeat is granted nothing: its first reply may have granted some already.
    reply: {
      kind: "admitted",
      customerId,
      admittedAtMs,
      notices,
      earlyCalls: null,
      ...policyFor(state, call, null),
      isLate: false,
    },
  };
}

function customerIdOf({ terms }: LedgerState): string {
  assert(terms !== null, "a lookup is admitted by a ledger without terms");
  return terms.customerId;
}

function refused(failure: Failure, notices: LimitNotices | null): Decision<AdmitReply> {
  return { entries: [], reply: { kind: "refused", failure, notices } };
}
