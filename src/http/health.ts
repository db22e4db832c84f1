import { z } from "zod";
import { ok } from "../domain/result.ts";
import { publicEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { HEADERS } from "./openapi_parts.ts";

const health = z
  .object({ status: z.literal("ok").meta(told({ "pt-BR": "Sempre `ok`.", en: "Always `ok`." })) })
  .meta({ id: "Health" });

/** `GET /healthz`: the Worker runs and its settings are right. */
export const checkHealth = publicEndpoint({
  method: "GET",
  path: "/healthz",
  id: "checkHealth",
  tag: "Gateway",
  summary: { "pt-BR": "Verificar se o gateway está no ar", en: "Whether the gateway runs" },
  answers: {
    200: {
      description: {
        "pt-BR": "Está no ar, com as configurações certas.",
        en: "It runs, and its settings are right.",
      },
      content: health,
    },
  },
  headers: HEADERS.cacheControl,
  handle: ({ context }) =>
    ok(context.json({ status: "ok" } satisfies z.infer<typeof health>, 200, { "cache-control": "no-store" })),
});
