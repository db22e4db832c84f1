import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { logEvent } from "../platform/log.ts";
import { servicesOf } from "../platform/services.ts";
import { describeProblem } from "../platform/settings.ts";
import { answerFailure } from "./answer_failure.ts";
import { callerIp, loggedReference, type AppContext, type AppEnv } from "./context.ts";
import { lacksSetup, RUN_NPM_START } from "./local_setup.ts";
import { isSafeToken } from "./safe_name.ts";
import { readTraceParent } from "./trace_parent.ts";

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** Refusals in which it matters where a call came from. */
const ADDRESSED_STATUSES: ReadonlySet<number> = new Set([401, 403, 429]);

/**
 * The outermost middleware: gives the request its id and, when it is answered, its one log line. The line names the
 * route's pattern, not the URL: what callers put into a URL by mistake stays out of the log.
 */
export const requestLine = createMiddleware<AppEnv>(async (context, next) => {
  const startedAtMs = Date.now();
  const requestId = takeRequestId(context.req.header("x-request-id"));
  context.set("requestId", requestId);
  context.set("startedAtMs", startedAtMs);
  const trace = readTraceParent(context.req.header("traceparent"));
  context.set("log", trace === null ? {} : { traceId: trace.traceId, parentId: trace.parentId });
  await next();
  // Set on the response itself: Hono's own way copies a finished response for each header.
  context.res.headers.set("X-Request-Id", requestId);
  context.res.headers.set("X-Content-Type-Options", "nosniff");
  if (trace !== null) context.res.headers.set("traceparent", trace.header);
  const { status } = context.res;
  if (ADDRESSED_STATUSES.has(status)) await noteAddress(context);
  logEvent(status >= 500 ? "error" : "info", {
    event: "request",
    requestId,
    method: context.req.method,
    route: routePath(context, -1),
    status,
    durationMs: Date.now() - startedAtMs,
    ...context.get("log"),
  });
});

/** Checks the settings before anything needs them; what is wrong is told in the log line only. */
export const configured = createMiddleware<AppEnv>(async (context, next) => {
  if (await lacksSetup(context)) {
    context.get("log").hint = RUN_NPM_START;
    return answerFailure(context, { code: "misconfigured", issues: [{ path: "", code: "setup_missing" }] });
  }
  const services = servicesOf(context.env, new URL(context.req.url).hostname);
  if (!services.ok) {
    context.get("log").settings = services.failure.problems.map(describeProblem);
    return answerFailure(context, { code: "misconfigured" });
  }
  context.set("services", services.value);
  return await next();
});

async function noteAddress(context: AppContext): Promise<void> {
  const ip = callerIp(context);
  if (ip !== null) context.get("log").address = await loggedReference(context, ip);
}

/** A caller's id stands in the log and in the answer: what reads as a CPF, an API key or a token is not taken. */
function takeRequestId(given: string | undefined): string {
  return given !== undefined && REQUEST_ID.test(given) && isSafeToken(given) ? given : crypto.randomUUID();
}
