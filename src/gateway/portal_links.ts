import type { Failure } from "../domain/failure.ts";
import { isoTime } from "../domain/instant.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { sha256Hex } from "../platform/keyed_hash.ts";
import type { Services } from "../platform/services.ts";
import type { Actor } from "./tenants.ts";

const LINK_LIFETIME_MS = 15 * 60_000;
const SECRET_BYTES = 24;

/** A link that was just made: the only time that its secret is seen. */
export type NewPortalLink = { readonly id: string; readonly secret: string; readonly expiresAtMs: number };

/** Makes a link by which a partner's person signs in to the portal once, within a quarter of an hour. */
export async function makePortalLink(
  services: Services,
  actor: Actor,
  tenantId: string,
): Promise<Result<NewPortalLink, Failure>> {
  const tenant = await services.register.tenant(tenantId);
  if (tenant === null) return fail({ code: "not_found" });
  if (tenant.status === "suspended") return fail({ code: "tenant_suspended" });
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64({ alphabet: "base64url" });
  const id = `lnk_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
  const atMs = services.clock.nowMs();
  const expiresAtMs = atMs + LINK_LIFETIME_MS;
  const after = { link: id, expiresAt: isoTime(expiresAtMs) };
  const audit = { atMs, actor, action: "portal_link.create", target: tenantId, before: null, after };
  const link = { id, tenantId, createdBy: actor, createdAtMs: atMs, expiresAtMs };
  await services.pageSessions.insertLink(await sha256Hex(secret), link, audit);
  return ok({ id, secret, expiresAtMs });
}

/** Ends a tenant's links, used or not, and with them each session that was opened by one. */
export async function revokePortalLinks(
  services: Services,
  actor: Actor,
  tenantId: string,
): Promise<Result<null, Failure>> {
  if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
  const atMs = services.clock.nowMs();
  const audit = { atMs, actor, action: "portal_link.revoke", target: tenantId, before: null, after: { revoked: true } };
  await services.pageSessions.revokeLinks(tenantId, audit);
  return ok(null);
}

/** Whether a link can still be used; looking at it does not use it. */
export async function isPortalLinkOpen(services: Services, secret: string): Promise<boolean> {
  const link = await services.pageSessions.openLink(await sha256Hex(secret), services.clock.nowMs());
  return link !== null && (await services.pageSessions.isLinkInForce(link.id));
}
