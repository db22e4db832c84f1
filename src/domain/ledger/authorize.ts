import { refuseAccess } from "../authorization.ts";
import type { Failure } from "../failure.ts";
import { takeToken } from "../rate_limit.ts";
import { readsRate } from "./apply.ts";
import type { AccessCall, AccessReply } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Accessed } from "./entries.ts";
import { limitNotices } from "./limits.ts";
import { keyOf, limitState, notReady, rateBucket, type LedgerState } from "./state.ts";
import { planAt } from "./terms.ts";

/** Whether a key may do something that is no lookup now, and takes a token where the use has a bucket. */
export function decideAuthorize(state: LedgerState, call: AccessCall, nowMs: number): Decision<AccessReply> {
  const reason = notReady(state);
  if (reason !== null) return { entries: [], reply: { kind: "not_ready", reason } };
  const refusal = refuseCall(state, call, nowMs);
  const notices = limitNotices(limitState(state, nowMs));
  // Who is no key of this tenant is told nothing of its limits.
  const isKnown = keyOf(state, call.keyId) !== undefined;
  if (refusal !== null)
    return { entries: [], reply: { kind: "refused", failure: refusal, notices: isKnown ? notices : null } };
  const limited = refuseUse(state, call, nowMs);
  if (limited !== null) return { entries: [], reply: { kind: "refused", failure: limited, notices } };
  const bucket = call.kind === "read" ? "reads" : call.kind === "token" ? "tokens" : null;
  const accessed: Accessed = { type: "accessed", v: 1, atMs: nowMs, keyId: call.keyId, bucket };
  return { entries: [accessed], reply: { kind: "allowed", notices } };
}

/** The first reason why a key may not do something, or null. */
export function refuseCall(
  state: LedgerState,
  call: Pick<AccessCall, "keyId" | "scope" | "ip">,
  nowMs: number,
): Failure | null {
  return state.terms === null
    ? { code: "invalid_api_key" }
    : refuseAccess(keyOf(state, call.keyId), state.terms.status, call, nowMs);
}

function refuseUse(state: LedgerState, { kind }: AccessCall, nowMs: number): Failure | null {
  if (state.terms === null || kind === undefined || kind === "lookup") return null;
  const isRead = kind === "read";
  const rate = isRead ? readsRate(state, nowMs) : planAt(state.terms, nowMs);
  const { allowed, resetMs } = takeToken(
    rate,
    isRead ? state.readsBucket : rateBucket(state, state.tokensBucket, nowMs),
    nowMs,
  );
  return allowed ? null : { code: "rate_limited", retryAfterSeconds: Math.max(Math.ceil(resetMs / 1000), 1) };
}
