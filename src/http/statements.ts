import type { z } from "zod";
import { EXPORT_FILES } from "../domain/export/export_files.ts";
import type { Failure } from "../domain/failure.ts";
import type { UsageCounts } from "../domain/meter_event.ts";
import { CURRENCY, formatCentavos, formatMicros } from "../domain/money.ts";
import { parsePeriod, TIME_ZONE, type Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Manifest } from "../domain/statement.ts";
import { NO_USAGE, requestsOf } from "../domain/usage.ts";
import { whileReadable } from "../gateway/open_statement.ts";
import {
  closedStatement,
  listStatements,
  manifestOf,
  openManifest,
  type ListedStatement,
} from "../gateway/read_statement.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { authenticate, refusedByLedger } from "./authenticate.ts";
import { callerIp, type AppContext } from "./context.ts";
import { pageOf, readPage } from "./paging.ts";
import { problemResponse } from "./problem.ts";
import { answerFile } from "./statement_files.ts";
import type { listedStatement, statement } from "./statement_schemas.ts";

type Reader = (context: AppContext, tenantId: string) => Promise<Response>;

/** `GET /v1/statements`: the tenant's months, the newest first. */
export const getStatements = asTenant(answerList);
/** `GET /v1/statements/{period}`: what a month comes to. */
export const getStatement = asTenant(answerStatement);
/** `GET /v1/statements/{period}/{file}`: a month's live events in one format, or its manifest. */
export const getStatementFile = asTenant(answerNamedFile);

/** `GET /admin/v1/tenants/{id}/statements…`: as the tenant sees them. */
export const getTenantStatements = asOperator(answerList);
export const getTenantStatement = asOperator(answerStatement);
export const getTenantStatementFile = asOperator(answerNamedFile);

function asTenant(read: Reader): (context: AppContext) => Promise<Response> {
  return async (context) => {
    const tenantId = await statementReader(context);
    return tenantId.ok ? await read(context, tenantId.value) : problemResponse(context, tenantId.failure);
  };
}

function asOperator(read: Reader): (context: AppContext) => Promise<Response> {
  return async (context) => await read(context, context.req.param("tenantId") ?? "");
}

/** The tenant whose key asks, if the key may see statements: only a live one may, for they hold live events only. */
async function statementReader(context: AppContext): Promise<Result<string, Failure>> {
  const caller = await authenticate(context);
  if (!caller.ok) return caller;
  const access = { keyId: caller.value.keyId, scope: "statements:read", ip: callerIp(context) } as const;
  const allowed = await callLedger(context.get("services").ledgers, caller.value, (ledger) => ledger.authorize(access));
  if (!allowed.ok) return allowed;
  if (allowed.value.kind === "refused") return fail(refusedByLedger(context, allowed.value.failure));
  if (caller.value.mode === "live") return ok(caller.value.tenantId);
  return fail({
    code: "insufficient_scope",
    issues: [{ path: "", message: "statements hold live events only; use a live key" }],
  });
}

async function answerList(context: AppContext, tenantId: string): Promise<Response> {
  const page = readPage(context);
  if (!page.ok) return problemResponse(context, page.failure);
  const { limit, after } = page.value;
  const asked = { before: after?.[1] ?? null, limit: limit + 1 };
  const listed = await listStatements(context.get("services"), tenantId, asked);
  if (!listed.ok) return problemResponse(context, listed.failure);
  context.header("Cache-Control", "no-store");
  return context.json(pageOf(listed.value, limit, { entry: shownListed, place: ({ period }) => [0, period] }));
}

async function answerStatement(context: AppContext, tenantId: string): Promise<Response> {
  const period = askedPeriod(context);
  if (!period.ok) return problemResponse(context, period.failure);
  const services = context.get("services");
  const stored = await closedStatement(services, tenantId, period.value);
  if (!stored.ok) return problemResponse(context, stored.failure);
  const manifest =
    stored.value === null ? await openManifest(services, tenantId, period.value) : ok(manifestOf(stored.value));
  if (!manifest.ok) return problemResponse(context, manifest.failure);
  const confirmed = await whileReadable(async () =>
    ok(await services.reconciliations.countResolved(tenantId, period.value)),
  );
  if (!confirmed.ok) return problemResponse(context, confirmed.failure);
  context.header("Cache-Control", "no-store");
  return context.json(shownStatement(context, manifest.value, confirmed.value));
}

async function answerNamedFile(context: AppContext, tenantId: string): Promise<Response> {
  const period = askedPeriod(context);
  if (!period.ok) return problemResponse(context, period.failure);
  return await answerFile(context, { tenantId, period: period.value, name: context.req.param("file") ?? "" });
}

function askedPeriod(context: AppContext): Result<Period, Failure> {
  const period = parsePeriod(context.req.param("period") ?? "");
  return period.ok ? period : fail({ code: "not_found" });
}

function shownListed(listed: ListedStatement): z.infer<typeof listedStatement> {
  const { period } = listed;
  if (listed.kind === "closed") {
    const { counts, adjustments, totals, closedAt } = listed.manifest;
    const { amount, exactAmount } = totals;
    return {
      period,
      status: "closed",
      closedAt,
      ...shownCounts(counts),
      adjustments,
      amount,
      exactAmount,
      currency: CURRENCY,
    };
  }
  const counts = listed.totals ?? NO_USAGE;
  const { adjustments = 0, adjustmentMicros = 0 } = listed.totals ?? {};
  const exactAmount = formatMicros(counts.amountMicros + adjustmentMicros);
  // What is due is known when the month is closed: its lines are rounded then.
  return {
    period,
    status: "open",
    closedAt: null,
    ...shownCounts(counts),
    adjustments,
    amount: null,
    exactAmount,
    currency: CURRENCY,
  };
}

function shownCounts(counts: UsageCounts) {
  const { delivered, notFound, rejected, failed, unknown, billed } = counts;
  return { requests: requestsOf(counts), delivered, notFound, rejected, failed, unknown, billed };
}

function shownStatement(context: AppContext, manifest: Manifest, confirmed: number): z.infer<typeof statement> {
  const { period, status, seq, counts, adjustments, lines, totals, claroPossibleCost, closedAt } = manifest;
  const path = new URL(context.req.url).pathname.replace(/\/$/, "");
  const names = status === "closed" ? manifest.files : OPEN_FILES;
  return {
    period,
    status,
    timeZone: TIME_ZONE,
    seq,
    counts: shownCounts(counts),
    adjustments,
    lines: lines.map(({ kind, quantity, unitPriceMicros, amountMicros, amountCentavos }) => ({
      kind,
      quantity,
      unitPrice: unitPriceMicros === null ? null : formatMicros(unitPriceMicros),
      exactAmount: formatMicros(amountMicros),
      amount: formatCentavos(amountCentavos),
    })),
    amount: totals.amount,
    exactAmount: totals.exactAmount,
    currency: CURRENCY,
    claroPossibleCost: { ...claroPossibleCost, confirmed },
    files: [...names, { name: "manifest.json" }].map((file) => ({ ...file, href: `${path}/${file.name}` })),
    previousManifestSha256: manifest.previousManifestSha256,
    closedAt,
    keyId: manifest.keyId,
  };
}

const OPEN_FILES = EXPORT_FILES.map(({ name }) => ({ name }));
