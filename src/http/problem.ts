import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as z from "zod";
import type { Failure, FailureCode } from "../domain/failure.ts";
import { told } from "./language.ts";
import { PROBLEMS } from "./texts/problem_texts.ts";

/** One issue, as both shapes of failures tell it. */
export const toldIssue = z
  .object({
    path: z.string().meta(
      told(
        {
          "pt-BR": "O campo, o parâmetro, o cabeçalho ou a linha; vazio para a requisição toda.",
          en: "The field, parameter, header or line; empty for the whole request.",
        },
        { examples: ["cpf"] },
      ),
    ),
    code: z
      .string()
      .meta(
        told(
          { "pt-BR": "O que há de errado, por um nome estável.", en: "What is wrong, by a stable name." },
          { examples: ["required"] },
        ),
      ),
    message: z
      .string()
      .meta(told({ "pt-BR": "O mesmo para pessoas.", en: "The same for people." }, { examples: ["é obrigatório"] })),
  })
  .meta({ id: "Issue" });

export const failureCode = z.enum(Object.keys(PROBLEMS) as [FailureCode, ...FailureCode[]]);

/** RFC 9457's members, with the code, the request's id and, where fields are wrong, which. */
export const problem = z
  .object({
    type: z
      .url()
      .meta(
        told(
          { "pt-BR": "Onde o código é explicado.", en: "Where the code is explained." },
          { examples: ["https://gateway.example/docs/errors#invalid_cpf"] },
        ),
      ),
    title: z
      .string()
      .meta(told({ "pt-BR": "O código por extenso.", en: "The code in words." }, { examples: ["CPF inválido"] })),
    status: z
      .int()
      .min(400)
      .max(599)
      .meta(told({ "pt-BR": "O status HTTP.", en: "The HTTP status." }, { examples: [400] })),
    detail: z.string().meta(
      told(
        {
          "pt-BR": "Para pessoas: em português ou, quando `Accept-Language` prefere, em inglês.",
          en: "For people, in `pt-BR` or, when `Accept-Language` prefers it, in `en`.",
        },
        { examples: ["O CPF precisa ter onze dígitos (com ou sem pontuação) e dígitos verificadores corretos."] },
      ),
    ),
    code: failureCode.meta(
      told(
        { "pt-BR": "O nome estável da falha: decida por ele.", en: "The failure's stable name: decide by it." },
        { examples: ["invalid_cpf"] },
      ),
    ),
    requestId: z
      .string()
      .meta(
        told(
          { "pt-BR": "O `X-Request-Id` da resposta.", en: "The answer's `X-Request-Id`." },
          { examples: ["7b1c2f0e-6a53-4f0c-9a57-1d2f3b4c5d6e"] },
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
      .meta(
        told({
          "pt-BR": "O que há de errado e onde, sem repetir o que foi enviado.",
          en: "What is wrong and where, never what stood there.",
        }),
      ),
  })
  .meta({ id: "Problem" });

export type Problem = z.infer<typeof problem>;

/** A failure as both shapes tell it. */
export type ToldFailure = {
  readonly failure: Failure;
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly detail: string;
  readonly issues: Problem["issues"];
  readonly link: string;
  readonly requestId: string;
};
