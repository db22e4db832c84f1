import * as z from "zod";
import { answerFailure } from "./answer_failure.ts";
import type { AppContext } from "./context.ts";
import type { DocumentKind, ServedDocument } from "./openapi.ts";
import { readQuery } from "./read_input.ts";

const openApiQuery = z.object({ audience: z.enum(["partner"]).optional(), lang: z.enum(["pt-BR", "en"]).optional() });

/** `GET /openapi.json`: the endpoints as they are served, described by the schemas that validate them. */
export function answerOpenApi(documentOf: (kind: DocumentKind) => ServedDocument) {
  return (context: AppContext): Response => {
    const query = readQuery(openApiQuery, context.req.url);
    if (!query.ok) return answerFailure(context, query.failure);
    const { audience = "everyone", lang: language = "en" } = query.value;
    const { text } = documentOf({ origin: new URL(context.req.url).origin, language, audience });
    return context.body(text, 200, {
      "content-type": "application/json",
      "content-language": language,
      // Tools in a browser may read it from anywhere. Caches ask whether it is still the same.
      "access-control-allow-origin": "*",
      "cache-control": "no-cache",
    });
  };
}
