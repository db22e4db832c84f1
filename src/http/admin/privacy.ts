import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import { ok } from "../../domain/result.ts";
import { referenceKeyStatus, type ReferenceKeyStatus } from "../../gateway/reference_keys.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { timeField } from "../shared_fields.ts";

const referenceKey = z
  .object({
    name: z.string().meta(
      told(
        {
          "pt-BR": "O ano em São Paulo, ou `v1`: as referências de antes das chaves anuais.",
          en: "The year in São Paulo, or `v1`: references of before years had keys.",
        },
        { examples: ["2026"] },
      ),
    ),
    madeAt: timeField({ "pt-BR": "Quando a chave foi criada.", en: "When the key was made." }),
    endsAt: timeField({
      "pt-BR": "Quando é destruída: desde então ninguém liga esses eventos a uma pessoa.",
      en: "When it is destroyed: from then on nobody links these events to a person.",
    }).nullable(),
    destroyedAt: timeField({ "pt-BR": "Quando foi destruída.", en: "When it was destroyed." }).nullable(),
    sealedUnder: z
      .enum(["current", "previous", "unknown"])
      .nullable()
      .meta(
        told(
          {
            "pt-BR": "Qual `CPF_HMAC_SECRET` a abre: `unknown` é nenhum dos que estão configurados.",
            en: "Which `CPF_HMAC_SECRET` opens it: `unknown` is none of those that are set.",
          },
          { examples: ["current"] },
        ),
      ),
  })
  .meta({ id: "ReferenceKey" });

const privacyAnswer = z.object({
  years: z.int().meta(
    told(
      {
        "pt-BR": "Por quantos anos depois do fim do seu ano uma chave fica: `CPF_REFERENCE_YEARS`.",
        en: "How many years after its year's end a key stays: `CPF_REFERENCE_YEARS`.",
      },
      { examples: [5] },
    ),
  ),
  data: z.array(referenceKey).meta(told({ "pt-BR": "As chaves, por ano.", en: "The keys, by year." })),
});

/** `GET /admin/v1/privacy/references`: what ends when. */
export const readReferenceKeys = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/privacy/references",
  id: "readReferenceKeys",
  tag: "Operations",
  summary: { "pt-BR": "Até quando os eventos apontam para pessoas", en: "Until when events refer to persons" },
  description: {
    "pt-BR":
      "Cada evento tem uma referência ao CPF sob a chave do seu ano. Destruída a chave, a referência não diz mais nada.",
    en: "Each event has a reference to the CPF under its year's key. Once that is destroyed, the reference says nothing more.",
  },
  role: "read",
  headers: HEADERS.cacheControl,
  answers: { 200: { description: { "pt-BR": "As chaves.", en: "The keys." }, content: privacyAnswer } },
  handle: async ({ context, services }) => {
    const data = (await referenceKeyStatus(services)).map(shownKey);
    return ok(context.json({ years: services.settings.cpfReferenceYears, data }));
  },
});

function shownKey({ name, madeAtMs, endsAtMs, destroyedAtMs, sealedUnder }: ReferenceKeyStatus) {
  return {
    name,
    madeAt: isoTime(madeAtMs),
    endsAt: Number.isFinite(endsAtMs) ? isoTime(endsAtMs) : null,
    destroyedAt: isoTime(destroyedAtMs),
    sealedUnder,
  };
}
