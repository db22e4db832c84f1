import * as z from "zod";
import type { Failure } from "../domain/failure.ts";
import type { Issue } from "../domain/issue.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { AppContext } from "./context.ts";
import type { BodyDeclaration, Endpoint, HeaderSchemas } from "./endpoint.ts";
import { parameterNames, pathParameter } from "./path_parameters.ts";
import { hasBody, MAX_BODY_BYTES, parseJson, readText, refuseHeaders } from "./read_body.ts";
import { safeName } from "./safe_name.ts";
import { issuesOf } from "./zod_issues.ts";

export type ReadInput = {
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
};

const NO_QUERY = z.strictObject({});
const JSON_ONLY = ["application/json"] as const;
/** What stands for the body of a call that declares none: nothing, or an object without fields. */
const NO_BODY: BodyDeclaration = { schema: z.strictObject({}), isOptional: true };

/** A path's parameters, or null when one of them cannot exist. */
export function readParams(endpoint: Pick<Endpoint, "path">, context: AppContext): Record<string, unknown> | null {
  const params: Record<string, unknown> = {};
  for (const name of parameterNames(endpoint.path)) {
    const parsed = pathParameter(name).safeParse(context.req.param(name));
    if (!parsed.success) return null;
    params[name] = parsed.data;
  }
  return params;
}

/** Query, headers and body as they are declared; the first that is not refuses the call. */
export async function readInput(endpoint: Endpoint, context: AppContext): Promise<Result<ReadInput, Failure>> {
  const query = readQuery(endpoint.query ?? NO_QUERY, context.req.raw.url);
  if (!query.ok) return query;
  const headers = readHeaders(endpoint.requestHeaders, context.req.raw.headers);
  if (!headers.ok) return headers;
  const body = await readBody(endpoint, context.req.raw);
  return body.ok ? ok({ query: query.value, headers: headers.value, body: body.value }) : body;
}

/** A query as it is declared: every other name is refused or ignored, and a name that is given twice is refused. */
export function readQuery<Query extends z.ZodObject>(
  declared: Query,
  url: string,
  options: { ignoresOthers?: boolean } = {},
): Result<z.output<Query>, Failure> {
  const start = url.indexOf("?");
  const given = readPairs(start < 0 ? "" : url.slice(start));
  return given.ok ? parseQuery(declared, given.value, options) : given;
}

/** Names with their values as a query declares them. */
export function parseQuery<Query extends z.ZodObject>(
  declared: Query,
  value: Readonly<Record<string, unknown>>,
  { ignoresOthers = false }: { ignoresOthers?: boolean } = {},
): Result<z.output<Query>, Failure> {
  const parsed = (ignoresOthers ? declared : strict(declared)).safeParse(value);
  if (parsed.success) return ok(parsed.data as z.output<Query>);
  return invalid(issuesOf(parsed.error, { schema: declared, value, unknown: "unknown_parameter" }));
}

const strictSchemas = new WeakMap<z.ZodObject, z.ZodObject>();

/** A query's schema that refuses every other name; made once. */
function strict(declared: z.ZodObject): z.ZodObject {
  let schema = strictSchemas.get(declared);
  if (schema === undefined) strictSchemas.set(declared, (schema = declared.strict()));
  return schema;
}

function readHeaders(declared: HeaderSchemas | undefined, headers: Headers): Result<Record<string, unknown>, Failure> {
  const values: Record<string, unknown> = {};
  for (const name in declared) {
    const value = headers.get(name) ?? undefined;
    const parsed = declared[name]?.safeParse(value);
    if (parsed?.success === false) {
      const schema = declared[name] as z.ZodType;
      const issues = issuesOf(parsed.error, { schema, value, unknown: "unknown_field" });
      return invalid(issues.map((one) => ({ ...one, path: name })));
    }
    values[name] = parsed?.data;
  }
  return ok(values);
}

async function readBody(endpoint: Endpoint, request: Request): Promise<Result<unknown, Failure>> {
  const { method, body = NO_BODY } = endpoint;
  if (method === "GET") return ok(undefined);
  const { schema, types = JSON_ONLY, maxBytes = MAX_BODY_BYTES, isOptional = false, isStreamed = false } = body;
  if (isOptional && !hasBody(request)) return parseBody(body, {});
  const refusal = refuseHeaders(request.headers, { types, maxBytes });
  if (refusal !== null) return fail(refusal);
  if (isStreamed) return ok(undefined);
  const text = await readText(request, maxBytes);
  if (!text.ok) return text;
  // Some clients send a content type with every call, also without a body.
  if (isOptional && text.value === "") return parseBody(body, {});
  if (types[0] === "application/x-www-form-urlencoded") return readForm({ ...body, schema }, text.value);
  const json = parseJson(body.mend === undefined ? text.value : body.mend(text.value));
  return json.ok ? parseBody(body, json.value) : json;
}

function readForm(body: BodyDeclaration, text: string): Result<unknown, Failure> {
  const given = readPairs(text);
  return given.ok ? parseBody(body, given.value) : given;
}

/** Names with their values, as a query or a form has them, each once: readers disagree on which of two counts. */
function readPairs(text: string): Result<Record<string, string>, Failure> {
  const given = [...new URLSearchParams(text).entries()];
  const value = Object.fromEntries(given);
  if (Object.keys(value).length === given.length) return ok(value);
  const repeated = Object.keys(value).filter((name) => given.filter(([one]) => one === name).length > 1);
  return invalid(repeated.map((name) => ({ path: safeName(name), code: "given_twice" })));
}

/** A body as its declaration has it. */
export function parseBody({ schema, failureOf }: BodyDeclaration, value: unknown): Result<unknown, Failure> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issues = issuesOf(parsed.error, { schema, value, unknown: "unknown_field" });
  return fail({ code: failureOf?.(issues) ?? "invalid_request", issues });
}

function invalid(issues: readonly Issue[]): Result<never, Failure> {
  return fail({ code: "invalid_request", issues });
}
