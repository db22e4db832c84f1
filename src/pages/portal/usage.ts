import { html } from "hono/html";
import * as z from "zod";
import type { Failure } from "../../domain/failure.ts";
import { DAY_MS } from "../../domain/instant.ts";
import type { UsageCounts } from "../../domain/meter_event.ts";
import { csvLine } from "../../domain/export/csv.ts";
import { formatMicros } from "../../domain/money.ts";
import { periodBounds, periodOf, previousPeriod, saoPauloDate } from "../../domain/period.ts";
import { ok, type Result } from "../../domain/result.ts";
import { requestsOf } from "../../domain/usage.ts";
import { readUsage, type UsageOfRange, type UsageRange } from "../../gateway/read_usage.ts";
import { readUsageRange } from "../../http/usage.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import { OUTCOME_TEXTS, COMMON } from "../common_texts.ts";
import { UNFILLED } from "../form.ts";
import { capital } from "../format.ts";
import { card, empty, figures, heading, table, type Column, type Html } from "../html.ts";
import { OUTCOMES, outcomeSeries } from "../outcomes.ts";
import { portalPage, type PortalCall } from "../page.ts";
import { plotText } from "../plot_text.ts";
import { bars } from "../plots/bars.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";
import { keyName, keysOf, modeBadge, outcomeBars } from "./usage_parts.ts";
import { USAGE_TEXTS } from "./usage_texts.ts";

const MOST_KEYS_IN_A_PLOT = 12;

const usageQuery = z.object({
  from: z.string().max(10).optional(),
  to: z.string().max(10).optional(),
  by: z.enum(["day", "key"]).catch("day"),
});

type Call = PortalCall<string, typeof usageQuery>;
type KeyUsage = { readonly keyId: string; readonly counts: UsageCounts };

/** `GET /portal/usage`: any days, by day or by key. */
export const showUsage = portalPage({
  method: "GET",
  path: "/portal/usage",
  scope: "usage:read",
  query: usageQuery,
  handle: async (call) => {
    const [usage, keys] = await Promise.all([usageOf(call), keysOf(call)]);
    if (!usage.ok) return usage;
    const { say, format, query, partner } = call;
    const { range, totals } = usage.value;
    const address = `from=${range.from}&to=${range.to}&by=${query.by}`;
    const note = html`${say(USAGE_TEXTS.asOf)} ${format.time(usage.value.asOfMs)} ${modeBadge(partner.mode, say)}`;
    const actions = html`<a class="button" href="/portal/usage.csv?${address}">${say(USAGE_TEXTS.csv)}</a>`;
    const body =
      requestsOf(totals) === 0 && usage.value.adjustments.count === 0
        ? empty(say(USAGE_TEXTS.none))
        : html`${sums(usage.value, call)}
          ${query.by === "day" ? byDay(usage.value, call) : byKey(usage.value, keys, call)}`;
    return ok({
      title: say(PORTAL_TEXTS.usage),
      body: html`${heading(say(PORTAL_TEXTS.usage), { note, actions })} ${filters(range, call)} ${body}`,
    });
  },
});

/** `GET /portal/usage.csv`: the same numbers for a spreadsheet; decimal points, so that programs read it as well. */
export const downloadUsage = portalPage({
  method: "GET",
  path: "/portal/usage.csv",
  scope: "usage:read",
  query: usageQuery,
  handle: async (call) => {
    const [usage, keys] = await Promise.all([usageOf(call), keysOf(call)]);
    if (!usage.ok) return usage;
    const { range, days } = usage.value;
    const rows =
      call.query.by === "day"
        ? days.map(({ date, ...counts }) => [date, ...cells(counts)])
        : keyUsages(usage.value).map(({ keyId, counts }) => [keyId, labelOf(keyId, keys), ...cells(counts)]);
    const names = ["requests", "delivered", "not_found", "rejected", "failed", "unknown", "billed", "amount"];
    const head = call.query.by === "day" ? ["date", ...names] : ["key_id", "label", ...names];
    const text = [head, ...rows].map((row) => csvLine(row, ",")).join("");
    const name = `usage-${range.from}-${range.to}-${call.query.by}.csv`;
    return ok(
      new Response(text, {
        headers: {
          "content-type": "text/csv; charset=utf-8",
          "content-disposition": `attachment; filename="${name}"`,
          "cache-control": "no-store",
        },
      }),
    );
  },
});

async function usageOf({ services, partner, query, nowMs }: Call): Promise<Result<UsageOfRange, Failure>> {
  const today = saoPauloDate(nowMs);
  const range = readUsageRange({ from: query.from || undefined, to: query.to || today }, nowMs);
  if (!range.ok) return range;
  return await readUsage(services, { tenantId: partner.tenant.id, mode: partner.mode }, range.value);
}

function filters(range: UsageRange, { say, fields, query, nowMs }: Call): Html {
  const form = fields(UNFILLED);
  const month = periodBounds(periodOf(nowMs));
  const last = periodBounds(previousPeriod(periodOf(nowMs)));
  const today = saoPauloDate(nowMs);
  const choices = [
    [say(USAGE_TEXTS.thisMonth), saoPauloDate(month.startMs), today],
    [say(USAGE_TEXTS.lastMonth), saoPauloDate(last.startMs), saoPauloDate(last.endMs - 1)],
    [say(USAGE_TEXTS.last90), saoPauloDate(nowMs - 89 * DAY_MS), today],
  ] as const;
  return html`<form class="filters" method="get" action="/portal/usage">
      ${form.input("from", { label: say(USAGE_TEXTS.from), type: "date", value: range.from })}
      ${form.input("to", { label: say(USAGE_TEXTS.to), type: "date", value: range.to })}
      ${form.select("by", {
        label: say(USAGE_TEXTS.by),
        value: query.by,
        choices: [
          ["day", say(USAGE_TEXTS.byDay)],
          ["key", say(USAGE_TEXTS.byKey)],
        ],
        submits: true,
      })}
      <button type="submit">${say(USAGE_TEXTS.show)}</button>
    </form>
    <p class="row small no-print">
      ${choices.map(([text, from, to]) => html`<a href="/portal/usage?from=${from}&to=${to}&by=${query.by}">${text}</a>`)}
    </p>`;
}

function sums({ totals, dueMicros, adjustments }: UsageOfRange, { say, format, partner }: Call): Html {
  const shown = [
    { name: say(PORTAL_TEXTS.requests), value: format.count(requestsOf(totals)) },
    { name: capital(say(OUTCOME_TEXTS.delivered)), value: format.count(totals.delivered) },
    { name: say(PORTAL_TEXTS.billed), value: format.count(totals.billed) },
  ];
  if (partner.mode === "test") return figures(shown);
  if (adjustments.count > 0)
    shown.push({ name: say(USAGE_TEXTS.adjustments), value: format.money(adjustments.amountMicros) });
  return figures([
    ...shown,
    { name: say(USAGE_TEXTS.due), value: format.money(dueMicros), note: say(USAGE_TEXTS.dueNote) },
  ]);
}

function byDay({ days, totals }: UsageOfRange, call: Call): Html {
  const { say, format } = call;
  const columns = [
    {
      head: say(PORTAL_TEXTS.day),
      cell: (day: (typeof days)[number]) => html`<span class="nowrap">${format.date(day.date)}</span>`,
    },
    ...countColumns<(typeof days)[number]>(call, (day) => day),
  ];
  const rows = table(columns, days.filter((day) => requestsOf(day) > 0).toReversed(), { foot: foot(totals, call) });
  return html`${card(say(PORTAL_TEXTS.lookupsADay), outcomeBars(days, call))} ${card(say(USAGE_TEXTS.perDay), rows)}`;
}

function byKey(usage: UsageOfRange, keys: readonly RegisteredKey[], call: Call): Html {
  const { say } = call;
  const used = keyUsages(usage);
  const columns = [
    { head: say(PORTAL_TEXTS.key), cell: ({ keyId }: KeyUsage) => keyName(keyId, keys, say), isName: true },
    ...countColumns<KeyUsage>(call, ({ counts }) => counts),
  ];
  const plotted = used.slice(0, MOST_KEYS_IN_A_PLOT);
  const plot = bars(plotText(call, say(PORTAL_TEXTS.requests), { across: say(PORTAL_TEXTS.key) }), {
    places: plotted.map(({ keyId }) => labelOf(keyId, keys) || keyId.slice(-10)),
    series: outcomeSeries(
      plotted.map(({ counts }) => counts),
      say,
    ),
  });
  return html`${card(say(PORTAL_TEXTS.requests), plot)}
  ${card(say(USAGE_TEXTS.perKey), table(columns, used, { foot: foot(usage.totals, call) }))}`;
}

function keyUsages({ keys }: UsageOfRange): KeyUsage[] {
  const all = Object.entries(keys).map(([keyId, counts]) => ({ keyId, counts }));
  return all.toSorted((left, right) => requestsOf(right.counts) - requestsOf(left.counts));
}

function countColumns<Row>({ say, format }: Call, countsOf: (row: Row) => UsageCounts): Column<Row>[] {
  const column = (head: string, value: (counts: UsageCounts) => string): Column<Row> => ({
    head,
    cell: (row) => value(countsOf(row)),
    isNumber: true,
  });
  return [
    column(say(PORTAL_TEXTS.requests), (counts) => format.count(requestsOf(counts))),
    ...OUTCOMES.map((outcome) =>
      column(capital(say(OUTCOME_TEXTS[outcome])), (counts) => format.count(counts[outcome])),
    ),
    column(say(PORTAL_TEXTS.billed), ({ billed }) => format.count(billed)),
    column(say(PORTAL_TEXTS.amount), ({ amountMicros }) => format.money(amountMicros)),
  ];
}

function foot(totals: UsageCounts, { say, format }: Call): string[] {
  const counts = [requestsOf(totals), ...OUTCOMES.map((outcome) => totals[outcome]), totals.billed];
  return [say(COMMON.total), ...counts.map(format.count), format.money(totals.amountMicros)];
}

function cells(counts: UsageCounts): string[] {
  const numbers = [requestsOf(counts), ...OUTCOMES.map((outcome) => counts[outcome]), counts.billed];
  return [...numbers.map(String), formatMicros(counts.amountMicros)];
}

function labelOf(keyId: string, keys: readonly RegisteredKey[]): string {
  return keys.find(({ id }) => id === keyId)?.label ?? "";
}
