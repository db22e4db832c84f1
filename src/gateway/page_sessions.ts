import type { Scope } from "../domain/api_key.ts";
import type { Failure } from "../domain/failure.ts";
import { HOUR_MS } from "../domain/instant.ts";
import type { Mode } from "../domain/meter_event.ts";
import { looksLikeOperatorToken, parseOperatorToken } from "../domain/operator_token.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { roleRequired, type Role } from "../domain/roles.ts";
import { sha256Hex } from "../platform/keyed_hash.ts";
import type { PageSession, Place, SessionKind } from "../platform/page_sessions.ts";
import type { RegisteredKey, Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import {
  authenticateOperator,
  BREAK_GLASS,
  findByAccess,
  noteUse,
  toFound,
  type FoundOperator,
  type OperatorCredential,
} from "./authenticate_operator.ts";
import { authorizeKey } from "./authorize_key.ts";
import { identifyByKey } from "./identify_caller.ts";
import type { Actor } from "./tenants.ts";

/** How long a session lasts at most, by what it was opened with. */
const LIFETIME_MS: Readonly<Record<SessionKind, number>> = {
  operator: 8 * HOUR_MS,
  access: 8 * HOUR_MS,
  break_glass: 8 * HOUR_MS,
  key: 8 * HOUR_MS,
  link: 24 * HOUR_MS,
};
const SECRET_BYTES = 24;
/** What a session by link may: an operator vouched for the person, and for reading only. */
const LINK_SCOPES: readonly Scope[] = ["usage:read", "statements:read"];

/** What a browser keeps: a secret with our signature, so that a made-up one costs nobody anything. */
export type SessionCookie = { readonly value: string; readonly maxAgeSeconds: number };

export type OperatorVisitor = {
  readonly place: "console";
  readonly actor: Actor;
  /** As the menu calls them. */
  readonly name: string;
  readonly roles: readonly Role[];
};

export type PartnerVisitor = {
  readonly place: "portal";
  readonly tenant: Tenant;
  /** The key that the person signed in with; null for a session by link. */
  readonly key: RegisteredKey | null;
  readonly mode: Mode;
  readonly scopes: readonly Scope[];
};

export type Visitor = OperatorVisitor | PartnerVisitor;

/** Signs an operator in by a token or by what Cloudflare Access vouches for; wrong tokens are slowed as in the API. */
export async function signInOperator(
  services: Services,
  credential: OperatorCredential,
): Promise<Result<SessionCookie, Failure>> {
  const operator = await authenticateOperator(services, credential);
  if (!operator.ok) return operator;
  // Whoever comes by Access without a role would only see refusals.
  if (operator.value.roles.length === 0) return fail(roleRequired("read"));
  const { token } = credential;
  if (token === undefined) {
    const subject = await hashFor(services, "e-mail", operator.value.actor);
    return ok(await open(services, { place: "console", kind: "access", subject, tenantId: null }));
  }
  const parsed = looksLikeOperatorToken(token) ? parseOperatorToken(token) : null;
  const [kind, subject] =
    parsed?.ok === true
      ? (["operator", parsed.value.operatorId] as const)
      : (["break_glass", await hashFor(services, "token", token)] as const);
  return ok(await open(services, { place: "console", kind, subject, tenantId: null }));
}

/** Signs a partner's person in by an API key that its ledger lets in. */
export async function signInPartner(
  services: Services,
  { text, ip }: { text: string; ip: string | null },
): Promise<Result<SessionCookie, Failure>> {
  const caller = await identifyByKey(services, { text, ip });
  if (!caller.ok) return caller;
  const key = await services.register.key(caller.value.keyId);
  const scope = key?.scopes[0];
  if (key === null || scope === undefined) return fail({ code: "invalid_api_key" });
  const reply = await authorizeKey(services, caller.value, { keyId: key.id, scope, ip, kind: "lookup" });
  if (!reply.ok) return reply;
  if (reply.value.kind === "refused") return fail(reply.value.failure);
  return ok(await open(services, { place: "portal", kind: "key", subject: key.id, tenantId: key.tenantId }));
}

/** Signs a partner's person in by a link, which is over with that. */
export async function signInByLink(services: Services, secret: string): Promise<Result<SessionCookie, Failure>> {
  const link = await services.pageSessions.useLink(await sha256Hex(secret), services.clock.nowMs());
  if (link === null || !(await services.pageSessions.isLinkInForce(link.id))) return fail({ code: "not_found" });
  return ok(await open(services, { place: "portal", kind: "link", subject: link.id, tenantId: link.tenantId }));
}

/** A visitor with the session's secret, which the forms' tokens are made of. */
export type Visit<Kind extends Visitor = Visitor> = { readonly visitor: Kind; readonly secret: string };

/**
 * Whose session a cookie is, or null. What the session was opened with is looked at each time: a revoked operator or key,
 * another role, a suspended tenant counts at once. A session whose ground is gone ends for good.
 */
export async function findVisit(
  services: Services,
  { place, cookie, assertion, ip }: { place: Place; cookie: string; assertion: string | undefined; ip: string | null },
): Promise<Result<Visit | null, Failure>> {
  const secret = await readCookie(services, cookie);
  if (secret === null) return ok(null);
  const hash = await sha256Hex(secret);
  const session = await services.pageSessions.find(hash, place, services.clock.nowMs());
  if (session === null) return ok(null);
  const found =
    place === "console" ? await findOperator(services, session, assertion) : await findPartner(services, session, ip);
  if (!found.ok) return found;
  if (found.value !== null) return ok({ visitor: found.value, secret });
  await services.pageSessions.end(hash, services.clock.nowMs());
  return ok(null);
}

/** Ends a session; from then on its cookie opens nothing, wherever a copy of it is. */
export async function signOut(services: Services, cookie: string): Promise<void> {
  const secret = await readCookie(services, cookie);
  if (secret !== null) await services.pageSessions.end(await sha256Hex(secret), services.clock.nowMs());
}

/** What every form of a session carries along, so that no other page can send it. A stranger's is of the place alone. */
export async function formToken(services: Services, secret: string): Promise<string> {
  return await hashFor(services, "form", secret);
}

export async function isFormToken(services: Services, secret: string, given: string): Promise<boolean> {
  return await isSigned(services, given, `form\n${secret}`);
}

/** Deletes sessions and links that are long over. */
export async function forgetPageSessions(services: Services): Promise<void> {
  await services.pageSessions.forget(services.clock.nowMs());
}

async function open(
  services: Services,
  session: Omit<PageSession, "createdAtMs" | "expiresAtMs">,
): Promise<SessionCookie> {
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64({ alphabet: "base64url" });
  const createdAtMs = services.clock.nowMs();
  const lifetimeMs = LIFETIME_MS[session.kind];
  const opened = { ...session, createdAtMs, expiresAtMs: createdAtMs + lifetimeMs };
  await services.pageSessions.insert(await sha256Hex(secret), opened);
  const value = `${secret}.${await hashFor(services, "cookie", secret)}`;
  return { value, maxAgeSeconds: lifetimeMs / 1000 };
}

async function readCookie(services: Services, cookie: string): Promise<string | null> {
  const [secret = "", signature = ""] = cookie.split(".");
  return (await isSigned(services, signature, `cookie\n${secret}`)) ? secret : null;
}

async function findOperator(
  services: Services,
  { kind, subject }: PageSession,
  assertion: string | undefined,
): Promise<Result<OperatorVisitor | null, Failure>> {
  const person = assertion === undefined ? null : await services.access.verify(assertion);
  // Nobody's session ends because Access does not give its keys.
  if (person?.ok === false && person.failure === "unavailable") return fail({ code: "access_unavailable" });
  const byAccess = person?.ok === true ? await findByAccess(services, person.value) : null;
  if (kind === "access") {
    const isTheSame = byAccess !== null && (await isSigned(services, subject, `e-mail\n${byAccess.actor}`));
    return ok(isTheSame ? toVisitor(byAccess, null) : null);
  }
  const bySession = await findBySubject(services, kind, subject);
  if (bySession === null) return ok(null);
  await noteUse(services, bySession, byAccess?.actor ?? bySession.actor);
  return ok(toVisitor(bySession, byAccess));
}

async function findBySubject(services: Services, kind: SessionKind, subject: string): Promise<FoundOperator | null> {
  if (kind === "operator") {
    const operator = await services.operators.findById(subject, services.clock.nowMs());
    return operator === null ? null : toFound(operator);
  }
  for (const token of services.settings.adminTokens) {
    if (await isSigned(services, subject, `token\n${token}`)) return BREAK_GLASS;
  }
  return null;
}

/** Behind Access the person is named, and may what either of the two may. */
function toVisitor(operator: FoundOperator, person: FoundOperator | null): OperatorVisitor | null {
  const roles = [...new Set([...operator.roles, ...(person?.roles ?? [])])];
  const { actor, name } = person ?? operator;
  return roles.length === 0 ? null : { place: "console", actor, name, roles };
}

async function findPartner(
  services: Services,
  { kind, subject, tenantId }: PageSession,
  ip: string | null,
): Promise<Result<PartnerVisitor | null, Failure>> {
  if (tenantId === null) return ok(null);
  return kind === "link" ? await findByLink(services, subject, tenantId) : await findByKey(services, subject, ip);
}

async function findByLink(
  services: Services,
  linkId: string,
  tenantId: string,
): Promise<Result<PartnerVisitor | null, Failure>> {
  const [isInForce, tenant] = await Promise.all([
    services.pageSessions.isLinkInForce(linkId),
    services.register.tenant(tenantId),
  ]);
  if (!isInForce || tenant === null) return ok(null);
  return ok({ place: "portal", tenant, key: null, mode: "live", scopes: LINK_SCOPES });
}

/** The ledger says whether the key still works; each page counts as a read of the tenant's, as a call of the API does. */
async function findByKey(
  services: Services,
  keyId: string,
  ip: string | null,
): Promise<Result<PartnerVisitor | null, Failure>> {
  const key = await services.register.key(keyId);
  const scope = key?.scopes[0];
  if (key === null || scope === undefined) return ok(null);
  const { mode, tenantId, scopes } = key;
  const [tenant, reply] = await Promise.all([
    services.register.tenant(tenantId),
    authorizeKey(services, { tenantId, keyId, mode }, { keyId, scope, ip, kind: "read" }),
  ]);
  if (!reply.ok) return reply;
  if (reply.value.kind === "allowed" && tenant !== null) return ok({ place: "portal", tenant, key, mode, scopes });
  return reply.value.kind === "refused" && reply.value.failure.code === "rate_limited"
    ? fail(reply.value.failure)
    : ok(null);
}

async function hashFor(services: Services, purpose: string, text: string): Promise<string> {
  const [current] = services.pageHashes;
  if (current === undefined) throw new Error("there is no secret to sign with");
  return await current.sign(`${purpose}\n${text}`);
}

async function isSigned(services: Services, given: string, text: string): Promise<boolean> {
  const expected = await Promise.all(services.pageHashes.map((hash) => hash.sign(text)));
  return expected.map((signature) => isEqual(signature, given)).includes(true);
}

function isEqual(expected: string, given: string): boolean {
  const utf8 = new TextEncoder();
  const [left, right] = [utf8.encode(expected), utf8.encode(given)];
  return left.length === right.length && crypto.subtle.timingSafeEqual(left, right);
}
