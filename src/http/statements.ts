import * as z from "zod";
import { EXPORT_FILES } from "../domain/export/export_files.ts";
import type { Failure } from "../domain/failure.ts";
import type { Mode, UsageCounts } from "../domain/meter_event.ts";
import { CURRENCY, formatCentavos, formatMicros } from "../domain/money.ts";
import { TIME_ZONE, type Period } from "../domain/period.ts";
import { ok, type Result } from "../domain/result.ts";
import type { Manifest } from "../domain/statement.ts";
import { possibleCostOf } from "../domain/statement_totals.ts";
import { NO_USAGE, requestsOf } from "../domain/usage.ts";
import {
  closedStatement,
  listStatements as listMonths,
  manifestOf,
  openManifest,
  type ListedStatement,
} from "../gateway/read_statement.ts";
import { listTestStatements, testManifest } from "../gateway/test_statement.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { AppContext } from "./context.ts";
import { operatorEndpoint, tenantEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { HEADERS } from "./openapi_parts.ts";
import { cursorQuery, limitQuery, pageAnswer, pageOf } from "./paging.ts";
import { monthQuery } from "./shared_fields.ts";
import { answerFile, whileStreaming } from "./statement_files.ts";
import { listedStatement, manifest as manifestSchema, operatorStatement, statement } from "./statement_schemas.ts";

const MONTHS = "statements";

/** What the tenant's calls and the operator's share: the operator sees a month as the tenant does. */
const LIST = {
  method: "GET",
  query: z.object({ limit: limitQuery, cursor: cursorQuery(MONTHS, z.tuple([z.literal(0), monthQuery])) }),
  answers: {
    200: {
      description: { "pt-BR": "Uma página de meses.", en: "A page of months." },
      content: pageAnswer(listedStatement),
    },
  },
  headers: HEADERS.cacheControl,
  failures: ["statement_unavailable", "ledger_unavailable"],
  outage: "statement_unavailable",
} as const;
const MONTH = {
  method: "GET",
  answers: { 200: { description: { "pt-BR": "O extrato.", en: "The statement." }, content: statement } },
  headers: HEADERS.cacheControl,
  failures: ["statement_unavailable", "rate_limited"],
  outage: "statement_unavailable",
} as const;
const ETAG = '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"';
const FILE_CONTENT = {
  "application/jsonl": z.string(),
  "text/csv": z.string(),
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": z.string(),
  "text/html": z.string(),
};
const FILE = {
  method: "GET",
  requestHeaders: {
    Range: z
      .string()
      .optional()
      .meta(
        told(
          { "pt-BR": "Um trecho do arquivo de um mês fechado.", en: "A part of a closed month's file." },
          { examples: ["bytes=0-1023"] },
        ),
      ),
    "If-Range": z
      .string()
      .optional()
      .meta(
        told(
          {
            "pt-BR": "O `ETag` do arquivo que o trecho completa.",
            en: "The `ETag` of the file that the part completes.",
          },
          { examples: [ETAG] },
        ),
      ),
    "If-None-Match": z
      .string()
      .optional()
      .meta(
        told(
          { "pt-BR": "O `ETag` do arquivo que você já tem.", en: "The `ETag` of the file that you have." },
          { examples: [ETAG] },
        ),
      ),
  },
  answers: {
    200: {
      description: { "pt-BR": "O arquivo.", en: "The file." },
      content: { ...FILE_CONTENT, "application/json": manifestSchema },
      headers: HEADERS.statement,
    },
    206: {
      description: { "pt-BR": "O trecho pedido.", en: "The range of the file that was asked for." },
      content: { ...FILE_CONTENT, "application/json": z.string() },
      headers: HEADERS.statement,
    },
    304: {
      description: { "pt-BR": "Você já tem o arquivo.", en: "The caller has it already." },
      content: {},
      headers: HEADERS.statement,
    },
  },
  headers: HEADERS.cacheControl,
  failures: ["statement_unavailable", "rate_limited"],
  outage: "statement_unavailable",
} as const;
const AS_TENANT = { tag: "Statements", scope: "statements:read", limit: "read" } as const;
const AS_OPERATOR = { tag: "Tenants", role: "read" } as const;

const LIST_DESCRIPTION = {
  "pt-BR":
    "Do mais novo ao mais antigo, desde o mês em que o parceiro foi criado. O mês aberto conta até esta chamada. Uma chave de teste vê só o mês atual, em modo de teste.",
  en: "The newest first, from the month of the tenant's creation. The open month counts up to this call. A test key sees this month only, in test mode.",
};
const FILE_DESCRIPTION = {
  "pt-BR":
    "`events.jsonl`, `events.csv`, `events.pt-br.csv`, `focus.csv`, `eventos.xlsx` (eventos reais na ordem de `seq`), " +
    "`demonstrativo.html` (o que o mês soma, para imprimir) ou `manifest.json`. " +
    "Os arquivos de um mês fechado nunca mudam nem por um byte, têm `ETag` e podem ser baixados em trechos. Enquanto o mês " +
    "está aberto, incluem toda consulta respondida antes desta chamada, e `Statement-Status` diz `open`. Um parceiro pode " +
    "baixar dois arquivos ao mesmo tempo. Com uma chave de teste, os arquivos têm as últimas 1.000 consultas de teste do mês, com " +
    "`mode` igual a `test`, para ensaiar a integração.",
  en:
    "`events.jsonl`, `events.csv`, `events.pt-br.csv`, `focus.csv`, `eventos.xlsx` (live events in the order of `seq`), " +
    "`demonstrativo.html` (what the month comes to, to be printed) or " +
    "`manifest.json`. A closed month's files never change by a byte, have an `ETag` and can be had in ranges. While the " +
    "month is open they include every lookup that was answered before this call, and `Statement-Status` says `open`. " +
    "A tenant can have two files at a time. With a test key the files hold the month's last 1,000 test lookups, with `mode` " +
    "`test`, to rehearse with.",
};

/** `GET /v1/statements`: the tenant's months, the newest first. */
export const listStatements = tenantEndpoint({
  ...LIST,
  ...AS_TENANT,
  path: "/v1/statements",
  id: "listStatements",
  summary: { "pt-BR": "Os extratos, mês a mês", en: "List the months" },
  description: LIST_DESCRIPTION,
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
  handle: async ({ context, caller, query }) => await answerList(context, caller, query),
});

/** `GET /v1/statements/{period}`: what a month comes to. */
export const getStatement = tenantEndpoint({
  ...MONTH,
  ...AS_TENANT,
  path: "/v1/statements/:period",
  id: "getStatement",
  summary: { "pt-BR": "O extrato de um mês", en: "What a month comes to" },
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
  handle: async ({ context, caller: { tenantId, mode }, params }) =>
    await answerStatement(context, { reader: tenantId, tenantId, mode, ...params }),
});

/** `GET /v1/statements/{period}/{file}`: a month's live events in one format, or its manifest. */
export const getStatementFile = tenantEndpoint({
  ...FILE,
  ...AS_TENANT,
  path: "/v1/statements/:period/:file",
  id: "getStatementFile",
  summary: { "pt-BR": "Um arquivo do extrato de um mês", en: "A file of a month" },
  description: FILE_DESCRIPTION,
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
  handle: async ({ context, caller: { tenantId, mode }, params }) =>
    await answerFile(context, { reader: tenantId, tenantId, mode, ...params }),
});

/** `GET /admin/v1/tenants/{id}/statements`. */
export const listTenantStatements = operatorEndpoint({
  ...LIST,
  ...AS_OPERATOR,
  path: "/admin/v1/tenants/:tenantId/statements",
  id: "listTenantStatements",
  summary: { "pt-BR": "Os extratos de um parceiro, mês a mês", en: "List a tenant's months" },
  description: LIST_DESCRIPTION,
  handle: async ({ context, params, query }) =>
    await answerList(context, { tenantId: params.tenantId, mode: "live" }, query),
});

/** `GET /admin/v1/tenants/{id}/statements/{period}`. */
export const getTenantStatement = operatorEndpoint({
  ...MONTH,
  ...AS_OPERATOR,
  answers: {
    200: {
      description: {
        "pt-BR": "O extrato, com o custo possível na Claro.",
        en: "The statement, with Claro's possible cost.",
      },
      content: operatorStatement,
    },
  },
  path: "/admin/v1/tenants/:tenantId/statements/:period",
  id: "getTenantStatement",
  summary: { "pt-BR": "O extrato de um mês de um parceiro", en: "What a tenant's month comes to" },
  handle: async ({ context, params }) => await answerStatement(context, { reader: null, mode: "live", ...params }),
});

/** `GET /admin/v1/tenants/{id}/statements/{period}/{file}`: financial data in bulk, so it leaves a line in the audit. */
export const getTenantStatementFile = operatorEndpoint({
  ...FILE,
  ...AS_OPERATOR,
  path: "/admin/v1/tenants/:tenantId/statements/:period/:file",
  id: "getTenantStatementFile",
  summary: { "pt-BR": "Um arquivo do extrato de um parceiro", en: "A file of a tenant's month" },
  description: FILE_DESCRIPTION,
  audit: {
    action: "statement.read",
    target: ({ tenantId = "", period = "", file = "" }) => `${tenantId}/${period}/${file}`,
  },
  handle: async ({ context, params }) => await answerFile(context, { reader: null, ...params }),
});

async function answerList(
  context: AppContext,
  { tenantId, mode }: Pick<Caller, "tenantId" | "mode">,
  { limit, cursor }: z.infer<typeof LIST.query>,
): Promise<Result<Response, Failure>> {
  const asked = { before: cursor?.[1] ?? null, limit: limit + 1 };
  const listed = await (mode === "test" ? listTestStatements : listMonths)(context.get("services"), tenantId, asked);
  if (!listed.ok) return listed;
  context.header("Cache-Control", "no-store");
  return ok(
    context.json(
      pageOf(
        context,
        { list: MONTHS, entries: listed.value, limit },
        { entry: shownListed, place: ({ period }) => [0, period] },
      ),
    ),
  );
}

async function answerStatement(
  context: AppContext,
  { reader, tenantId, mode, period }: { reader: string | null; tenantId: string; mode: Mode; period: Period },
): Promise<Result<Response, Failure>> {
  const services = context.get("services");
  const stored = mode === "test" ? ok(null) : await closedStatement(services, tenantId, period);
  if (!stored.ok) return stored;
  const show = async (manifest: Manifest) => {
    context.header("Cache-Control", "no-store");
    const shown = shownStatement(context, manifest);
    if (reader !== null) return ok(context.json(shown));
    // What Claro may charge is the operator's matter.
    const confirmed = await services.reconciliations.countResolved(tenantId, period);
    const claroPossibleCost = { ...possibleCostOf(manifest.counts), confirmed };
    return ok(context.json({ ...shown, claroPossibleCost } satisfies z.infer<typeof operatorStatement>));
  };
  if (stored.value !== null) return await show(manifestOf(stored.value));
  // An open month is added up from its events: as much work as a file.
  return await whileStreaming(context, reader, async () => {
    const open = await (mode === "test" ? testManifest : openManifest)(services, tenantId, period);
    return open.ok ? await show(open.value) : open;
  });
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

function shownStatement(context: AppContext, manifest: Manifest): z.infer<typeof statement> {
  const { period, status, seq, counts, adjustments, lines, totals, closedAt } = manifest;
  const path = new URL(context.req.url).pathname.replace(/\/$/, "");
  const names = status === "closed" ? manifest.files : OPEN_FILES;
  return {
    period,
    status,
    timeZone: TIME_ZONE,
    seq,
    counts: shownCounts(counts),
    adjustments,
    lines: lines.map(({ kind, quantity, unitPriceMicros, amountMicros, amountCentavos, carriedFrom = null }) => ({
      kind,
      quantity,
      unitPrice: unitPriceMicros === null ? null : formatMicros(unitPriceMicros),
      exactAmount: formatMicros(amountMicros),
      amount: formatCentavos(amountCentavos),
      carriedFrom,
    })),
    amount: totals.amount,
    carriedOut: totals.carriedOut ?? null,
    exactAmount: totals.exactAmount,
    currency: CURRENCY,
    files: [...names, { name: "manifest.json" }].map((file) => ({ ...file, href: `${path}/${file.name}` })),
    previousManifestSha256: manifest.previousManifestSha256,
    closedAt,
    keyId: manifest.keyId,
  };
}

const OPEN_FILES = EXPORT_FILES.map(({ name }) => ({ name }));
