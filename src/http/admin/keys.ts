import * as z from "zod";
import { DEFAULT_SCOPES, SCOPES } from "../../domain/api_key.ts";
import { parseIpRange } from "../../domain/authorization.ts";
import type { Failure } from "../../domain/failure.ts";
import { isoTime } from "../../domain/instant.ts";
import { lifeState } from "../../domain/life_state.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import {
  changeKey as change,
  issueKey as issueNewKey,
  revokeKey as revoke,
  revokeKeyNow as revokeNow,
  rotateKey as rotate,
  type IssuedKey,
} from "../../gateway/keys.ts";
import { callLedger } from "../../platform/ledger/ledger_client.ts";
import { MODES, type Mode } from "../../domain/meter_event.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import type { AppContext } from "../context.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer, pageOf, pageQuery } from "../paging.ts";
import { freeText } from "../printable.ts";
import { tenantIdField, timeField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";
import { DEFAULTS, keyDefaults, keyLimits, LIMITS, shownDefaults, shownLimits } from "./key_terms.ts";

const LIST = "keys";

const LONGEST_OVERLAP_SECONDS = 90 * 86_400;

const MODE = told(
  { "pt-BR": "Uma chave de teste nunca chega à Claro.", en: "A test key never reaches Claro." },
  { examples: ["live"] },
);
const LABEL = told(
  {
    "pt-BR": "Para que a chave serve; aparece nos arquivos exportados.",
    en: "What the key is for; it is shown in exports.",
  },
  { examples: ["checkout"] },
);
const SCOPE_LIST = told(
  {
    "pt-BR": "O que a chave pode fazer; `keys:manage` só quando é pedido.",
    en: "What the key may do; `keys:manage` only where it is asked for.",
  },
  { examples: [["scores:read", "usage:read"]] },
);
const EXPIRES = told(
  { "pt-BR": "Quando vence; `null` é nunca.", en: "When it expires; null is never." },
  { examples: ["2027-11-27T03:00:00.000Z"] },
);
const IPS = told(
  {
    "pt-BR": "De que endereços pode ser usada; vazio: de qualquer um.",
    en: "Where it may be used from; empty: from anywhere.",
  },
  { examples: [["203.0.113.0/24"]] },
);

export const newKey = z
  .strictObject({
    mode: z.enum(MODES).meta(MODE),
    label: z.string().trim().pipe(freeText(100)).nullable().default(null).meta(LABEL),
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .default([...DEFAULT_SCOPES])
      .transform((scopes) => [...new Set(scopes)])
      .meta(SCOPE_LIST),
    expiresAt: z.iso
      .datetime({ offset: true, error: issue("date_time") })
      .nullable()
      .default(null)
      .meta(EXPIRES),
    allowedIps: z
      .array(z.string().refine((range) => parseIpRange(range) !== null, issue("cidr")))
      .max(100)
      .default([])
      .meta(IPS),
    limits: keyLimits.default(null).meta(LIMITS),
    defaults: keyDefaults.default(null).meta(DEFAULTS),
  })
  .meta({ id: "NewKey" });

const keyChange = z
  .strictObject({ limits: keyLimits.optional().meta(LIMITS), defaults: keyDefaults.optional().meta(DEFAULTS) })
  .meta({ id: "KeyChange" });

export const keyRotation = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(LONGEST_OVERLAP_SECONDS)
      .default(86_400)
      .meta(
        told(
          { "pt-BR": "Por quantos segundos a chave antiga ainda vale.", en: "How many seconds the old key goes on." },
          { examples: [86_400] },
        ),
      ),
  })
  .meta({ id: "KeyRotation" });

const shownFields = {
  id: z
    .string()
    .meta(
      told(
        { "pt-BR": "O id da chave; não é secreto.", en: "The key's id; it is no secret." },
        { examples: ["csg_live_a1B2c3D4e5"] },
      ),
    ),
  tenantId: tenantIdField,
  mode: z.enum(MODES).meta(MODE),
  label: z.string().nullable().meta(LABEL),
  scopes: z.array(z.enum(SCOPES)).meta(SCOPE_LIST),
  allowedIps: z.array(z.string()).meta(IPS),
  status: z
    .enum(["active", "expired", "revoked"])
    .meta(told({ "pt-BR": "Se a chave funciona.", en: "Whether the key works." }, { examples: ["active"] })),
  createdAt: timeField({ "pt-BR": "Quando foi criada.", en: "When it was created." }),
  expiresAt: z.iso.datetime().nullable().meta(EXPIRES),
  revokedAt: timeField({ "pt-BR": "Quando foi revogada.", en: "When it was revoked." }).nullable(),
  limits: shownLimits,
  defaults: shownDefaults,
};

const shownKeySchema = z.object(shownFields).meta({ id: "ChangedKey" });

export const listedKey = z
  .object({
    ...shownFields,
    lastUsedAt: timeField({
      "pt-BR": "O último uso, com precisão de minuto.",
      en: "Its last use, to the minute.",
    }).nullable(),
  })
  .meta({ id: "Key" });

const SECRET = "a1B2c3D4e5f6G7h8I9j0K1l2M3n4O5p6";

export const issuedKey = z
  .object({
    ...shownFields,
    key: z
      .string()
      .meta(
        told(
          { "pt-BR": "A chave de API. Não será mostrada de novo.", en: "The API key. It is never shown again." },
          { examples: [`csg_live_a1B2c3D4e5_${SECRET}`] },
        ),
      ),
    clientId: z
      .string()
      .meta(told({ "pt-BR": "O mesmo que `id`.", en: "The same as `id`." }, { examples: ["csg_live_a1B2c3D4e5"] })),
    clientSecret: z
      .string()
      .meta(told({ "pt-BR": "A última parte da chave.", en: "The key's last part." }, { examples: [SECRET] })),
  })
  .meta({ id: "IssuedKey" });

export const revocation = z
  .object({
    effectiveAt: timeField({ "pt-BR": "Desde quando a chave não vale mais.", en: "Since when the key is no good." }),
  })
  .meta({ id: "Revocation" });

const ledgerRevocation = z
  .object({
    ...revocation.shape,
    registered: z.boolean().meta(
      told(
        {
          "pt-BR": "Se o cadastro já tem a revogação; senão, a varredura a registra.",
          en: "Whether the register has it already; else the sweep will write it down.",
        },
        { examples: [true] },
      ),
    ),
  })
  .meta({ id: "LedgerRevocation" });

const KEYS = { tag: "Keys", headers: HEADERS.cacheControl } as const;
const CHANGE = { role: "operate", audit: "in_change", failures: ["not_found", "conflict", "change_pending"] } as const;

/** `POST /admin/v1/tenants/{id}/keys`. */
export const issueKey = operatorEndpoint({
  ...KEYS,
  ...CHANGE,
  method: "POST",
  path: "/admin/v1/tenants/:tenantId/keys",
  id: "issueKey",
  summary: { "pt-BR": "Emitir uma chave de API", en: "Issue an API key" },
  description: {
    "pt-BR": "A chave aparece só nesta resposta.",
    en: "The answer is the only time that the key is seen.",
  },
  body: { schema: newKey, example: { mode: "live", label: "checkout" } },
  answers: { 201: { description: { "pt-BR": "A chave.", en: "The key." }, content: issuedKey } },
  handle: async ({ context, services, actor, params: { tenantId }, body }) => {
    const asked = readNewKey(body, services.clock.nowMs());
    if (!asked.ok) return asked;
    const issued = await issueNewKey(services, actor, tenantId, asked.value);
    return issued.ok ? ok(context.json(shownIssuedKey(issued.value, services.clock.nowMs()), 201)) : issued;
  },
});

/** `GET /admin/v1/tenants/{id}/keys`. */
export const listKeys = operatorEndpoint({
  ...KEYS,
  method: "GET",
  path: "/admin/v1/tenants/:tenantId/keys",
  id: "listKeys",
  summary: { "pt-BR": "Listar as chaves de um parceiro", en: "List a tenant's keys" },
  role: "read",
  query: pageQuery(LIST),
  answers: {
    200: {
      description: { "pt-BR": "Uma página de chaves, sem os segredos.", en: "A page of keys, without their secrets." },
      content: pageAnswer(listedKey),
    },
  },
  handle: async ({ context, services, params: { tenantId }, query: { limit, cursor } }) => {
    if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
    const keys = await services.register.keysPage(tenantId, { after: cursor ?? null, limit: limit + 1 });
    const uses = await lastUses(context, tenantId);
    const nowMs = services.clock.nowMs();
    const entry = (key: RegisteredKey) => shownListedKey(key, nowMs, uses);
    return ok(
      context.json(
        pageOf(context, { list: LIST, entries: keys, limit }, { entry, place: (last) => [last.createdAtMs, last.id] }),
      ),
    );
  },
});

/** `PATCH /admin/v1/keys/{keyId}`. */
export const changeKey = operatorEndpoint({
  ...KEYS,
  ...CHANGE,
  method: "PATCH",
  path: "/admin/v1/keys/:keyId",
  id: "changeKey",
  summary: { "pt-BR": "Alterar limites e padrões de uma chave", en: "Change a key's limits and defaults" },
  description: {
    "pt-BR": "Vale para as consultas assim que a resposta chega. O que é dado substitui o anterior por inteiro.",
    en: "Effective for lookups when it returns. What is given takes the place of what was there, whole.",
  },
  body: { schema: keyChange, example: { limits: { dailyLookups: 5000 } } },
  answers: { 200: { description: { "pt-BR": "A chave.", en: "The key." }, content: shownKeySchema } },
  handle: async ({ context, services, actor, params: { keyId }, body }) => {
    const changed = await change(services, actor, keyId, body);
    return changed.ok ? ok(context.json(shownKey(changed.value, services.clock.nowMs()))) : changed;
  },
});

/** `POST /admin/v1/keys/{keyId}/rotate`. */
export const rotateKey = operatorEndpoint({
  ...KEYS,
  ...CHANGE,
  method: "POST",
  path: "/admin/v1/keys/:keyId/rotate",
  id: "rotateKey",
  summary: { "pt-BR": "Trocar uma chave por uma nova", en: "Replace a key by a new one" },
  description: {
    "pt-BR": "A chave nova tem os direitos da antiga. A antiga vence depois da sobreposição.",
    en: "The new key has the old one's rights. The old one ends after the overlap.",
  },
  body: { schema: keyRotation, isOptional: true, example: { overlapSeconds: 86_400 } },
  answers: { 201: { description: { "pt-BR": "A chave nova.", en: "The new key." }, content: issuedKey } },
  handle: async ({ context, services, actor, params: { keyId }, body }) => {
    const issued = await rotate(services, actor, keyId, { overlapMs: body.overlapSeconds * 1000 });
    return issued.ok ? ok(context.json(shownIssuedKey(issued.value, services.clock.nowMs()), 201)) : issued;
  },
});

/** `POST /admin/v1/keys/{keyId}/revoke`. */
export const revokeKey = operatorEndpoint({
  ...KEYS,
  ...CHANGE,
  method: "POST",
  path: "/admin/v1/keys/:keyId/revoke",
  id: "revokeKey",
  summary: { "pt-BR": "Revogar uma chave", en: "Revoke a key" },
  description: {
    "pt-BR": "Vale para todos assim que a resposta chega. Revogar de novo não muda nada.",
    en: "Effective for everyone when it returns. Revoking a key again changes nothing.",
  },
  answers: {
    200: {
      description: { "pt-BR": "Desde quando está revogada.", en: "Since when it is revoked." },
      content: revocation,
    },
  },
  handle: async ({ context, services, actor, params: { keyId } }) => {
    const revoked = await revoke(services, actor, keyId);
    return revoked.ok ? ok(context.json({ effectiveAt: isoTime(revoked.value.effectiveAtMs) })) : revoked;
  },
});

/** `POST /admin/v1/tenants/{id}/keys/{keyId}/revoke-now`. */
export const revokeKeyNow = operatorEndpoint({
  ...KEYS,
  role: "operate",
  audit: "in_change",
  failures: ["not_found", "ledger_unavailable"],
  method: "POST",
  path: "/admin/v1/tenants/:tenantId/keys/:keyId/revoke-now",
  id: "revokeKeyNow",
  summary: { "pt-BR": "Revogar uma chave só no ledger", en: "Revoke a key in its ledger" },
  description: {
    "pt-BR":
      "Para quando o D1 está fora do ar, ou foi restaurado e não conhece a chave. Vale assim que a resposta chega; o " +
      "cadastro e a auditoria acompanham logo, ou na varredura seguinte.",
    en:
      "For when D1 is away, or was restored and does not know the key. Effective when it returns; the register and the " +
      "audit follow now, or with a later sweep.",
  },
  answers: {
    200: {
      description: { "pt-BR": "Desde quando está revogada.", en: "Since when it is revoked." },
      content: ledgerRevocation,
    },
  },
  handle: async ({ context, services, actor, params: { tenantId, keyId } }) => {
    const revoked = await revokeNow(services, actor, { tenantId, keyId });
    if (!revoked.ok) return revoked;
    const { effectiveAtMs, isRegistered: registered } = revoked.value;
    return ok(context.json({ effectiveAt: isoTime(effectiveAtMs), registered }));
  },
});

/** A new key as it is asked for in a body. */
export function readNewKey<Asked extends { expiresAt: string | null; allowedIps: readonly string[] }>(
  { expiresAt, allowedIps, ...rest }: Asked,
  nowMs: number,
): Result<Omit<Asked, "expiresAt" | "allowedIps"> & { expiresAtMs: number | null; allowedIps: string[] }, Failure> {
  const expiresAtMs = expiresAt === null ? null : Date.parse(expiresAt);
  if (expiresAtMs !== null && expiresAtMs <= nowMs) return invalidRequest("expiresAt", "in_the_past");
  return ok({ ...rest, expiresAtMs, allowedIps: allowedIps.map((range) => parseIpRange(range) ?? range) });
}

export async function lastUses(context: AppContext, tenantId: string): Promise<Record<string, number>> {
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
  const { id, tenantId, mode, label, scopes, allowedIps, createdAtMs, expiresAtMs, revokedAtMs, limits, defaults } =
    key;
  return {
    id,
    tenantId,
    mode,
    label,
    scopes,
    allowedIps,
    status: lifeState(key, nowMs),
    createdAt: isoTime(createdAtMs),
    expiresAt: isoTime(expiresAtMs),
    revokedAt: isoTime(revokedAtMs),
    limits,
    defaults,
  };
}

export function shownListedKey(key: RegisteredKey, nowMs: number, uses: Readonly<Record<string, number>>) {
  return { ...shownKey(key, nowMs), lastUsedAt: isoTime(uses[key.id] ?? null) };
}

export function shownIssuedKey({ key, registered }: IssuedKey, nowMs: number) {
  return { ...shownKey(registered, nowMs), key: key.text, clientId: key.keyId, clientSecret: key.clientSecret };
}
