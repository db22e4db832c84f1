import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import { ok } from "../../domain/result.ts";
import { makePortalLink, revokePortalLinks } from "../../gateway/portal_links.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { timeField } from "../shared_fields.ts";

const portalLink = z
  .object({
    url: z
      .url()
      .meta(
        told(
          { "pt-BR": "O link, que entra no portal uma única vez.", en: "The link, which signs in to the portal once." },
          { examples: ["https://gateway.example/portal/link/Zm9yIHRoZSBleGFtcGxlIG9ubHkh0123"] },
        ),
      ),
    expiresAt: timeField({ "pt-BR": "Até quando pode ser usado.", en: "Until when it can be used." }),
  })
  .meta({ id: "PortalLink" });

const linksRevoked = z
  .object({
    effectiveAt: timeField({
      "pt-BR": "Desde quando links e sessões não valem mais.",
      en: "Since when links and sessions are over.",
    }),
  })
  .meta({ id: "PortalLinksRevoked" });

const LINKS = { tag: "Tenants", role: "operate", audit: "in_change", headers: HEADERS.cacheControl } as const;

/** `POST /admin/v1/tenants/{id}/portal-links`. */
export const createPortalLink = operatorEndpoint({
  ...LINKS,
  method: "POST",
  path: "/admin/v1/tenants/:tenantId/portal-links",
  id: "createPortalLink",
  summary: { "pt-BR": "Criar um link de acesso ao portal", en: "Make a sign-in link to the portal" },
  description: {
    "pt-BR":
      "Vale 15 minutos e uma única vez; abre uma sessão de até 24 horas, que lê consumo e extratos. Mostra uma página com " +
      "um botão, porque programas de e-mail abrem os links.",
    en:
      "Good for 15 minutes and once; it opens a session of up to 24 hours that reads usage and statements. It shows a page " +
      "with a button, since mail programs follow links.",
  },
  answers: { 201: { description: { "pt-BR": "O link.", en: "The link." }, content: portalLink } },
  failures: ["not_found", "tenant_suspended"],
  handle: async ({ context, services, actor, params: { tenantId } }) => {
    const link = await makePortalLink(services, actor, tenantId);
    if (!link.ok) return link;
    const { secret, expiresAtMs } = link.value;
    const url = new URL(`/portal/link/${secret}`, context.req.url).href;
    return ok(context.json({ url, expiresAt: isoTime(expiresAtMs) }, 201));
  },
});

/** `POST /admin/v1/tenants/{id}/portal-links/revoke`. */
export const revokePortalLink = operatorEndpoint({
  ...LINKS,
  method: "POST",
  path: "/admin/v1/tenants/:tenantId/portal-links/revoke",
  id: "revokePortalLinks",
  summary: { "pt-BR": "Encerrar os links de acesso ao portal", en: "End the sign-in links to the portal" },
  description: {
    "pt-BR": "Links que ninguém usou e sessões abertas por um link acabam na hora.",
    en: "Links that nobody used and sessions that a link opened are over at once.",
  },
  answers: {
    200: { description: { "pt-BR": "Desde quando acabaram.", en: "Since when they are over." }, content: linksRevoked },
  },
  failures: ["not_found"],
  handle: async ({ context, services, actor, params: { tenantId } }) => {
    const revoked = await revokePortalLinks(services, actor, tenantId);
    return revoked.ok ? ok(context.json({ effectiveAt: isoTime(services.clock.nowMs()) })) : revoked;
  },
});
