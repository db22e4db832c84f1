import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Failure, FailureCode } from "../domain/failure.ts";
import type { Issue } from "../domain/issue.ts";
import { claroErrorBody } from "./claro_error.ts";
import type { AppContext } from "./context.ts";
import { preferredLanguage, type Language } from "./language.ts";
import type { Problem, ToldFailure } from "./problem.ts";
import { issueSentence, issueText } from "./texts/issue_texts.ts";
import { PROBLEMS } from "./texts/problem_texts.ts";

/** The longest time that it is sensible to tell a program to wait. */
const LONGEST_RETRY_SECONDS = 3600;
/** `detail` tells this many issues; `issues` has all of them. */
const ISSUES_IN_DETAIL = 3;
const CLAROS_PATHS = new Set(["/oauth2/v1/token", "/customers/v1/scores"]);
const CHALLENGED: ReadonlySet<FailureCode> = new Set([
  "missing_credentials",
  "invalid_api_key",
  "expired_api_key",
  "revoked_api_key",
  "invalid_token",
  "invalid_admin_credentials",
]);
const BASIC_PATH = "/oauth2/v1/token";
/** Limits that renew at a set time or never, not within moments. */
const LONG_LIMITS: ReadonlySet<FailureCode> = new Set([
  "quota_exceeded",
  "spend_cap_reached",
  "key_limit_reached",
  "test_quota_exceeded",
]);

/** The one place where a failure of the API becomes an answer: its status, headers, words and shape, and what the log says of it. */
export function answerFailure(context: AppContext, asked: Failure): Response {
  const told = describeFailure(context, asked, preferredLanguage(context.req.header("accept-language")));
  if (CLAROS_PATHS.has(context.req.path)) return context.json(claroErrorBody(told), told.status);
  return context.body(JSON.stringify(problemBody(told)), told.status, { "content-type": "application/problem+json" });
}

/** Puts a failure into words, sets its headers and notes its causes in the log line. For the API and for pages. */
export function describeFailure(context: AppContext, asked: Failure, language: Language): ToldFailure {
  const failure = withRenewal(asked);
  noteFailure(context, failure, language);
  return tell(context, failure, language);
}

/** The body of a failure, as the API answers it. */
export function problemBody({ failure, status, title, detail, issues, link, requestId }: ToldFailure): Problem {
  return {
    type: link,
    title,
    status,
    detail,
    code: failure.code,
    requestId,
    ...(failure.lookupId === undefined ? {} : { lookupId: failure.lookupId }),
    ...(issues === undefined ? {} : { issues }),
  };
}

function tell(context: AppContext, failure: Failure, language: Language): ToldFailure {
  const { status, title, [language]: words } = PROBLEMS[failure.code];
  const { issues } = failure;
  const sentences = (issues ?? []).slice(0, ISSUES_IN_DETAIL).map((one) => issueSentence(one, language));
  return {
    failure,
    status: status as ContentfulStatusCode,
    title: title[language],
    detail: [words, ...sentences].join(" "),
    issues: issues?.map((one) => ({ path: one.path, code: one.code, message: issueText(one, language) })),
    link: `${new URL(context.req.url).origin}/docs/errors#${failure.code}`,
    requestId: context.get("requestId"),
  };
}

/** The failure's headers, and its code and causes in the log line. */
function noteFailure(context: AppContext, failure: Failure, language: Language): void {
  const { code, retryAfterSeconds, issues, lookupId } = failure;
  const log = context.get("log");
  log.code = code;
  if (issues !== undefined && issues.length > 0) log.issues = issues.map(({ path, code: what }) => `${path}:${what}`);
  if (lookupId !== undefined) log.lookupId = lookupId;
  context.header("Cache-Control", "no-store");
  context.header("Content-Language", language);
  context.header("Vary", "Accept-Language");
  if (retryAfterSeconds !== undefined && retryAfterSeconds <= LONGEST_RETRY_SECONDS) {
    context.header("Retry-After", String(retryAfterSeconds));
  }
  if (CHALLENGED.has(code)) {
    const scheme = context.req.path === BASIC_PATH ? "Basic" : "Bearer";
    context.header("WWW-Authenticate", `${scheme} realm="claro-score-gateway"`);
  }
}

/** Says when a cap or a quota begins anew: a person has to know the day, however far away it is. */
function withRenewal(failure: Failure): Failure {
  if (!LONG_LIMITS.has(failure.code) || failure.issues !== undefined) return failure;
  // A key's own rate limit passes within seconds: Retry-After is enough.
  if (failure.resetsAtMs === undefined && failure.retryAfterSeconds !== undefined) return failure;
  return { ...failure, issues: [renewal(failure)] };
}

function renewal({ resetsAtMs }: Failure): Issue {
  if (resetsAtMs === undefined) return { path: "", code: "does_not_renew" };
  return { path: "", code: "renews_at", params: { atMs: resetsAtMs } };
}
