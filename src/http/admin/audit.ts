import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import { ok } from "../../domain/result.ts";
import type { AuditEntry } from "../../platform/audit.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer, pageOf, pageQuery } from "../paging.ts";
import { timeField, wholeNumberQuery } from "../shared_fields.ts";

const LIST = "audit";

/** For reading on where an earlier reading stopped. */
export const afterQuery = wholeNumberQuery(
  {
    "pt-BR": "Só as entradas depois deste número, para continuar de onde uma leitura parou.",
    en: "Only entries after this number, to go on where an earlier reading stopped.",
  },
  { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0, example: 120 },
);

const auditQuery = z.object({ ...pageQuery(LIST).shape, after: afterQuery });

const auditEntry = z
  .object({
    n: z.int().meta(told({ "pt-BR": "Cresce a cada entrada.", en: "Grows with every entry." }, { examples: [121] })),
    at: timeField({ "pt-BR": "Quando foi.", en: "When it was." }),
    actor: z.string().meta(
      told(
        {
          "pt-BR": "O e-mail ou o id do operador; `admin-token` é o token de emergência; `cron` é o próprio gateway.",
          en: "The operator's e-mail or id; `admin-token` is the break-glass token, `cron` the gateway itself.",
        },
        { examples: ["admin-token"] },
      ),
    ),
    action: z
      .string()
      .meta(told({ "pt-BR": "O que foi feito.", en: "What was done." }, { examples: ["tenant.create", "key.revoke"] })),
    target: z
      .string()
      .meta(
        told(
          { "pt-BR": "O id do que foi alterado.", en: "The id of what was changed." },
          { examples: ["ten_0123456789abcdef0123"] },
        ),
      ),
    before: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta(told({ "pt-BR": "Como era.", en: "As it was." }, { examples: [{ status: "active" }] })),
    after: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta(
        told(
          { "pt-BR": "Como ficou, sem segredos.", en: "As it is since, without secrets." },
          { examples: [{ status: "suspended" }] },
        ),
      ),
  })
  .meta({ id: "AuditEntry" });

/** `GET /admin/v1/audit`: who did what, when, to what, oldest first. */
export const listAudit = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/audit",
  id: "listAudit",
  tag: "Operations",
  summary: { "pt-BR": "Ler a auditoria", en: "Read the audit" },
  description: {
    "pt-BR": "Toda alteração feita por um operador, da mais antiga à mais nova. As entradas nunca mudam.",
    en: "Every change by an operator, oldest first. Entries are never changed.",
  },
  role: "read",
  headers: HEADERS.cacheControl,
  query: auditQuery,
  answers: {
    200: {
      description: { "pt-BR": "Uma página de entradas.", en: "A page of entries." },
      content: pageAnswer(auditEntry),
    },
  },
  handle: async ({ context, services, query: { limit, cursor, after } }) => {
    const from = cursor === undefined ? after : Math.max(after, cursor[0]);
    const entries = await services.register.audit(from, limit + 1);
    return ok(
      context.json(
        pageOf(context, { list: LIST, entries, limit }, { entry: shownEntry, place: (last) => [last.n, ""] }),
      ),
    );
  },
});

function shownEntry({ n, atMs, actor, action, target, before, after }: AuditEntry & { readonly n: number }) {
  return { n, at: isoTime(atMs), actor, action, target, before, after };
}
