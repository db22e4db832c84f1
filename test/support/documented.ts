import { expect } from "vitest";
import type { ZodType } from "zod";
import { ROUTES } from "../../src/app.ts";
import type { FailureCode } from "../../src/domain/failure.ts";
import { claroError } from "../../src/http/claro_error.ts";
import { failuresOf, type Method, type Operation } from "../../src/http/operation.ts";
import { problem } from "../../src/http/problem.ts";
import { PROBLEMS } from "../../src/http/problem_texts.ts";

/** Failures that come before any operation. */
const EVERYWHERE: readonly FailureCode[] = ["not_found", "method_not_allowed", "misconfigured", "internal"];

/**
 * That an answer is what the reference says of it: its status, its type, every field of its body and no other, and for a
 * failure a code that its operation lists. Files and pages are left to tests of their own.
 */
export async function expectDocumented(method: string, path: string, response: Response): Promise<void> {
  expect(response.headers.get("x-request-id"), "X-Request-Id").toMatch(/^[A-Za-z0-9._-]{1,128}$/);
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  if (method === "HEAD" || !type.endsWith("json") || path.startsWith("/openapi.json")) return;
  const found = findOperation(method, path);
  const body: unknown = await response.clone().json();
  if (response.ok) expectAnswer(found, { status: response.status, type, body });
  else expectFailure(found, { status: response.status, type, body });
}

type Found = { readonly pattern: string; readonly operation: Operation } | null;
type Answered = { readonly status: number; readonly type: string; readonly body: unknown };

function expectAnswer(found: Found, { status, type, body }: Answered): void {
  const { content } = found?.operation.answers[status] ?? {};
  const schema = content !== undefined && "parse" in content ? content : content?.[type];
  expect(schema, `a schema of ${status} ${type} at ${found?.pattern ?? "an unknown path"}`).toBeDefined();
  // Fields that the schema does not name are dropped by it, and then are missed here.
  expect((schema as ZodType).parse(body)).toEqual(body);
}

function expectFailure(found: Found, { status, type, body }: Answered): void {
  const isClaros = type === "application/json";
  const code = isClaros ? codeOfClaroError(body) : problem.parse(body).code;
  expect(isClaros ? claroError.parse(body) : problem.parse(body)).toEqual(body);
  expect(PROBLEMS[code].status).toBe(status);
  const listed = found === null ? [] : failuresOf(found.pattern, found.operation);
  expect([...EVERYWHERE, "invalid_admin_credentials", ...listed]).toContain(code);
  expect(isClaros).toBe(found?.operation.failureSchema !== undefined);
}

function codeOfClaroError(body: unknown): FailureCode {
  return new URL(claroError.parse(body).error.link.href).hash.slice(1) as FailureCode;
}

function findOperation(method: string, path: string): Found {
  const asked = path.split("?")[0] ?? "";
  const match = Object.entries(ROUTES).find(([pattern]) =>
    new RegExp(`^${pattern.replaceAll(/:\w+/g, "[^/]+")}$`).test(asked),
  );
  if (match === undefined) return null;
  const [pattern, route] = match;
  const endpoint = route[method as Method] ?? Object.values(route)[0];
  return endpoint === undefined ? null : { pattern, operation: endpoint[1] };
}
