import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { fail, type Result } from "../domain/result.ts";
import type { Failure, FailureCode } from "../domain/failure.ts";
import type { AppContext } from "./context.ts";
import { PROBLEMS, type Language } from "./problem_texts.ts";

/** RFC 9457's members, with the code, the request's id and, where fields are wrong, which. */
export const problem = z
  .object({
    type: z
      .url()
      .meta({ description: "Where the code is explained.", examples: ["https://gateway/docs/errors#invalid_cpf"] }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: "For people, in `pt-BR` or, when `Accept-Language` prefers it, in `en`." }),
    code: z.enum(Object.keys(PROBLEMS) as [FailureCode, ...FailureCode[]]),
    requestId: z.string(),
    issues: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .readonly()
      .optional()
      .meta({ description: "Which fields are wrong and why, never what stood there." }),
  })
  .meta({ id: "Problem" });

export type Problem = z.infer<typeof problem>;

/** A failure as `application/problem+json`, in the language that the caller prefers. */
export function problemResponse(context: AppContext, failure: Failure): Response {
  const { status, title, ...details } = PROBLEMS[failure.code];
  noteFailure(context, failure);
  const body: Problem = {
    type: `${new URL(context.req.url).origin}/docs/errors#${failure.code}`,
    title,
    status,
    detail: details[preferredLanguage(context.req.header("accept-language"))],
    code: failure.code,
    requestId: context.get("requestId"),
    ...(failure.issues === undefined ? {} : { issues: failure.issues }),
  };
  return context.body(JSON.stringify(body), status as ContentfulStatusCode, {
    "content-type": "application/problem+json",
  });
}

/** Puts a failure's code into the log line and its headers on the answer, whatever the body's shape. */
export function noteFailure(context: AppContext, failure: Failure): void {
  context.get("log").code = failure.code;
  context.header("Cache-Control", "no-store");
  context.header("Content-Language", preferredLanguage(context.req.header("accept-language")));
  context.header("Vary", "Accept-Language");
  if (failure.retryAfterSeconds !== undefined) context.header("Retry-After", String(failure.retryAfterSeconds));
}

/** `pt-BR` unless English is preferred to Portuguese. */
export function preferredLanguage(header: string | undefined): Language {
  const weights = { pt: 0, en: 0 };
  for (const part of (header ?? "").slice(0, 500).split(",")) {
    const [range = "", ...parameters] = part.trim().toLowerCase().split(";");
    const q = parameters.map((parameter) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(parameter)?.[1]).find(Boolean);
    const language = range.split("-")[0] as keyof typeof weights;
    if (language in weights) weights[language] = Math.max(weights[language], Number(q ?? 1));
  }
  return weights.en > weights.pt ? "en" : "pt-BR";
}

/** A failure of fields: names where, never what stood there. */
export function invalidRequest(path: string, message: string): Result<never, Failure> {
  return fail({ code: "invalid_request", issues: [{ path, message }] });
}
