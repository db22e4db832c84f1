import type { Failure } from "../domain/failure.ts";
import { fail, type Result } from "../domain/result.ts";
import { identifyByKey } from "../gateway/identify_caller.ts";
import type { Caller } from "../platform/key_directory.ts";
import { callerIp, type AppContext } from "./context.ts";

/** Who calls, by an API key in `Authorization: Bearer` or `x-api-key`. Whether they may is the ledger's to say. */
export async function authenticate(context: AppContext): Promise<Result<Caller, Failure>> {
  const text = bearer(context.req.header("authorization")) ?? context.req.header("x-api-key");
  const caller = await identifyByKey(context.get("services"), { text, ip: callerIp(context) });
  return identified(context, caller);
}

/** Notes who calls; a failure gets the challenge that a 401 needs. */
export function identified(
  context: AppContext,
  caller: Result<Caller, Failure>,
  scheme: "Bearer" | "Basic" = "Bearer",
): Result<Caller, Failure> {
  if (!caller.ok) return caller.failure.code === "rate_limited" ? caller : challenge(context, caller.failure, scheme);
  noteCaller(context, caller.value);
  return caller;
}

/** Puts the caller into the request's log line. */
function noteCaller(context: AppContext, caller: Caller): void {
  const { tenantId, keyId, mode } = caller;
  Object.assign(context.get("log"), { tenantId, keyId, mode });
}

/** A 401 must say how to authenticate. */
export function challenge(
  context: AppContext,
  failure: Failure,
  scheme: "Bearer" | "Basic" = "Bearer",
): Result<never, Failure> {
  context.header("WWW-Authenticate", `${scheme} realm="claro-score-gateway"`);
  return fail(failure);
}

export function bearer(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
}

const KEY_STATE_CODES = new Set(["invalid_api_key", "expired_api_key", "revoked_api_key"]);

/** What a ledger refused, with the challenge that a 401 needs. */
export function refusedByLedger(context: AppContext, failure: Failure): Failure {
  if (KEY_STATE_CODES.has(failure.code)) challenge(context, failure);
  return failure;
}
