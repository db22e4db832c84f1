import * as z from "zod";
import { periodCsv, periodPtbrCsv } from "../../domain/export/period_csv.ts";
import { CURRENCY, formatCentavos } from "../../domain/money.ts";
import { type CostedTotals, formatOptionalCentavos, type PeriodOfAll } from "../../domain/period_of_all.ts";
import { validateTiers } from "../../domain/pricing.ts";
import { parsePeriod } from "../../domain/period.ts";
import { fail, ok } from "../../domain/result.ts";
import { readPeriodOfAll, readPeriodSoFar, setUpstreamPrices } from "../../gateway/period_of_all.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { currencyField, periodField, roundedReais, tenantIdField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";
import { tier } from "./plan_schemas.ts";

const totals = {
  quantity: z
    .int()
    .meta(told({ "pt-BR": "Consultas cobradas.", en: "Lookups that were charged." }, { examples: [118] })),
  amount: roundedReais.meta(told({ "pt-BR": "O que elas custam.", en: "What they cost." }, { examples: ["17.70"] })),
  adjustments: roundedReais.meta(
    told(
      { "pt-BR": "Ajustes e o que veio do mês anterior.", en: "Adjustments, and what was carried in." },
      { examples: ["-0.15"] },
    ),
  ),
  carriedOut: roundedReais.meta(
    told(
      { "pt-BR": "O que passa para o mês seguinte.", en: "What is carried to the next month." },
      { examples: ["0.00"] },
    ),
  ),
  total: roundedReais.meta(told({ "pt-BR": "O que é devido.", en: "What is due." }, { examples: ["17.55"] })),
  claroCost: roundedReais.nullable().meta(
    told(
      {
        "pt-BR": "O que a Claro cobra por isso; `null` sem preços da Claro.",
        en: "What Claro charges for it; null without Claro's prices.",
      },
      { examples: ["10.62"] },
    ),
  ),
  margin: roundedReais
    .nullable()
    .meta(told({ "pt-BR": "O total menos esse custo.", en: "The total less that cost." }, { examples: ["6.93"] })),
};

const periodOfAll = z
  .object({
    period: periodField,
    currency: currencyField,
    open: z
      .int()
      .meta(
        told({ "pt-BR": "Parceiros com o mês ainda aberto.", en: "Tenants whose month is open." }, { examples: [0] }),
      ),
    totals: z.object(totals).meta(told({ "pt-BR": "De todos os fechados.", en: "Of all that are closed." })),
    tenants: z
      .array(
        z.object({
          tenantId: tenantIdField,
          name: z.string().meta(told({ "pt-BR": "O parceiro.", en: "The partner." }, { examples: ["Loja"] })),
          document: z.string().meta(told({ "pt-BR": "O CNPJ.", en: "The CNPJ." }, { examples: ["12ABC34501DE35"] })),
          totals: z
            .object(totals)
            .nullable()
            .meta(told({ "pt-BR": "`null` enquanto o mês está aberto.", en: "Null while the month is open." })),
        }),
      )
      .meta(told({ "pt-BR": "Um a um, do mais antigo ao mais novo.", en: "One by one, the oldest first." })),
  })
  .meta({ id: "PeriodOfAll" });

/** `GET /admin/v1/periods/{2026-11}`, and the same as `.json`, `.csv` and `.pt-br.csv`. */
export const getPeriod = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/periods/:periodFile",
  id: "getPeriod",
  tag: "Operations",
  summary: { "pt-BR": "Um mês de todos os parceiros", en: "A month of all tenants" },
  description: {
    "pt-BR":
      "O que cada parceiro deve por um mês encerrado, como nos extratos fechados, com o custo na Claro e a margem. A Claro " +
      "cobra por todos juntos: cada um leva a parte das suas consultas.",
    en:
      "What each tenant owes for an ended month, as in the closed statements, with Claro's cost and the margin. Claro " +
      "charges for all of them together: each bears the share of its lookups.",
  },
  role: "read",
  query: z.object({
    soFar: z
      .enum(["true", "false"])
      .default("false")
      .meta(
        told(
          {
            "pt-BR":
              "Com `true`, também um mês em andamento, em JSON: de quem está aberto, o que o D1 já contou, sem o que vem do mês anterior.",
            en: "With `true`, a running month too, as JSON: of who is open, what D1 has counted, without what is carried in.",
          },
          { examples: ["true"] },
        ),
      ),
  }),
  audit: { action: "period.read", target: ({ periodFile = "" }) => periodFile },
  headers: HEADERS.cacheControl,
  answers: {
    200: {
      description: { "pt-BR": "O mês.", en: "The month." },
      content: { "application/json": periodOfAll, "text/csv": z.string() },
    },
  },
  failures: ["not_found", "period_open", "statement_unavailable"],
  outage: "statement_unavailable",
  handle: async ({ context, services, params: { periodFile }, query: { soFar } }) => {
    const period = parsePeriod(periodFile.slice(0, 7));
    if (!period.ok) return fail({ code: "not_found" });
    const format = periodFile.slice(8);
    context.header("Cache-Control", "no-store");
    if (soFar === "true" && !format.endsWith("csv")) {
      const { month: running, openIds } = await readPeriodSoFar(services, period.value);
      return ok(context.json({ ...shown(running), open: openIds.size }));
    }
    const month = await readPeriodOfAll(services, period.value);
    if (!month.ok) return month;
    if (format === "" || format === "json") return ok(context.json(shown(month.value)));
    const text = format === "csv" ? periodCsv(month.value) : periodPtbrCsv(month.value);
    return ok(
      context.body(text, 200, {
        "content-type": "text/csv; charset=utf-8; header=present",
        "content-disposition": `attachment; filename="${period.value}.${format}"`,
      }),
    );
  },
});

/** `PUT /admin/v1/upstream-prices/{2026-11}`. */
export const putUpstreamPrices = operatorEndpoint({
  method: "PUT",
  path: "/admin/v1/upstream-prices/:period",
  id: "putUpstreamPrices",
  tag: "Operations",
  summary: { "pt-BR": "Dizer o que a Claro cobra", en: "Say what Claro charges" },
  description: {
    "pt-BR":
      "O que a Claro cobra do operador a partir de um mês, por todos os parceiros juntos. Vale até o próximo mês que tiver " +
      "preços; nenhum extrato muda.",
    en:
      "What Claro charges the operator from a month on, for all tenants together. It holds until the next month that has " +
      "prices; no statement changes.",
  },
  role: "finance",
  audit: "in_change",
  headers: HEADERS.cacheControl,
  body: {
    schema: z.strictObject({
      tiers: z
        .array(tier)
        .min(1)
        .max(20)
        .refine((tiers) => validateTiers(tiers).ok, issue("tiers"))
        .meta(
          told({ "pt-BR": "O preço por faixa, em ordem crescente.", en: "The price by tier, in ascending order." }),
        ),
    }),
    example: { tiers: [{ upTo: null, unitPriceMicros: 90_000 }] },
  },
  answers: {
    200: {
      description: { "pt-BR": "Os preços desse mês em diante.", en: "The prices from that month on." },
      content: z
        .object({
          period: periodField,
          tiers: z.array(tier).meta(told({ "pt-BR": "O preço por faixa.", en: "The price by tier." })),
        })
        .meta({ id: "UpstreamPrices" }),
    },
  },
  handle: async ({ context, services, actor, params: { period }, body: { tiers } }) => {
    await setUpstreamPrices(services, actor, { period, tiers });
    context.header("Cache-Control", "no-store");
    return ok(context.json({ period, tiers }));
  },
});

function shown({ period, open, totals: all, tenants }: PeriodOfAll): z.infer<typeof periodOfAll> {
  return {
    period,
    currency: CURRENCY,
    open,
    totals: shownTotals(all),
    tenants: tenants.map(({ tenantId, name, document, totals: own }) => ({
      tenantId,
      name,
      document,
      totals: own === null ? null : shownTotals(own),
    })),
  };
}

function shownTotals(costed: CostedTotals) {
  return {
    quantity: costed.quantity,
    amount: formatCentavos(costed.amountCentavos),
    adjustments: formatCentavos(costed.adjustmentsCentavos),
    carriedOut: formatCentavos(costed.carriedOutCentavos),
    total: formatCentavos(costed.totalCentavos),
    claroCost: formatOptionalCentavos(costed.claroCostCentavos),
    margin: formatOptionalCentavos(costed.marginCentavos),
  };
}
