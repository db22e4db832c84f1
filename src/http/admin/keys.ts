import { z } from "zod";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import { SCOPES } from "../../domain/api_key.ts";
import { parseIpRange } from "../../domain/authorization.ts";
import { issueKey, revokeKey, rotateKey, type IssuedKey } from "../../gateway/keys.ts";
import { callLedger } from "../../platform/ledger/ledger_client.ts";
import { MODES, type Mode } from "../../domain/meter_event.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import type { AppContext } from "../context.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";
import { pageAnswer, pageOf, pageQuery, readPage } from "../paging.ts";
import { printable } from "../printable.ts";
import { problemResponse } from "../problem.ts";
import { readJson } from "../read_body.ts";
import { issuesOf } from "../scores.ts";
import { actorOf } from "./authenticate_operator.ts";

const LONGEST_OVERLAP_SECONDS = 90 * 86_400;

export const newKey = z
  .strictObject({
    mode: z.enum(["live", "test"]),
    label: z
      .string()
      .trim()
      .regex(printable(100), "1 to 100 printable characters")
      .refine((text) => !looksLikeCpf(text), "must not hold a CPF")
      .nullable()
      .default(null)
      .meta({ description: "What the key is for; it is shown in exports." }),
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .default([...SCOPES])
      .transform((scopes) => [...new Set(scopes)]),
    expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
    allowedIps: z
      .array(z.string().refine((range) => parseIpRange(range) !== null, "an IPv4 or IPv6 range in CIDR notation"))
      .max(100)
      .default([])
      .meta({ description: "Empty: from anywhere.", examples: [["203.0.113.0/24"]] }),
  })
  .meta({ id: "NewKey" });

export const keyRotation = z
  .strictObject({ overlapSeconds: z.int().min(0).max(LONGEST_OVERLAP_SECONDS).default(86_400) })
  .meta({ id: "KeyRotation" });

const shownFields = {
  id: z.string(),
  tenantId: z.string(),
  mode: z.enum(["live", "test"]),
  label: z.string().nullable(),
  scopes: z.array(z.enum(SCOPES)),
  allowedIps: z.array(z.string()),
  status: z.enum(["active", "expired", "revoked"]),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
};

export const listedKey = z
  .object({
    ...shownFields,
    lastUsedAt: z.iso.datetime().nullable().meta({ description: "To the minute." }),
  })
  .meta({ id: "Key" });

export const issuedKey = z
  .object({
    ...shownFields,
    key: z.string().meta({ description: "The API key. It is never shown again." }),
    clientId: z.string(),
    clientSecret: z.string(),
  })
  .meta({ id: "IssuedKey" });

export const revocation = z.object({ effectiveAt: z.iso.datetime() }).meta({ id: "Revocation" });

const KEYS = { tag: "Keys", access: "operator", headers: HEADERS.cacheControl } as const satisfies Partial<Operation>;

export const issueKeyOperation: Operation = {
  ...KEYS,
  id: "issueKey",
  summary: "Issue an API key",
  description: "The answer is the only time that the key is seen.",
  body: { schema: newKey, example: { mode: "live", label: "checkout" } },
  answers: { 201: { description: "The key.", content: issuedKey } },
  failures: ["conflict", "change_pending"],
};

export const listKeysOperation: Operation = {
  ...KEYS,
  id: "listKeys",
  summary: "List a tenant's keys",
  query: pageQuery,
  answers: { 200: { description: "A page of keys, without their secrets.", content: pageAnswer(listedKey) } },
};

export const rotateKeyOperation: Operation = {
  ...KEYS,
  id: "rotateKey",
  summary: "Replace a key by a new one",
  description: "The new key has the old one's rights. The old one ends after the overlap.",
  body: { schema: keyRotation, example: { overlapSeconds: 86_400 } },
  answers: { 201: { description: "The new key.", content: issuedKey } },
  failures: ["conflict", "change_pending"],
};

export const revokeKeyOperation: Operation = {
  ...KEYS,
  id: "revokeKey",
  summary: "Revoke a key",
  description: "Effective for everyone when it returns. Revoking a key again changes nothing.",
  answers: { 200: { description: "Since when it is revoked.", content: revocation } },
  failures: ["conflict", "change_pending"],
};

/** `POST /admin/v1/tenants/{id}/keys`. */
export async function postKey(context: AppContext): Promise<Response> {
  const body = await readJson(context);
  if (!body.ok) return problemResponse(context, body.failure);
  const asked = newKey.safeParse(body.value);
  if (!asked.success) return problemResponse(context, { code: "invalid_request", issues: issuesOf(asked.error) });
  const { expiresAt, allowedIps, ...rest } = asked.data;
  const expiresAtMs = expiresAt === null ? null : Date.parse(expiresAt);
  if (expiresAtMs !== null && expiresAtMs <= context.get("services").clock.nowMs()) {
    const issues = [{ path: "expiresAt", message: "must be in the future" }];
    return problemResponse(context, { code: "invalid_request", issues });
  }
  const ranges = allowedIps.map((range) => parseIpRange(range) ?? range);
  const services = context.get("services");
  const tenantId = context.req.param("tenantId") ?? "";
  const issued = await issueKey(services, actorOf(context), tenantId, { ...rest, expiresAtMs, allowedIps: ranges });
  if (!issued.ok) return problemResponse(context, issued.failure);
  return context.json(shownIssuedKey(issued.value, services.clock.nowMs()), 201);
}

/** `GET /admin/v1/tenants/{id}/keys`. */
export async function getKeys(context: AppContext): Promise<Response> {
  const page = readPage(context);
  if (!page.ok) return problemResponse(context, page.failure);
  const services = context.get("services");
  const tenantId = context.req.param("tenantId") ?? "";
  if ((await services.register.tenant(tenantId)) === null) return problemResponse(context, { code: "not_found" });
  const { limit, after } = page.value;
  const keys = await services.register.keysPage(tenantId, { after, limit: limit + 1 });
  const uses = await lastUses(context, tenantId);
  const nowMs = services.clock.nowMs();
  const entry = (key: RegisteredKey) => ({ ...shownKey(key, nowMs), lastUsedAt: isoTime(uses[key.id] ?? null) });
  return context.json(pageOf(keys, limit, { entry, place: (last) => [last.createdAtMs, last.id] }));
}

/** `POST /admin/v1/keys/{keyId}/rotate`. */
export async function postRotation(context: AppContext): Promise<Response> {
  const body = await readJson(context);
  if (!body.ok) return problemResponse(context, body.failure);
  const asked = keyRotation.safeParse(body.value);
  if (!asked.success) return problemResponse(context, { code: "invalid_request", issues: issuesOf(asked.error) });
  const services = context.get("services");
  const keyId = context.req.param("keyId") ?? "";
  const issued = await rotateKey(services, actorOf(context), keyId, asked.data.overlapSeconds * 1000);
  if (!issued.ok) return problemResponse(context, issued.failure);
  return context.json(shownIssuedKey(issued.value, services.clock.nowMs()), 201);
}

/** `POST /admin/v1/keys/{keyId}/revoke`. */
export async function postRevocation(context: AppContext): Promise<Response> {
  const revoked = await revokeKey(context.get("services"), actorOf(context), context.req.param("keyId") ?? "");
  if (!revoked.ok) return problemResponse(context, revoked.failure);
  return context.json({ effectiveAt: isoTime(revoked.value.effectiveAtMs) });
}

async function lastUses(context: AppContext, tenantId: string): Promise<Record<string, number>> {
  const { ledgers } = context.get("services");
  const replies = await Promise.all(
    MODES.map((mode: Mode) => callLedger(ledgers, { tenantId, mode }, (ledger) => ledger.status())),
  );
  return Object.assign({}, ...replies.map((reply) => (reply.ok ? reply.value.lastUsedAtMs : {}))) as Record<
    string,
    number
  >;
}

function shownKey(key: RegisteredKey, nowMs: number) {
  const { id, tenantId, mode, label, scopes, allowedIps, createdAtMs, expiresAtMs, revokedAtMs } = key;
  const hasExpired = expiresAtMs !== null && expiresAtMs <= nowMs;
  return {
    id,
    tenantId,
    mode,
    label,
    scopes,
    allowedIps,
    status: revokedAtMs === null ? (hasExpired ? "expired" : "active") : "revoked",
    createdAt: isoTime(createdAtMs),
    expiresAt: isoTime(expiresAtMs),
    revokedAt: isoTime(revokedAtMs),
  };
}

function shownIssuedKey({ key, registered }: IssuedKey, nowMs: number) {
  return { ...shownKey(registered, nowMs), key: key.text, clientId: key.keyId, clientSecret: key.clientSecret };
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
