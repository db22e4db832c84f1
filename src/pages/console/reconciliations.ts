import { html } from "hono/html";
import * as z from "zod";
import type { Period } from "../../domain/period.ts";
import { fail, ok } from "../../domain/result.ts";
import * as endpoints from "../../http/admin/reconciliations.ts";
import type { difference, reconciliation, runningReconciliation } from "../../http/admin/reconciliation_schemas.ts";
import { inline } from "../../http/pages/layout.ts";
import { readLines } from "../../http/read_body.ts";
import type { ReconciliationRun } from "../../platform/reconciliation_records.ts";
import { badge, card, empty, figures, heading, meter, table, type Column, type Html } from "../html.ts";
import { consolePage, Redirect, type ConsoleCall, type PageTools } from "../page.ts";
import { callEndpoint, fileOf } from "./call_endpoint.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { MONTHS, REASON_TEXTS } from "./months_texts.ts";
import { lookupLink, pager } from "./parts.ts";

type Difference = z.infer<typeof difference>;
type Shown = z.infer<typeof reconciliation> | z.infer<typeof runningReconciliation>;

const MOST_BYTES = 32 * 1024 * 1024;
/** Of each side. The call gives a thousand: they are a page of sixty screens. */
const ROWS_A_PAGE = 50;

const reconciliationQuery = z.object({
  /** Which thousand of the call, and from which of them on. */
  cursor: z.string().max(300).optional(),
  from: z.coerce.number().int().min(0).catch(0).default(0),
});

/** `POST /console/months/{period}/reconcile`: the report as a file of the form. */
export const uploadReport = consolePage({
  method: "POST",
  path: "/console/months/:period/reconcile",
  role: "finance",
  form: "upload",
  handle: async (call) => {
    const { form, params, context } = call;
    const report = form.get("report");
    if (!(report instanceof File) || report.size === 0)
      return fail({ code: "invalid_request", issues: [{ path: "report", code: "required" }] });
    const sent = new Request(context.req.url, { method: "POST", body: report.stream() });
    const run = await callEndpoint<{ id: string }>(call, endpoints.reconcile, {
      query: { period: params.period },
      readLines: (onLine) => readLines(sent, MOST_BYTES, onLine),
    });
    return run.ok ? ok(new Redirect(`/console/reconciliations/${run.value.id}`)) : run;
  },
});

/** `GET /console/reconciliations/{id}`: what a comparison came to, or how far it is. */
export const showReconciliation = consolePage({
  method: "GET",
  path: "/console/reconciliations/:reconciliationId",
  role: "read",
  query: reconciliationQuery,
  handle: async (call) => {
    const { params, query, say, format } = call;
    const asked = query.cursor === undefined ? {} : { cursor: query.cursor };
    const found = await callEndpoint<Shown>(call, endpoints.getReconciliation, { params, query: asked });
    if (!found.ok) return found;
    const run = found.value;
    const title = `${say(MONTHS.reconcile)}: ${format.month(run.period)}`;
    const crumbs = [
      { to: "/console/months", text: say(NAV_TEXTS.months) },
      { to: `/console/months/${run.period}`, text: format.month(run.period) },
    ];
    const note = html`${format.time(Date.parse(run.startedAt))} · ${say(MONTHS.lines)}: ${format.count(run.lines)}`;
    const content = run.status === "done" ? result(run, call) : progress(run, call);
    return ok({
      title,
      body: html`${heading(title, { crumbs, note })}
        <div id="run">${content}</div>`,
    });
  },
});

/** `GET /console/reconciliations/{id}/differences.csv`: all of them, for who has more than a page. */
export const downloadDifferences = fileOf(
  "/console/reconciliations/:reconciliationId/:differencesFile",
  endpoints.downloadDifferences,
);

/** `POST /console/reconciliations/{id}`: a step of one that has not ended. */
export const continueReconciliation = consolePage({
  method: "POST",
  path: "/console/reconciliations/:reconciliationId",
  role: "finance",
  handle: async (call) => {
    const { params } = call;
    const run = await callEndpoint(call, endpoints.continueReconciling, { params });
    return run.ok ? ok(new Redirect(`/console/reconciliations/${params.reconciliationId}`)) : run;
  },
});

export function uploadForm({ say, token }: PageTools, period: Period): Html {
  return html`<form
    method="post"
    action="/console/months/${period}/reconcile"
    enctype="multipart/form-data"
    class="form"
    data-upload
    data-comparing="${say(MONTHS.comparing)}"
    data-failed="${say(MONTHS.notSent)}"
  >
    ${token}
    <p class="quiet small">${inline(say(MONTHS.reconcileNote))}</p>
    <div class="field">
      <label for="f-report">${say(MONTHS.report)}</label>
      <input id="f-report" name="report" type="file" accept=".csv,.jsonl,.ndjson,text/csv" required />
    </div>
    <div class="row">
      <button type="submit" class="first">${say(MONTHS.send)}</button>
      <progress hidden aria-label="${say(MONTHS.send)}"></progress>
      <span role="status" class="quiet small"></span>
    </div>
  </form>`;
}

export function runsTable(runs: readonly ReconciliationRun[], { say, format }: PageTools): Html {
  return table<ReconciliationRun>(
    [
      {
        head: say(PART_TEXTS.created),
        cell: ({ id, startedAtMs }) =>
          html`<a class="nowrap" href="/console/reconciliations/${id}">${format.time(startedAtMs)}</a>`,
      },
      {
        head: say(MONTHS.runStatus),
        cell: ({ failure, finishedAtMs }) =>
          failure !== null
            ? badge(say(MONTHS.failedRun), "bad")
            : finishedAtMs === null
              ? badge(say(MONTHS.runningRun), "warn")
              : badge(say(MONTHS.done), "good"),
      },
      { head: say(MONTHS.lines), isNumber: true, cell: ({ lines }) => format.count(lines) },
      {
        head: say(MONTHS.unexplained),
        isNumber: true,
        cell: ({ unexplained }) => (unexplained === null ? "–" : format.count(unexplained)),
      },
    ],
    runs,
    { caption: say(MONTHS.runs) },
  );
}

/** How far it is; where there is a script the page goes on by itself. */
function progress(
  { id, status, progress: { done, steps } }: z.infer<typeof runningReconciliation>,
  call: ConsoleCall,
): Html {
  const { say, token, format, may } = call;
  const isFailed = status === "failed";
  const state = isFailed ? badge(say(MONTHS.failedRun), "bad") : badge(say(MONTHS.runningRun), "warn");
  const told = `${say(MONTHS.progress)}: ${format.count(done)} / ${format.count(steps)}`;
  const button =
    isFailed || !may("finance")
      ? ""
      : html`<form
          method="post"
          action="/console/reconciliations/${id}"
          hx-post="/console/reconciliations/${id}"
          hx-trigger="load delay:500ms"
          hx-select="#run"
          hx-target="#run"
          hx-swap="outerHTML"
        >
          ${token}<button type="submit" class="first">${say(MONTHS.goOn)}</button>
        </form>`;
  return card(
    null,
    html`<p>${state} ${told}</p>
      <p>${meter(steps === 0 ? 0 : done / steps, told)}</p>
      ${button}`,
  );
}

function result(run: z.infer<typeof reconciliation>, call: PageTools & { readonly query: Asked }): Html {
  const { say, format, query } = call;
  const cost = run.deltaCost === null ? "–" : format.amount(run.deltaCost);
  const isFirst = isFirstPage(query);
  const page = (list: readonly Difference[]) => list.slice(query.from, query.from + ROWS_A_PAGE);
  const files = html`<a class="button" href="/console/reconciliations/${run.id}/differences.pt-br.csv"
      >${say(MONTHS.csvBrazil)}</a
    >
    <a class="button" href="/console/reconciliations/${run.id}/differences.csv">CSV</a>`;
  return html`${figures([
    { name: say(MONTHS.matched), value: format.count(run.matched) },
    { name: say(MONTHS.deltaQuantity), value: format.count(run.deltaQuantity) },
    { name: say(MONTHS.deltaCost), value: cost },
    { name: say(MONTHS.resolved), value: format.count(run.unknownResolved) },
    { name: say(MONTHS.unexplained), value: format.count(run.unexplained) },
  ])}
  ${card(say(MONTHS.onlyOurs), differences(page(run.onlyOurs), call, { isOurs: true, isFirst }), files)}
  ${card(say(MONTHS.onlyClaro), differences(page(run.onlyClaro), call, { isOurs: false, isFirst }))}
  ${pager(call, pagesAround(run, query))}`;
}

type Asked = z.output<typeof reconciliationQuery>;

function isFirstPage({ cursor, from }: Asked): boolean {
  return cursor === undefined && from === 0;
}

function pagesAround(
  { id, onlyOurs, onlyClaro, nextCursor }: z.infer<typeof reconciliation>,
  { cursor, from }: Asked,
): { first: string | null; next: string | null } {
  const address = (place: Partial<Asked>) => {
    const search = new URLSearchParams(
      Object.entries(place).flatMap(([name, value]) =>
        value === undefined || value === 0 ? [] : [[name, String(value)]],
      ),
    );
    return `/console/reconciliations/${id}${search.size === 0 ? "" : `?${search.toString()}`}`;
  };
  const further = from + ROWS_A_PAGE;
  const hasMore = further < Math.max(onlyOurs.length, onlyClaro.length);
  return {
    first: isFirstPage({ cursor, from }) ? null : address({}),
    next: hasMore ? address({ cursor, from: further }) : nextCursor === null ? null : address({ cursor: nextCursor }),
  };
}

/** What Claro charges stands on both sides, as in the sum above them; what a tenant paid, only on ours. */
function differences(
  list: readonly Difference[],
  { say, format }: PageTools,
  { isOurs, isFirst }: { isOurs: boolean; isFirst: boolean },
): Html {
  if (list.length === 0) return empty(say(isFirst ? MONTHS.noDifference : MONTHS.noMore));
  const charged: Column<Difference> = {
    head: say(MONTHS.chargedTenant),
    isNumber: true,
    cell: ({ amount }) => format.amount(amount),
  };
  return table<Difference>(
    [
      { head: say(MONTHS.date), cell: ({ date }) => format.date(date) },
      { head: say(MONTHS.reason), isName: true, cell: ({ reason }) => say(REASON_TEXTS[reason]) },
      { head: say(MONTHS.customer), cell: ({ customerId }) => html`<code>${customerId}</code>` },
      {
        head: say(MONTHS.lookup),
        cell: ({ lookupId, transactionId }) =>
          lookupId === null ? html`<code class="id">${transactionId ?? "–"}</code>` : lookupLink(lookupId),
      },
      { head: say(MONTHS.quantity), isNumber: true, cell: ({ quantity }) => format.count(quantity) },
      ...(isOurs ? [charged] : []),
      {
        head: say(MONTHS.cost),
        isNumber: true,
        cell: ({ cost }) => (cost === null ? "–" : format.amount(cost)),
      },
    ],
    list,
    { caption: say(MONTHS.reason) },
  );
}
