import * as z from "zod";
import { ok } from "../domain/result.ts";
import { publicEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { HEADERS } from "./openapi_parts.ts";
import { readRelease } from "../platform/release.ts";
import { commitField, DEPLOYED_AT, VERSION_ID, versionField } from "./release_fields.ts";
import { timeField } from "./shared_fields.ts";

const health = z
  .object({
    status: z.literal("ok").meta(told({ "pt-BR": "Sempre `ok`.", en: "Always `ok`." })),
    version: versionField,
    commit: commitField,
    versionId: z
      .string()
      .optional()
      .meta(told(VERSION_ID, { examples: ["6849df6f-8ba2-441e-9261-e8c10a6eddc2"] })),
    deployedAt: timeField(DEPLOYED_AT).optional(),
  })
  .meta({ id: "Health" });

/** `GET /healthz`: the Worker runs and its settings are right. */
export const checkHealth = publicEndpoint({
  method: "GET",
  path: "/healthz",
  id: "checkHealth",
  tag: "Gateway",
  summary: {
    "pt-BR": "Verificar se o gateway está no ar, e em que versão",
    en: "Whether the gateway runs, and which version of it",
  },
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
  handle: ({ context }) => {
    const { version, commit, versionId, deployedAt } = readRelease(context.env);
    const answer: z.infer<typeof health> = {
      status: "ok",
      version,
      commit,
      ...(versionId === null ? {} : { versionId }),
      ...(deployedAt === null ? {} : { deployedAt }),
    };
    return ok(context.json(answer, 200, { "cache-control": "no-store" }));
  },
});
