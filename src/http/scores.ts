import * as z from "zod";
import { parseCpf } from "../domain/cpf.ts";
import { holdsCpf } from "../domain/cpf_like.ts";
import type { FailureCode } from "../domain/failure.ts";
import { isoTime } from "../domain/instant.ts";
import type { Issue } from "../domain/issue.ts";
import { LEGAL_BASES, PURPOSES } from "../domain/lookup_grounds.ts";
import { CURRENCY, formatMicros } from "../domain/money.ts";
import { ok } from "../domain/result.ts";
import type { LookupAnswer } from "../gateway/lookup.ts";
import { tenantEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { consentIdField, LOOKUP, requestedByField, runLookup } from "./lookup_call.ts";
import { freeText } from "./printable.ts";
import { issue } from "./zod_issues.ts";

/** A CPF as callers write it, read into its digits. */
export const writtenCpf = z
  .union([z.string(), z.int()])
  // Before the transformation: an example is one of what is written.
  .meta(
    told(
      {
        "pt-BR": "`ddd.ddd.ddd-dd` ou onze dígitos; um número inteiro de JSON é completado com zeros à esquerda.",
        en: "`ddd.ddd.ddd-dd` or eleven digits; a JSON integer is padded with zeros on the left.",
      },
      { examples: ["529.982.247-25", "52998224725"] },
    ),
  )
  .transform((written, context) => {
    const cpf = parseCpf(written);
    if (cpf.ok) return cpf.value;
    context.addIssue({ code: "custom", message: issue("cpf") });
    return z.NEVER;
  });

const KEPT_TEXTS = ["reference", "consentId", "requestedBy"] as const;

const scoreRequest = z
  .strictObject({
    cpf: writtenCpf,
    reference: freeText(64)
      .optional()
      .meta(
        told(
          {
            "pt-BR": "A sua própria referência; fica no evento e nos arquivos exportados.",
            en: "Your own reference; it is kept on the event and in exports.",
          },
          { examples: ["pedido-1234"] },
        ),
      ),
    purpose: z
      .enum(PURPOSES)
      .optional()
      .meta(
        told(
          { "pt-BR": "Para que o score é consultado.", en: "What the score is looked up for." },
          { examples: ["credit_granting"] },
        ),
      ),
    legalBasis: z
      .enum(LEGAL_BASES)
      .optional()
      .meta(
        told(
          { "pt-BR": "A base legal da LGPD para a consulta.", en: "The lookup's legal basis under the LGPD." },
          { examples: ["credit_protection"] },
        ),
      ),
    consentId: consentIdField,
    requestedBy: requestedByField,
  })
  .superRefine((asked, context) => {
    for (const name of KEPT_TEXTS) {
      const text = asked[name];
      if (text === undefined || !holdsCpf(text, asked.cpf)) continue;
      context.addIssue({ code: "custom", path: [name], message: issue("looks_like_cpf") });
    }
  })
  .meta({ id: "ScoreRequest" });

const price = z
  .object({
    amount: z.string().meta(told({ "pt-BR": "Em reais, exato.", en: "In reais, exact." }, { examples: ["0.1500"] })),
    currency: z.literal(CURRENCY).meta(told({ "pt-BR": "Sempre BRL.", en: "Always BRL." })),
  })
  .meta({ id: "Price", ...told({ "pt-BR": "Quanto esta consulta custa.", en: "What this lookup costs." }) });

export const scoreAnswer = z
  .object({
    id: z
      .string()
      .meta(
        told(
          { "pt-BR": "O id da consulta.", en: "The lookup's id." },
          { examples: ["lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e"] },
        ),
      ),
    score: z
      .int()
      .min(0)
      .max(1000)
      .meta(
        told(
          {
            "pt-BR": "Quanto maior, menor o risco de inadimplência.",
            en: "The higher, the lower the risk of default.",
          },
          { examples: [742] },
        ),
      ),
    mode: z
      .enum(["live", "test"])
      .meta(told({ "pt-BR": "`test` vem do sandbox.", en: "`test` comes from the sandbox." }, { examples: ["live"] })),
    billed: z
      .boolean()
      .meta(
        told(
          { "pt-BR": "Se esta consulta é cobrada.", en: "Whether this lookup costs you money." },
          { examples: [true] },
        ),
      ),
    price: price.optional(),
    reference: z
      .string()
      .nullable()
      .meta(told({ "pt-BR": "A sua referência.", en: "Your reference." }, { examples: ["pedido-1234"] })),
    transactionId: z
      .string()
      .nullable()
      .meta(
        told(
          { "pt-BR": "O id da transação na Claro.", en: "Claro's own id of the transaction." },
          { examples: ["0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58"] },
        ),
      ),
    createdAt: z.iso
      .datetime()
      .meta(
        told(
          { "pt-BR": "Quando a consulta foi aceita.", en: "When the lookup was admitted." },
          { examples: ["2026-11-27T21:20:40.123Z"] },
        ),
      ),
  })
  .meta({ id: "ScoreAnswer" });

/** `POST /v1/scores`. */
export const lookUpScore = tenantEndpoint({
  ...LOOKUP,
  method: "POST",
  path: "/v1/scores",
  id: "lookUpScore",
  tag: "Scores",
  summary: { "pt-BR": "Consultar o score de um CPF", en: "Look up the score of a CPF" },
  description: {
    "pt-BR":
      "Pergunta à Claro o score de um CPF. A consulta é cobrada quando o score é entregue e, com uma `Idempotency-Key`, " +
      "uma única vez, por mais que seja repetida.",
    en:
      "Asks Claro for the score of one CPF. A lookup is charged when its score is delivered, and with an `Idempotency-Key` " +
      "only once however often it is sent.",
  },
  scope: "scores:read",
  limit: "lookup",
  body: {
    schema: scoreRequest,
    example: { cpf: "529.982.247-25", reference: "pedido-1234", purpose: "credit_granting" },
    failureOf: cpfFailure,
  },
  answers: { 200: { description: { "pt-BR": "O score.", en: "The score." }, content: scoreAnswer } },
  handle: async ({ context, caller, authMs, headers, body }) => {
    const { cpf, reference = null, purpose = null, legalBasis = null, consentId = null, requestedBy = null } = body;
    const asked = { cpf, reference, purpose, legalBasis, consentId, requestedBy };
    const answered = await runLookup(
      { context, caller, authMs },
      { ...asked, idempotencyKey: headers["Idempotency-Key"] },
    );
    if (!answered.ok) return answered;
    const written = scoreBody(answered.value.answer, reference);
    return ok(Response.json(written, { headers: answered.value.headers }));
  },
});

/** A score as it is answered. */
export function scoreBody(
  answer: Extract<LookupAnswer, { kind: "score" }>,
  reference: string | null,
): z.infer<typeof scoreAnswer> {
  const { lookupId: id, score, mode, billed, transactionId, createdAtMs } = answer;
  const createdAt = isoTime(createdAtMs);
  return { id, score, mode, billed, ...priceOf(answer), reference, transactionId, createdAt };
}

/** What a body is called whose one mistake is the CPF. */
export function cpfFailure(issues: readonly Issue[]): FailureCode {
  const isCpf = issues.length > 0 && issues.every(({ path, code }) => path === "cpf" && code !== "required");
  return isCpf ? "invalid_cpf" : "invalid_request";
}

/** The price that the ledger recorded, where the answer knows it. */
function priceOf({ unitPriceMicros }: Extract<LookupAnswer, { kind: "score" }>): { price?: z.infer<typeof price> } {
  return unitPriceMicros === undefined ? {} : { price: { amount: formatMicros(unitPriceMicros), currency: CURRENCY } };
}
