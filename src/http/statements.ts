import { z } from "zod";
import { EXPORT_FILES, type ExportFile } from "../domain/export/export_files.ts";
import type { Failure } from "../domain/failure.ts";
import { parsePeriod, type Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { encodeEvents } from "../gateway/encode_events.ts";
import { openPeriodEvents } from "../gateway/open_statement.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { authenticate, refusedByLedger } from "./authenticate.ts";
import { callerIp, type AppContext } from "./context.ts";
import { HEADERS } from "./openapi_parts.ts";
import type { Operation } from "./operation.ts";
import { problemResponse } from "./problem.ts";

export const statementFileOperation: Operation = {
  id: "getStatementFile",
  tag: "Statements",
  summary: "A month's events as a file",
  description:
    "`events.jsonl`, `events.csv`, `events.pt-br.csv` or `focus.csv`: live events, in the order of `seq`. While the " +
    "month is open they include every lookup that was answered before this call, and `Statement-Status` says `open`.",
  access: "api-key",
  answers: {
    200: {
      description: "The file.",
      content: { "application/jsonl": z.string(), "text/csv": z.string() },
      headers: HEADERS.statement,
    },
  },
  headers: HEADERS.cacheControl,
  failures: ["not_found", "statement_unavailable"],
};

export const tenantStatementFileOperation: Operation = {
  ...statementFileOperation,
  id: "getTenantStatementFile",
  tag: "Tenants",
  summary: "A tenant's month as a file",
  access: "operator",
};

/** `GET /v1/statements/{period}/{file}`: a month's live events in one format. */
export async function getStatementFile(context: AppContext): Promise<Response> {
  const tenantId = await statementReader(context);
  return tenantId.ok ? await answerFile(context, tenantId.value) : problemResponse(context, tenantId.failure);
}

/** `GET /admin/v1/tenants/{id}/statements/{period}/{file}`: as the tenant sees it. */
export async function getTenantStatementFile(context: AppContext): Promise<Response> {
  return await answerFile(context, context.req.param("tenantId") ?? "");
}

/** The tenant whose key asks, if the key may see statements: only a live one may, for they hold live events only. */
async function statementReader(context: AppContext): Promise<Result<string, Failure>> {
  const caller = await authenticate(context);
  if (!caller.ok) return caller;
  const access = { keyId: caller.value.keyId, scope: "statements:read", ip: callerIp(context) } as const;
  const allowed = await callLedger(context.var.services.ledgers, caller.value, (ledger) => ledger.authorize(access));
  if (!allowed.ok) return allowed;
  if (allowed.value.kind === "refused") return fail(refusedByLedger(context, allowed.value.failure));
  return caller.value.mode === "live" ? ok(caller.value.tenantId) : fail({ code: "insufficient_scope" });
}

async function answerFile(context: AppContext, tenantId: string): Promise<Response> {
  const period = parsePeriod(context.req.param("period") ?? "");
  const file = EXPORT_FILES.find(({ name }) => name === context.req.param("file"));
  if (!period.ok || file === undefined) return problemResponse(context, { code: "not_found" });
  const events = await openPeriodEvents(context.var.services, tenantId, period.value);
  if (!events.ok) return problemResponse(context, events.failure);
  const { name, mediaType, encoder } = file;
  return context.body(encodeEvents(events.value, encoder), 200, {
    "content-type": mediaType,
    "content-disposition": `attachment; filename="${fileName({ tenantId, period: period.value, name })}"`,
    "cache-control": "no-store",
    "statement-status": "open",
  });
}

/** The name under which a file of an open month is saved says that it is one. */
function fileName({ tenantId, period, name }: { tenantId: string; period: Period; name: ExportFile["name"] }): string {
  return `${tenantId}-${period}-open-${name}`;
}
