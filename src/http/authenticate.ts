import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { authorizeKey } from "../gateway/authorize_key.ts";
import { identifyByKey, identifyByToken } from "../gateway/identify_caller.ts";
import type { Caller } from "../platform/key_directory.ts";
import { callerIp, setHeaders, type AppContext } from "./context.ts";
import type { Credential, TenantAccess } from "./endpoint.ts";
import { limitHeaders } from "./limit_headers.ts";

/** Who calls, by what the endpoint takes. Whether they may is the ledger's to say. */
export async function authenticateTenant(
  context: AppContext,
  credential: Credential,
): Promise<Result<Caller, Failure>> {
  const caller = await identify(context, credential);
  if (!caller.ok) return fail(explainCredential(context, credential, caller.failure));
  const { tenantId, keyId, mode } = caller.value;
  Object.assign(context.get("log"), { tenantId, keyId, mode });
  return caller;
}

/**
 * Whether the ledger lets the caller do this now; its limits go on the answer either way. The one place where a call that
 * is no lookup is counted: the ledger tells reads, tokens and lookups apart by `kind`.
 */
export async function authorizeTenant(
  context: AppContext,
  caller: Caller,
  { scope, limit }: TenantAccess,
): Promise<Result<null, Failure>> {
  const access = { keyId: caller.keyId, scope, ip: callerIp(context), kind: limit };
  const reply = await authorizeKey(context.get("services"), caller, access);
  if (!reply.ok) return reply;
  setHeaders(context, limitHeaders(reply.value.notices));
  return reply.value.kind === "allowed" ? ok(null) : fail(explainRefusal(context, reply.value.failure, scope));
}

/** Adds to a ledger's refusal what the caller needs to fix it. */
export function explainRefusal(context: AppContext, failure: Failure, scope: TenantAccess["scope"]): Failure {
  if (failure.issues !== undefined) return failure;
  if (failure.code === "insufficient_scope") {
    return { ...failure, issues: [{ path: "Authorization", code: "scope_required", params: { scope } }] };
  }
  if (failure.code === "ip_not_allowed") {
    const address = callerIp(context) ?? "";
    return { ...failure, issues: [{ path: "", code: "address_seen", params: { address } }] };
  }
  return failure;
}

async function identify(context: AppContext, credential: Credential): Promise<Result<Caller, Failure>> {
  const services = context.get("services");
  const ip = callerIp(context);
  const authorization = context.req.header("authorization");
  if (credential === "api-key") {
    return await identifyByKey(services, { text: bearer(authorization) ?? context.req.header("x-api-key"), ip });
  }
  const header = context.req.header("x-client-auth") ?? authorization;
  if (credential === "issued-token") return await identifyByToken(services, { text: bearer(header), ip });
  const text = header === undefined ? undefined : (basicCredentials(header)?.replace(":", "_") ?? "");
  return await identifyByKey(services, { text, ip });
}

/** Where a credential goes, by what the endpoint takes, and how it is written there. */
const CREDENTIAL_HEADERS: Readonly<Record<Credential, readonly string[]>> = {
  "api-key": ["Authorization", "x-api-key"],
  "client-credentials": ["x-client-auth", "Authorization"],
  "issued-token": ["x-client-auth", "Authorization"],
};
const CREDENTIAL_FORMS: Readonly<Record<Credential, string>> = {
  "api-key": "Bearer <API key>",
  "client-credentials": "Basic <base64>",
  "issued-token": "Bearer <token>",
};

/** Names the header that was wrong: `missing_credentials` alone would have people look in the wrong place. */
function explainCredential(context: AppContext, credential: Credential, failure: Failure): Failure {
  if (failure.issues !== undefined || failure.code === "rate_limited") return failure;
  for (const path of CREDENTIAL_HEADERS[credential]) {
    const value = context.req.header(path);
    // The platform joins repeated headers with a comma, which no credential holds.
    if (value?.includes(",") === true) return { ...failure, issues: [{ path, code: "given_twice" }] };
    if (value !== undefined && failure.code === "missing_credentials") {
      const params = { form: CREDENTIAL_FORMS[credential] };
      return { ...failure, issues: [{ path, code: "credential_form", params }] };
    }
  }
  return failure;
}

export function bearer(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
}

function basicCredentials(header: string): string | null {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,200}={0,2}) *$/i.exec(header)?.[1];
  if (encoded === undefined) return null;
  try {
    return atob(encoded);
  } catch {
    return null;
  }
}
