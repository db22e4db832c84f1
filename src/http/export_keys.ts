import * as z from "zod";
import { fail, ok } from "../domain/result.ts";
import { EXPORT_KEYS_PATH } from "../domain/statement.ts";
import { publicEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { timeField } from "./shared_fields.ts";

export const exportKey = z.object({
  kty: z.literal("OKP").meta(told({ "pt-BR": "O tipo da chave.", en: "The key's type." })),
  crv: z.literal("Ed25519").meta(told({ "pt-BR": "A curva.", en: "The curve." })),
  x: z
    .string()
    .meta(
      told(
        { "pt-BR": "A chave pública, em base64url.", en: "The public key, in base64url." },
        { examples: ["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"] },
      ),
    ),
  kid: z
    .string()
    .meta(
      told(
        { "pt-BR": "O nome da chave: o `keyId` do manifesto.", en: "The key's name: the manifest's `keyId`." },
        { examples: ["export-2026"] },
      ),
    ),
  validFrom: timeField({
    "pt-BR": "Quando assinou pela primeira vez; `null` para a que ainda não assinou.",
    en: "When it signed first; null for one that has signed nothing yet.",
  }).nullable(),
  validUntil: timeField({
    "pt-BR": "Quando outra a substituiu; `null` enquanto assina.",
    en: "When another took its place; null while it signs.",
  }).nullable(),
  revokedAt: timeField({
    "pt-BR":
      "Quando foi revogada: o que assinou só vale onde um mês posterior, assinado por outra, o confirma; senão `null`.",
    en: "When it was disowned: what it signed counts only where a later month, signed by another, names it; else null.",
  }).nullable(),
});

const exportKeys = z
  .object({
    keys: z.array(exportKey).meta(
      told({
        "pt-BR": "Todas as chaves que já assinaram um manifesto.",
        en: "Every key that ever signed a manifest.",
      }),
    ),
  })
  .meta({ id: "ExportKeys" });

/** `GET /.well-known/claro-score-gateway/export-keys.json`. */
export const getExportKeys = publicEndpoint({
  method: "GET",
  path: EXPORT_KEYS_PATH,
  id: "getExportKeys",
  tag: "Statements",
  summary: { "pt-BR": "As chaves que assinam os extratos", en: "The keys that statements are signed with" },
  description: {
    "pt-BR":
      "Chaves públicas Ed25519 (RFC 8037), todas as que já assinaram um manifesto; `kid` é o `keyId` do manifesto.",
    en: "Ed25519 public keys (RFC 8037), every one that ever signed a manifest; `kid` is the manifest's `keyId`.",
  },
  answers: { 200: { description: { "pt-BR": "As chaves.", en: "The keys." }, content: exportKeys } },
  failures: ["statement_unavailable"],
  handle: async ({ context, services: { publishedKeys, settings } }) => {
    const used = await publishedKeys.used();
    if (used === null) return fail({ code: "statement_unavailable", retryAfterSeconds: 5 });
    // Published before it signs anything, and while it is being replaced.
    const set = [settings.previousExportKey, settings.exportSigningKey].filter((key) => key !== null);
    const unused = set
      .filter(({ kid }) => !used.some((key) => key.kid === kid))
      .map(({ kty, crv, x, kid }) => ({ kty, crv, x, kid, validFrom: null, validUntil: null, revokedAt: null }));
    return ok(context.json({ keys: [...used, ...unused] }, 200, { "cache-control": "public, max-age=300" }));
  },
});
