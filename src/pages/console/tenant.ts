import { html } from "hono/html";
import { formatCnpj } from "../../domain/cnpj.ts";
import { periodOf } from "../../domain/period.ts";
import { fail, ok } from "../../domain/result.ts";
import { requestsOf } from "../../domain/usage.ts";
import { lastDates, readUsage, type UsageOfRange } from "../../gateway/read_usage.ts";
import { settledPlans } from "../../gateway/tenants.ts";
import type { RegisteredKey, Tenant } from "../../platform/register.ts";
import { COMMON, KEY_STATE_TEXTS } from "../common_texts.ts";
import { card, empty, facts, figures, heading, table, type Figure, type Html } from "../html.ts";
import { lifeBadge } from "../life_badge.ts";
import { outcomeSeries } from "../outcomes.ts";
import { consolePage, type ConsoleCall, type PageTools } from "../page.ts";
import { plotText } from "../plot_text.ts";
import { bars } from "../plots/bars.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { sumOf } from "./overview.ts";
import { groundNames } from "./key_terms.ts";
import { act, statusBadge } from "./parts.ts";
import { planFacts } from "./plan_parts.ts";
import { revokeNowForm } from "./tenant_keys.ts";
import { KEY_TEXTS, PLAN_NAME_TEXTS, PLAN_TEXTS, TENANTS } from "./tenants_texts.ts";

const USAGE_DAYS = 30;
const MOST_KEYS = 200;
/** Plots have this many colours. */
const MOST_SERIES = 6;

/** `GET /console/tenants/{id}`: one tenant, with what can be done. */
export const showTenant = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId",
  role: "read",
  handle: async (call) => {
    const { services, params, say, may, nowMs } = call;
    const tenant = await services.register.tenant(params.tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const dates = lastDates(nowMs, USAGE_DAYS);
    const [from, to] = [dates[0] as (typeof dates)[number], dates.at(-1) as (typeof dates)[number]];
    const [usage, keys] = await Promise.all([
      readUsage(services, { tenantId: tenant.id, mode: "live" }, { from, to }),
      services.register.keysPage(tenant.id, { after: null, limit: MOST_KEYS }),
    ]);
    if (!usage.ok) return usage;
    const path = `/console/tenants/${tenant.id}`;
    const actions = html`${may("operate") ? html`<a class="button" href="${path}/edit">${say(TENANTS.edit)}</a>` : ""}
      <a class="button" href="${path}/statements">${say(TENANTS.statements)}</a>
      <a class="button" href="${path}/adjustments">${say(TENANTS.adjustments)}</a>
      <a class="button" href="/console/audit?tenant=${tenant.id}">${say(TENANTS.audit)}</a>`;
    const body = html`${heading(tenant.name, {
        note: html`${statusBadge(tenant.status, say)} <code>${tenant.id}</code>`,
        crumbs: [{ to: "/console/tenants", text: say(NAV_TEXTS.tenants) }],
        actions,
      })}
      ${figures(usageFigures(tenant, usage.value, call))}
      <div class="grid">
        ${card(say(TENANTS.usage), usagePlot(usage.value, call))}
        ${card(say(TENANTS.spend), spendPlot(usage.value, call))}
      </div>
      <div class="grid">${card(say(TENANTS.byKey), keysPlot(keys, usage.value, call))} ${planCard(tenant, call)}</div>
      ${keysCard(tenant, keys, usage.value, call)}
      <div class="grid">
        ${card(say(TENANTS.about), aboutFacts(tenant, call))}
        ${may("operate") ? card(say(TENANTS.actions), tenantActions(tenant, call)) : ""}
      </div>`;
    return ok({ title: tenant.name, body });
  },
});

function usageFigures(
  tenant: Tenant,
  { days, allowance, spendCap }: UsageOfRange,
  { say, format, nowMs }: PageTools,
): Figure[] {
  const month = sumOf(days.filter(({ date }) => date.startsWith(periodOf(nowMs))));
  const spent = spendCap?.spentMicros ?? month.amountMicros;
  const cap = spendCap?.limitMicros ?? null;
  return [
    { name: say(TENANTS.lookupsThisMonth), value: format.count(requestsOf(month)) },
    {
      name: say(TENANTS.spentThisMonth),
      value: format.money(spent),
      note:
        cap === null
          ? say(COMMON.unlimited)
          : `${say(PLAN_TEXTS.upTo)} ${format.money(cap)} (${format.share(cap === 0 ? 1 : spent / cap)})`,
    },
    {
      name: say(TENANTS.allowanceLeft),
      value: allowance === null ? say(COMMON.unlimited) : format.count(allowance.remaining),
      ...(allowance === null ? {} : { note: `${say(PLAN_TEXTS.upTo)} ${format.count(allowance.limit)}` }),
    },
    { name: say(TENANTS.plan), value: say(PLAN_NAME_TEXTS[tenant.plan.name]) },
  ];
}

function usagePlot({ days }: UsageOfRange, call: PageTools): Html {
  const text = plotText(call, call.say(TENANTS.usage), { across: call.say(PART_TEXTS.day) });
  const places = days.map(({ date }) => call.format.shortDate(date));
  return bars(text, { places, series: outcomeSeries(days, call.say) });
}

function spendPlot({ days }: UsageOfRange, call: PageTools): Html {
  const text = plotText(call, call.say(TENANTS.spend), {
    across: call.say(PART_TEXTS.day),
    formatValue: (value) => call.format.money(Math.round(value)),
  });
  const places = days.map(({ date }) => call.format.shortDate(date));
  return bars(text, {
    places,
    series: [{ name: call.say(PART_TEXTS.amount), values: days.map(({ amountMicros }) => amountMicros) }],
  });
}

/** Which key made the lookups: the busiest by name, the others together. */
function keysPlot(keys: readonly RegisteredKey[], { days, keys: used }: UsageOfRange, call: PageTools): Html {
  const { say, format } = call;
  const busiest = Object.entries(used)
    .map(([id, counts]) => ({ id, requests: requestsOf(counts) }))
    .filter(({ requests }) => requests > 0)
    .toSorted((one, other) => other.requests - one.requests);
  if (busiest.length === 0) return empty(say(TENANTS.noLookups));
  const shown = busiest.slice(0, busiest.length > MOST_SERIES ? MOST_SERIES - 1 : MOST_SERIES);
  const lookupsOf = (day: UsageOfRange["days"][number], id: string) =>
    day.keys[id] === undefined ? 0 : requestsOf(day.keys[id]);
  const series = shown.map(({ id }) => ({
    name: keys.find((key) => key.id === id)?.label ?? id,
    values: days.map((day) => lookupsOf(day, id)),
  }));
  const rest = busiest.slice(shown.length);
  if (rest.length > 0) {
    const sum = (day: UsageOfRange["days"][number]) => rest.reduce((total, { id }) => total + lookupsOf(day, id), 0);
    series.push({ name: say(TENANTS.otherKeys), values: days.map(sum) });
  }
  const text = plotText(call, say(TENANTS.byKey), { across: say(PART_TEXTS.day) });
  return bars(text, { places: days.map(({ date }) => format.shortDate(date)), series });
}

function keysCard(
  tenant: Tenant,
  keys: readonly RegisteredKey[],
  { keys: used }: UsageOfRange,
  call: ConsoleCall,
): Html {
  const { say, format, may } = call;
  const path = `/console/tenants/${tenant.id}/keys`;
  const aside = may("operate") ? html`<a class="button" href="${path}/new">${say(KEY_TEXTS.create)}</a>` : null;
  const inForce = keys.toSorted((one, other) => Number(one.revokedAtMs !== null) - Number(other.revokedAtMs !== null));
  const shown = table<RegisteredKey>(
    [
      {
        head: say(KEY_TEXTS.key),
        isName: true,
        cell: ({ id, label }) => html`<span>${label ?? ""} <span class="mono quiet">${id}</span></span>`,
      },
      { head: say(PART_TEXTS.mode), cell: ({ mode }) => say(PART_TEXTS[mode]) },
      { head: say(PART_TEXTS.state), cell: (key) => lifeBadge(key, KEY_STATE_TEXTS, call) },
      { head: say(KEY_TEXTS.scopes), cell: ({ scopes }) => html`<span class="small mono">${scopes.join(", ")}</span>` },
      {
        head: say(TENANTS.usageByKey),
        isNumber: true,
        cell: ({ id }) => (used[id] === undefined ? "0" : format.count(requestsOf(used[id]))),
      },
      {
        head: say(PART_TEXTS.expires),
        isNumber: true,
        cell: ({ expiresAtMs }) => (expiresAtMs === null ? say(COMMON.never) : format.day(expiresAtMs)),
      },
      ...(may("operate")
        ? [
            {
              head: say(TENANTS.actions),
              cell: (key: RegisteredKey) =>
                key.revokedAtMs === null
                  ? html`<a href="${path}/${key.id}">${say(KEY_TEXTS.rotate)} / ${say(KEY_TEXTS.revoke)}</a>`
                  : "",
            },
          ]
        : []),
    ],
    inForce,
    { caption: say(TENANTS.keys) },
  );
  return card(say(TENANTS.keys), keys.length === 0 ? empty(say(TENANTS.noKeys)) : shown, aside);
}

function aboutFacts(tenant: Tenant, call: PageTools): Html {
  const { say, format } = call;
  return facts([
    [say(TENANTS.document), html`<span class="nowrap">${formatCnpj(tenant.document)}</span>`],
    [say(TENANTS.legalName), tenant.legalName ?? tenant.name],
    [say(TENANTS.email), tenant.email ?? "–"],
    [say(TENANTS.customerId), html`<code>${tenant.customerId}</code>`],
    [say(TENANTS.requires), groundNames(tenant.requires, call)],
    [say(PART_TEXTS.created), format.day(tenant.createdAtMs)],
  ]);
}

function planCard(tenant: Tenant, call: ConsoleCall): Html {
  const { say, format, may, nowMs } = call;
  const { plan, nextPlan } = settledPlans(tenant, nowMs);
  const next =
    nextPlan === null
      ? ""
      : html`<h3>${say(PLAN_TEXTS.next)} ${format.day(nextPlan.fromMs)}</h3>
          ${planFacts(nextPlan.plan, call)}`;
  const aside = may("operate") ? html`<a href="/console/tenants/${tenant.id}/plan">${say(PLAN_TEXTS.edit)}</a>` : null;
  return card(say(PLAN_TEXTS.title), html`${planFacts(plan, call)} ${next}`, aside);
}

function tenantActions({ id, status }: Tenant, call: PageTools): Html {
  const path = `/console/tenants/${id}`;
  const link =
    status === "suspended"
      ? ""
      : act(call, {
          to: `${path}/portal-link`,
          title: TENANTS.portalLink,
          note: TENANTS.portalLinkNote,
          button: TENANTS.portalLinkButton,
        });
  const ended = act(call, {
    to: `${path}/end-portal-links`,
    title: TENANTS.endLinks,
    note: TENANTS.endLinksNote,
    button: TENANTS.endLinksButton,
  });
  const state =
    status === "active"
      ? act(call, {
          to: `${path}/suspend`,
          title: TENANTS.suspend,
          note: TENANTS.suspendNote,
          button: TENANTS.suspendButton,
          isDanger: true,
        })
      : act(call, {
          to: `${path}/resume`,
          title: TENANTS.resume,
          note: TENANTS.resumeNote,
          button: TENANTS.resumeButton,
        });
  return html`${link} ${ended} ${state} ${revokeNowForm(call, id, null)}`;
}
