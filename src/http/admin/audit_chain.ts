import * as z from "zod";
import { ok } from "../../domain/result.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { limitQuery } from "../paging.ts";
import { timeField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";
import { afterQuery } from "./audit.ts";

const JSON_LINES = "application/jsonl";
const HOUR = /^\d{4}-\d{2}-\d{2}T\d{2}$/;

const hash = z
  .string()
  .meta(
    told(
      { "pt-BR": "SHA-256 em hexadecimal.", en: "SHA-256 in hexadecimal." },
      { examples: ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] },
    ),
  );

const auditHead = z
  .object({
    version: z.literal(1).meta(told({ "pt-BR": "O formato.", en: "The format." })),
    hour: z
      .string()
      .meta(told({ "pt-BR": "A hora, em UTC.", en: "The hour, in UTC." }, { examples: ["2026-11-28T02"] })),
    n: z.int().meta(told({ "pt-BR": "A última entrada da hora.", en: "The last entry then." }, { examples: [121] })),
    hash,
    at: timeField({ "pt-BR": "Quando foi guardada.", en: "When it was kept." }),
    keyId: z
      .string()
      .nullable()
      .meta(told({ "pt-BR": "A chave que a assinou.", en: "The key that signed it." }, { examples: ["export-1"] })),
    signature: z
      .string()
      .nullable()
      .meta(
        told(
          { "pt-BR": "Ed25519, em base64url sem preenchimento.", en: "Ed25519, base64url without padding." },
          { examples: ["hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"] },
        ),
      ),
  })
  .meta({ id: "AuditHead" });

const headsAnswer = z.object({
  data: z
    .array(auditHead)
    .meta(told({ "pt-BR": "As cabeças, da mais antiga à mais nova.", en: "The heads, oldest first." })),
});

/** `GET /admin/v1/audit.jsonl`: the whole audit with its chain, for a place of one's own. */
export const exportAudit = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/audit.jsonl",
  id: "exportAudit",
  tag: "Operations",
  summary: { "pt-BR": "Baixar a auditoria encadeada", en: "Download the audit with its chain" },
  description: {
    "pt-BR":
      "Uma entrada por linha. `hash` é o SHA-256 do JSON canônico (RFC 8785) dos outros campos; `prev` é o `hash` da linha anterior. `npm run ctl -- audit verify` confere sem perguntar a ninguém.",
    en: "An entry a line. `hash` is the SHA-256 of the canonical JSON (RFC 8785) of all other fields, `prev` the `hash` of the line before. `npm run ctl -- audit verify` checks it and asks nobody.",
  },
  role: "read",
  headers: HEADERS.cacheControl,
  query: z.object({ after: afterQuery }),
  audit: { action: "audit.export", target: () => "audit" },
  answers: {
    200: {
      description: { "pt-BR": "As entradas.", en: "The entries." },
      content: {
        [JSON_LINES]: z
          .string()
          .meta(told({ "pt-BR": "Uma entrada por linha.", en: "An entry a line." }, { examples: ['{"n":1}\n'] })),
      },
    },
  },
  handle: async ({ context, services, query: { after } }) => {
    const last = await services.auditChain.seal();
    const pages = services.auditChain.lines(after, last?.n ?? 0);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await pages.next();
        if (done === true) controller.close();
        else controller.enqueue(new TextEncoder().encode(value));
      },
    });
    return ok(context.body(body, 200, { "content-type": JSON_LINES }));
  },
});

/** `GET /admin/v1/audit/heads`: what R2 keeps of the chain, hour by hour. */
export const listAuditHeads = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/audit/heads",
  id: "listAuditHeads",
  tag: "Operations",
  summary: { "pt-BR": "As cabeças assinadas da auditoria", en: "The signed heads of the audit" },
  description: {
    "pt-BR": "O que a última entrada era, hora a hora. Cada hora é escrita uma só vez, fora do D1.",
    en: "What the last entry was, hour by hour. Each hour is written once, outside D1.",
  },
  role: "read",
  headers: HEADERS.cacheControl,
  query: z.object({
    limit: limitQuery,
    after: z
      .string()
      .regex(HOUR, issue("invalid_form", { example: "2026-11-28T12" }))
      .optional()
      .meta(
        told(
          { "pt-BR": "Só as horas depois desta.", en: "Only hours after this one." },
          { examples: ["2026-11-28T02"] },
        ),
      ),
  }),
  answers: { 200: { description: { "pt-BR": "As cabeças.", en: "The heads." }, content: headsAnswer } },
  handle: async ({ context, services, query: { limit, after = "" } }) => {
    return ok(context.json({ data: await services.auditChain.heads(after, limit) }));
  },
});
