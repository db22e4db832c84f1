import * as z from "zod";
import { SCOPES } from "../domain/api_key.ts";
import { isoTime } from "../domain/instant.ts";
import { ok } from "../domain/result.ts";
import { issueOwnKey, managerByKey, revokeOwnKey, rotateOwnKey } from "../gateway/own_keys.ts";
import {
  issuedKey,
  keyRotation,
  lastUses,
  listedKey,
  newKey,
  readNewKey,
  revocation,
  shownIssuedKey,
  shownListedKey,
} from "./admin/keys.ts";
import { tenantEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { HEADERS } from "./openapi_parts.ts";
import { pageAnswer, pageOf, pageQuery } from "./paging.ts";

const LIST = "own-keys";

const OWN_KEYS = {
  tag: "Keys",
  scope: "keys:manage",
  limit: "read",
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
} as const;
const CHANGE = { failures: ["not_found", "conflict", "change_pending"] } as const;

const ownNewKey = newKey
  .extend({
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .transform((scopes) => [...new Set(scopes)])
      .optional()
      .meta(
        told(
          {
            "pt-BR": "O que a chave pode fazer; padrão: o que a chave que chama pode, menos `keys:manage`.",
            en: "What the key may do; default: what the calling key may, but for `keys:manage`.",
          },
          { examples: [["scores:read"]] },
        ),
      ),
  })
  .meta({ id: "OwnNewKey" });

/** `GET /v1/keys`. */
export const listOwnKeys = tenantEndpoint({
  ...OWN_KEYS,
  method: "GET",
  path: "/v1/keys",
  id: "listOwnKeys",
  summary: { "pt-BR": "Listar as próprias chaves", en: "List one's own keys" },
  description: {
    "pt-BR": "As chaves do parceiro, sem os segredos. Uma chave de teste só vê as de teste.",
    en: "The tenant's keys, without their secrets. A test key sees test keys only.",
  },
  query: pageQuery(LIST),
  answers: {
    200: { description: { "pt-BR": "Uma página de chaves.", en: "A page of keys." }, content: pageAnswer(listedKey) },
  },
  handle: async ({ context, services, caller: { tenantId, mode }, query: { limit, cursor } }) => {
    const page = { after: cursor ?? null, limit: limit + 1, mode: mode === "test" ? mode : null };
    const keys = await services.register.keysPage(tenantId, page);
    const uses = await lastUses(context, tenantId);
    const nowMs = services.clock.nowMs();
    context.header("Cache-Control", "no-store");
    const entry = (key: (typeof keys)[number]) => shownListedKey(key, nowMs, uses);
    return ok(
      context.json(
        pageOf(context, { list: LIST, entries: keys, limit }, { entry, place: (last) => [last.createdAtMs, last.id] }),
      ),
    );
  },
});

/** `POST /v1/keys`. */
export const issueOwn = tenantEndpoint({
  ...OWN_KEYS,
  ...CHANGE,
  method: "POST",
  path: "/v1/keys",
  id: "issueOwnKey",
  summary: { "pt-BR": "Criar uma chave própria", en: "Create a key of one's own" },
  description: {
    "pt-BR":
      "A chave aparece só nesta resposta. Ela não tem direitos que a chave que chama não tenha: o que não é informado " +
      "(endereços, validade) é igual ao dela.",
    en:
      "The answer is the only time that the key is seen. It has no rights that the calling key does not have: what is " +
      "not given (addresses, expiry) is as that one's.",
  },
  body: { schema: ownNewKey, example: { mode: "live", label: "checkout" } },
  answers: { 201: { description: { "pt-BR": "A chave.", en: "The key." }, content: issuedKey } },
  handle: async ({ context, services, caller, body }) => {
    const asked = readNewKey(body, services.clock.nowMs());
    if (!asked.ok) return asked;
    const issued = await issueOwnKey(services, await managerByKey(services, caller), asked.value);
    context.header("Cache-Control", "no-store");
    return issued.ok ? ok(context.json(shownIssuedKey(issued.value, services.clock.nowMs()), 201)) : issued;
  },
});

/** `POST /v1/keys/{keyId}/rotate`. */
export const rotateOwn = tenantEndpoint({
  ...OWN_KEYS,
  ...CHANGE,
  method: "POST",
  path: "/v1/keys/:keyId/rotate",
  id: "rotateOwnKey",
  summary: { "pt-BR": "Trocar uma chave própria por uma nova", en: "Replace one's own key by a new one" },
  description: {
    "pt-BR":
      "A chave nova tem os direitos da antiga, e não vence depois da chave que chama. A antiga vence depois da sobreposição.",
    en: "The new key has the old one's rights, and does not outlive the calling key. The old one ends after the overlap.",
  },
  body: { schema: keyRotation, isOptional: true, example: { overlapSeconds: 86_400 } },
  answers: { 201: { description: { "pt-BR": "A chave nova.", en: "The new key." }, content: issuedKey } },
  handle: async ({ context, services, caller, params: { keyId }, body }) => {
    const manager = await managerByKey(services, caller);
    const issued = await rotateOwnKey(services, manager, { keyId, overlapMs: body.overlapSeconds * 1000 });
    context.header("Cache-Control", "no-store");
    return issued.ok ? ok(context.json(shownIssuedKey(issued.value, services.clock.nowMs()), 201)) : issued;
  },
});

/** `POST /v1/keys/{keyId}/revoke`. */
export const revokeOwn = tenantEndpoint({
  ...OWN_KEYS,
  ...CHANGE,
  method: "POST",
  path: "/v1/keys/:keyId/revoke",
  id: "revokeOwnKey",
  summary: { "pt-BR": "Revogar uma chave própria", en: "Revoke one's own key" },
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
  handle: async ({ context, services, caller, params: { keyId } }) => {
    const revoked = await revokeOwnKey(services, await managerByKey(services, caller), keyId);
    context.header("Cache-Control", "no-store");
    return revoked.ok ? ok(context.json({ effectiveAt: isoTime(revoked.value.effectiveAtMs) })) : revoked;
  },
});
