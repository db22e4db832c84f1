import * as z from "zod";
import { told } from "./language.ts";
import { failureCode, toldIssue, type ToldFailure } from "./problem.ts";

/** The version that Claro's answers carry, for those of ours that Claro did not make. */
export const API_VERSION = "1;2019-08-02";

export const claroError = z
  .object({
    apiVersion: z
      .string()
      .meta(
        told({ "pt-BR": "A versão da API da Claro.", en: "The version of Claro's API." }, { examples: [API_VERSION] }),
      ),
    transactionId: z
      .string()
      .meta(
        told(
          { "pt-BR": "O `X-Request-Id` da resposta.", en: "The answer's `X-Request-Id`." },
          { examples: ["7b1c2f0e-6a53-4f0c-9a57-1d2f3b4c5d6e"] },
        ),
      ),
    error: z
      .object({
        httpCode: z.string().meta(told({ "pt-BR": "O status HTTP.", en: "The HTTP status." }, { examples: ["400"] })),
        errorCode: z
          .string()
          .meta(
            told(
              { "pt-BR": "O status como a Claro o escreve.", en: "The status as Claro writes it." },
              { examples: ["API-SCORES-400"] },
            ),
          ),
        message: z
          .string()
          .meta(told({ "pt-BR": "O código por extenso.", en: "The code in words." }, { examples: ["CPF inválido"] })),
        detailedMessage: z.string().meta(
          told(
            {
              "pt-BR": "Para pessoas, no idioma de `Accept-Language`.",
              en: "For people, in the language of `Accept-Language`.",
            },
            { examples: ["O CPF precisa ter onze dígitos (com ou sem pontuação) e dígitos verificadores corretos."] },
          ),
        ),
        link: z
          .object({
            rel: z.literal("related").meta(told({ "pt-BR": "Sempre `related`.", en: "Always `related`." })),
            href: z
              .string()
              .meta(
                told(
                  { "pt-BR": "Onde o código é explicado.", en: "Where the code is explained." },
                  { examples: ["https://gateway.example/docs/errors#invalid_cpf"] },
                ),
              ),
          })
          .meta(told({ "pt-BR": "Onde ler mais.", en: "Where to read on." })),
        code: failureCode.meta(
          told(
            { "pt-BR": "O nome estável da falha: decida por ele.", en: "The failure's stable name: decide by it." },
            { examples: ["invalid_cpf"] },
          ),
        ),
        lookupId: z
          .string()
          .optional()
          .meta(
            told(
              {
                "pt-BR": "A consulta que falhou, quando está registrada.",
                en: "The lookup that failed, where it is on record.",
              },
              { examples: ["lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e"] },
            ),
          ),
        issues: z
          .array(toldIssue)
          .readonly()
          .optional()
          .meta(told({ "pt-BR": "O que há de errado e onde.", en: "What is wrong and where." })),
      })
      .meta(told({ "pt-BR": "O que falhou.", en: "What failed." })),
  })
  .meta({ id: "ClaroError" });

/** A failure in Claro's envelope, with the status that `/v1/scores` would have. */
export function claroErrorBody(failed: ToldFailure): z.infer<typeof claroError> {
  const { failure, status, title, detail, issues, link, requestId } = failed;
  return {
    apiVersion: API_VERSION,
    transactionId: requestId,
    error: {
      httpCode: String(status),
      errorCode: `API-SCORES-${status}`,
      message: title,
      detailedMessage: detail,
      link: { rel: "related", href: link },
      code: failure.code,
      ...(failure.lookupId === undefined ? {} : { lookupId: failure.lookupId }),
      ...(issues === undefined ? {} : { issues }),
    },
  };
}
