import { assert } from "../../domain/assert.ts";
import type { Failure } from "../../domain/failure.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { mayAct, roleRequired } from "../../domain/roles.ts";
import type { Endpoint, RunCall } from "../../http/endpoint.ts";
import { noteInAudit } from "../../http/note_in_audit.ts";
import { parseBody, parseQuery } from "../../http/read_input.ts";
import type { OperatorVisitor } from "../../gateway/page_sessions.ts";
import { consolePage, type ConsoleCall, type PageDeclaration } from "../page.ts";

type Asked = {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  /** Reads an uploaded file line by line, for endpoints that take one. */
  readonly readLines?: RunCall["readLines"];
};

type Caller = Pick<ConsoleCall, "context" | "services"> & { readonly operator: OperatorVisitor };

/**
 * Calls an endpoint for a page, as the operator who is signed in, and returns its JSON. Role, body, audit and use case
 * are the endpoint's own, so a page can do nothing that the API cannot.
 */
export async function callEndpoint<Answer>(
  caller: Caller,
  endpoint: Endpoint,
  asked: Asked = {},
): Promise<Result<Answer, Failure>> {
  const answered = await run(caller, endpoint, asked);
  return answered.ok ? ok(await answered.value.json<Answer>()) : answered;
}

/** A page that answers with a file of the API. */
export function fileOf(path: string, endpoint: Endpoint): PageDeclaration {
  return consolePage({
    method: "GET",
    path,
    role: "read",
    handle: async ({ context, services, operator, params }) =>
      await run({ context, services, operator }, endpoint, { params }),
  });
}

async function run(
  { context, services, operator }: Caller,
  endpoint: Endpoint,
  { params = {}, query = {}, body, readLines = refuseLines }: Asked,
): Promise<Result<Response, Failure>> {
  const { access, audit, body: declaredBody, query: declaredQuery } = endpoint;
  assert(access.audience === "operator", `${endpoint.id} is no call of an operator`);
  if (!mayAct(operator.roles, access.role)) return fail(roleRequired(access.role));
  const isParsed = declaredBody !== undefined && declaredBody.isStreamed !== true;
  const parsed = isParsed ? parseBody(declaredBody, body ?? {}) : ok(undefined);
  if (!parsed.ok) return parsed;
  const asked = declaredQuery === undefined ? ok({}) : parseQuery(declaredQuery, query, { ignoresOthers: true });
  if (!asked.ok) return asked;
  await noteInAudit(services, audit, { actor: operator.actor, params });
  return await endpoint.handle({
    context,
    services,
    caller: null,
    actor: operator.actor,
    authMs: 0,
    params,
    query: asked.value,
    headers: {},
    body: parsed.value,
    readLines,
  });
}

const refuseLines: RunCall["readLines"] = () => Promise.reject(new Error("this page sends no file"));
