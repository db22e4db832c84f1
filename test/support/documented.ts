import { expect } from "vitest";
import type { ZodType } from "zod";
import { ENDPOINTS } from "../../src/app.ts";
import type { FailureCode } from "../../src/domain/failure.ts";
import { claroError } from "../../src/http/claro_error.ts";
import type { Endpoint } from "../../src/http/endpoint.ts";
import { failuresOf } from "../../src/http/failures_of.ts";
import { problem } from "../../src/http/problem.ts";
import { PROBLEMS } from "../../src/http/texts/problem_texts.ts";

/** Each endpoint with what its path matches: made once, for every call of every test asks. */
const PATHS = ENDPOINTS.map((endpoint) => ({
  endpoint,
  pattern: new RegExp(`^${endpoint.path.replaceAll(/:\w+/g, "[^/]+")}$`),
}));

/** Failures that come before any operation. */
const EVERYWHERE: readonly FailureCode[] = ["not_found", "method_not_allowed", "misconfigured", "internal"];

/**
 * That an answer is what the reference says of it: its status, its type, every field of its body and no other, and for a
 * failure a code that its operation lists. Files and pages are left to tests of their own.
 */
export async function expectDocumented(method: string, path: string, response: Response): Promise<void> {
  expect(response.headers.get("x-request-id"), "X-Request-Id").toMatch(/^[A-Za-z0-9._-]{1,128}$/);
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  // A part of a file, and what the caller has already, are no body of their own.
  if ([206, 304].includes(response.status)) return;
  if (method === "HEAD" || !type.endsWith("json") || path.startsWith("/openapi.json")) return;
  const endpoint = findEndpoint(method, path);
  const body: unknown = await response.clone().json();
  if (response.ok) expectAnswer(endpoint, { status: response.status, type, body });
  else expectFailure(endpoint, { status: response.status, type, body });
}

type Answered = { readonly status: number; readonly type: string; readonly body: unknown };

function expectAnswer(endpoint: Endpoint | null, { status, type, body }: Answered): void {
  const { content } = endpoint?.answers[status] ?? {};
  const schema = content !== undefined && "parse" in content ? content : content?.[type];
  expect(schema, `a schema of ${status} ${type} at ${endpoint?.path ?? "an unknown path"}`).toBeDefined();
  // Fields that the schema does not name are dropped by it, and then are missed here.
  expect((schema as ZodType).parse(body)).toEqual(body);
}

function expectFailure(endpoint: Endpoint | null, { status, type, body }: Answered): void {
  const isClaros = type === "application/json";
  const { code } = isClaros ? claroError.parse(body).error : problem.parse(body);
  expect(isClaros ? claroError.parse(body) : problem.parse(body)).toEqual(body);
  expect(PROBLEMS[code].status).toBe(status);
  const listed = endpoint === null ? [] : failuresOf(endpoint);
  expect([...EVERYWHERE, "invalid_admin_credentials", ...listed], "a failure that the endpoint declares").toContain(
    code,
  );
  expect(isClaros).toBe(endpoint?.failureShape === "claro");
}

function findEndpoint(method: string, path: string): Endpoint | null {
  const asked = path.split("?")[0] ?? "";
  const atPath = PATHS.filter(({ pattern }) => pattern.test(asked)).map(({ endpoint }) => endpoint);
  return atPath.find((endpoint) => endpoint.method === method) ?? atPath[0] ?? null;
}
