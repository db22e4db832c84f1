import { html } from "hono/html";
import { DEFAULT_SCOPES, SCOPES } from "../../domain/api_key.ts";
import { fail, ok } from "../../domain/result.ts";
import * as keys from "../../http/admin/keys.ts";
import { isPathPart } from "../../http/path_parameters.ts";
import type { RegisteredKey, Tenant } from "../../platform/register.ts";
import { COMMON, KEY_STATE_TEXTS } from "../common_texts.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { card, facts, heading, type Html } from "../html.ts";
import { lifeBadge } from "../life_badge.ts";
import { consolePage, Redirect, type PageTools, type ShownPage } from "../page.ts";
import { chosenOf, fieldOf, typedDayEnd, typedNumber, valuesOf } from "../read_form.ts";
import { callEndpoint } from "./call_endpoint.ts";
import { PART_TEXTS } from "./console_texts.ts";
import { keyTermFacts, keyTermFields, NO_TERMS, readKeyTerms, TERM_FIELDS } from "./key_terms.ts";
import { act, crumbsOf, faults, secretOnce } from "./parts.ts";
import { KEY_TEXTS } from "./tenants_texts.ts";

const HOUR_SECONDS = 3600;

/** `GET /console/tenants/{id}/keys/new`. */
export const showNewKey = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId/keys/new",
  role: "operate",
  handle: async (call) => {
    const tenant = await call.services.register.tenant(call.params.tenantId);
    return tenant === null ? fail({ code: "not_found" }) : ok(newKeyForm(call, tenant, UNFILLED));
  },
});

/** `POST /console/tenants/{id}/keys`: the key is on this answer and nowhere else. */
export const createKey = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/keys",
  role: "operate",
  handle: async (call) => {
    const { form, params, services } = call;
    const tenant = await services.register.tenant(params.tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const label = fieldOf(form, "label");
    const body = {
      mode: fieldOf(form, "mode"),
      label: label === "" ? null : label,
      scopes: chosenOf(form, "scopes", SCOPES),
      expiresAt: typedDayEnd(fieldOf(form, "expiresAt")),
      allowedIps: linesOf(fieldOf(form, "allowedIps")),
      ...readKeyTerms(form),
    };
    const made = await callEndpoint<IssuedKey>(call, keys.issueKey, { params, body });
    if (made.ok) return ok(issued(call, tenant, made.value));
    if (made.failure.issues === undefined) return made;
    return ok(newKeyForm(call, tenant, { values: valuesOf(form), issues: made.failure.issues }));
  },
});

/** `GET /console/tenants/{id}/keys/{keyId}`: one key, to rotate or revoke. */
export const showKey = consolePage({
  method: "GET",
  path: "/console/tenants/:tenantId/keys/:keyId",
  role: "operate",
  handle: async (call) => {
    const found = await findKey(call, call.params);
    return found === null ? fail({ code: "not_found" }) : ok(keyPage(call, found, UNFILLED));
  },
});

/** `POST /console/tenants/{id}/keys/{keyId}/rotate`. */
export const rotateKey = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/keys/:keyId/rotate",
  role: "operate",
  handle: async (call) => {
    const found = await findKey(call, call.params);
    if (found === null) return fail({ code: "not_found" });
    const hours = typedNumber(fieldOf(call.form, "overlap") || "24");
    const overlapSeconds = typeof hours === "number" ? hours * HOUR_SECONDS : hours;
    const made = await callEndpoint<IssuedKey>(call, keys.rotateKey, {
      params: { keyId: found.key.id },
      body: { overlapSeconds },
    });
    return made.ok ? ok(issued(call, found.tenant, made.value)) : made;
  },
});

/** `POST /console/tenants/{id}/keys/{keyId}/revoke`. */
export const revokeKey = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/keys/:keyId/revoke",
  role: "operate",
  handle: async (call) => {
    const found = await findKey(call, call.params);
    if (found === null) return fail({ code: "not_found" });
    const revoked = await callEndpoint(call, keys.revokeKey, { params: { keyId: found.key.id } });
    return revoked.ok ? ok(new Redirect(`/console/tenants/${found.tenant.id}`, "key-revoked")) : revoked;
  },
});

/** `POST /console/tenants/{id}/keys/{keyId}/terms`: replaces its limits and defaults. */
export const changeKeyTerms = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/keys/:keyId/terms",
  role: "operate",
  handle: async (call) => {
    const { form, params } = call;
    const found = await findKey(call, params);
    if (found === null) return fail({ code: "not_found" });
    const { id, tenantId } = found.key;
    const changed = await callEndpoint(call, keys.changeKey, { params: { keyId: id }, body: readKeyTerms(form) });
    if (changed.ok) return ok(new Redirect(`/console/tenants/${tenantId}/keys/${id}`, "key-terms-saved"));
    if (changed.failure.issues === undefined) return changed;
    return ok(keyPage(call, found, { values: valuesOf(form), issues: changed.failure.issues }));
  },
});

/** `POST /console/tenants/{id}/revoke-now`: in the ledger, whether or not the register knows the key. */
export const revokeKeyNow = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/revoke-now",
  role: "operate",
  handle: async (call) => {
    const { tenantId } = call.params;
    const params = { tenantId, keyId: fieldOf(call.form, "keyId") };
    if (!isPathPart("keyId", params.keyId)) return fail({ code: "not_found" });
    const revoked = await callEndpoint(call, keys.revokeKeyNow, { params });
    return revoked.ok ? ok(new Redirect(`/console/tenants/${tenantId}`, "key-revoked")) : revoked;
  },
});

type IssuedKey = { readonly id: string; readonly key: string };
type FoundKey = { readonly tenant: Tenant; readonly key: RegisteredKey };

/** A tenant's key; another tenant's is not found. */
async function findKey(
  { services }: PageTools,
  { tenantId, keyId }: { tenantId: string; keyId: string },
): Promise<FoundKey | null> {
  const [tenant, key] = await Promise.all([services.register.tenant(tenantId), services.register.key(keyId)]);
  return tenant === null || key === null || key.tenantId !== tenantId ? null : { tenant, key };
}

function linesOf(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function newKeyForm(call: PageTools, tenant: Tenant, filled: Filled): ShownPage {
  const { say, fields, token } = call;
  const made = fields(filled);
  const modes = [
    ["test", say(PART_TEXTS.test)],
    ["live", say(PART_TEXTS.live)],
  ] as const;
  const content = html`<form method="post" action="/console/tenants/${tenant.id}/keys" class="form">
    ${token} ${faults(call, filled, ["mode", "label", "scopes", "expiresAt", "allowedIps", ...TERM_FIELDS])}
    ${made.select("mode", { label: say(PART_TEXTS.mode), choices: modes })}
    ${made.input("label", { label: say(PART_TEXTS.label) })}
    ${made.checks("scopes", { label: say(KEY_TEXTS.scopes), choices: SCOPES.map((scope) => [scope, scope] as const), checked: DEFAULT_SCOPES })}
    ${made.input("expiresAt", { label: say(KEY_TEXTS.expires), hint: say(KEY_TEXTS.expiresHint), type: "date" })}
    ${made.area("allowedIps", { label: say(KEY_TEXTS.ips), hint: say(KEY_TEXTS.ipsHint), rows: 3 })}
    ${keyTermFields(made, NO_TERMS, call)}
    <div class="row">
      <button type="submit" class="first">${say(KEY_TEXTS.createButton)}</button>
      <a href="/console/tenants/${tenant.id}">${say(COMMON.back)}</a>
    </div>
  </form>`;
  const title = say(KEY_TEXTS.create);
  return {
    title,
    body: html`${heading(title, { crumbs: crumbsOf(call, tenant) })} ${card(null, content)}`,
    ...statusOf(filled),
  };
}

function issued(call: PageTools, tenant: Tenant, { id, key }: IssuedKey): ShownPage {
  const { say } = call;
  const title = say(KEY_TEXTS.made);
  const content = html`${secretOnce(call, key, KEY_TEXTS.once)}
    ${facts([[say(KEY_TEXTS.clientId), html`<code>${id}</code>`]])}
    <p><a href="/console/tenants/${tenant.id}">${say(COMMON.back)}</a></p>`;
  return { title, body: html`${heading(title, { crumbs: crumbsOf(call, tenant) })} ${card(null, content)}` };
}

function keyPage(call: PageTools, { tenant, key }: FoundKey, filled: Filled): ShownPage {
  const { say, format, fields } = call;
  const path = `/console/tenants/${tenant.id}/keys/${key.id}`;
  const title = key.label ?? key.id;
  const isWrong = filled.issues.length > 0;
  const overlap = fields(UNFILLED).input("overlap", { label: say(KEY_TEXTS.overlap), type: "number", value: "24" });
  const actions: Html =
    key.revokedAtMs === null
      ? html`${act(call, { to: `${path}/terms`, title: KEY_TEXTS.terms, note: KEY_TEXTS.limitHint, button: PART_TEXTS.save, isOpen: isWrong, fields: html`${faults(call, filled, TERM_FIELDS)} ${keyTermFields(fields(filled), key, call)}` })}
        ${act(call, { to: `${path}/rotate`, title: KEY_TEXTS.rotate, note: KEY_TEXTS.rotateNote, button: KEY_TEXTS.rotateButton, fields: overlap })}
        ${act(call, { to: `${path}/revoke`, title: KEY_TEXTS.revoke, note: KEY_TEXTS.revokeNote, button: KEY_TEXTS.revokeButton, isDanger: true })}
        ${revokeNowForm(call, key.tenantId, key.id)}`
      : html``;
  const about = facts([
    [say(KEY_TEXTS.key), html`<code>${key.id}</code>`],
    [say(PART_TEXTS.mode), say(PART_TEXTS[key.mode])],
    [say(PART_TEXTS.state), lifeBadge(key, KEY_STATE_TEXTS, call)],
    [say(KEY_TEXTS.scopes), html`<code>${key.scopes.join(", ")}</code>`],
    [say(KEY_TEXTS.ips), key.allowedIps.length === 0 ? "–" : html`<code>${key.allowedIps.join(", ")}</code>`],
    [say(PART_TEXTS.created), format.time(key.createdAtMs)],
    [say(PART_TEXTS.expires), key.expiresAtMs === null ? say(COMMON.never) : format.time(key.expiresAtMs)],
    ...keyTermFacts(key, call),
  ]);
  const body = html`${heading(title, { crumbs: crumbsOf(call, tenant) })} ${card(null, about)} ${actions}`;
  return { title, body, ...statusOf(filled) };
}

/** The break-glass form; without an id it asks for one. */
export function revokeNowForm(call: PageTools, tenantId: string, keyId: string | null): Html {
  const { say, fields } = call;
  const field =
    keyId === null
      ? fields(UNFILLED).input("keyId", { label: say(KEY_TEXTS.keyId), isRequired: true, placeholder: "csg_live_…" })
      : html`<input type="hidden" name="keyId" value="${keyId}" />`;
  return act(call, {
    to: `/console/tenants/${tenantId}/revoke-now`,
    title: KEY_TEXTS.revokeNow,
    note: KEY_TEXTS.revokeNowNote,
    button: KEY_TEXTS.revokeNowButton,
    isDanger: true,
    fields: field,
  });
}
