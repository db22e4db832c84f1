import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { looksLikeCpf } from "../domain/cpf_like.ts";
import { logEvent } from "../platform/log.ts";
import { servicesOf } from "../platform/services.ts";
import type { AppEnv } from "./context.ts";
import { failureResponse } from "./failure_response.ts";

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** The secret part of an API key, or a JSON Web Token. */
const CREDENTIAL = /[0-9A-Za-z]{10}_[0-9A-Za-z]{32}|eyJ[\w-]+\./;

/**
 * The outermost middleware: gives the request its id and, when it is answered, its one log line. The line names the
 * route's pattern, not the URL: what callers put into a URL by mistake stays out of the log.
 */
export const requestLine = createMiddleware<AppEnv>(async (context, next) => {
  const startedAtMs = Date.now();
  const requestId = takeRequestId(context.req.header("x-request-id"));
  context.set("requestId", requestId);
  context.set("startedAtMs", startedAtMs);
  context.set("log", {});
  await next();
  // By hand: Hono would make a finished answer once more for it.
  context.res.headers.set("X-Request-Id", requestId);
  logEvent(context.res.status >= 500 ? "error" : "info", {
    event: "request",
    requestId,
    method: context.req.method,
    route: routePath(context, -1),
    status: context.res.status,
    durationMs: Date.now() - startedAtMs,
    ...context.get("log"),
  });
});

/** Checks the settings before anything needs them; what is missing is named in the log line only. */
export const configured = createMiddleware<AppEnv>(async (context, next) => {
  const services = servicesOf(context.env);
  if (!services.ok) {
    context.get("log").settings = services.failure.names;
    return failureResponse(context, { code: "misconfigured" });
  }
  context.set("services", services.value);
  return await next();
});

/** A caller's id stands in the log and in the answer: what reads as a CPF, an API key or a token is not taken. */
function takeRequestId(given: string | undefined): string {
  const isTaken = given !== undefined && REQUEST_ID.test(given) && !looksLikeCpf(given) && !CREDENTIAL.test(given);
  return isTaken ? given : crypto.randomUUID();
}
