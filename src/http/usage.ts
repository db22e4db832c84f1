import { z } from "zod";
import type { Failure } from "../domain/failure.ts";
import type { Mode, UsageCounts } from "../domain/meter_event.ts";
import { CURRENCY, formatMicros } from "../domain/money.ts";
import {
  parseDate,
  periodBounds,
  periodOf,
  saoPauloDate,
  startOfNextDayMs,
  TIME_ZONE,
  type SaoPauloDate,
} from "../domain/period.ts";
import { ok, type Result } from "../domain/result.ts";
import { addCounts, NO_USAGE, requestsOf } from "../domain/usage.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { UsageReply } from "../platform/ledger/messages.ts";
import { authenticate, refusedByLedger } from "./authenticate.ts";
import { callerIp, type AppContext } from "./context.ts";
import { HEADERS } from "./openapi_parts.ts";
import type { Operation } from "./operation.ts";
import { invalidRequest, problemResponse } from "./problem.ts";
import { issuesOf } from "./scores.ts";

/** A year and a day: what one answer may span. */
const LONGEST_RANGE_DAYS = 366;

const writtenCounts = z.object({
  requests: z.int(),
  delivered: z.int(),
  notFound: z.int(),
  rejected: z.int(),
  failed: z.int(),
  unknown: z.int(),
  billed: z.int(),
  amount: z
    .string()
    .meta({ description: "BRL, exact, before the rounding of a statement's lines.", examples: ["12.3450"] }),
  currency: z.literal(CURRENCY),
});

export const usageAnswer = z
  .object({
    timeZone: z.literal(TIME_ZONE),
    from: z.iso.date(),
    to: z.iso.date(),
    totals: writtenCounts,
    days: z.array(z.object({ date: z.iso.date(), ...writtenCounts.shape })),
    allowance: z
      .object({ limit: z.int(), used: z.int(), remaining: z.int(), endsAt: z.iso.datetime().nullable() })
      .nullable(),
    asOf: z.iso.datetime(),
  })
  .meta({ id: "Usage" });

export const usageQuery = z.object({
  from: z.iso.date().optional().meta({ description: "São Paulo date, inclusive; default: the first of this month." }),
  to: z.iso.date().optional().meta({ description: "São Paulo date, inclusive; default: the last of this month." }),
  mode: z.enum(["live", "test"]).optional().meta({ description: "Default: the key's own. A test key sees test only." }),
});

export const usageOperation: Operation = {
  id: "getUsage",
  tag: "Usage",
  summary: "Usage by day",
  description: "Counts and amounts of São Paulo days, up to the last lookup that was answered before this call.",
  access: "api-key",
  query: usageQuery,
  answers: { 200: { description: "The usage.", content: usageAnswer } },
  headers: HEADERS.cacheControl,
};

export const tenantUsageOperation: Operation = {
  ...usageOperation,
  id: "getTenantUsage",
  tag: "Tenants",
  summary: "A tenant's usage by day",
  access: "operator",
  failures: ["ledger_unavailable"],
};

/** `GET /v1/usage`: up to the last answered lookup. */
export async function getUsage(context: AppContext): Promise<Response> {
  const caller = await authenticate(context);
  if (!caller.ok) return problemResponse(context, caller.failure);
  const { tenantId, keyId, mode } = caller.value;
  const access = { keyId, scope: "usage:read", ip: callerIp(context) } as const;
  const allowed = await callLedger(context.get("services").ledgers, caller.value, (ledger) => ledger.authorize(access));
  if (!allowed.ok) return problemResponse(context, allowed.failure);
  if (allowed.value.kind === "refused")
    return problemResponse(context, refusedByLedger(context, allowed.value.failure));
  if (context.req.query("mode") === "live" && mode === "test") {
    const issues = [{ path: "mode", message: "a test key sees test lookups only" }];
    return problemResponse(context, { code: "insufficient_scope", issues });
  }
  return await answerUsage(context, tenantId, mode);
}

/** `GET /admin/v1/tenants/{id}/usage`: as the tenant sees it. */
export async function getTenantUsage(context: AppContext): Promise<Response> {
  const tenantId = context.req.param("tenantId") ?? "";
  if ((await context.get("services").register.tenant(tenantId)) === null) {
    return problemResponse(context, { code: "not_found" });
  }
  return await answerUsage(context, tenantId, "live");
}

/** A tenant's usage, for whoever has been found to be allowed to see it. */
async function answerUsage(context: AppContext, tenantId: string, defaultMode: Mode): Promise<Response> {
  const query = usageQuery.safeParse(context.req.query());
  if (!query.success) return problemResponse(context, { code: "invalid_request", issues: issuesOf(query.error) });
  const range = rangeOf(query.data, context.get("services").clock.nowMs());
  if (!range.ok) return problemResponse(context, range.failure);
  const { ledgers } = context.get("services");
  const { mode = defaultMode } = query.data;
  const reply = await callLedger(ledgers, { tenantId, mode }, (ledger) => ledger.usage(range.value));
  if (!reply.ok) return problemResponse(context, reply.failure);
  context.header("Cache-Control", "no-store");
  return context.json(usageBody(range.value, reply.value));
}

type Range = { readonly from: SaoPauloDate; readonly to: SaoPauloDate };

function rangeOf(asked: z.infer<typeof usageQuery>, nowMs: number): Result<Range, Failure> {
  const { startMs, endMs } = periodBounds(periodOf(nowMs));
  const from = parseDate(asked.from ?? saoPauloDate(startMs));
  const to = parseDate(asked.to ?? saoPauloDate(endMs - 1));
  if (!from.ok) return invalidRequest("from", "a date as YYYY-MM-DD");
  if (!to.ok) return invalidRequest("to", "a date as YYYY-MM-DD");
  const days = (Date.parse(to.value) - Date.parse(from.value)) / 86_400_000 + 1;
  if (days < 1) return invalidRequest("to", "must not be before `from`");
  if (days > LONGEST_RANGE_DAYS) return invalidRequest("to", `at most ${LONGEST_RANGE_DAYS} days after \`from\``);
  return ok({ from: from.value, to: to.value });
}

function usageBody(range: Range, usage: UsageReply): z.infer<typeof usageAnswer> {
  const byDate = new Map<string, UsageCounts>(usage.days.map((day) => [day.date, day]));
  const days = datesOf(range).map((date) => ({ date, ...written(byDate.get(date) ?? NO_USAGE) }));
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
  for (let date = from; date < to;) {
    date = saoPauloDate(startOfNextDayMs(date));
    dates.push(date);
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
