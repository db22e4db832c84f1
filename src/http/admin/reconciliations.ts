import * as z from "zod";
import { REPORT_COLUMNS, ReportLines } from "../../domain/claro_report.ts";
import type { Failure } from "../../domain/failure.ts";
import { differencesHead, differencesLines, type DifferencesStyle } from "../../domain/export/differences_csv.ts";
import { isoTime } from "../../domain/instant.ts";
import { CURRENCY, formatMicros } from "../../domain/money.ts";
import { parsePeriod } from "../../domain/period.ts";
import type { ResolvedUnknown } from "../../domain/reconciliation.ts";
import type { Difference } from "../../domain/reconciliation_differences.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { continueReconciliation, ReportReceiver, startReconciliation } from "../../gateway/reconcile.ts";
import { StoreError } from "../../platform/outage.ts";
import type { ReconciliationFiles, RunResult } from "../../platform/reconciliation_files.ts";
import type { ReconciliationRun } from "../../platform/reconciliation_records.ts";
import type { AppContext } from "../context.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { cursorFor, cursorQuery, limitQuery, pageAnswer, pageOf } from "../paging.ts";
import { monthQuery } from "../shared_fields.ts";
import {
  listedReconciliation,
  reconciliation,
  runningReconciliation,
  type difference,
  type resolvedUnknown,
} from "./reconciliation_schemas.ts";

/** As much as the platform takes of a request: more than a million lines. */
const MAX_REPORT_BYTES = 100 * 1024 * 1024;

const SHARED = {
  tag: "Operations",
  headers: HEADERS.cacheControl,
  outage: "statement_unavailable",
} as const;
const ANSWERS = {
  200: {
    description: { "pt-BR": "O que combina e o que não combina.", en: "What matches and what does not." },
    content: reconciliation,
  },
  202: {
    description: {
      "pt-BR": "Ainda não terminou: chame `POST` na conciliação até terminar, ou deixe para o cron.",
      en: "It has not ended yet: call `POST` on the reconciliation until it has, or leave it to the cron.",
    },
    content: runningReconciliation,
  },
} as const;
const LIST = "reconciliations";
const PAGES = "reconciliation";
const cursorContent = z.tuple([z.int().min(0), z.string().regex(/^rec_[0-9a-f]{20}$/)]);

/** `POST /admin/v1/reconciliations?period=2026-11`. */
export const reconcile = operatorEndpoint({
  ...SHARED,
  method: "POST",
  path: "/admin/v1/reconciliations",
  id: "reconcile",
  summary: { "pt-BR": "Comparar um mês com o relatório da Claro", en: "Compare a month with Claro's report" },
  description: {
    "pt-BR":
      "CSV com `,` ou `;`, ou JSON por linha, com `transactionId,occurredAt,customerId,status`, em UTF-8 ou Windows-1252, no " +
      "máximo 100 MiB. Compara por transação quando o relatório a traz, sem distinguir maiúsculas; senão, pela quantidade por " +
      "dia de São Paulo e cliente. Um `status` 2xx ou `delivered` é o que a Claro cobra. Os relógios podem diferir em dez " +
      "minutos, também na virada do mês. O que a Claro tem a mais resolve consultas `unknown`. Uma linha malformada é apontada " +
      "pelo número, e então nada é aplicado. Até 250.000 linhas a resposta vem nesta chamada; relatórios maiores, ou de " +
      "muitos parceiros, são comparados passo a passo.",
    en:
      "CSV with `,` or `;`, or JSON lines, of `transactionId,occurredAt,customerId,status`, in UTF-8 or Windows-1252, at most " +
      "100 MiB. By transaction where the report names it, in any case of letters, else by the number of a São Paulo day and " +
      "customer. A `status` of 2xx or `delivered` is what Claro charges. Clocks may differ by ten minutes, at a month's end " +
      "too. What Claro has beyond that resolves `unknown`s. A malformed line is named by its number, and then nothing is " +
      "applied. Up to 250,000 lines are answered in the call; longer reports, or those of many tenants, are worked through " +
      "step by step.",
  },
  role: "finance",
  audit: "in_change",
  query: z.object({
    period: monthQuery.meta(
      told({ "pt-BR": "O mês do relatório.", en: "The report's month." }, { examples: ["2026-11"] }),
    ),
  }),
  body: {
    schema: z.string(),
    types: ["text/csv", "application/x-ndjson"],
    isStreamed: true,
    maxBytes: MAX_REPORT_BYTES,
    example:
      `${REPORT_COLUMNS.join(",")}\n` +
      "0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58,2026-11-27T18:20:40-03:00,loja_exemplo,200\n",
  },
  answers: ANSWERS,
  failures: ["period_open", "statement_unavailable"],
  handle: async ({ context, services, actor, query, readLines }) => {
    const period = parsePeriod(query.period);
    if (!period.ok) return invalidRequest("period", "month");
    const length = context.req.header("content-length");
    const report = new ReportReceiver(services, length === undefined ? null : Number(length));
    const lines = new ReportLines(period.value);
    const taken = ok(undefined);
    const read = await readLines((line, number) => {
      const row = lines.read(line);
      if (!row.ok) return fail({ code: "invalid_request", issues: [{ path: `line ${number}`, ...row.failure }] });
      const written = row.value === null ? undefined : report.add(row.value);
      return written === undefined ? taken : written.then(() => taken);
    });
    if (!read.ok) {
      await report.drop();
      return read;
    }
    const asked = { period: period.value, report, reportSha256: read.value.sha256 };
    const run = await startReconciliation(services, actor, asked);
    return run.ok ? await answerRun(context, run.value, 0) : run;
  },
});

/** `POST /admin/v1/reconciliations/{id}`: a step of one that has not ended. */
export const continueReconciling = operatorEndpoint({
  ...SHARED,
  method: "POST",
  path: "/admin/v1/reconciliations/:reconciliationId",
  id: "continueReconciliation",
  summary: { "pt-BR": "Continuar uma conciliação", en: "Go on with a reconciliation" },
  role: "finance",
  audit: "in_change",
  query: z.object({ cursor: cursorQuery(PAGES, cursorContent) }),
  answers: ANSWERS,
  failures: ["not_found", "statement_unavailable"],
  handle: async ({ context, services, params }) => {
    const run = await continueReconciliation(services, params.reconciliationId);
    return run.ok ? await answerRun(context, run.value, 0) : run;
  },
});

/** `GET /admin/v1/reconciliations/{id}`: as it stands, or a page of what it has come to. */
export const getReconciliation = operatorEndpoint({
  ...SHARED,
  method: "GET",
  path: "/admin/v1/reconciliations/:reconciliationId",
  id: "getReconciliation",
  summary: { "pt-BR": "Ver uma conciliação", en: "See a reconciliation" },
  role: "read",
  audit: { action: "reconciliation.read", target: ({ reconciliationId = "" }) => reconciliationId },
  query: z.object({ cursor: cursorQuery(PAGES, cursorContent) }),
  answers: ANSWERS,
  failures: ["not_found", "statement_unavailable"],
  handle: async ({ context, services, params, query }) => {
    const run = await services.reconciliations.run(params.reconciliationId);
    if (run === null) return fail({ code: "not_found" });
    const [page, of] = query.cursor ?? [0, run.id];
    return of === run.id ? await answerRun(context, run, page) : invalidRequest("cursor", "cursor");
  },
});

/** `GET /admin/v1/reconciliations/{id}/differences.csv`: all that one side alone has, in one file. */
export const downloadDifferences = operatorEndpoint({
  ...SHARED,
  method: "GET",
  path: "/admin/v1/reconciliations/:reconciliationId/:differencesFile",
  id: "downloadDifferences",
  summary: { "pt-BR": "Baixar as diferenças", en: "Download the differences" },
  description: {
    "pt-BR":
      "Uma linha por diferença, dos dois lados. `amount` é o que o parceiro pagou, `cost` o preço da Claro. Em `.pt-br.csv`, " +
      "com ponto e vírgula, vírgula decimal e palavras em português.",
    en:
      "A line for each difference, of both sides. `amount` is what the tenant was charged, `cost` Claro's price. As " +
      "`.pt-br.csv`, with semicolons, decimal commas and words in Portuguese.",
  },
  role: "read",
  audit: { action: "reconciliation.read", target: ({ reconciliationId = "" }) => reconciliationId },
  answers: {
    200: {
      description: { "pt-BR": "As diferenças.", en: "The differences." },
      content: { "text/csv": z.string() },
    },
  },
  failures: ["not_found", "statement_unavailable"],
  handle: async ({ context, services, params: { reconciliationId, differencesFile } }) => {
    const result = await services.reconciliationFiles.readResult(reconciliationId);
    if (result === null) return fail({ code: "not_found" });
    const style = differencesFile === "differences.csv" ? "plain" : "brazilian";
    const parts = differencesFileParts(services.reconciliationFiles, { id: reconciliationId, result, style });
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done === true) controller.close();
        else controller.enqueue(new TextEncoder().encode(value));
      },
    });
    return ok(
      context.body(body, 200, {
        "cache-control": "no-store",
        "content-type": "text/csv; charset=utf-8; header=present",
        "content-disposition": `attachment; filename="${reconciliationId}.${differencesFile}"`,
      }),
    );
  },
});

/** `GET /admin/v1/reconciliations?period=`: those that were made, the newest first. */
export const listReconciliations = operatorEndpoint({
  ...SHARED,
  method: "GET",
  path: "/admin/v1/reconciliations",
  id: "listReconciliations",
  summary: { "pt-BR": "Ver as conciliações", en: "List the reconciliations" },
  role: "read",
  query: z.object({
    period: monthQuery
      .optional()
      .meta(told({ "pt-BR": "Só de um mês.", en: "Of one month only." }, { examples: ["2026-11"] })),
    limit: limitQuery,
    cursor: cursorQuery(LIST, cursorContent),
  }),
  answers: {
    200: {
      description: { "pt-BR": "Uma página de conciliações.", en: "A page of reconciliations." },
      content: pageAnswer(listedReconciliation),
    },
  },
  failures: ["statement_unavailable"],
  handle: async ({ context, services, query }) => {
    const period = query.period === undefined ? null : parsePeriod(query.period);
    if (period?.ok === false) return invalidRequest("period", "month");
    const runs = await services.reconciliations.runs(period?.value ?? null, query.cursor ?? null, query.limit + 1);
    const place = (run: ReconciliationRun) => [run.startedAtMs, run.id] as const;
    context.header("Cache-Control", "no-store");
    return ok(
      context.json(pageOf(context, { list: LIST, entries: runs, limit: query.limit }, { entry: shownListed, place })),
    );
  },
});

/** Our side first, then Claro's: a page at a time, so that a long comparison needs no more memory than a short one. */
async function* differencesFileParts(
  files: ReconciliationFiles,
  { id, result, style }: { id: string; result: RunResult; style: DifferencesStyle },
): AsyncGenerator<string, void, void> {
  yield differencesHead(style);
  const { unitCostMicros, pages } = result;
  for (const side of ["onlyOurs", "onlyClaro"] as const) {
    for (let page = 0; page < pages; page += 1) {
      const content = await files.readPage(id, page);
      if (content === null) throw new StoreError("a page of a comparison is not in R2");
      const text = differencesLines(content[side], { side, style, unitCostMicros });
      if (text !== "") yield text;
    }
  }
}

async function answerRun(
  context: AppContext,
  run: ReconciliationRun,
  page: number,
): Promise<Result<Response, Failure>> {
  const { done, steps, failure, finishedAtMs } = run;
  context.header("Cache-Control", "no-store");
  if (finishedAtMs === null || failure !== null) {
    const status = failure === null ? "running" : "failed";
    const next = failure === null ? [done, run.id] : null;
    const shown: z.infer<typeof runningReconciliation> = {
      ...shownRun(run),
      status,
      progress: { done, steps },
      nextCursor: cursorFor(context, PAGES, next),
    };
    return ok(context.json(shown, 202));
  }
  const { reconciliationFiles } = context.get("services");
  const [result, content] = [
    await reconciliationFiles.readResult(run.id),
    await reconciliationFiles.readPage(run.id, page),
  ];
  if (result === null || content === null) return fail({ code: "not_found" });
  const { unitCostMicros } = result;
  const shown: z.infer<typeof reconciliation> = {
    ...shownRun(run),
    status: "done",
    finishedAt: isoTime(finishedAtMs),
    matched: result.matched,
    onlyOurs: content.onlyOurs.map((difference) => shownDifference(difference, unitCostMicros)),
    onlyClaro: content.onlyClaro.map((difference) => shownDifference(difference, unitCostMicros)),
    unknownResolved: result.unknownResolved,
    resolved: content.resolved.map(shownResolved),
    sharedCustomerIds: [...result.sharedCustomerIds],
    deltaQuantity: result.deltaQuantity,
    deltaCost: result.deltaCostMicros === null ? null : formatMicros(result.deltaCostMicros),
    unexplained: result.unexplained,
    currency: CURRENCY,
    nextCursor: cursorFor(context, PAGES, page + 1 < result.pages ? [page + 1, run.id] : null),
  };
  return ok(context.json(shown));
}

function shownRun({ id, period, reportSha256, lines, startedAtMs }: ReconciliationRun) {
  return { id, period, reportSha256, lines, startedAt: isoTime(startedAtMs) };
}

function shownListed(run: ReconciliationRun): z.infer<typeof listedReconciliation> {
  const status = run.failure === null ? (run.finishedAtMs === null ? "running" : "done") : "failed";
  return { ...shownRun(run), status, unexplained: run.unexplained };
}

function shownResolved(unknown: ResolvedUnknown): z.infer<typeof resolvedUnknown> {
  const { tenantId, lookupId, transactionId, occurredAtMs } = unknown;
  return { tenantId, lookupId, transactionId, occurredAt: isoTime(occurredAtMs) };
}

function shownDifference(
  { amountMicros, ...entry }: Difference,
  unitCostMicros: number | null,
): z.infer<typeof difference> {
  const cost = unitCostMicros === null ? null : formatMicros(unitCostMicros * entry.quantity);
  return { ...entry, amount: formatMicros(amountMicros), cost };
}
