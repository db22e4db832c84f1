import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import type { OutcomeCounts } from "../../domain/ledger/day_sums.ts";
import { CURRENCY, formatMicros } from "../../domain/money.ts";
import { TIME_ZONE } from "../../domain/period.ts";
import { ok } from "../../domain/result.ts";
import { requestsOf } from "../../domain/usage.ts";
import { readOverview, type OverviewDay } from "../../gateway/read_overview.ts";
import type { TenantNearLimit } from "../../platform/usage_sums.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told, type Text } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import {
  countFields,
  currencyField,
  exactReais,
  outcomeFields,
  tenantIdField,
  timeField,
  timeZoneField,
} from "../shared_fields.ts";

const count = (meaning: Text) => z.int().meta(told(meaning, { examples: [3] }));
const name = z
  .string()
  .meta(told({ "pt-BR": "O nome do parceiro.", en: "The tenant's name." }, { examples: ["Loja Exemplo"] }));
const dayField = z.iso
  .date()
  .meta(told({ "pt-BR": "Um dia de São Paulo.", en: "A São Paulo day." }, { examples: ["2026-11-27"] }));
const millis = z.int().meta(told({ "pt-BR": "Em milissegundos.", en: "In milliseconds." }, { examples: [184] }));

const latency = z
  .object({ p50: millis, p95: millis, p99: millis })
  .nullable()
  .meta(
    told({
      "pt-BR": "Quanto a Claro levou, de um histograma; `null` sem consultas.",
      en: "How long Claro took, from a histogram; null without lookups.",
    }),
  );

const overviewDay = z.object({
  date: dayField,
  ...countFields,
  amount: exactReais,
  latency,
  hours: z
    .record(z.string().regex(/^\d\d$/), z.object(outcomeFields))
    .meta(
      told(
        { "pt-BR": "Por hora de São Paulo.", en: "By hour of São Paulo." },
        { examples: [{ "09": { delivered: 118, notFound: 4, rejected: 1, failed: 2, unknown: 0 } }] },
      ),
    ),
});

const nearLimit = z.object({
  tenantId: tenantIdField,
  name,
  limit: z
    .enum(["spend_cap", "allowance"])
    .meta(told({ "pt-BR": "Qual limite.", en: "Which limit." }, { examples: ["spend_cap"] })),
  share: z
    .number()
    .meta(told({ "pt-BR": "Quanto dele foi usado.", en: "How much of it is used." }, { examples: [0.93] })),
});

const overviewAnswer = z
  .object({
    timeZone: timeZoneField,
    asOf: timeField({ "pt-BR": "Quando foi lido.", en: "When it was read." }),
    completeThrough: timeField({
      "pt-BR":
        "Toda consulta terminada até aqui está contada; das posteriores, a maioria: poucas esperam no ledger até a próxima cópia.",
      en: "Every lookup that had ended by then is counted; of later ones most are: a few wait in a ledger for its next copy.",
    }),
    currency: currencyField,
    today: overviewDay.meta(told({ "pt-BR": "Hoje, até agora.", en: "Today so far." })),
    sameWeekday: overviewDay.meta(
      told({ "pt-BR": "O mesmo dia da semana passada, inteiro.", en: "The same weekday a week before, whole." }),
    ),
    claroCost: exactReais.nullable().meta(
      told(
        {
          "pt-BR": "O que a Claro cobra por hoje; `null` sem preços.",
          en: "What Claro charges for today; null without prices.",
        },
        { examples: ["8.2500"] },
      ),
    ),
    margin: exactReais
      .nullable()
      .meta(
        told(
          { "pt-BR": "O cobrado hoje menos o custo.", en: "What is charged today, less the cost." },
          { examples: ["4.1200"] },
        ),
      ),
    latencyByDay: z
      .array(z.object({ date: dayField, latency }))
      .meta(told({ "pt-BR": "Os últimos 8 dias.", en: "The last 8 days." })),
    nearLimit: z.array(nearLimit).meta(
      told({
        "pt-BR": "Parceiros com 80 % ou mais de um limite, até 20 de cada.",
        en: "Tenants at 80 % of a limit or more, up to 20 of each.",
      }),
    ),
    failing: z
      .array(
        z.object({
          tenantId: tenantIdField,
          name,
          failures: count({ "pt-BR": "Falhas hoje.", en: "Failures today." }),
          requests: count({ "pt-BR": "Consultas hoje.", en: "Lookups today." }),
        }),
      )
      .meta(
        told({
          "pt-BR": "Parceiros com uma falha em dez hoje, ou mais.",
          en: "Tenants with one failure in ten today, or more.",
        }),
      ),
    failures: z
      .array(
        z.object({
          code: z
            .string()
            .meta(told({ "pt-BR": "O código do erro.", en: "The error's code." }, { examples: ["claro_timeout"] })),
          failures: count({ "pt-BR": "Quantas.", en: "How many." }),
          tenants: count({ "pt-BR": "De quantos parceiros.", en: "Of how many tenants." }),
          lastAt: timeField({ "pt-BR": "A última.", en: "The last one." }),
        }),
      )
      .meta(
        told({
          "pt-BR": "As falhas das últimas 24 horas por código, das últimas 5.000 consultas no máximo.",
          en: "Failures of the last 24 hours by code, of the last 5,000 lookups at most.",
        }),
      ),
    endingKeys: z
      .array(
        z.object({
          keyId: z
            .string()
            .meta(told({ "pt-BR": "O id da chave.", en: "The key's id." }, { examples: ["csg_live_a1B2c3D4e5"] })),
          tenantId: tenantIdField,
          name,
          label: z
            .string()
            .nullable()
            .meta(told({ "pt-BR": "Para que serve.", en: "What it is for." }, { examples: ["checkout"] })),
          expiresAt: timeField({ "pt-BR": "Quando vence.", en: "When it expires." }),
        }),
      )
      .meta(
        told({
          "pt-BR": "Chaves sem sucessora que vencem em 14 dias, até 20.",
          en: "Keys without a successor that expire within 14 days, up to 20.",
        }),
      ),
    alarms: z
      .array(
        z.object({
          code: z
            .string()
            .meta(told({ "pt-BR": "O que não está bem.", en: "What is not well." }, { examples: ["months_stuck"] })),
          count: count({ "pt-BR": "Quantos.", en: "How many." }),
        }),
      )
      .meta(
        told({
          "pt-BR": "O que alguém precisa ver, o pior primeiro.",
          en: "What somebody should look at, the worst first.",
        }),
      ),
  })
  .meta({ id: "Overview" });

/** `GET /admin/v1/overview`: what the console's first page shows. */
export const getOverview = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/overview",
  id: "getOverview",
  tag: "Operations",
  summary: { "pt-BR": "Ver o dia de hoje", en: "See today" },
  description: {
    "pt-BR": "As consultas de hoje ao lado do mesmo dia da semana passada, custo, margem, e o que alguém precisa ver.",
    en: "Today's lookups beside the same weekday's, cost, margin, and what somebody should look at.",
  },
  role: "read",
  headers: HEADERS.cacheControl,
  answers: { 200: { description: { "pt-BR": "O dia de hoje.", en: "Today." }, content: overviewAnswer } },
  failures: ["ledger_unavailable"],
  handle: async ({ context, services }) => {
    const overview = await readOverview(services, (work) => context.executionCtx.waitUntil(work));
    const { claroCostMicros, marginMicros, nearCap, nearAllowance } = overview;
    return ok(
      context.json({
        timeZone: TIME_ZONE,
        asOf: isoTime(overview.asOfMs),
        completeThrough: isoTime(overview.completeThroughMs),
        currency: CURRENCY,
        today: shownDay(overview.today),
        sameWeekday: shownDay(overview.sameWeekday),
        claroCost: claroCostMicros === null ? null : formatMicros(claroCostMicros),
        margin: marginMicros === null ? null : formatMicros(marginMicros),
        latencyByDay: [...overview.latencyByDay],
        nearLimit: [...nearCap.map(shownLimit("spend_cap")), ...nearAllowance.map(shownLimit("allowance"))],
        failing: [...overview.failing],
        failures: overview.failures.map(({ lastAtMs, ...group }) => ({ ...group, lastAt: isoTime(lastAtMs) })),
        endingKeys: overview.endingKeys.map(({ tenantName, expiresAtMs, ...key }) => ({
          ...key,
          name: tenantName,
          expiresAt: isoTime(expiresAtMs),
        })),
        alarms: [...overview.alarms],
      } satisfies z.infer<typeof overviewAnswer>),
    );
  },
});

function shownDay({ date, counts, latency: found, hours }: OverviewDay): z.infer<typeof overviewDay> {
  const { amountMicros, ...outcomes } = counts;
  return {
    date,
    requests: requestsOf(counts),
    ...outcomes,
    amount: formatMicros(amountMicros),
    latency: found,
    hours: Object.fromEntries(Object.entries(hours).map(([hour, each]) => [hour, shownOutcomes(each)])),
  };
}

function shownOutcomes([delivered, notFound, rejected, failed, unknown]: OutcomeCounts) {
  return { delivered, notFound, rejected, failed, unknown };
}

function shownLimit(limit: "spend_cap" | "allowance") {
  return ({ tenantId, name: tenantName, used, most }: TenantNearLimit) => ({
    tenantId,
    name: tenantName,
    limit,
    share: Math.floor((used / most) * 1000) / 1000,
  });
}
