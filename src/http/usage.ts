import * as z from "zod";
import type { Failure } from "../domain/failure.ts";
import { DAY_MS, isoTime } from "../domain/instant.ts";
import { MODES, type Mode, type UsageCounts } from "../domain/meter_event.ts";
import { CURRENCY, formatMicros } from "../domain/money.ts";
import { parseDate, parsePeriod, periodBounds, periodOf, saoPauloDate, TIME_ZONE } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { possibleCostOf } from "../domain/statement_totals.ts";
import { requestsOf } from "../domain/usage.ts";
import { readUsage, type UsageOfRange, type UsageRange } from "../gateway/read_usage.ts";
import { operatorEndpoint, tenantEndpoint } from "./endpoint.ts";
import { invalidRequest } from "./invalid_request.ts";
import type { AppContext } from "./context.ts";
import { told, type Text } from "./language.ts";
import { HEADERS } from "./openapi_parts.ts";
import { countFields, currencyField, exactReais, monthQuery, outcomeFields, timeZoneField } from "./shared_fields.ts";
import { issue } from "./zod_issues.ts";

/** A year and a day: what one answer may span. */
const LONGEST_RANGE_DAYS = 366;

const writtenCounts = z.object({ ...countFields, amount: exactReais, currency: currencyField });

const keyIdField = z
  .string()
  .meta(told({ "pt-BR": "O id da chave.", en: "The key's id." }, { examples: ["csg_live_a1B2c3D4e5"] }));

const reais = (meaning: Text) => z.string().meta(told(meaning, { examples: ["12.3450"] }));

const date = z.iso
  .date()
  .meta(told({ "pt-BR": "Um dia de São Paulo.", en: "A São Paulo day." }, { examples: ["2026-11-27"] }));

const usageAnswer = z
  .object({
    timeZone: timeZoneField,
    from: date,
    to: date,
    totals: writtenCounts.meta(told({ "pt-BR": "O período todo.", en: "The whole range." })),
    days: z
      .array(
        z.object({
          date,
          ...writtenCounts.shape,
          keys: z
            .array(z.object({ keyId: keyIdField, ...writtenCounts.shape }))
            .optional()
            .meta(told({ "pt-BR": "Com `groupBy=key`: o dia por chave.", en: "With `groupBy=key`: the day by key." })),
        }),
      )
      .meta(told({ "pt-BR": "Cada dia, também os sem consultas.", en: "Each day, those without lookups too." })),
    keys: z
      .array(z.object({ keyId: keyIdField, ...writtenCounts.shape }))
      .meta(told({ "pt-BR": "O período por chave.", en: "The range by key." })),
    allowance: z
      .object({
        limit: z.int().meta(told({ "pt-BR": "Quantas consultas.", en: "How many lookups." }, { examples: [1000] })),
        used: z
          .int()
          .meta(told({ "pt-BR": "Quantas já foram usadas.", en: "How many are used." }, { examples: [412] })),
        remaining: z.int().meta(told({ "pt-BR": "Quantas restam.", en: "How many are left." }, { examples: [588] })),
        endsAt: z.iso
          .datetime()
          .nullable()
          .meta(
            told(
              { "pt-BR": "Até quando vale.", en: "Until when it is good." },
              { examples: ["2027-02-01T03:00:00.000Z"] },
            ),
          ),
      })
      .nullable()
      .meta(told({ "pt-BR": "A franquia do plano, quando há uma.", en: "The plan's allowance, where there is one." })),
    spendCap: z
      .object({
        limit: reais({ "pt-BR": "O teto do mês.", en: "The month's cap." }),
        spent: reais({ "pt-BR": "Quanto já foi gasto neste mês.", en: "What is spent of it this month." }),
        remaining: reais({ "pt-BR": "Quanto resta.", en: "What is left of it." }),
        resetsAt: z.iso
          .datetime()
          .meta(
            told(
              { "pt-BR": "Quando recomeça.", en: "When it begins anew." },
              { examples: ["2026-12-01T03:00:00.000Z"] },
            ),
          ),
      })
      .nullable()
      .meta(
        told({
          "pt-BR": "O teto de gasto do mês que corre; `null` sem teto.",
          en: "The spend cap of the month that runs; null where there is none.",
        }),
      ),
    adjustments: z
      .object({
        count: z.int().meta(told({ "pt-BR": "Quantos.", en: "How many." }, { examples: [1] })),
        amount: reais({
          "pt-BR": "Quanto somam; créditos são negativos.",
          en: "What they come to; credits are below zero.",
        }),
      })
      .meta(
        told({
          "pt-BR": "Ajustes do período, que não são consultas.",
          en: "The range's adjustments, which are no lookups.",
        }),
      ),
    due: exactReais.meta(
      told(
        {
          "pt-BR":
            "Consultas e ajustes juntos, exato. O extrato do mês arredonda cada linha ao centavo e soma o crédito do mês anterior.",
          en: "Lookups and adjustments together, exact. The month's statement rounds each line to the centavo, and adds the credit of the month before.",
        },
        { examples: ["12.3450"] },
      ),
    ),
    asOf: z.iso.datetime().meta(
      told(
        {
          "pt-BR": "Toda consulta respondida até este instante está contada.",
          en: "Every lookup answered up to this instant is counted.",
        },
        { examples: ["2026-11-27T21:20:40.123Z"] },
      ),
    ),
  })
  .meta({ id: "Usage" });

const usageQuery = z.object({
  groupBy: z
    .enum(["key"])
    .optional()
    .meta(
      told(
        { "pt-BR": "`key`: cada dia também por chave.", en: "`key`: each day by key as well." },
        { examples: ["key"] },
      ),
    ),
  from: z.iso
    .date(issue("date"))
    .optional()
    .meta(
      told(
        {
          "pt-BR": "Dia de São Paulo, inclusive; padrão: o primeiro deste mês.",
          en: "São Paulo date, inclusive; default: the first of this month.",
        },
        { examples: ["2026-11-01"] },
      ),
    ),
  to: z.iso
    .date(issue("date"))
    .optional()
    .meta(
      told(
        {
          "pt-BR": "Dia de São Paulo, inclusive; padrão: o último deste mês.",
          en: "São Paulo date, inclusive; default: the last of this month.",
        },
        { examples: ["2026-11-30"] },
      ),
    ),
  month: monthQuery
    .optional()
    .meta(
      told(
        { "pt-BR": "Um mês inteiro, no lugar de `from` e `to`.", en: "A whole month, instead of `from` and `to`." },
        { examples: ["2026-11"] },
      ),
    ),
  mode: z
    .enum(MODES)
    .optional()
    .meta(
      told(
        {
          "pt-BR": "Padrão: o da chave. Uma chave de teste só vê `test`.",
          en: "Default: the key's own. A test key sees `test` only.",
        },
        { examples: ["live"] },
      ),
    ),
});

const operatorUsage = usageAnswer
  .extend({
    claroPossibleCost: z
      .object({
        delivered: outcomeFields.delivered,
        unknown: outcomeFields.unknown,
        units: z
          .int()
          .meta(told({ "pt-BR": "O que a Claro pode cobrar.", en: "What Claro may charge for." }, { examples: [118] })),
      })
      .meta(
        told({
          "pt-BR": "Consultas que podem custar ao operador na Claro, o que quer que o parceiro pague.",
          en: "Lookups that Claro may charge the operator for, whatever the tenant pays.",
        }),
      ),
  })
  .meta({ id: "OperatorUsage" });

const USAGE = { method: "GET", query: usageQuery, failures: ["ledger_unavailable"] } as const;
const DESCRIBED = { description: { "pt-BR": "O consumo.", en: "The usage." } } as const;

const description = {
  "pt-BR": "Quantidades e valores por dia de São Paulo, até a última consulta respondida antes desta chamada.",
  en: "Counts and amounts of São Paulo days, up to the last lookup that was answered before this call.",
};

/** `GET /v1/usage`: up to the last answered lookup. */
export const getUsage = tenantEndpoint({
  ...USAGE,
  path: "/v1/usage",
  id: "getUsage",
  tag: "Usage",
  summary: { "pt-BR": "Consumo por dia", en: "Usage by day" },
  description,
  answers: { 200: { ...DESCRIBED, content: usageAnswer } },
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
  scope: "usage:read",
  limit: "read",
  handle: async ({ context, caller: { tenantId, mode }, query }) => {
    if (query.mode === "live" && mode === "test") {
      return fail({ code: "insufficient_scope", issues: [{ path: "mode", code: "live_key_required" }] });
    }
    const usage = await usageFor(context, { tenantId, mode: query.mode ?? mode }, query);
    return usage.ok ? ok(context.json(usage.value)) : usage;
  },
});

/** `GET /admin/v1/tenants/{id}/usage`: as the tenant sees it, with what Claro may charge beside. */
export const getTenantUsage = operatorEndpoint({
  ...USAGE,
  path: "/admin/v1/tenants/:tenantId/usage",
  id: "getTenantUsage",
  tag: "Tenants",
  summary: { "pt-BR": "Consumo de um parceiro por dia", en: "A tenant's usage by day" },
  description,
  answers: { 200: { ...DESCRIBED, content: operatorUsage } },
  headers: HEADERS.cacheControl,
  role: "read",
  handle: async ({ context, services, params: { tenantId }, query }) => {
    if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
    const mode = query.mode ?? "live";
    const usage = await usageFor(context, { tenantId, mode }, query);
    if (!usage.ok) return usage;
    // What Claro may charge is the operator's matter; the sandbox charges nothing.
    const { delivered, unknown, units } = possibleCostOf(usage.value.totals);
    const claroPossibleCost = mode === "live" ? { delivered, unknown, units } : { delivered: 0, unknown: 0, units: 0 };
    return ok(context.json({ ...usage.value, claroPossibleCost } satisfies z.infer<typeof operatorUsage>));
  },
});

/** A tenant's usage, for whoever has been found to be allowed to see it. */
async function usageFor(
  context: AppContext,
  ledger: { tenantId: string; mode: Mode },
  query: z.infer<typeof usageQuery>,
): Promise<Result<z.infer<typeof usageAnswer>, Failure>> {
  const services = context.get("services");
  const range = readUsageRange(query, services.clock.nowMs());
  if (!range.ok) return range;
  const usage = await readUsage(services, ledger, range.value);
  if (!usage.ok) return usage;
  context.header("Cache-Control", "no-store");
  return ok(usageBody(usage.value, query.groupBy === "key"));
}

/** The days that are asked for: a month, or any range; this month by default. */
export function readUsageRange(
  asked: { month?: string | undefined; from?: string | undefined; to?: string | undefined },
  nowMs: number,
): Result<UsageRange, Failure> {
  if (asked.month !== undefined && (asked.from !== undefined || asked.to !== undefined)) {
    return invalidRequest("month", "not_together", { other: "`from`, `to`" });
  }
  const month = parsePeriod(asked.month ?? periodOf(nowMs));
  if (!month.ok) return invalidRequest("month", "month");
  const { startMs, endMs } = periodBounds(month.value);
  const from = parseDate(asked.from ?? saoPauloDate(startMs));
  const to = parseDate(asked.to ?? saoPauloDate(endMs - 1));
  if (!from.ok) return invalidRequest("from", "date");
  if (!to.ok) return invalidRequest("to", "date");
  const days = (Date.parse(to.value) - Date.parse(from.value)) / DAY_MS + 1;
  if (days < 1) return invalidRequest("to", "before_from");
  if (days > LONGEST_RANGE_DAYS) return invalidRequest("to", "range_too_long", { days: LONGEST_RANGE_DAYS });
  return ok({ from: from.value, to: to.value });
}

function usageBody(usage: UsageOfRange, isByKey: boolean): z.infer<typeof usageAnswer> {
  const { range, allowance, spendCap, adjustments } = usage;
  return {
    timeZone: TIME_ZONE,
    ...range,
    totals: written(usage.totals),
    days: usage.days.map(({ date: day, keys, ...counts }) => ({
      date: day,
      ...written(counts),
      ...(isByKey ? { keys: writtenKeys(keys) } : {}),
    })),
    keys: writtenKeys(usage.keys),
    allowance,
    spendCap: spendCap && {
      limit: formatMicros(spendCap.limitMicros),
      spent: formatMicros(spendCap.spentMicros),
      remaining: formatMicros(Math.max(spendCap.limitMicros - spendCap.spentMicros, 0)),
      resetsAt: isoTime(spendCap.resetsAtMs),
    },
    adjustments: { count: adjustments.count, amount: formatMicros(adjustments.amountMicros) },
    due: formatMicros(usage.dueMicros),
    asOf: isoTime(usage.asOfMs),
  };
}

function writtenKeys(keys: Readonly<Record<string, UsageCounts>>) {
  return Object.entries(keys).map(([keyId, counts]) => ({ keyId, ...written(counts) }));
}

function written(usage: UsageCounts): z.infer<typeof writtenCounts> {
  const { delivered, notFound, rejected, failed, unknown, billed, amountMicros } = usage;
  const amount = formatMicros(amountMicros);
  return {
    requests: requestsOf(usage),
    delivered,
    notFound,
    rejected,
    failed,
    unknown,
    billed,
    amount,
    currency: CURRENCY,
  };
}
