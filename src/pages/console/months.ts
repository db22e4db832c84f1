import { html } from "hono/html";
import * as z from "zod";
import type { CostedMonth } from "../../domain/period_of_all.ts";
import { formatCnpj } from "../../domain/cnpj.ts";
import { periodBounds, periodOf, previousPeriod, type Period } from "../../domain/period.ts";
import { ok } from "../../domain/result.ts";
import type { ClosingReport } from "../../gateway/close_period.ts";
import { readPeriodSoFar, type PeriodSoFar } from "../../gateway/period_of_all.ts";
import { closePeriod } from "../../http/admin/periods.ts";
import { getPeriod, putUpstreamPrices } from "../../http/admin/period_of_all.ts";
import type { ClosingProgress } from "../../platform/statement_records.ts";
import { COMMON } from "../common_texts.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { capital } from "../format.ts";
import { badge, card, empty, facts, heading, notice, table, type Html } from "../html.ts";
import { consolePage, Redirect, type ConsoleCall, type PageTools, type ShownPage } from "../page.ts";
import { fieldOf, valuesOf } from "../read_form.ts";
import { callEndpoint, fileOf } from "./call_endpoint.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { MONTHS } from "./months_texts.ts";
import { act, pager, tenantLink } from "./parts.ts";
import { readTiers, writeTiers } from "./plan_parts.ts";
import { runsTable, uploadForm } from "./reconciliations.ts";
import { PLAN_TEXTS } from "./tenants_texts.ts";

const MONTHS_SHOWN = 12;
const ROWS_A_PAGE = 200;

const monthQuery = z.object({ page: z.coerce.number().int().min(1).max(10_000).catch(1).default(1) });

type Progress = ClosingProgress & { readonly period: Period };

/** `GET /console/months`. */
export const showMonths = consolePage({
  method: "GET",
  path: "/console/months",
  role: "read",
  handle: async (call) => {
    const { services, say, format, nowMs } = call;
    const present = periodOf(nowMs);
    const periods: Period[] = [present];
    while (periods.length < MONTHS_SHOWN) periods.push(previousPeriod(periods.at(-1) as Period));
    const progress = await Promise.all(
      periods.map(async (period) => ({
        period,
        ...(await services.statements.progress(period, periodBounds(period).endMs)),
      })),
    );
    // Leaves out months before the first tenant.
    const shown = progress.filter(({ closed, remaining, period }) => closed + remaining > 0 || period === present);
    const title = say(NAV_TEXTS.months);
    const list = table<Progress>(
      [
        {
          head: say(PART_TEXTS.period),
          cell: ({ period }) => html`<a href="/console/months/${period}">${format.month(period)}</a>`,
        },
        { head: say(PART_TEXTS.state), cell: (month) => monthState(month, call) },
        {
          head: say(MONTHS.tenants),
          isNumber: true,
          cell: ({ closed, remaining }) => format.count(closed + remaining),
        },
        { head: say(MONTHS.closedOf), isNumber: true, cell: ({ closed }) => format.count(closed) },
      ],
      shown,
      { caption: title },
    );
    return ok({ title, body: html`${heading(title, { note: say(MONTHS.lead) })} ${list}` });
  },
});

/** `GET /console/months/{period}`. */
export const showMonth = consolePage({
  method: "GET",
  path: "/console/months/:period",
  role: "read",
  query: monthQuery,
  handle: async (call) => ok(await monthPage(call, call.params.period, { page: call.query.page })),
});

/** `POST /console/months/{period}/close`: closes a bounded number of tenants; pressing again closes more. */
export const closeMonth = consolePage({
  method: "POST",
  path: "/console/months/:period/close",
  role: "finance",
  handle: async (call) => {
    const { params } = call;
    const closing = await callEndpoint<ClosingReport>(call, closePeriod, { params });
    if (!closing.ok) return closing;
    return ok(
      new Redirect(
        `/console/months/${params.period}`,
        closing.value.status === "closed" ? "month-closed" : "month-closing",
      ),
    );
  },
});

/** `POST /console/months/{period}/prices`. */
export const setPrices = consolePage({
  method: "POST",
  path: "/console/months/:period/prices",
  role: "finance",
  handle: async (call) => {
    const { params, form } = call;
    const body = { tiers: readTiers(fieldOf(form, "tiers")) };
    const set = await callEndpoint(call, putUpstreamPrices, { params, body });
    if (set.ok) return ok(new Redirect(`/console/months/${params.period}`, "prices-saved"));
    if (set.failure.issues === undefined) return set;
    return ok(await monthPage(call, params.period, { filled: { values: valuesOf(form), issues: set.failure.issues } }));
  },
});

/** `GET /console/months/files/{2026-11.csv}`. */
export const downloadMonth = fileOf("/console/months/files/:periodFile", getPeriod);

function monthState({ period, closed, remaining, archived }: Progress, { say, format, nowMs }: PageTools): Html {
  if (nowMs < periodBounds(period).endMs) return badge(say(MONTHS.running));
  if (remaining === 0) return badge(say(archived === closed ? MONTHS.archived : PART_TEXTS.closed), "good");
  if (closed === 0) return badge(say(MONTHS.toClose), "warn");
  return badge(`${say(PART_TEXTS.closing)}: ${format.count(closed)} / ${format.count(closed + remaining)}`, "warn");
}

async function monthPage(
  call: ConsoleCall,
  period: Period,
  { filled = UNFILLED, page = 1 }: { filled?: Filled; page?: number },
): Promise<ShownPage> {
  const { services, say, format, may, nowMs } = call;
  const { endMs } = periodBounds(period);
  const hasEnded = nowMs >= endMs;
  const [progress, prices, runs, soFar] = await Promise.all([
    services.statements.progress(period, endMs),
    services.upstreamPrices.of(period),
    services.reconciliations.runs(period, null, 20),
    readPeriodSoFar(services, period),
  ]);
  const title = capital(format.month(period));
  const files = hasEnded
    ? html`<a class="button" href="/console/months/files/${period}.pt-br.csv">${say(MONTHS.csvBrazil)}</a>
        <a class="button" href="/console/months/files/${period}.csv">CSV</a>
        <a class="button" href="/console/months/files/${period}.json">JSON</a>`
    : null;
  const crumbs = [{ to: "/console/months", text: say(NAV_TEXTS.months) }];
  const body = html`${heading(title, { crumbs, note: monthState({ period, ...progress }, call), actions: files })}
    ${hasEnded ? "" : notice(`${say(MONTHS.endsAt)} ${format.time(endMs)}.`)}
    ${hasEnded && progress.remaining > 0 ? closingCard(call, period, { progress, soFar }) : ""}
    ${soFar.month.tenants.length > 0 ? tenantsTable(soFar, call, page) : ""}
    <div class="grid">
      ${card(say(MONTHS.prices), pricesPart(call, period, { prices, filled }))}
      ${may("finance") ? card(say(MONTHS.reconcile), uploadForm(call, period)) : ""}
    </div>
    ${card(say(MONTHS.runs), runs.length === 0 ? empty(say(MONTHS.noRuns)) : runsTable(runs, call))}`;
  return { title, body, ...statusOf(filled) };
}

/** What closing would do, and the button where the operator may. */
function closingCard(
  call: ConsoleCall,
  period: Period,
  { progress: { closed, remaining }, soFar }: { progress: Omit<Progress, "period">; soFar: PeriodSoFar },
): Html {
  const { say, format, may } = call;
  const open = soFar.month.tenants.flatMap(({ tenantId, totals }) =>
    soFar.openIds.has(tenantId) ? (totals ?? []) : [],
  );
  const sumOf = (name: "quantity" | "totalCentavos") => open.reduce((sum, totals) => sum + totals[name], 0);
  const preview = facts([
    [say(MONTHS.previewOpen), format.count(remaining)],
    [say(MONTHS.previewQuantity), format.count(sumOf("quantity"))],
    [say(MONTHS.previewTotal), format.centavos(sumOf("totalCentavos"))],
    [say(MONTHS.previewClosed), format.count(closed)],
  ]);
  const button = may("finance")
    ? act(call, {
        to: `/console/months/${period}/close`,
        title: MONTHS.close,
        note: MONTHS.closeNote,
        button: MONTHS.closeButton,
      })
    : "";
  return card(say(MONTHS.preview), html`${preview} ${button}`);
}

/** Every tenant's month. An open one shows what D1 has counted so far, and says so. */
function tenantsTable({ month, openIds }: PeriodSoFar, call: PageTools, page: number): Html {
  const { say, format, nowMs } = call;
  const { period, tenants, totals } = month;
  const isRunning = nowMs < periodBounds(period).endMs;
  const money = (centavos: number | null | undefined) =>
    centavos === null || centavos === undefined ? "–" : format.centavos(centavos);
  const stateOf = (tenantId: string) =>
    openIds.has(tenantId)
      ? isRunning
        ? badge(say(MONTHS.running))
        : badge(say(PART_TEXTS.open), "warn")
      : badge(say(PART_TEXTS.closed), "good");
  const list = table<CostedMonth>(
    [
      {
        head: say(PART_TEXTS.tenant),
        isName: true,
        cell: ({ tenantId, name, document }) =>
          html`<span
            >${tenantLink(tenantId, name)}<br /><span class="quiet small nowrap">${formatCnpj(document)}</span></span
          >`,
      },
      { head: say(PART_TEXTS.state), cell: ({ tenantId }) => stateOf(tenantId) },
      {
        head: say(MONTHS.quantity),
        isNumber: true,
        cell: ({ totals: own }) => (own === null ? "–" : format.count(own.quantity)),
      },
      { head: say(PART_TEXTS.amount), isNumber: true, cell: ({ totals: own }) => money(own?.amountCentavos) },
      { head: say(MONTHS.adjustments), isNumber: true, cell: ({ totals: own }) => money(own?.adjustmentsCentavos) },
      { head: say(COMMON.total), isNumber: true, cell: ({ totals: own }) => money(own?.totalCentavos) },
      { head: say(MONTHS.cost), isNumber: true, cell: ({ totals: own }) => money(own?.claroCostCentavos) },
      { head: say(MONTHS.margin), isNumber: true, cell: ({ totals: own }) => money(own?.marginCentavos) },
    ],
    tenants.slice((page - 1) * ROWS_A_PAGE, page * ROWS_A_PAGE),
    {
      caption: say(MONTHS.tenants),
      foot: [
        say(COMMON.total),
        "",
        format.count(totals.quantity),
        money(totals.amountCentavos),
        money(totals.adjustmentsCentavos),
        money(totals.totalCentavos),
        money(totals.claroCostCentavos),
        money(totals.marginCentavos),
      ],
    },
  );
  const path = `/console/months/${period}`;
  return html`${openIds.size === 0 ? "" : html`<p class="quiet small">${say(MONTHS.soFar)}</p>`} ${list}
  ${pager(call, {
    first: page === 1 ? null : path,
    next: page * ROWS_A_PAGE < tenants.length ? `${path}?page=${page + 1}` : null,
  })}`;
}

function pricesPart(
  call: ConsoleCall,
  period: Period,
  {
    prices,
    filled,
  }: { prices: { readonly since: Period; readonly tiers: Parameters<typeof writeTiers>[0] } | null; filled: Filled },
): Html {
  const { say, format, may, fields } = call;
  const told =
    prices === null
      ? html`<p class="quiet">${say(MONTHS.noPrices)}</p>`
      : facts([
          [say(MONTHS.pricesSince), format.month(prices.since)],
          [
            say(PLAN_TEXTS.tiers),
            html`${prices.tiers.map(({ upTo, unitPriceMicros }) => html`<div>${format.money(unitPriceMicros)} ${upTo === null ? "" : `${say(PLAN_TEXTS.upTo)} ${format.count(upTo)}`}</div>`)}`,
          ],
        ]);
  if (!may("finance")) return told;
  const made = fields(filled);
  const area = html`${made.rest(["tiers"])}
  ${made.area("tiers", { label: say(PLAN_TEXTS.tiers), hint: say(PLAN_TEXTS.tiersHint), value: prices === null ? "" : writeTiers(prices.tiers, format), rows: 3 })}`;
  const form = act(call, {
    to: `/console/months/${period}/prices`,
    title: MONTHS.setPrices,
    note: MONTHS.setPricesNote,
    button: PART_TEXTS.save,
    fields: area,
  });
  return html`${told} ${form}`;
}
