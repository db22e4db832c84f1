import * as z from "zod";
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
const lineKind = z.enum(["lookups", "credits", "charges", "carried"]).meta(
  told(
    {
      "pt-BR": "Consultas, ajustes ou, em `carried`, o que um mês anterior não pôde devolver.",
      en: "Lookups, adjustments or, in `carried`, what an earlier month could not give back.",
    },
    { examples: ["lookups"] },
  ),
);
const carriedFrom = periodField.meta(
  told(
    { "pt-BR": "O mês de onde vem uma linha `carried`.", en: "The month that a `carried` line comes from." },
    { examples: ["2026-10"] },
  ),
);
const carriedOut = roundedReais.nullable().meta(
  told(
    {
      "pt-BR":
        "O que as linhas somam abaixo de zero: nada é devido, e o mês seguinte começa com este valor. Senão `null`.",
      en: "What the lines come to below zero: nothing is due, and the next month begins with it. Else null.",
    },
    { examples: [null] },
  ),
);
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
          carriedFrom: carriedFrom.nullable(),
        }),
      )
      .meta(told({ "pt-BR": "Uma linha por faixa de preço.", en: "One line for each price." })),
    amount: roundedReais.meta(
      told(
        {
          "pt-BR": "O que é devido, em reais: a soma das linhas, nunca abaixo de 0.00.",
          en: "What is due, in BRL: the sum of the lines' amounts, never below 0.00.",
        },
        { examples: ["17.70"] },
      ),
    ),
    carriedOut,
    exactAmount: exactReais,
    currency: currencyField,
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

/** With what no partner is shown. */
export const operatorStatement = statement
  .extend({
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
  })
  .meta({ id: "OperatorStatement" });

const billedTenant = z.object({
  name: z.string().meta(told({ "pt-BR": "O nome do parceiro.", en: "The tenant's name." }, { examples: ["Loja"] })),
  document: z.string().meta(told({ "pt-BR": "O CNPJ.", en: "The CNPJ." }, { examples: ["12ABC34501DE35"] })),
});
const billedPlan = z.object({
  name: z.string().meta(told({ "pt-BR": "O plano.", en: "The plan." }, { examples: ["pay-per-use"] })),
  version: z
    .int()
    .meta(told({ "pt-BR": "Cresce a cada alteração.", en: "Grows with every change." }, { examples: [3] })),
  tiers: z
    .array(
      z.object({
        upTo: z
          .int()
          .nullable()
          .meta(told({ "pt-BR": "Até qual consulta.", en: "Up to which lookup." }, { examples: [null] })),
        unitPriceMicros: micros,
      }),
    )
    .meta(told({ "pt-BR": "As faixas de preço.", en: "The tiers of price." })),
});

/** `manifest.json` as it is; amounts are in micros and centavos of BRL besides the written ones. */
export const manifest = z
  .object({
    version: z.literal([1, 2]).meta(
      told(
        {
          "pt-BR": "A versão do formato; os da 1 não têm `tenant`, `plan` nem `carriedOut`.",
          en: "The format's version; those of 1 have no `tenant`, `plan` and `carriedOut`.",
        },
        { examples: [2] },
      ),
    ),
    status,
    tenantId: tenantIdField,
    tenant: billedTenant
      .optional()
      .meta(told({ "pt-BR": "O parceiro no fechamento.", en: "The tenant when the month was closed." })),
    plan: billedPlan
      .optional()
      .meta(told({ "pt-BR": "As condições no fechamento.", en: "The terms when the month was closed." })),
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
          carriedFrom: carriedFrom.optional(),
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
        carriedOut: carriedOut.optional(),
        carriedOutCentavos: centavosNumber.optional(),
      })
      .meta(told({ "pt-BR": "O que é devido.", en: "What is due." })),
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
