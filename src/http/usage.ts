import * as z from "zod";
import type { Failure } from "../domain/failure.ts";
import { MODES, type Mode, type UsageCounts } from "../domain/meter_event.ts";
import { CURRENCY, formatMicros } from "../domain/money.ts";
import {
  parseDate,
  parsePeriod,
  periodBounds,
  periodOf,
  saoPauloDate,
  startOfNextDayMs,
  TIME_ZONE,
  type SaoPauloDate,
} from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { addCounts, NO_USAGE, requestsOf } from "../domain/usage.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { UsageReply } from "../platform/ledger/messages.ts";
import { operatorEndpoint, tenantEndpoint } from "./endpoint.ts";
import { invalidRequest } from "./invalid_request.ts";
import type { AppContext } from "./context.ts";
import { told } from "./language.ts";
import { HEADERS } from "./openapi_parts.ts";
import { countFields, currencyField, exactReais, monthQuery, timeZoneField } from "./shared_fields.ts";
import { issue } from "./zod_issues.ts";

/** A year and a day: what one answer may span. */
const LONGEST_RANGE_DAYS = 366;

const writtenCounts = z.object({ ...countFields, amount: exactReais, currency: currencyField });

const date = z.iso
  .date()
  .meta(told({ "pt-BR": "Um dia de São Paulo.", en: "A São Paulo day." }, { examples: ["2026-11-27"] }));

export const usageAnswer = z
  .object({
    timeZone: timeZoneField,
    from: date,
    to: date,
    totals: writtenCounts.meta(told({ "pt-BR": "O período todo.", en: "The whole range." })),
    days: z
      .array(z.object({ date, ...writtenCounts.shape }))
      .meta(told({ "pt-BR": "Cada dia, também os sem consultas.", en: "Each day, those without lookups too." })),
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

const USAGE = {
  method: "GET",
  query: usageQuery,
  answers: { 200: { description: { "pt-BR": "O consumo.", en: "The usage." }, content: usageAnswer } },
  failures: ["ledger_unavailable"],
} as const;

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
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
  scope: "usage:read",
  limit: "read",
  handle: async ({ context, caller: { tenantId, mode }, query }) => {
    if (query.mode === "live" && mode === "test") {
      return fail({ code: "insufficient_scope", issues: [{ path: "mode", code: "live_key_required" }] });
    }
    return await answerUsage(context, { tenantId, mode: query.mode ?? mode }, query);
  },
});

/** `GET /admin/v1/tenants/{id}/usage`: as the tenant sees it. */
export const getTenantUsage = operatorEndpoint({
  ...USAGE,
  path: "/admin/v1/tenants/:tenantId/usage",
  id: "getTenantUsage",
  tag: "Tenants",
  summary: { "pt-BR": "Consumo de um parceiro por dia", en: "A tenant's usage by day" },
  description,
  headers: HEADERS.cacheControl,
  role: "read",
  handle: async ({ context, services, params: { tenantId }, query }) => {
    if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
    return await answerUsage(context, { tenantId, mode: query.mode ?? "live" }, query);
  },
});

/** A tenant's usage, for whoever has been found to be allowed to see it. */
async function answerUsage(
  context: AppContext,
  ledger: { tenantId: string; mode: Mode },
  query: z.infer<typeof usageQuery>,
): Promise<Result<Response, Failure>> {
  const { ledgers, clock } = context.get("services");
  const range = rangeOf(query, clock.nowMs());
  if (!range.ok) return range;
  const reply = await callLedger(ledgers, ledger, (stub) => stub.usage(range.value));
  if (!reply.ok) return reply;
  if ((reply.value.notReady ?? null) !== null) return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
  context.header("Cache-Control", "no-store");
  return ok(context.json(usageBody(range.value, reply.value)));
}

type Range = { readonly from: SaoPauloDate; readonly to: SaoPauloDate };

function rangeOf(asked: z.infer<typeof usageQuery>, nowMs: number): Result<Range, Failure> {
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
  const days = (Date.parse(to.value) - Date.parse(from.value)) / 86_400_000 + 1;
  if (days < 1) return invalidRequest("to", "before_from");
  if (days > LONGEST_RANGE_DAYS) return invalidRequest("to", "range_too_long", { days: LONGEST_RANGE_DAYS });
  return ok({ from: from.value, to: to.value });
}

function usageBody(range: Range, usage: UsageReply): z.infer<typeof usageAnswer> {
  const byDate = new Map<string, UsageCounts>(usage.days.map((day) => [day.date, day]));
  const days = datesOf(range).map((day) => ({ date: day, ...written(byDate.get(day) ?? NO_USAGE) }));
  const { allowance } = usage;
  return {
    timeZone: TIME_ZONE,
    ...range,
    totals: written(usage.days.reduce(addCounts, NO_USAGE)),
    days,
    allowance: allowance === null ? null : { ...allowance, remaining: Math.max(allowance.limit - allowance.used, 0) },
    asOf: new Date(usage.asOfMs).toISOString(),
  };
}

function datesOf({ from, to }: Range): SaoPauloDate[] {
  const dates = [from];
  for (let day = from; day < to;) {
    day = saoPauloDate(startOfNextDayMs(day));
    dates.push(day);
  }
  return dates;
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
