import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { mayAct, roleRequired } from "../domain/roles.ts";
import type { Actor } from "../gateway/tenants.ts";
import type { Caller } from "../platform/key_directory.ts";
import { messageOf } from "../platform/log.ts";
import { isOutage } from "../platform/outage.ts";
import { inSpan } from "../platform/tracing.ts";
import { authenticateOperator } from "./admin/authenticate_operator.ts";
import { answerFailure } from "./answer_failure.ts";
import { authenticateTenant, authorizeTenant } from "./authenticate.ts";
import { logActor, type AppContext } from "./context.ts";
import type { Endpoint, OperatorAccess, RunCall, TenantAccess } from "./endpoint.ts";
import { invalidRequest } from "./invalid_request.ts";
import { noteInAudit } from "./note_in_audit.ts";
import { isCursorOf } from "./paging.ts";
import { MAX_BODY_BYTES, readLines } from "./read_body.ts";
import { readInput, readParams, type ReadInput } from "./read_input.ts";
import { safeName } from "./safe_name.ts";
import { refuseForeignOrigin } from "./same_site.ts";

const OUTAGE_RETRY_SECONDS = 5;

type Answered = Promise<Result<Response, Failure>>;
type LetIn = { readonly caller: Caller | null; readonly actor: Actor | null; readonly authMs: number };

/**
 * Runs a call as its endpoint declares it. Refusals come in one order: credentials, scope or role, then (404) the path,
 * query, headers, type, body. Whatever fails is told here and nowhere else.
 */
export async function runEndpoint(endpoint: Endpoint, context: AppContext): Promise<Response> {
  const answered = await untilOutage(endpoint, context, () => letIn(endpoint, context));
  return answered.ok ? answered.value : answerFailure(context, answered.failure);
}

async function letIn(endpoint: Endpoint, context: AppContext): Answered {
  const { access } = endpoint;
  switch (access.audience) {
    case "public":
      return await perform(endpoint, context, { caller: null, actor: null, authMs: 0 });
    case "tenant":
      return await letTenantIn(endpoint, access, context);
    case "operator":
      return await letOperatorIn(endpoint, access, context);
  }
}

async function letTenantIn(endpoint: Endpoint, access: TenantAccess, context: AppContext): Answered {
  const caller = await inSpan("authenticate", () => authenticateTenant(context, access.credential));
  const authMs = Date.now() - context.get("startedAtMs");
  if (access.limit !== "lookup") {
    if (!caller.ok) return caller;
    const allowed = await authorizeTenant(context, caller.value, access);
    return allowed.ok ? await perform(endpoint, context, { caller: caller.value, actor: null, authMs }) : allowed;
  }
  // A lookup is authorized by its admission, in one call of the ledger. One with wrong input is never admitted, and is
  // authorized on its own.
  if (!caller.ok) {
    context.header("Server-Timing", `auth;dur=${authMs}`);
    return caller;
  }
  const input = await readInput(endpoint, context);
  const call = { caller: caller.value, actor: null, authMs };
  if (input.ok) return await handle(endpoint, context, { ...call, params: {}, input: input.value });
  context.header("Server-Timing", `auth;dur=${authMs}`);
  const allowed = await authorizeTenant(context, caller.value, access);
  return allowed.ok ? input : allowed;
}

async function letOperatorIn(endpoint: Endpoint, { role }: OperatorAccess, context: AppContext): Answered {
  context.header("Cache-Control", "no-store");
  const operator = await inSpan("authenticate", () => authenticateOperator(context));
  if (!operator.ok) return operator;
  const { actor, roles } = operator.value;
  await logActor(context, actor);
  if (!mayAct(roles, role)) return fail(roleRequired(role));
  const foreign = endpoint.method === "GET" ? null : refuseForeignOrigin(context.req.raw);
  if (foreign !== null) return fail(foreign);
  return await perform(endpoint, context, { caller: null, actor, authMs: 0 });
}

async function perform(endpoint: Endpoint, context: AppContext, letInAs: LetIn): Answered {
  const params = readParams(endpoint, context);
  if (params === null) return fail({ code: "not_found" });
  if (letInAs.actor !== null && Object.keys(params).length > 0) context.get("log").target = loggedTarget(params);
  const input = await readInput(endpoint, context);
  if (!input.ok) return input;
  const { tenant } = input.value.query as { tenant?: string };
  const owner = (params["tenantId"] as string | undefined) ?? letInAs.caller?.tenantId ?? tenant ?? "";
  context.set("listOwner", owner);
  const cursor = context.req.query("cursor");
  if (cursor !== undefined && !isCursorOf(cursor, owner)) return invalidRequest("cursor", "cursor");
  return await handle(endpoint, context, { ...letInAs, params, input: input.value });
}

/** What an operator's call is about, without what only looks like an id. */
export function loggedTarget(params: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, safeName(String(value))]));
}

type Ready = LetIn & { readonly params: Record<string, unknown>; readonly input: ReadInput };

async function handle(endpoint: Endpoint, context: AppContext, { input, ...ready }: Ready): Answered {
  const services = context.get("services");
  const { actor, params } = ready;
  if (actor !== null) await noteInAudit(services, endpoint.audit, { actor, params });
  const maxBytes = endpoint.body?.maxBytes ?? MAX_BODY_BYTES;
  const call = {
    context,
    services,
    ...ready,
    ...input,
    readLines: (onLine) => readLines(context.req.raw, maxBytes, onLine),
  } as RunCall;
  return await endpoint.handle(call);
}

/** A store that cannot be asked is the same 503 wherever it is met, and never looks like a mistake of the caller. */
export async function untilOutage<Value>(
  endpoint: Pick<Endpoint, "outage">,
  context: AppContext,
  work: () => Promise<Result<Value, Failure>>,
): Promise<Result<Value, Failure>> {
  try {
    return await work();
  } catch (error) {
    if (!isOutage(error)) throw error;
    context.get("log").error = messageOf(error);
    return fail({ code: endpoint.outage ?? "ledger_unavailable", retryAfterSeconds: OUTAGE_RETRY_SECONDS });
  }
}

/** Authenticates calls of unknown addresses below `/admin`: only operators may know which exist. */
export async function refuseStrangers(context: AppContext): Promise<Result<null, Failure>> {
  if (!context.req.path.startsWith("/admin/")) return ok(null);
  const operator = await authenticateOperator(context);
  return operator.ok ? ok(null) : operator;
}
