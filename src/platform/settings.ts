import { z } from "zod";
import type { Party } from "../domain/export/exported_event.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { AccessSettings } from "./access_identity.ts";
import type { ExportPrivateKey } from "../domain/statement.ts";

const milliseconds = z.coerce.number().int();
const secret = z.string().min(16);
const base64Url32Bytes = z.string().regex(/^[\w-]{43}$/);

/** An Ed25519 private key as a JWK (RFC 8037). `kid` is how manifests name it: a new key needs a new one. */
const signingKey = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "not JSON" });
      return z.NEVER;
    }
  })
  .pipe(
    z.object({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: base64Url32Bytes,
      d: base64Url32Bytes,
      kid: z.string().min(1).max(64),
    }),
  );

/** `team.cloudflareaccess.com`, or that as an origin; written as the origin. */
const teamUrl = z
  .string()
  .transform((text) => (text.includes("://") ? text : `https://${text}`))
  .pipe(z.url({ protocol: /^https?$/ }))
  .transform((url) => new URL(url).origin);

/** The settings as the Worker's vars and secrets give them. */
const schema = z
  .object({
    CLARO_BASE_URL: z.url({ protocol: /^https?$/ }).default("https://api.claro.com.br"),
    CLARO_TOKEN_URL: z.url({ protocol: /^https?$/ }).optional(),
    CLARO_TIMEOUT_MS: milliseconds.min(100).max(60_000).default(10_000),
    CLARO_CONNECT_CHECK: z.enum(["true", "false"]).default("true"),
    CLARO_CLIENT_ID: z.string().min(1),
    CLARO_CLIENT_SECRET: z.string().min(1),
    ADMIN_TOKEN: secret,
    ACCESS_TOKEN_SECRET: secret,
    CPF_HMAC_SECRET: secret,
    IDEMPOTENCY_SECRET: secret,
    EXPORT_SIGNING_KEY: signingKey.optional(),
    ACCESS_TEAM_DOMAIN: teamUrl.optional(),
    ACCESS_AUD: z.string().min(1).optional(),
    ISSUER_LEGAL_NAME: z.string().trim().min(1).max(200).optional(),
    ISSUER_DOCUMENT: z.string().trim().min(1).max(32).optional(),
    ISSUER_ADDRESS: z.string().trim().min(1).max(300).optional(),
    LEDGER_FLUSH_MS: milliseconds.min(100).default(86_400_000),
    LOCAL: z.enum(["true", "false"]).default("false"),
    CLOCK_OFFSET_MS: milliseconds.default(0),
  })
  .refine((vars) => vars.CLOCK_OFFSET_MS === 0 || vars.LOCAL === "true", {
    path: ["CLOCK_OFFSET_MS"],
    message: "is for local use only",
  })
  .refine((vars) => vars.ACCESS_TEAM_DOMAIN === undefined || vars.ACCESS_AUD !== undefined, {
    path: ["ACCESS_AUD"],
    message: "goes with ACCESS_TEAM_DOMAIN",
  })
  .refine((vars) => vars.ACCESS_AUD === undefined || vars.ACCESS_TEAM_DOMAIN !== undefined, {
    path: ["ACCESS_TEAM_DOMAIN"],
    message: "goes with ACCESS_AUD",
  })
  .refine((vars) => vars.LOCAL === "true" || vars.ACCESS_TEAM_DOMAIN?.startsWith("http:") !== true, {
    path: ["ACCESS_TEAM_DOMAIN"],
    message: "is asked over https",
  });

/** All settings under the names that the code uses. Times are milliseconds. */
export type Settings = {
  readonly claro: {
    readonly tokenUrl: string;
    readonly scoresUrl: string;
    readonly clientId: string;
    readonly clientSecret: string;
    /** The whole budget of one lookup with its retries. */
    readonly timeoutMs: number;
    /** Whether a connection is tried before a score call that no recent answer vouches for. */
    readonly connectCheck: boolean;
  };
  readonly adminToken: string;
  readonly accessTokenSecret: string;
  readonly cpfHmacSecret: string;
  readonly idempotencySecret: string;
  /** Signs the statements of closed months; null where there is none yet, and then no month can be closed. */
  readonly exportSigningKey: ExportPrivateKey | null;
  /** Who bills, as documents name it. */
  readonly issuer: Party;
  /** Null where no Cloudflare Access stands before the admin API. */
  readonly access: AccessSettings | null;
  /** An intent that nobody settled for this long becomes `unknown`. */
  readonly intentTtlMs: number;
  readonly ledgerFlushMs: number;
  readonly clockOffsetMs: number;
};

/** Names of the settings that are missing or malformed, never their values. */
export type SettingsFailure = { readonly names: readonly string[] };

const read = new WeakMap<object, Result<Settings, SettingsFailure>>();

/** Checks the settings, once for each isolate. */
export function readSettings(env: object): Result<Settings, SettingsFailure> {
  let settings = read.get(env);
  if (settings === undefined) read.set(env, (settings = parseSettings(env)));
  return settings;
}

function parseSettings(env: object): Result<Settings, SettingsFailure> {
  const parsed = schema.safeParse(env);
  if (!parsed.success) return fail({ names: [...new Set(parsed.error.issues.map((issue) => issue.path.join(".")))] });
  const vars = parsed.data;
  const baseUrl = vars.CLARO_BASE_URL.replace(/\/+$/, "");
  return ok({
    claro: {
      tokenUrl: vars.CLARO_TOKEN_URL ?? `${baseUrl}/oauth2/v1/token`,
      scoresUrl: `${baseUrl}/customers/v1/scores`,
      clientId: vars.CLARO_CLIENT_ID,
      clientSecret: vars.CLARO_CLIENT_SECRET,
      timeoutMs: vars.CLARO_TIMEOUT_MS,
      connectCheck: vars.CLARO_CONNECT_CHECK === "true",
    },
    adminToken: vars.ADMIN_TOKEN,
    accessTokenSecret: vars.ACCESS_TOKEN_SECRET,
    cpfHmacSecret: vars.CPF_HMAC_SECRET,
    idempotencySecret: vars.IDEMPOTENCY_SECRET,
    exportSigningKey: vars.EXPORT_SIGNING_KEY ?? null,
    issuer: {
      name: null,
      legalName: vars.ISSUER_LEGAL_NAME ?? null,
      document: vars.ISSUER_DOCUMENT ?? null,
      address: vars.ISSUER_ADDRESS ?? null,
    },
    access:
      vars.ACCESS_TEAM_DOMAIN === undefined || vars.ACCESS_AUD === undefined
        ? null
        : { issuer: vars.ACCESS_TEAM_DOMAIN, audience: vars.ACCESS_AUD },
    // Longer than any lookup can run, so that what is in flight is never declared unknown.
    intentTtlMs: 2 * vars.CLARO_TIMEOUT_MS + 10_000,
    ledgerFlushMs: vars.LEDGER_FLUSH_MS,
    clockOffsetMs: vars.CLOCK_OFFSET_MS,
  });
}
