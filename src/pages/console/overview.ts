import { html } from "hono/html";
import { addCounts, NO_USAGE, requestsOf } from "../../domain/usage.ts";
import { ok } from "../../domain/result.ts";
import type { HealthAlarm } from "../../gateway/alarms.ts";
import { readOverview, type Overview, type OverviewDay } from "../../gateway/read_overview.ts";
import { badge, card, empty, figures, heading, meter, notice, type Html } from "../html.ts";
import { OUTCOMES, outcomeSeries } from "../outcomes.ts";
import { consolePage, type PageTools } from "../page.ts";
import { plotText } from "../plot_text.ts";
import { bars } from "../plots/bars.ts";
import { lines } from "../plots/lines.ts";
import { claroNow, tenantsOf } from "./claro_now.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { failureTable } from "./failure_table.ts";
import { ALARM_TEXTS, OVERVIEW } from "./overview_texts.ts";
import { tenantLink } from "./parts.ts";

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));

/** `GET /console`: the state of the business today. Refreshes by itself where there is a script. */
export const showOverview = consolePage({
  method: "GET",
  path: "/console",
  role: "read",
  handle: async (call) => {
    const { services, say, context } = call;
    const overview = await readOverview(services, (work) => context.executionCtx.waitUntil(work));
    const names = await services.register.namesOf(tenantsOf(overview.health));
    const title = say(NAV_TEXTS.overview);
    const asOf = `${say(OVERVIEW.asOf)} ${call.format.time(overview.completeThroughMs)}.`;
    const body = html`<div id="live" hx-get="/console" hx-trigger="every 30s" hx-select="#live" hx-swap="outerMorph">
      ${heading(title, { note: asOf })} ${alarms(overview.alarms, call)} ${todayInFigures(overview, call)}
      <div class="grid">
        ${card(say(OVERVIEW.byHour), hoursPlot(overview.today, call))}
        ${card(say(OVERVIEW.latencyByDay), latencyPlot(overview, call))}
      </div>
      <div class="grid">
        ${card(say(OVERVIEW.claro), claroNow({ ...overview, names }, call))}
        <div class="stack">
          ${card(say(OVERVIEW.nearLimit), nearLimits(overview, call))}
          ${card(say(OVERVIEW.failing), failing(overview, call))}
          ${card(say(OVERVIEW.endingKeys), endingKeys(overview, call))}
        </div>
      </div>
      ${overview.failures.length === 0 ? "" : card(say(OVERVIEW.byCode), failureTable(overview.failures, call), say(OVERVIEW.byCodeNote))}
    </div>`;
    return ok({ title, body });
  },
});

function alarms(list: readonly HealthAlarm[], { say, format }: PageTools): Html {
  if (list.length === 0) return html``;
  return notice(
    html`<b>${say(OVERVIEW.alarms)}</b>
      <ul>
        ${list.map(({ code, count }) => html`<li>${say(ALARM_TEXTS[code])} (${format.count(count)}) <a href="/console/health">→</a></li>`)}
      </ul>`,
    "bad",
  );
}

function todayInFigures(
  { today, sameWeekday, claroCostMicros, marginMicros }: Overview,
  { say, format }: PageTools,
): Html {
  const before = (value: string) => `${say(OVERVIEW.weekBefore)} ${value}`;
  const shareOf = ({ counts }: OverviewDay) =>
    requestsOf(counts) === 0 ? "–" : format.share(counts.delivered / requestsOf(counts));
  const unknownCost = html`${say(OVERVIEW.noPrices)} · <a href="/console/months">${say(OVERVIEW.setPrices)}</a>`;
  return figures([
    {
      name: say(OVERVIEW.lookups),
      value: format.count(requestsOf(today.counts)),
      note: before(format.count(requestsOf(sameWeekday.counts))),
    },
    { name: say(OVERVIEW.delivered), value: shareOf(today), note: before(shareOf(sameWeekday)) },
    {
      name: say(OVERVIEW.latency),
      value: today.latency === null ? "–" : format.milliseconds(today.latency.p95),
      note: html`${today.latency === null ? "" : html`p50 ${today.latency.p50} · p99 ${today.latency.p99}<br />`}${before(sameWeekday.latency === null ? "–" : format.milliseconds(sameWeekday.latency.p95))}`,
    },
    {
      name: say(OVERVIEW.charged),
      value: format.money(today.counts.amountMicros),
      note: before(format.money(sameWeekday.counts.amountMicros)),
    },
    {
      name: say(OVERVIEW.cost),
      value: claroCostMicros === null ? "–" : format.money(claroCostMicros),
      ...(claroCostMicros === null ? { note: unknownCost } : {}),
    },
    { name: say(OVERVIEW.margin), value: marginMicros === null ? "–" : format.money(marginMicros) },
  ]);
}

function hoursPlot({ hours }: OverviewDay, call: PageTools): Html {
  const counts = HOURS.map((hour) => {
    const found = hours[hour];
    return Object.fromEntries(OUTCOMES.map((outcome, index) => [outcome, found?.[index] ?? 0])) as Record<
      (typeof OUTCOMES)[number],
      number
    >;
  });
  const text = plotText(call, call.say(OVERVIEW.byHour), { across: call.say(PART_TEXTS.hour) });
  return bars(text, { places: HOURS.map((hour) => `${hour}h`), series: outcomeSeries(counts, call.say) });
}

function latencyPlot({ latencyByDay }: Overview, call: PageTools): Html {
  const { say, format } = call;
  const text = plotText(call, say(OVERVIEW.latencyByDay), {
    across: say(PART_TEXTS.day),
    formatValue: format.milliseconds,
  });
  const series = (["p50", "p95", "p99"] as const).map((name) => ({
    name,
    values: latencyByDay.map(({ latency }) => latency?.[name] ?? null),
  }));
  return lines(text, { places: latencyByDay.map(({ date }) => format.shortDate(date)), series });
}

function nearLimits({ nearCap, nearAllowance }: Overview, { say, format }: PageTools): Html {
  const all = [
    ...nearCap.map((near) => ({ ...near, kind: OVERVIEW.cap, written: format.money })),
    ...nearAllowance.map((near) => ({ ...near, kind: OVERVIEW.allowance, written: format.count })),
  ];
  if (all.length === 0) return empty(say(OVERVIEW.nobodyNear));
  return html`<ul class="list">
    ${all.map(({ tenantId, name, used, most, kind, written }) => {
      const told = `${written(used)} ${say(OVERVIEW.of)} ${written(most)} (${format.share(used / most)})`;
      return html`<li>
        ${tenantLink(tenantId, name)} <span class="quiet small">${say(kind)}: ${told}</span> ${meter(used / most, told)}
      </li>`;
    })}
  </ul>`;
}

function failing({ failing: list }: Overview, { say, format }: PageTools): Html {
  if (list.length === 0) return empty(say(OVERVIEW.nobodyFails));
  return html`<ul class="list">
    ${list.map(
      ({ tenantId, name, failures: failed, requests }) =>
        html`<li>
          ${tenantLink(tenantId, name)}
          ${badge(`${format.count(failed)} ${say(OVERVIEW.of)} ${format.count(requests)}`, "bad")}
        </li>`,
    )}
  </ul>`;
}

function endingKeys({ endingKeys: list }: Overview, { say, format }: PageTools): Html {
  if (list.length === 0) return empty(say(OVERVIEW.noEndingKeys));
  return html`<ul class="list">
    ${list.map(
      ({ tenantId, tenantName, keyId, label, expiresAtMs }) =>
        html`<li>
          <span>${tenantLink(tenantId, tenantName)} <span class="quiet small">${label ?? keyId}</span></span>
          <span class="nowrap">${format.day(expiresAtMs)}</span>
        </li>`,
    )}
  </ul>`;
}

/** What all days together come to. */
export function sumOf(days: readonly Parameters<typeof addCounts>[0][]) {
  return days.reduce(addCounts, NO_USAGE);
}
