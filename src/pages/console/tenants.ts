import { html } from "hono/html";
import * as z from "zod";
import { formatCnpj } from "../../domain/cnpj.ts";
import { periodBounds, periodOf, saoPauloDate } from "../../domain/period.ts";
import { ok } from "../../domain/result.ts";
import { requestsOf } from "../../domain/usage.ts";
import { lastDates } from "../../gateway/read_usage.ts";
import { tenantTable, type TenantRow } from "../../platform/tenant_table.ts";
import { COMMON } from "../common_texts.ts";
import { UNFILLED } from "../form.ts";
import { empty, heading, meter, table, type Column, type Html } from "../html.ts";
import { consolePage, type PageTools } from "../page.ts";
import { sparkline } from "../plots/sparkline.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { pager, statusBadge, tenantLink } from "./parts.ts";
import { PLAN_NAME_TEXTS, TENANTS } from "./tenants_texts.ts";

const ROWS_A_PAGE = 50;
const SPARK_DAYS = 30;

const tenantsQuery = z.object({
  q: z.string().trim().max(100).default(""),
  status: z.enum(["active", "suspended", ""]).catch("").default(""),
  sort: z.enum(["created", "name", "spent", "-created", "-name", "-spent"]).catch("-spent").default("-spent"),
  page: z.coerce.number().int().min(1).max(10_000).catch(1).default(1),
});
type Asked = z.output<typeof tenantsQuery>;

/** `GET /console/tenants`. Search, filter and order are in the address, so that a view can be shared. */
export const showTenants = consolePage({
  method: "GET",
  path: "/console/tenants",
  role: "read",
  query: tenantsQuery,
  handle: async (call) => {
    const { services, say, format, query, may, nowMs, fields } = call;
    const { startMs } = periodBounds(periodOf(nowMs));
    const { rows, count } = await tenantTable(services.db, {
      text: query.q,
      status: query.status === "" ? null : query.status,
      order: query.sort.replace("-", "") as "created" | "name" | "spent",
      isDescending: query.sort.startsWith("-"),
      offset: (query.page - 1) * ROWS_A_PAGE,
      limit: ROWS_A_PAGE,
      from: saoPauloDate(startMs),
      to: saoPauloDate(nowMs),
    });
    const dates = lastDates(nowMs, SPARK_DAYS);
    const ids = rows.map(({ id }) => id);
    const days = await services.usageDays.ofTenants(ids, dates);
    const courseOf = (id: string) =>
      dates.map((date) => {
        const found = days.get(id)?.get(date);
        return found === undefined ? 0 : requestsOf(found);
      });
    const title = say(NAV_TEXTS.tenants);
    const create = may("operate")
      ? html`<a class="button first" href="/console/tenants/new">${say(TENANTS.create)}</a>`
      : null;
    const filled = fields({ ...UNFILLED, values: { q: query.q, status: query.status } });
    const choices = [
      ["", say(TENANTS.all)],
      ["active", say(PART_TEXTS.active)],
      ["suspended", say(PART_TEXTS.suspended)],
    ] as const;
    const body = html`${heading(title, { note: `${say(TENANTS.found)}: ${format.count(count)}. ${say(TENANTS.sums)}`, actions: create })}
      <form class="filters" role="search">
        <div class="grow">${filled.input("q", { label: say(TENANTS.searchHint), type: "search" })}</div>
        ${filled.select("status", { label: say(TENANTS.status), choices, submits: true })}
        <input type="hidden" name="sort" value="${query.sort}" />
        <button type="submit">${say(COMMON.filter)}</button>
      </form>
      ${rows.length === 0 ? empty(say(query.q === "" && query.status === "" ? TENANTS.nobodyYet : TENANTS.nobody)) : table(columns(call, query, courseOf), rows)}
      ${pager(call, {
        first: query.page === 1 ? null : address(query, { page: 1 }),
        next: query.page * ROWS_A_PAGE < count ? address(query, { page: query.page + 1 }) : null,
      })}`;
    return ok({ title, body });
  },
});

function address(query: Asked, change: Partial<Asked>): string {
  const { q, status, sort, page } = { ...query, ...change };
  const search = new URLSearchParams({ q, status, sort, page: String(page) });
  if (q === "") search.delete("q");
  if (status === "") search.delete("status");
  if (page === 1) search.delete("page");
  return `/console/tenants?${search.toString()}`;
}

function columns({ say, format }: PageTools, query: Asked, courseOf: (id: string) => number[]): Column<TenantRow>[] {
  const sortable = (name: "created" | "name" | "spent", text: string, first: "" | "-") => {
    const isSorted = query.sort.replace("-", "") === name;
    const isDescending = query.sort.startsWith("-");
    const next = isSorted ? `${isDescending ? "" : "-"}${name}` : `${first}${name}`;
    const sorted = isSorted ? (isDescending ? ("descending" as const) : ("ascending" as const)) : undefined;
    const arrow = isSorted ? (isDescending ? " ↓" : " ↑") : "";
    const to = address(query, { sort: next as Asked["sort"], page: 1 });
    return { head: html`<a href="${to}">${text}${arrow}</a>`, label: text, sorted };
  };
  return [
    {
      ...sortable("name", say(PART_TEXTS.tenant), ""),
      isName: true,
      cell: ({ id, name, document }) =>
        html`<span>${tenantLink(id, name)}<br /><span class="quiet small nowrap">${formatCnpj(document)}</span></span>`,
    },
    { head: say(TENANTS.status), cell: ({ status }) => statusBadge(status, say) },
    {
      head: say(TENANTS.plan),
      cell: ({ plan }) => html`<span class="nowrap">${say(PLAN_NAME_TEXTS[plan.name])}</span>`,
    },
    {
      head: say(TENANTS.thirtyDays),
      cell: ({ id }) => spark(courseOf(id), say(TENANTS.lookupsInThirtyDays), format.count),
    },
    { head: say(TENANTS.monthLookups), isNumber: true, cell: ({ lookups }) => format.count(lookups) },
    {
      ...sortable("spent", say(TENANTS.monthSpent), "-"),
      isNumber: true,
      cell: ({ spentMicros }) => format.money(spentMicros),
    },
    {
      head: say(TENANTS.limit),
      cell: ({ plan, spentMicros }) => limitCell(plan.monthlySpendCapMicros, spentMicros, { say, format }),
    },
    {
      ...sortable("created", say(PART_TEXTS.created), "-"),
      isNumber: true,
      cell: ({ createdAtMs }) => format.day(createdAtMs),
    },
  ];
}

function limitCell(
  capMicros: number | null,
  spentMicros: number,
  { say, format }: Pick<PageTools, "say" | "format">,
): Html {
  if (capMicros === null) return html`<span class="quiet">${say(COMMON.unlimited)}</span>`;
  const share = capMicros === 0 ? 1 : spentMicros / capMicros;
  return html`<span>${format.share(share)}${meter(share, format.share(share))}</span>`;
}

function spark(course: readonly number[], what: string, count: (value: number) => string): Html {
  const sum = course.reduce((total, value) => total + value, 0);
  return sparkline(course, `${what}: ${count(sum)}`);
}
