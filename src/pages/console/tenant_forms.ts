import { html } from "hono/html";
import { formatCnpj } from "../../domain/cnpj.ts";
import { REQUIRABLE_FIELDS } from "../../domain/lookup_grounds.ts";
import { nextPeriod, periodBounds, periodOf, previousPeriod, saoPauloDate } from "../../domain/period.ts";
import { overridePlan, resolvePlan, type Plan } from "../../domain/plan.ts";
import { dailyExposureMicros, graduatedAmountMicros } from "../../domain/pricing.ts";
import { fail, ok } from "../../domain/result.ts";
import { datesOf } from "../../gateway/read_usage.ts";
import { settledPlans } from "../../gateway/tenants.ts";
import * as tenants from "../../http/admin/tenants.ts";
import { parseBody } from "../../http/read_input.ts";
import type { Tenant } from "../../platform/register.ts";
import { COMMON } from "../common_texts.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { card, facts, heading, notice, type Html } from "../html.ts";
import { consolePage, Redirect, type ConsoleCall, type PageTools, type ShownPage } from "../page.ts";
import { chosenOf, fieldOf, valuesOf } from "../read_form.ts";
import { callEndpoint } from "./call_endpoint.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { sumOf } from "./overview.ts";
import { crumbsOf, faults } from "./parts.ts";
import { planChoices, planFields, readPlanTerms } from "./plan_parts.ts";
import { GROUND_TEXTS, PLAN_TEXTS, TENANTS } from "./tenants_texts.ts";

const ABOUT_FIELDS = ["name", "document", "legalName", "email", "customerId", "requires"];

/** `GET /console/tenants/new`. */
export const showNewTenant = consolePage({
  method: "GET",
  path: "/console/tenants/new",
  role: "operate",
  handle: (call) => ok(newTenantForm(call, UNFILLED)),
});

/** `POST /console/tenants`. */
export const createTenant = consolePage({
  method: "POST",
  path: "/console/tenants",
  role: "operate",
  handle: async (call) => {
    const { form } = call;
    const body = { ...readAbout(form), plan: fieldOf(form, "plan") };
    const created = await callEndpoint<{ id: string }>(call, tenants.createTenant, { body });
    if (created.ok) return ok(new Redirect(`/console/tenants/${created.value.id}`, "tenant-created"));
    if (created.failure.issues === undefined) return created;
    return ok(newTenantForm(call, { values: valuesOf(form), issues: created.failure.issues }));
  },
});

/** `GET /console/tenants/{id}/edit`. */
export const showTenantEdit = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId/edit",
  role: "operate",
  handle: async (call) => {
    const tenant = await call.services.register.tenant(call.params.tenantId);
    return tenant === null ? fail({ code: "not_found" }) : ok(editForm(call, tenant, UNFILLED));
  },
});

/** `POST /console/tenants/{id}/edit`. */
export const editTenant = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/edit",
  role: "operate",
  handle: async (call) => {
    const { form, services, params } = call;
    const changed = await callEndpoint(call, tenants.changeTenant, { params, body: readAbout(form) });
    if (changed.ok) return ok(new Redirect(`/console/tenants/${params.tenantId}`, "tenant-saved"));
    const tenant = await services.register.tenant(params.tenantId);
    if (changed.failure.issues === undefined || tenant === null) return changed;
    return ok(editForm(call, tenant, { values: valuesOf(form), issues: changed.failure.issues }));
  },
});

/** `GET /console/tenants/{id}/plan`. */
export const showPlanEdit = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId/plan",
  role: "operate",
  handle: async (call) => {
    const tenant = await call.services.register.tenant(call.params.tenantId);
    return tenant === null ? fail({ code: "not_found" }) : ok(planForm(call, tenant, UNFILLED));
  },
});

/** `POST /console/tenants/{id}/plan`: shows what the last month would have cost, or puts the plan in force. */
export const editPlan = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/plan",
  role: "operate",
  handle: async (call) => {
    const { form, services, params } = call;
    const tenant = await services.register.tenant(params.tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const name = fieldOf(form, "plan");
    const from = fieldOf(form, "from");
    const body = {
      plan: {
        ...(name === "" ? {} : { name }),
        ...readPlanTerms(form),
        ...(from === "" ? {} : { effectiveFrom: from }),
      },
    };
    const values = valuesOf(form);
    if (fieldOf(form, "do") === "preview") {
      const read = parseBody({ schema: tenants.tenantChange }, body);
      if (!read.ok) return ok(planForm(call, tenant, { values, issues: read.failure.issues ?? [] }));
      const { plan } = read.value as { plan: Parameters<typeof resolvePlan>[0] };
      const { plan: present } = settledPlans(tenant, call.nowMs);
      const asked = plan.name === undefined ? overridePlan(present, plan) : resolvePlan(plan, tenant.createdAtMs);
      return ok(planForm(call, tenant, { values, issues: [] }, await preview(call, tenant, { present, asked })));
    }
    const changed = await callEndpoint(call, tenants.changeTenant, { params, body });
    if (changed.ok) return ok(new Redirect(`/console/tenants/${tenant.id}`, "tenant-saved"));
    if (changed.failure.issues === undefined) return changed;
    return ok(planForm(call, tenant, { values, issues: changed.failure.issues }));
  },
});

function readAbout(form: FormData): Record<string, unknown> {
  const orNull = (name: string) => (fieldOf(form, name) === "" ? null : fieldOf(form, name));
  return {
    name: fieldOf(form, "name"),
    document: fieldOf(form, "document"),
    legalName: orNull("legalName"),
    email: orNull("email"),
    customerId: fieldOf(form, "customerId"),
    requires: chosenOf(form, "requires", REQUIRABLE_FIELDS),
    ...(form.get("duplicate.yes") === null ? {} : { allowDuplicate: true }),
  };
}

function newTenantForm(call: PageTools, filled: Filled): ShownPage {
  const { say, fields, token } = call;
  const made = fields(filled);
  const content = html`<form method="post" action="/console/tenants" class="form">
    ${token} ${faults(call, filled, [...ABOUT_FIELDS, "plan"])} ${aboutFields(call, filled, null)}
    ${made.select("plan", { label: say(TENANTS.plan), choices: planChoices(say) })} ${duplicateField(call, filled)}
    <div class="row">
      <button type="submit" class="first">${say(TENANTS.createButton)}</button>
      <a href="/console/tenants">${say(COMMON.back)}</a>
    </div>
  </form>`;
  const title = say(TENANTS.create);
  const crumbs = [{ to: "/console/tenants", text: say(NAV_TEXTS.tenants) }];
  return { title, body: html`${heading(title, { crumbs })} ${card(null, content)}`, ...statusOf(filled) };
}

function editForm(call: PageTools, tenant: Tenant, filled: Filled): ShownPage {
  const { say, token } = call;
  const content = html`<form method="post" class="form">
    ${token} ${faults(call, filled, ABOUT_FIELDS)} ${aboutFields(call, filled, tenant)} ${duplicateField(call, filled)}
    <div class="row">
      <button type="submit" class="first">${say(PART_TEXTS.save)}</button>
      <a href="/console/tenants/${tenant.id}">${say(COMMON.back)}</a>
    </div>
  </form>`;
  const title = say(TENANTS.editTitle);
  return {
    title,
    body: html`${heading(title, { crumbs: crumbsOf(call, tenant) })} ${card(null, content)}`,
    ...statusOf(filled),
  };
}

function planForm(call: ConsoleCall, tenant: Tenant, filled: Filled, shownPreview: Html | null = null): ShownPage {
  const { say, format, token, fields, nowMs } = call;
  const made = fields(filled);
  const { plan } = settledPlans(tenant, nowMs);
  const months = [nextPeriod(periodOf(nowMs)), nextPeriod(nextPeriod(periodOf(nowMs)))];
  const choices = [
    ["", say(PLAN_TEXTS.now)],
    ...months.map((month) => [`${month}-01`, format.date(`${month}-01`)] as const),
  ] as const;
  const content = html`<form method="post" class="form" data-again>
    ${token} ${faults(call, filled, ["plan"])}
    ${made.select("plan", { label: say(TENANTS.plan), choices: planChoices(say), value: plan.name, paths: ["plan.name"] })}
    ${planFields(made, plan, call)}
    ${made.select("from", { label: say(PLAN_TEXTS.from), choices, paths: ["plan.effectiveFrom"] })}
    <div class="row">
      <button type="submit" name="do" value="preview" class="first">${say(PLAN_TEXTS.preview)}</button>
      <button type="submit" name="do" value="apply">${say(PLAN_TEXTS.apply)}</button>
      <a href="/console/tenants/${tenant.id}">${say(COMMON.back)}</a>
    </div>
  </form>`;
  const title = say(PLAN_TEXTS.editTitle);
  return {
    title,
    body: html`${heading(title, { crumbs: crumbsOf(call, tenant) })} ${shownPreview ?? ""} ${card(null, content)}`,
    ...statusOf(filled),
  };
}

/** What last month's lookups cost under the present plan, and would cost under the new one, as D1 counts them. */
async function preview(
  { services, say, format, nowMs }: ConsoleCall,
  tenant: Tenant,
  { present, asked }: { present: Plan; asked: Plan },
): Promise<Html> {
  const month = previousPeriod(periodOf(nowMs));
  const { startMs, endMs } = periodBounds(month);
  const dates = datesOf({ from: saoPauloDate(startMs), to: saoPauloDate(endMs - 1) });
  const found = await services.usageDays.ofTenants([tenant.id], dates);
  const { billed } = sumOf([...(found.get(tenant.id)?.values() ?? [])]);
  const [before, after] = [present, asked].map(({ tiers }) => graduatedAmountMicros(tiers, 0, billed)) as [
    number,
    number,
  ];
  const exposureMicros = asked.monthlySpendCapMicros === null ? dailyExposureMicros(asked) : 0;
  const told = facts([
    [say(PLAN_TEXTS.previewQuantity), format.count(billed)],
    [say(PLAN_TEXTS.previewBefore), format.money(before)],
    [say(PLAN_TEXTS.previewAfter), html`<b>${format.money(after)}</b>`],
    [say(PLAN_TEXTS.previewDifference), format.money(after - before)],
  ]);
  const warning =
    exposureMicros === 0 ? "" : notice(`${say(PLAN_TEXTS.exposure)} ${format.money(exposureMicros)}.`, "warn");
  return card(`${say(PLAN_TEXTS.previewTitle)} (${format.month(month)})`, html`${told} ${warning}`);
}

function aboutFields({ say, fields }: PageTools, filled: Filled, tenant: Tenant | null): Html {
  const made = fields(filled);
  return html`${made.input("name", { label: say(TENANTS.name), value: tenant?.name ?? "", isRequired: true })}
  ${made.input("document", { label: say(TENANTS.document), hint: say(TENANTS.documentHint), value: tenant === null ? "" : formatCnpj(tenant.document), isRequired: true })}
  ${made.input("legalName", { label: say(TENANTS.legalName), hint: say(TENANTS.legalNameHint), value: tenant?.legalName ?? "" })}
  ${made.input("email", { label: say(TENANTS.email), type: "email", value: tenant?.email ?? "" })}
  ${made.input("customerId", { label: say(TENANTS.customerId), hint: say(TENANTS.customerIdHint), value: tenant?.customerId ?? "", isRequired: true })}
  ${made.checks("requires", { label: say(TENANTS.requires), hint: say(TENANTS.requiresHint), choices: REQUIRABLE_FIELDS.map((field) => [field, say(GROUND_TEXTS[field])] as const), checked: tenant?.requires ?? [] })}`;
}

/** Offered only when the CNPJ of another tenant is what was refused. */
function duplicateField({ say, fields }: PageTools, filled: Filled): Html | string {
  if (!filled.issues.some(({ code }) => code === "document_taken")) return "";
  return fields(filled).checks("duplicate", { label: "", choices: [["yes", say(TENANTS.allowDuplicate)]] });
}
