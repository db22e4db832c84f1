import type { Failure } from "../../domain/failure.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { mayAct } from "../../domain/roles.ts";
import type { Endpoint, RunCall } from "../../http/endpoint.ts";
import { parseBody } from "../../http/read_input.ts";
import { issuesOf } from "../../http/zod_issues.ts";
import type { OperatorVisitor } from "../../gateway/page_sessions.ts";
import { consolePage, type ConsoleCall, type PageDeclaration } from "../page.ts";

type Asked = {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  /** The lines of a file that the call reads, where it reads one. */
  readonly readLines?: RunCall["readLines"];
};

type Caller = Pick<ConsoleCall, "context" | "services"> & { readonly operator: OperatorVisitor };

/**
 * Makes a call of the API for a page, as the operator who is signed in: role, body, audit and use case are the endpoint's
 * own, so that a page can do nothing that the API cannot. Gives the answer's JSON.
 */
export async function callEndpoint<Answer>(
  caller: Caller,
  endpoint: Endpoint,
  asked: Asked = {},
): Promise<Result<Answer, Failure>> {
  const answered = await run(caller, endpoint, asked);
  return answered.ok ? ok(await answered.value.json<Answer>()) : answered;
}

/** A page that gives a file as the API does. */
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
  const { access, audit } = endpoint;
  if (access.audience !== "operator" || !mayAct(operator.roles, access.role)) {
    const role = access.audience === "operator" ? access.role : "";
    return fail({ code: "role_required", issues: [{ path: "", code: "role_required", params: { role } }] });
  }
  const parsed =
    endpoint.body === undefined || endpoint.body.isStreamed === true
      ? ok(undefined)
      : parseBody(endpoint.body, body ?? {});
  if (!parsed.ok) return parsed;
  const readQuery = endpoint.query?.safeParse(query);
  if (readQuery?.success === false) {
    const asRead = { schema: endpoint.query, value: query, unknown: "unknown_parameter" } as Parameters<
      typeof issuesOf
    >[1];
    return fail({ code: "invalid_request", issues: issuesOf(readQuery.error, asRead) });
  }
  if (audit !== undefined && audit !== "in_change") {
    const target = audit.target(params as Readonly<Record<string, string>>);
    const entry = { actor: operator.actor, action: audit.action, target, before: null, after: null };
    await services.register.note({ atMs: services.clock.nowMs(), ...entry });
  }
  return await endpoint.handle({
    context,
    services,
    caller: null,
    actor: operator.actor,
    authMs: 0,
    params,
    query: readQuery?.data ?? {},
    headers: {},
    body: parsed.value,
    readLines,
  });
}

const refuseLines: RunCall["readLines"] = () => Promise.reject(new Error("this page sends no file"));
