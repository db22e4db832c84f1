import { html } from "hono/html";
import { fail, ok } from "../../domain/result.ts";
import { createPortalLink, revokePortalLink } from "../../http/admin/portal_links.ts";
import { changeTenant } from "../../http/admin/tenants.ts";
import { COMMON } from "../common_texts.ts";
import { card, heading } from "../html.ts";
import { consolePage, Redirect } from "../page.ts";
import { callEndpoint } from "./call_endpoint.ts";
import { crumbsOf, secretOnce } from "./parts.ts";
import { TENANTS } from "./tenants_texts.ts";

/** `POST /console/tenants/{id}/suspend`. */
export const suspendTenant = statusAction("suspend", "suspended");

/** `POST /console/tenants/{id}/resume`. */
export const resumeTenant = statusAction("resume", "active");

/** `POST /console/tenants/{id}/portal-link`: the link is on this answer and nowhere else. */
export const makePortalLink = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/portal-link",
  role: "operate",
  handle: async (call) => {
    const { services, params, say, format } = call;
    const tenant = await services.register.tenant(params.tenantId);
    if (tenant === null) return fail({ code: "not_found" });
    const link = await callEndpoint<{ url: string; expiresAt: string }>(call, createPortalLink, { params });
    if (!link.ok) return link;
    const { url, expiresAt } = link.value;
    const title = say(TENANTS.portalLink);
    const until = html`<p class="quiet">${say(TENANTS.portalLinkMade)} ${format.time(Date.parse(expiresAt))}.</p>`;
    const content = html`${secretOnce(call, new URL(new URL(url).pathname, call.context.req.url).href, TENANTS.portalLinkNote)}
      ${until}
      <p><a href="/console/tenants/${tenant.id}">${say(COMMON.back)}</a></p>`;
    return ok({ title, body: html`${heading(title, { crumbs: crumbsOf(call, tenant) })} ${card(null, content)}` });
  },
});

/** `POST /console/tenants/{id}/end-portal-links`. */
export const endPortalLinks = consolePage({
  method: "POST",
  path: "/console/tenants/:tenantId/end-portal-links",
  role: "operate",
  handle: async (call) => {
    const ended = await callEndpoint(call, revokePortalLink, { params: call.params });
    return ended.ok ? ok(new Redirect(`/console/tenants/${call.params.tenantId}`, "links-ended")) : ended;
  },
});

function statusAction(name: "suspend" | "resume", status: "suspended" | "active") {
  return consolePage({
    method: "POST",
    path: `/console/tenants/:tenantId/${name}`,
    role: "operate",
    handle: async (call) => {
      const { params } = call;
      const changed = await callEndpoint(call, changeTenant, { params, body: { status } });
      return changed.ok ? ok(new Redirect(`/console/tenants/${params.tenantId}`, "tenant-saved")) : changed;
    },
  });
}
