import * as z from "zod";
import { fail, ok } from "../../domain/result.ts";
import { toListedKey } from "../../platform/export_keys.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { exportKey } from "../export_keys.ts";
import { HEADERS } from "../openapi_parts.ts";

/** `POST /admin/v1/export-keys/{kid}/revoke`: what it signed counts only where a later month, signed by another, names it. */
export const revokeExportKey = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/export-keys/:kid/revoke",
  id: "revokeExportKey",
  tag: "Operations",
  summary: { "pt-BR": "Revogar uma chave que assina extratos", en: "Disown a key that signs statements" },
  description: {
    "pt-BR":
      "Para uma chave que pode ter sido roubada, depois de instalar outra. O que ela assinou só vale onde um mês posterior, " +
      "assinado por outra, o confirma. Não há volta.",
    en:
      "For a key that may have been stolen, after another one was installed. What it signed counts only where a later month, " +
      "signed by another, names it. It cannot be undone.",
  },
  role: "admin",
  audit: { action: "export_key.revoke", target: ({ kid = "" }) => kid },
  headers: HEADERS.cacheControl,
  answers: {
    200: {
      description: { "pt-BR": "A chave, revogada.", en: "The key, disowned." },
      content: z.object(exportKey.shape).meta({ id: "ExportKey" }),
    },
  },
  failures: ["not_found", "statement_unavailable"],
  outage: "statement_unavailable",
  handle: async ({ context, services, params: { kid } }) => {
    const revoked = await services.exportKeys.revoke(kid, services.clock.nowMs());
    if (revoked === null) return fail({ code: "not_found" });
    context.header("Cache-Control", "no-store");
    return ok(context.json(toListedKey(revoked)));
  },
});
