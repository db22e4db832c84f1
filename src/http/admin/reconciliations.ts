import { z } from "zod";
import {
  isReportHeader,
  parseReportRow,
  REPORT_COLUMNS,
  reportCells,
  type ReportRow,
} from "../../domain/claro_report.ts";
import type { Failure } from "../../domain/failure.ts";
import { OUTCOMES } from "../../domain/meter_event.ts";
import { CURRENCY, formatMicros } from "../../domain/money.ts";
import { parsePeriod, type Period } from "../../domain/period.ts";
import type { ResolvedUnknown } from "../../domain/reconciliation.ts";
import type { Difference } from "../../domain/reconciliation_differences.ts";
import { ok, type Result } from "../../domain/result.ts";
import { reconcile, type Reconciled } from "../../gateway/reconcile.ts";
import type { AppContext } from "../context.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";
import { invalidRequest, problemResponse } from "../problem.ts";
import { readLines } from "../read_body.ts";
import { actorOf } from "./authenticate_operator.ts";

/** Some 250,000 lines: a month's report of a busy operator, and what an isolate holds with ease. */
const MAX_REPORT_BYTES = 20 * 1024 * 1024;
/** So many resolved lookups are listed; an answer with every line of the largest report would fill the isolate. */
const MOST_RESOLVED_LISTED = 10_000;

const difference = z
  .object({
    reason: z
      .enum(["not_in_report", "unknown_to_us", "repeated", "not_delivered"])
      .meta({ description: "`not_delivered`: Claro delivered it, and here it ended as `outcome` says." }),
    date: z.iso.date().meta({ description: "São Paulo." }),
    customerId: z.string(),
    tenantId: z.string().nullable(),
    lookupId: z.string().nullable(),
    outcome: z.enum(OUTCOMES).nullable(),
    transactionId: z.string().nullable(),
    quantity: z.int().meta({ description: "More than one where lookups of a day and customer cannot be told apart." }),
    amount: z.string().meta({ description: "BRL, exact. Ours: what was charged. Claro's: at the tenant's price." }),
  })
  .meta({ id: "Difference" });

const resolvedUnknown = z
  .object({
    tenantId: z.string(),
    lookupId: z.string(),
    transactionId: z
      .string()
      .nullable()
      .meta({ description: "Claro's; null where only the number of the day and customer says so." }),
    occurredAt: z.iso.datetime().meta({ description: "When the lookup was recorded as `unknown`." }),
  })
  .meta({ id: "ResolvedUnknown" });

const reconciliation = z
  .object({
    period: z.string(),
    reportSha256: z.string().meta({ description: "Of the report's bytes." }),
    matched: z.int().meta({ description: "Lookups that both sides delivered." }),
    onlyOurs: z.array(difference),
    onlyClaro: z.array(difference),
    unknownResolved: z
      .int()
      .meta({ description: "`unknown`s that this report confirms: a cost now, and still no charge." }),
    resolved: z
      .array(resolvedUnknown)
      .meta({ description: `Which those are, the first ${MOST_RESOLVED_LISTED} of them.` }),
    sharedCustomerIds: z.array(z.string()).meta({
      description:
        "Customer ids in `resolved` or `onlyClaro` that several tenants have: which tenant's it is, and at which price, " +
        "the report does not tell.",
    }),
    delta: z.int().meta({ description: "Ours less Claro's, in lookups: the sum of the differences." }),
    deltaAmount: z.string().meta({ description: "The same in BRL." }),
    currency: z.literal(CURRENCY),
  })
  .meta({ id: "Reconciliation" });

const reconciliationQuery = z.object({
  period: z
    .string()
    .regex(/^[0-9]{4}-(?:0[1-9]|1[0-2])$/)
    .meta({ description: "The report's month.", examples: ["2026-11"] }),
});

export const reconcileOperation: Operation = {
  id: "reconcile",
  tag: "Operations",
  access: "operator",
  headers: HEADERS.cacheControl,
  summary: "Compare a month with Claro's report",
  description:
    "CSV with the columns `transactionId,occurredAt,customerId,status`, at most 20 MiB. By transaction where the report " +
    "names it, else by the number of a São Paulo day and customer. A `status` of 2xx or `delivered` is what Claro " +
    "charges. What Claro has beyond that resolves `unknown`s: by number of the same day and customer, or, for a line with " +
    "a transaction, the customer's nearest that was recorded at most 5 minutes before and 2 hours after it. The same report again changes nothing; a malformed line is " +
    "named by its number, and then nothing is applied.",
  query: reconciliationQuery,
  body: { schema: z.string(), type: "text/csv", example: `${REPORT_COLUMNS.join(",")}\n` },
  answers: { 200: { description: "What matches and what does not.", content: reconciliation } },
  failures: ["period_open", "statement_unavailable"],
};

/** `POST /admin/v1/reconciliations?period=2026-11`. */
export async function postReconciliation(context: AppContext): Promise<Response> {
  const period = parsePeriod(context.req.query("period") ?? "");
  if (!period.ok) {
    const issues = [{ path: "period", message: "a month as YYYY-MM" }];
    return problemResponse(context, { code: "invalid_request", issues });
  }
  const report = await readReport(context, period.value);
  if (!report.ok) return problemResponse(context, report.failure);
  const { rows, sha256: reportSha256 } = report.value;
  const asked = { period: period.value, rows, reportSha256 };
  const result = await reconcile(context.get("services"), actorOf(context), asked);
  if (!result.ok) return problemResponse(context, result.failure);
  return context.json(shown(result.value, { period: period.value, reportSha256 }));
}

async function readReport(
  context: AppContext,
  period: Period,
): Promise<Result<{ rows: ReportRow[]; sha256: string }, Failure>> {
  const rows: ReportRow[] = [];
  const read = await readLines(context, { type: "text/csv", maxBytes: MAX_REPORT_BYTES }, (line, number) => {
    if (line.trim() === "") return ok(undefined);
    const cells = reportCells(line);
    if (number === 1 && cells !== null && isReportHeader(cells)) return ok(undefined);
    const row = parseReportRow(cells, period);
    if (!row.ok) return invalidRequest(`line ${number}`, row.failure);
    if (row.value.isCharged) rows.push(row.value);
    return row;
  });
  return read.ok ? ok({ rows, sha256: read.value.sha256 }) : read;
}

function shown(
  result: Reconciled,
  { period, reportSha256 }: { period: Period; reportSha256: string },
): z.infer<typeof reconciliation> {
  return {
    period,
    reportSha256,
    matched: result.matched,
    onlyOurs: result.onlyOurs.map(shownDifference),
    onlyClaro: result.onlyClaro.map(shownDifference),
    unknownResolved: result.resolved.length,
    resolved: result.resolved.slice(0, MOST_RESOLVED_LISTED).map(shownResolved),
    sharedCustomerIds: [...result.sharedCustomerIds],
    delta: result.delta,
    deltaAmount: formatMicros(result.deltaAmountMicros),
    currency: CURRENCY,
  };
}

function shownResolved(unknown: ResolvedUnknown): z.infer<typeof resolvedUnknown> {
  const { tenantId, lookupId, transactionId, occurredAtMs } = unknown;
  return { tenantId, lookupId, transactionId, occurredAt: new Date(occurredAtMs).toISOString() };
}

function shownDifference({ amountMicros, ...entry }: Difference): z.infer<typeof difference> {
  return { ...entry, amount: formatMicros(amountMicros) };
}
