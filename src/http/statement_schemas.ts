import { z } from "zod";
import { told } from "./language.ts";
import {
  billedField,
  countFields,
  currencyField,
  exactReais,
  outcomeFields,
  periodField,
  roundedReais,
  sha256Field,
  tenantIdField,
  timeField,
  timeZoneField,
} from "./shared_fields.ts";

const status = z
  .enum(["open", "closed"])
  .meta(told({ "pt-BR": "Um mês fechado nunca muda.", en: "A closed month never changes." }, { examples: ["closed"] }));
const lineKind = z
  .enum(["lookups", "credits", "charges"])
  .meta(told({ "pt-BR": "Consultas ou ajustes.", en: "Lookups or adjustments." }, { examples: ["lookups"] }));
const quantity = z.int().meta(told({ "pt-BR": "Quantas consultas.", en: "How many lookups." }, { examples: [118] }));
const adjustments = z.int().meta(told({ "pt-BR": "Quantos ajustes.", en: "How many adjustments." }, { examples: [0] }));
const closedAt = timeField({ "pt-BR": "Quando o mês foi fechado.", en: "When the month was closed." }).nullable();
const keyId = z
  .string()
  .nullable()
  .meta(
    told(
      { "pt-BR": "A chave que assinou o manifesto.", en: "The key that signed the manifest." },
      { examples: ["export-2026"] },
    ),
  );
const micros = z
  .int()
  .meta(told({ "pt-BR": "Em milionésimos de real.", en: "Micros of BRL." }, { examples: [150_000] }));
const centavosNumber = z.int().meta(told({ "pt-BR": "Em centavos.", en: "In centavos." }, { examples: [1770] }));
const previous = sha256Field
  .nullable()
  .meta(told({ "pt-BR": "O hash do manifesto anterior.", en: "The hash of the manifest before it." }));

const seq = z
  .object({
    first: z.int().meta(told({ "pt-BR": "O primeiro `seq`.", en: "The first `seq`." }, { examples: [1] })),
    last: z.int().meta(told({ "pt-BR": "O último `seq`.", en: "The last `seq`." }, { examples: [125] })),
    count: z.int().meta(told({ "pt-BR": "Quantos eventos.", en: "How many events." }, { examples: [125] })),
  })
  .meta(told({ "pt-BR": "Os números dos eventos do mês.", en: "The numbers of the month's events." }));

const POSSIBLE_COST = {
  "pt-BR": "Consultas que a Claro pode cobrar do operador, independentemente do que o parceiro paga.",
  en: "Lookups that Claro may charge the operator for, whatever the tenant pays.",
};
const possibleCost = z
  .object({
    delivered: z
      .int()
      .meta(told({ "pt-BR": "Com score entregue.", en: "Whose score was delivered." }, { examples: [118] })),
    unknown: z
      .int()
      .meta(told({ "pt-BR": "Sem resposta a tempo.", en: "Without an answer in time." }, { examples: [0] })),
    units: z.int().meta(told({ "pt-BR": "Ao todo.", en: "In all." }, { examples: [118] })),
  })
  .meta(told(POSSIBLE_COST));

export const listedStatement = z
  .object({
    period: periodField,
    status,
    closedAt,
    ...countFields,
    adjustments,
    amount: roundedReais.nullable().meta(
      told(
        {
          "pt-BR": "O que é devido, em reais: a soma das linhas arredondadas; `null` enquanto o mês está aberto.",
          en: "What is due, in BRL: the sum of the rounded lines; null while open.",
        },
        { examples: ["17.70"] },
      ),
    ),
    exactAmount: exactReais,
    currency: currencyField,
  })
  .meta({ id: "ListedStatement" });

export const statement = z
  .object({
    period: periodField,
    status,
    timeZone: timeZoneField,
    seq,
    counts: z.object(countFields).meta(told({ "pt-BR": "As consultas do mês.", en: "The month's lookups." })),
    adjustments,
    lines: z
      .array(
        z.object({
          kind: lineKind,
          quantity,
          unitPrice: exactReais.nullable(),
          exactAmount: exactReais,
          amount: roundedReais,
        }),
      )
      .meta(told({ "pt-BR": "Uma linha por faixa de preço.", en: "One line for each price." })),
    amount: roundedReais.meta(
      told(
        {
          "pt-BR": "O que é devido, em reais: a soma das linhas.",
          en: "What is due, in BRL: the sum of the lines' amounts.",
        },
        { examples: ["17.70"] },
      ),
    ),
    exactAmount: exactReais,
    currency: currencyField,
    claroPossibleCost: possibleCost
      .extend({
        confirmed: z.int().meta(
          told(
            {
              "pt-BR": "Das sem resposta, as que um relatório da Claro confirmou.",
              en: "Those of `unknown` that a report of Claro has confirmed.",
            },
            { examples: [0] },
          ),
        ),
      })
      .meta(told(POSSIBLE_COST)),
    files: z
      .array(
        z.object({
          name: z
            .string()
            .meta(told({ "pt-BR": "O nome do arquivo.", en: "The file's name." }, { examples: ["events.csv"] })),
          href: z
            .string()
            .meta(
              told(
                { "pt-BR": "Onde ele está.", en: "Where it is." },
                { examples: ["/v1/statements/2026-11/events.csv"] },
              ),
            ),
          bytes: z
            .int()
            .optional()
            .meta(told({ "pt-BR": "O tamanho, em bytes.", en: "Its size in bytes." }, { examples: [24_310] })),
          sha256: sha256Field.optional(),
        }),
      )
      .meta(told({ "pt-BR": "Os arquivos do mês.", en: "The month's files." })),
    previousManifestSha256: previous,
    closedAt,
    keyId,
  })
  .meta({ id: "Statement" });

/** `manifest.json` as it is; amounts are in micros and centavos of BRL besides the written ones. */
export const manifest = z
  .object({
    version: z.literal(1).meta(told({ "pt-BR": "A versão do formato.", en: "The format's version." })),
    status,
    tenantId: tenantIdField,
    period: periodField,
    timeZone: timeZoneField,
    seq,
    counts: z
      .object({ ...outcomeFields, billed: billedField, amountMicros: micros })
      .meta(told({ "pt-BR": "As consultas do mês.", en: "The month's lookups." })),
    adjustments,
    lines: z
      .array(
        z.object({
          kind: lineKind,
          quantity,
          unitPriceMicros: micros.nullable(),
          amountMicros: micros,
          amountCentavos: centavosNumber,
        }),
      )
      .meta(told({ "pt-BR": "Uma linha por faixa de preço.", en: "One line for each price." })),
    totals: z
      .object({
        currency: currencyField,
        amount: roundedReais,
        amountCentavos: centavosNumber,
        exactAmount: exactReais,
        amountMicros: micros,
      })
      .meta(told({ "pt-BR": "O que é devido.", en: "What is due." })),
    claroPossibleCost: possibleCost,
    files: z
      .array(
        z.object({
          name: z
            .string()
            .meta(told({ "pt-BR": "O nome do arquivo.", en: "The file's name." }, { examples: ["events.csv"] })),
          bytes: z
            .int()
            .meta(told({ "pt-BR": "O tamanho, em bytes.", en: "Its size in bytes." }, { examples: [24_310] })),
          sha256: sha256Field,
        }),
      )
      .meta(told({ "pt-BR": "Os arquivos do mês.", en: "The month's files." })),
    previousManifestSha256: previous,
    closedAt,
    keyId,
    signature: z
      .string()
      .optional()
      .meta(
        told(
          {
            "pt-BR":
              "Ed25519 sobre o JSON canônico (RFC 8785) de todos os outros campos, em base64url. Não há enquanto o mês está aberto.",
            en: "Ed25519 over the canonical JSON (RFC 8785) of all other fields; base64url. None while open.",
          },
          { examples: ["jF2eKk0r4cV3m1o0l0u7Z1c5yQ1pX9bS8wJ6hT4nD2aE7gRkLxYvUiOqPzBsCdFmNhGtJwHyKrXeTlZuViAoDQ"] },
        ),
      ),
  })
  .meta({ id: "Manifest" });
