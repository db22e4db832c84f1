import { html } from "hono/html";
import { DAY_MS } from "../../domain/instant.ts";
import { ok } from "../../domain/result.ts";
import { periodBounds, periodOf, saoPauloDate, startOfDayMs } from "../../domain/period.ts";
import { requestsOf } from "../../domain/usage.ts";
import { readTenantOverview, type TenantOverview } from "../../gateway/read_tenant_overview.ts";
import { inline } from "../../http/pages/layout.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import { card, empty, figures, heading, meter, notice, table, type Figure, type Html } from "../html.ts";
import { portalPage, type PortalCall } from "../page.ts";
import { plotText } from "../plot_text.ts";
import { lines } from "../plots/lines.ts";
import { sparkline } from "../plots/sparkline.ts";
import { partnerAdvice } from "./advice.ts";
import { OVERVIEW_TEXTS } from "./overview_texts.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";
import { keyName, keysOf, modeBadge, outcomeBars } from "./usage_parts.ts";

const SHOWN_DAYS = 30;

/** `GET /portal`: this month, what it will come to, and what went wrong. */
export const showPortalOverview = portalPage({
  method: "GET",
  path: "/portal",
  scope: null,
  handle: async (call) => {
    const { say, partner, may, services } = call;
    const title = say(PORTAL_TEXTS.overview);
    const head = heading(partner.tenant.name, { note: signedIn(call) });
    if (!may("usage:read")) {
      const needs = notice(html`${say(PORTAL_TEXTS.needsScope)} <code>usage:read</code>.`);
      return ok({ title, body: html`${head} ${needs}` });
    }
    const ledger = { tenantId: partner.tenant.id, mode: partner.mode };
    const [overview, keys] = await Promise.all([readTenantOverview(services, ledger), keysOf(call)]);
    if (!overview.ok) return overview;
    const test = partner.mode === "test" ? notice(say(OVERVIEW_TEXTS.testNote)) : "";
    return ok({
      title,
      body: html`${head} ${test} ${numbers(overview.value, call)}
        <div class="grid">${daysCard(overview.value, call)} ${spendCard(overview.value, call)}</div>
        ${keysCard(overview.value, keys, call)} ${failuresCard(overview.value, call)}`,
    });
  },
});

function signedIn({ say, partner: { key, mode } }: PortalCall): Html {
  const by = key === null ? say(PORTAL_TEXTS.link) : html`<code>${key.id}</code> ${key.label ?? ""}`;
  return html`${say(OVERVIEW_TEXTS.signedInBy)} ${by} ${modeBadge(mode, say)}`;
}

function numbers(overview: TenantOverview, call: PortalCall): Html {
  const { say, format } = call;
  const { spentMicros, lookups, forecast, usage } = overview;
  const month = usage.days.filter(({ date }) => date.startsWith(periodOf(call.nowMs)));
  const delivered = month.reduce((sum, day) => sum + day.delivered, 0);
  const shown: Figure[] = [
    {
      name: say(OVERVIEW_TEXTS.lookupsMonth),
      value: format.count(lookups),
      note: lookups === 0 ? " " : `${format.share(delivered / lookups)} ${say(OVERVIEW_TEXTS.delivered)}`,
    },
  ];
  if (call.partner.mode === "test") return figures(shown);
  const range =
    forecast === null
      ? say(OVERVIEW_TEXTS.noForecast)
      : `${say(OVERVIEW_TEXTS.between)} ${format.money(wholeCentavos(forecast.low))} ${say(OVERVIEW_TEXTS.and)} ${format.money(wholeCentavos(forecast.high))}`;
  shown.unshift({
    name: say(OVERVIEW_TEXTS.spent),
    value: format.money(spentMicros),
    note: format.month(periodOf(call.nowMs)),
  });
  shown.push({
    name: say(OVERVIEW_TEXTS.forecast),
    value: forecast === null ? "–" : format.money(wholeCentavos(forecast.expected)),
    note: range,
  });
  return figures([...shown, limitFigure(overview, call)]);
}

/** Rounds a forecast to centavos: more digits would suggest precision that it does not have. */
function wholeCentavos(micros: number): number {
  return Math.round(micros / 10_000) * 10_000;
}

function limitFigure({ usage, daysLeft }: TenantOverview, { say, format }: PortalCall): Figure {
  const { spendCap, allowance } = usage;
  const left =
    daysLeft === null
      ? say(OVERVIEW_TEXTS.enough)
      : `${say(OVERVIEW_TEXTS.lasts)} ${daysText(daysLeft.days, say, format)}`;
  if (spendCap !== null) {
    const share = spendCap.limitMicros === 0 ? 1 : spendCap.spentMicros / spendCap.limitMicros;
    const used = `${format.money(spendCap.spentMicros)} ${say(OVERVIEW_TEXTS.of)} ${format.money(spendCap.limitMicros)}`;
    return {
      name: say(OVERVIEW_TEXTS.cap),
      value: format.share(share),
      note: html`${meter(share, used)}${used}; ${left}`,
    };
  }
  if (allowance !== null) {
    const share = allowance.limit === 0 ? 1 : allowance.used / allowance.limit;
    const used = `${format.count(allowance.used)} ${say(OVERVIEW_TEXTS.of)} ${format.count(allowance.limit)}`;
    return {
      name: say(OVERVIEW_TEXTS.allowance),
      value: format.share(share),
      note: html`${meter(share, used)}${used}; ${left}`,
    };
  }
  return { name: say(OVERVIEW_TEXTS.cap), value: "–", note: say(OVERVIEW_TEXTS.noCap) };
}

function daysText(days: number, say: PortalCall["say"], format: PortalCall["format"]): string {
  const whole = Math.floor(days);
  if (whole < 1) return say(OVERVIEW_TEXTS.lessThanADay);
  return `${format.count(whole)} ${say(whole === 1 ? OVERVIEW_TEXTS.day : OVERVIEW_TEXTS.days)}`;
}

function daysCard({ usage }: TenantOverview, call: PortalCall): Html {
  const { say } = call;
  const days = usage.days.slice(-SHOWN_DAYS);
  const content = days.some((day) => requestsOf(day) > 0)
    ? outcomeBars(days, call)
    : empty(html`${say(OVERVIEW_TEXTS.noLookups)} <a href="/portal/try">${say(OVERVIEW_TEXTS.firstSteps)}</a>.`);
  return card(say(PORTAL_TEXTS.lookupsADay), content);
}

/** Spending so far as a rising line, and the forecast as a band up to the month's end. */
function spendCard({ usage, forecast }: TenantOverview, call: PortalCall): Html {
  const { say, format, nowMs, partner } = call;
  if (partner.mode === "test") return html``;
  const period = periodOf(nowMs);
  const today = saoPauloDate(nowMs);
  const { startMs, endMs } = periodBounds(period);
  const dates = Array.from({ length: Math.round((endMs - startMs) / DAY_MS) }, (_, day) =>
    saoPauloDate(startMs + day * DAY_MS + DAY_MS / 2),
  );
  const amounts = new Map(usage.days.map(({ date, amountMicros }) => [date, amountMicros]));
  let sum = 0;
  const spent = dates.map((date) => (date > today ? null : (sum += amounts.get(date) ?? 0)));
  const ahead = dates.filter((date) => date >= today).length - 1;
  const toward = (end: number) =>
    dates.map((date) =>
      date < today
        ? null
        : sum + ((end - sum) * (startOfDayMs(date) - startOfDayMs(today))) / Math.max(ahead * DAY_MS, 1),
    );
  const series = [{ name: say(OVERVIEW_TEXTS.soFar), values: spent }];
  if (forecast !== null) series.push({ name: say(OVERVIEW_TEXTS.expected), values: toward(forecast.expected) });
  const text = plotText(call, say(OVERVIEW_TEXTS.spentByDay), {
    across: say(PORTAL_TEXTS.day),
    formatValue: (micros) => format.money(wholeCentavos(micros)),
  });
  const plot = lines(text, {
    places: dates.map(format.shortDate),
    series,
    band:
      forecast === null
        ? null
        : { name: say(OVERVIEW_TEXTS.likely), low: toward(forecast.low), high: toward(forecast.high) },
    mark: usage.spendCap?.limitMicros ?? null,
  });
  return card(say(OVERVIEW_TEXTS.spentByDay), plot, format.month(period));
}

function keysCard({ usage }: TenantOverview, keys: readonly RegisteredKey[], { say, format }: PortalCall): Html {
  const days = usage.days.slice(-SHOWN_DAYS);
  const used = Object.keys(usage.keys)
    .map((keyId) => {
      const course = days.map((day) => (day.keys[keyId] === undefined ? 0 : requestsOf(day.keys[keyId])));
      const amountMicros = days.reduce((sum, day) => sum + (day.keys[keyId]?.amountMicros ?? 0), 0);
      return { keyId, course, requests: course.reduce((sum, count) => sum + count, 0), amountMicros };
    })
    .filter(({ requests }) => requests > 0)
    .toSorted((left, right) => right.requests - left.requests);
  if (used.length === 0) return html``;
  const rows = table(
    [
      { head: say(PORTAL_TEXTS.key), cell: ({ keyId }) => keyName(keyId, keys, say), isName: true },
      {
        head: say(OVERVIEW_TEXTS.course),
        cell: ({ course, requests }) => sparkline(course, `${say(PORTAL_TEXTS.requests)}: ${format.count(requests)}`),
      },
      { head: say(PORTAL_TEXTS.requests), cell: ({ requests }) => format.count(requests), isNumber: true },
      { head: say(PORTAL_TEXTS.amount), cell: ({ amountMicros }) => format.money(amountMicros), isNumber: true },
    ],
    used,
  );
  return card(say(OVERVIEW_TEXTS.byKey), rows);
}

function failuresCard({ failures }: TenantOverview, { say, format, partner }: PortalCall): Html {
  const title = say(OVERVIEW_TEXTS.failures);
  // Test lookups are read from their ledger, live ones from a copy that follows.
  const note = partner.mode === "live" ? say(OVERVIEW_TEXTS.failuresNote) : null;
  if (failures === null) return card(title, empty(say(OVERVIEW_TEXTS.failuresUnread)));
  if (failures.length === 0) return card(title, empty(say(OVERVIEW_TEXTS.noFailures)), note);
  const rows = table(
    [
      {
        head: say(OVERVIEW_TEXTS.code),
        cell: ({ code }) => html`<a href="/docs/errors#${code}"><code>${code}</code></a>`,
      },
      { head: say(OVERVIEW_TEXTS.howMany), cell: ({ failures: count }) => format.count(count), isNumber: true },
      {
        head: say(OVERVIEW_TEXTS.last),
        cell: ({ lastAtMs }) => html`<span class="nowrap">${format.time(lastAtMs)}</span>`,
      },
      { head: say(OVERVIEW_TEXTS.whatHelps), cell: ({ code }) => inline(partnerAdvice(code, say)), isName: true },
    ],
    failures,
  );
  return card(title, rows, note);
}
