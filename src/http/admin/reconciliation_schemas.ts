import * as z from "zod";
import { OUTCOMES } from "../../domain/meter_event.ts";
import { told } from "../language.ts";
import {
  currencyField,
  exactReais,
  lookupIdField,
  periodField,
  sha256Field,
  tenantIdField,
  timeField,
  transactionIdField,
} from "../shared_fields.ts";

export const difference = z
  .object({
    reason: z.enum(["not_in_report", "near_month_end", "unknown_to_us", "repeated", "not_delivered"]).meta(
      told(
        {
          "pt-BR":
            "Por que não combina. `not_delivered`: a Claro entregou, e aqui terminou como `outcome` diz. `near_month_end`: o " +
            "relatório do mês vizinho, que ainda não foi comparado, pode trazê-la.",
          en:
            "Why it does not match. `not_delivered`: Claro delivered it, and here it ended as `outcome` says. " +
            "`near_month_end`: the neighbour month's report, which has not been compared yet, may have it.",
        },
        { examples: ["not_in_report"] },
      ),
    ),
    date: z.iso
      .date()
      .meta(told({ "pt-BR": "O dia em São Paulo.", en: "The São Paulo day." }, { examples: ["2026-11-27"] })),
    customerId: z
      .string()
      .meta(told({ "pt-BR": "O `X-CustomerID`.", en: "The `X-CustomerID`." }, { examples: ["loja_exemplo"] })),
    tenantId: tenantIdField.nullable(),
    lookupId: lookupIdField.nullable(),
    outcome: z
      .enum(OUTCOMES)
      .nullable()
      .meta(
        told(
          { "pt-BR": "Como a consulta terminou aqui.", en: "How the lookup ended here." },
          { examples: ["unknown"] },
        ),
      ),
    transactionId: transactionIdField,
    quantity: z.int().meta(
      told(
        {
          "pt-BR": "Mais de uma quando as consultas de um dia e cliente não se distinguem.",
          en: "More than one where lookups of a day and customer cannot be told apart.",
        },
        { examples: [1] },
      ),
    ),
    amount: exactReais.meta(
      told(
        {
          "pt-BR": "O que foi cobrado do parceiro, em reais, exato; `0.0000` no que só a Claro tem.",
          en: "What the tenant was charged, BRL, exact; `0.0000` of what only Claro has.",
        },
        { examples: ["0.1500"] },
      ),
    ),
    cost: exactReais.nullable().meta(
      told(
        {
          "pt-BR": "O que a Claro cobra por isso; `null` sem preços da Claro para o mês.",
          en: "What Claro charges for it; null without Claro's prices of the month.",
        },
        { examples: ["0.0900"] },
      ),
    ),
  })
  .meta({ id: "Difference" });

export const resolvedUnknown = z
  .object({
    tenantId: tenantIdField,
    lookupId: lookupIdField,
    transactionId: transactionIdField,
    occurredAt: timeField({
      "pt-BR": "Quando a consulta foi registrada como `unknown`.",
      en: "When the lookup was recorded as `unknown`.",
    }),
  })
  .meta({ id: "ResolvedUnknown" });

const nextCursor = z
  .string()
  .nullable()
  .meta(
    told(
      { "pt-BR": "Para `cursor`; `null` quando é tudo.", en: "For `cursor`; null when that is all." },
      { examples: ["WzEsInJlY18wMTIzNDU2Nzg5YWJjZGVmMDEyMyJd"] },
    ),
  );

const runFields = {
  id: z
    .string()
    .meta(
      told(
        { "pt-BR": "O id da conciliação.", en: "The reconciliation's id." },
        { examples: ["rec_0123456789abcdef0123"] },
      ),
    ),
  period: periodField,
  reportSha256: sha256Field.meta(
    told({ "pt-BR": "O hash dos bytes do relatório.", en: "The hash of the report's bytes." }),
  ),
  lines: z.int().meta(told({ "pt-BR": "Linhas do relatório.", en: "Lines of the report." }, { examples: [118] })),
  startedAt: timeField({ "pt-BR": "Quando começou.", en: "When it was begun." }),
};

/** A comparison that goes on. */
export const runningReconciliation = z
  .object({
    ...runFields,
    status: z
      .enum(["running", "failed"])
      .meta(
        told(
          { "pt-BR": "`failed`: envie o relatório de novo.", en: "`failed`: send the report again." },
          { examples: ["running"] },
        ),
      ),
    progress: z
      .object({
        done: z.int().meta(told({ "pt-BR": "Passos feitos.", en: "Steps done." }, { examples: [120] })),
        steps: z.int().meta(told({ "pt-BR": "De quantos.", en: "Of how many." }, { examples: [800] })),
      })
      .meta(told({ "pt-BR": "Até onde chegou.", en: "How far it is." })),
    nextCursor,
  })
  .meta({ id: "RunningReconciliation" });

/** What a comparison has come to, a page of its differences with it. */
export const reconciliation = z
  .object({
    ...runFields,
    status: z.literal("done").meta(told({ "pt-BR": "Terminada.", en: "It has ended." }, { examples: ["done"] })),
    finishedAt: timeField({ "pt-BR": "Quando terminou.", en: "When it ended." }),
    matched: z
      .int()
      .meta(
        told(
          { "pt-BR": "Consultas que os dois lados entregaram.", en: "Lookups that both sides delivered." },
          { examples: [118] },
        ),
      ),
    onlyOurs: z.array(difference).meta(told({ "pt-BR": "O que só nós temos.", en: "What only we have." })),
    onlyClaro: z.array(difference).meta(told({ "pt-BR": "O que só a Claro tem.", en: "What only Claro has." })),
    unknownResolved: z.int().meta(
      told(
        {
          "pt-BR": "Consultas `unknown` que este relatório confirma: agora são custo, e continuam sem cobrança.",
          en: "`unknown`s that this report confirms: a cost now, and still no charge.",
        },
        { examples: [1] },
      ),
    ),
    resolved: z.array(resolvedUnknown).meta(told({ "pt-BR": "Quais são elas.", en: "Which those are." })),
    sharedCustomerIds: z.array(z.string()).meta(
      told(
        {
          "pt-BR":
            "Os `customerId` de `resolved` ou `onlyClaro` que são de mais de um parceiro: de qual deles é, o relatório não diz.",
          en: "Customer ids in `resolved` or `onlyClaro` that several tenants have: which tenant's it is, the report does not tell.",
        },
        { examples: [["grupo_exemplo"]] },
      ),
    ),
    deltaQuantity: z.int().meta(
      told(
        {
          "pt-BR": "Nossas menos as da Claro, em consultas: a soma das diferenças.",
          en: "Ours less Claro's, in lookups: the sum of the differences.",
        },
        { examples: [-1] },
      ),
    ),
    deltaCost: exactReais.nullable().meta(
      told(
        {
          "pt-BR": "O mesmo ao preço da Claro; `null` sem preços da Claro para o mês.",
          en: "The same at Claro's price; null without Claro's prices of the month.",
        },
        { examples: ["-0.0900"] },
      ),
    ),
    unexplained: z.int().meta(
      told(
        {
          "pt-BR": "Consultas que só um lado tem e que nada explica; a saúde do gateway avisa.",
          en: "Lookups that only one side has and that nothing explains; health tells of them.",
        },
        { examples: [0] },
      ),
    ),
    currency: currencyField,
    nextCursor,
  })
  .meta({ id: "Reconciliation" });

/** A comparison in a list. */
export const listedReconciliation = z
  .object({
    ...runFields,
    status: z
      .enum(["running", "done", "failed"])
      .meta(told({ "pt-BR": "Como está.", en: "How it is." }, { examples: ["done"] })),
    unexplained: z
      .int()
      .nullable()
      .meta(told({ "pt-BR": "O que nada explica.", en: "What nothing explains." }, { examples: [0] })),
  })
  .meta({ id: "ListedReconciliation" });
