import { html } from "hono/html";
import { EXPORT_FILES } from "../../domain/export/export_files.ts";
import { formatDecimal, readAmountMicros } from "../../domain/written_amount.ts";
import { periodOf } from "../../domain/period.ts";
import { fail, ok } from "../../domain/result.ts";
import type { Manifest } from "../../domain/statement.ts";
import {
  closedStatement,
  listStatements,
  manifestOf,
  openManifest,
  type ListedStatement,
} from "../../gateway/read_statement.ts";
import { adjustTenant } from "../../http/admin/adjustments.ts";
import type { Adjustment } from "../../platform/adjustment_records.ts";
import type { Tenant } from "../../platform/register.ts";
import { COMMON } from "../common_texts.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { badge, card, empty, facts, heading, table, type Html } from "../html.ts";
import { requestsOfMonth, totalOfMonth } from "../listed_months.ts";
import { consolePage, Redirect, type ConsoleCall, type PageTools, type ShownPage } from "../page.ts";
import { fieldOf, typedNumber, valuesOf } from "../read_form.ts";
import { callEndpoint } from "./call_endpoint.ts";
import { PART_TEXTS } from "./console_texts.ts";
import { crumbsOf, faults } from "./parts.ts";
import { MONEY_TEXTS, TENANTS } from "./tenants_texts.ts";

const MOST_ADJUSTMENTS = 500;
const MONTHS_SHOWN = 24;

/** `GET /console/tenants/{id}/adjustments`. */
export const showAdjustments = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId/adjustments",
  role: "read",
  handle: async (call) => {
    const tenant = await call.services.register.tenant(call.params.tenantId);
    return tenant === null ? fail({ code: "not_found" }) : ok(await adjustmentsPage(call, tenant, UNFILLED));
  },
});

/** `POST /console/tenants/{id}/adjustments`. The form carries an id, so that a repeat is the same adjustment. */
export const createAdjustment = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/adjustments",
  role: "finance",
  handle: async (call) => {
    const { form, params, services } = call;
    const corrects = fieldOf(form, "corrects");
    const amount = readAmountMicros(fieldOf(form, "amount"));
    const body = {
      id: fieldOf(form, "id"),
      units: typedNumber(fieldOf(form, "units")) ?? 0,
      amount: amount.ok ? formatDecimal(amount.value) : fieldOf(form, "amount"),
      reason: fieldOf(form, "reason"),
      ...(corrects === "" ? {} : { corrects }),
    };
    const made = await callEndpoint(call, adjustTenant, { params, body });
    if (made.ok) return ok(new Redirect(`/console/tenants/${params.tenantId}/adjustments`, "adjusted"));
    const tenant = await services.register.tenant(params.tenantId);
    if (made.failure.issues === undefined || tenant === null) return made;
    return ok(await adjustmentsPage(call, tenant, { values: valuesOf(form), issues: made.failure.issues }));
  },
});

/** `GET /console/tenants/{id}/statements`. */
export const showStatements = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId/statements",
  role: "read",
  handle: async (call) => {
    const { services, params, say, format } = call;
    const tenant = await services.register.tenant(params.tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const months = await listStatements(services, tenant.id, { before: null, limit: MONTHS_SHOWN });
    if (!months.ok) return months;
    const title = say(TENANTS.statements);
    const path = `/console/tenants/${tenant.id}/statements`;
    const list = table<ListedStatement>(
      [
        {
          head: say(PART_TEXTS.period),
          cell: ({ period }) => html`<a href="${path}/${period}">${format.month(period)}</a>`,
        },
        { head: say(PART_TEXTS.state), cell: ({ kind }) => monthState(kind, call) },
        {
          head: say(PART_TEXTS.lookups),
          isNumber: true,
          cell: (month) => format.count(requestsOfMonth(month)),
        },
        {
          head: say(MONEY_TEXTS.due),
          isNumber: true,
          cell: (month) => totalOfMonth(month, format, say(MONEY_TEXTS.soFar)),
        },
      ],
      months.value,
      { caption: title },
    );
    return ok({ title, body: html`${heading(title, { crumbs: crumbsOf(call, tenant), note: tenant.name })} ${list}` });
  },
});

/** `GET /console/tenants/{id}/statements/{period}`. */
export const showStatement = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId/statements/:period",
  role: "read",
  handle: async (call) => {
    const { services, params, say, format } = call;
    const tenant = await services.register.tenant(params.tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const stored = await closedStatement(services, tenant.id, params.period);
    if (!stored.ok) return stored;
    const open = stored.value === null ? await openManifest(services, tenant.id, params.period) : null;
    if (open?.ok === false) return open;
    const manifest = stored.value === null ? (open as { value: Manifest }).value : manifestOf(stored.value);
    const title = `${say(TENANTS.statement)}: ${format.month(params.period)}`;
    const path = `/console/tenants/${tenant.id}/statements`;
    const crumbs = [...crumbsOf(call, tenant), { to: path, text: say(TENANTS.statements) }];
    const body = html`${heading(title, { crumbs, note: html`${monthState(manifest.status, call)} ${tenant.name}` })}
    ${linesTable(manifest, call)} ${card(say(MONEY_TEXTS.files), filesOf(manifest, `${path}/${params.period}`, call))}`;
    return ok({ title, body });
  },
});

function monthState(kind: "open" | "closed", { say }: PageTools): Html {
  return kind === "closed" ? badge(say(PART_TEXTS.closed), "good") : badge(say(PART_TEXTS.open), "quiet");
}

function linesTable({ lines, totals }: Manifest, { say, format }: PageTools): Html {
  const kinds: Readonly<Record<string, string>> = {
    lookups: say(MONEY_TEXTS.kindLookups),
    carried: say(MONEY_TEXTS.kindCarried),
  };
  return table<Manifest["lines"][number]>(
    [
      { head: say(MONEY_TEXTS.line), cell: ({ kind }) => kinds[kind] ?? say(MONEY_TEXTS.kindAdjustments) },
      { head: say(MONEY_TEXTS.quantity), isNumber: true, cell: ({ quantity }) => format.count(quantity) },
      {
        head: say(MONEY_TEXTS.unitPrice),
        isNumber: true,
        cell: ({ unitPriceMicros }) => (unitPriceMicros === null ? "–" : format.money(unitPriceMicros)),
      },
      {
        head: say(PART_TEXTS.amount),
        isNumber: true,
        cell: ({ amountCentavos }) => format.centavos(amountCentavos),
      },
    ],
    lines,
    { caption: say(TENANTS.statements), foot: [say(COMMON.total), "", "", format.amount(totals.amount)] },
  );
}

function filesOf(manifest: Manifest, path: string, { say, format }: PageTools): Html {
  const files = manifest.status === "closed" ? manifest.files : EXPORT_FILES.map(({ name }) => ({ name, bytes: null }));
  const about = facts([
    ...(manifest.closedAt === null
      ? []
      : [[say(MONEY_TEXTS.closedAt), format.time(Date.parse(manifest.closedAt))] as const]),
    ...(manifest.keyId === null ? [] : [[say(MONEY_TEXTS.signedBy), html`<code>${manifest.keyId}</code>`] as const]),
    ...(manifest.previousManifestSha256 === null
      ? []
      : [[say(MONEY_TEXTS.hash), html`<code>${manifest.previousManifestSha256}</code>`] as const]),
  ]);
  return html`<ul class="list">
      ${[...files, { name: "manifest.json", bytes: null }].map(
        ({ name, bytes }) =>
          html`<li>
            <a href="${path}/${name}">${name}</a>
            <span class="quiet small">${bytes === null ? "" : format.bytes(bytes)}</span>
          </li>`,
      )}
    </ul>
    ${about}`;
}

async function adjustmentsPage(call: ConsoleCall, tenant: Tenant, filled: Filled): Promise<ShownPage> {
  const { services, say, format, may } = call;
  const found = await services.adjustments.list(tenant.id, null, MOST_ADJUSTMENTS);
  const list = table<Adjustment>(
    [
      {
        head: say(PART_TEXTS.created),
        cell: ({ createdAtMs }) => html`<span class="nowrap">${format.time(createdAtMs)}</span>`,
      },
      {
        head: say(MONEY_TEXTS.inMonth),
        cell: ({ event }) =>
          event === null ? badge(say(MONEY_TEXTS.waiting), "warn") : format.month(periodOf(event.occurredAtMs)),
      },
      { head: say(MONEY_TEXTS.reason), isName: true, cell: ({ reason }) => reason },
      { head: say(MONEY_TEXTS.corrects), cell: ({ corrects }) => html`<span class="mono">${corrects ?? "–"}</span>` },
      { head: say(MONEY_TEXTS.units), isNumber: true, cell: ({ units }) => format.count(units) },
      { head: say(PART_TEXTS.amount), isNumber: true, cell: ({ amountMicros }) => format.money(amountMicros) },
    ],
    found.toReversed(),
    { caption: say(TENANTS.adjustments) },
  );
  const title = say(TENANTS.adjustments);
  const form = may("finance") ? card(say(MONEY_TEXTS.newAdjustment), adjustmentForm(call, filled)) : "";
  return {
    title,
    body: html`${heading(title, { crumbs: crumbsOf(call, tenant), note: tenant.name })}
    ${found.length === 0 ? empty(say(MONEY_TEXTS.noAdjustments)) : list} ${form}`,
    ...statusOf(filled),
  };
}

function adjustmentForm(call: PageTools, filled: Filled): Html {
  const { say, fields, token } = call;
  const made = fields(filled);
  const id = filled.values["id"] ?? `adj-${crypto.randomUUID()}`;
  return html`<form method="post" class="form">
    ${token}<input type="hidden" name="id" value="${id}" />
    ${faults(call, filled, ["amount", "units", "corrects", "reason"])}
    ${made.input("amount", { label: say(MONEY_TEXTS.amount), hint: say(MONEY_TEXTS.amountHint), inputmode: "decimal", isRequired: true })}
    ${made.input("units", { label: say(MONEY_TEXTS.units), hint: say(MONEY_TEXTS.unitsHint), inputmode: "numeric", value: "0", isRequired: true })}
    ${made.input("corrects", { label: say(MONEY_TEXTS.corrects), hint: say(MONEY_TEXTS.correctsHint) })}
    ${made.input("reason", { label: say(MONEY_TEXTS.reason), hint: say(MONEY_TEXTS.reasonHint), isRequired: true })}
    <div><button type="submit" class="first">${say(MONEY_TEXTS.adjust)}</button></div>
  </form>`;
}
