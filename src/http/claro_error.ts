import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import type { Failure } from "../domain/failure.ts";
import type { AppContext } from "./context.ts";
import { noteFailure, preferredLanguage } from "./problem.ts";
import { PROBLEMS } from "./problem_texts.ts";

/** The version that Claro's answers carry, for those of ours that Claro did not make. */
export const API_VERSION = "1;2019-08-02";

export const claroError = z
  .object({
    apiVersion: z.string(),
    transactionId: z.string(),
    error: z.object({
      httpCode: z.string(),
      errorCode: z.string(),
      message: z.string(),
      detailedMessage: z.string(),
      link: z.object({ rel: z.literal("related"), href: z.string() }),
    }),
  })
  .meta({ id: "ClaroError" });

/** A failure in Claro's envelope, with the status that `/v1/scores` would have. */
export function claroErrorResponse(context: AppContext, failure: Failure): Response {
  const { status, title, ...details } = PROBLEMS[failure.code];
  noteFailure(context, failure);
  const error: z.infer<typeof claroError> = {
    apiVersion: API_VERSION,
    transactionId: context.get("requestId"),
    error: {
      httpCode: String(status),
      errorCode: `API-SCORES-${status}`,
      message: title,
      detailedMessage: [details[preferredLanguage(context.req.header("accept-language"))], ...written(failure)].join(
        " ",
      ),
      link: { rel: "related", href: `${new URL(context.req.url).origin}/docs/errors#${failure.code}` },
    },
  };
  return context.json(error, status as ContentfulStatusCode);
}

/** Claro's envelope has no place for single fields: what is wrong with them follows the message. */
function written({ issues = [] }: Failure): string[] {
  return issues.map(({ path, message }) => (path === "" ? `${message}.` : `\`${path}\`: ${message}.`));
}
