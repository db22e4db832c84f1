import { z } from "zod";
import type { ZodOpenApiSecuritySchemeObject } from "zod-openapi";
import type { Access, HeaderSchemas, Tag } from "./operation.ts";

/** What stands in paths as `:name`. */
export const PATH_PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  tenantId: z.string().meta({ description: "A tenant's id.", examples: ["ten_0123456789abcdef0123"] }),
  keyId: z.string().meta({ description: "The first part of an API key.", examples: ["csg_live_a1B2c3D4e5"] }),
  period: z
    .string()
    .regex(/^[0-9]{4}-(?:0[1-9]|1[0-2])$/)
    .meta({ description: "A month of `America/Sao_Paulo`.", examples: ["2026-11"] }),
  file: z.string().meta({ description: "A file of the statement.", examples: ["events.csv"] }),
};

function header(id: string, description: string, example: string): z.ZodType {
  return z
    .string()
    .optional()
    .meta({ description, examples: [example], header: { id } });
}

/** Headers of answers by name. All are optional to the document: a failure may come before there is anything to say. */
export const HEADERS = {
  requestId: {
    "X-Request-Id": z.string().meta({
      description: "The caller's own when it is 1 to 128 of `[A-Za-z0-9._-]`, else made.",
      examples: ["7b1c2f0e-6a53-4f0c-9a57-1d2f3b4c5d6e"],
      header: { id: "X-Request-Id", required: true },
    }),
  },
  cacheControl: {
    "Cache-Control": header("Cache-Control", "Nothing of this may be stored by a cache.", "no-store"),
  },
  location: { Location: header("Location", "Where the new entry is.", "/admin/v1/tenants/ten_0123456789abcdef0123") },
  retryAfter: {
    "Retry-After": header("Retry-After", "Whole seconds after which a repeat can help.", "5"),
  },
  authenticate: {
    "WWW-Authenticate": header("WWW-Authenticate", "How to authenticate.", 'Bearer realm="claro-score-gateway"'),
  },
  limits: {
    "RateLimit-Policy": header(
      "RateLimit-Policy",
      "What is granted (IETF draft ratelimit-headers): `q` lookups in `w` seconds, and the plan's allowance.",
      '"rate";q=50;w=1, "allowance";q=1000',
    ),
    RateLimit: header(
      "RateLimit",
      "What is left of it: `r` lookups, and more in `t` seconds.",
      '"rate";r=49;t=1, "allowance";r=999',
    ),
  },
  timing: {
    "Server-Timing": header(
      "Server-Timing",
      "Milliseconds of each step of the lookup.",
      "auth;dur=0, admit;dur=3, claro;dur=180, settle;dur=3",
    ),
  },
  replayed: {
    "Idempotency-Replayed": header(
      "Idempotency-Replayed",
      "`true` when this is the answer that an earlier request with the same `Idempotency-Key` got.",
      "true",
    ),
  },
  statement: {
    "Statement-Status": header("Statement-Status", "Whether the month is `open` or `closed`.", "open"),
    "Content-Disposition": header(
      "Content-Disposition",
      "The name to save the file under.",
      'attachment; filename="ten_0123456789abcdef0123-2026-11-open-events.csv"',
    ),
  },
  language: {
    "Content-Language": header("Content-Language", "The language of `detail`.", "pt-BR"),
  },
} as const satisfies Record<string, HeaderSchemas>;

/** `X-Request-Id` as callers may send it with every request. */
export const requestIdParameter = z
  .string()
  .optional()
  .meta({ description: "Your own id of the request, 1 to 128 of `[A-Za-z0-9._-]`.", param: { id: "X-Request-Id" } });

export const SECURITY_SCHEMES: Readonly<Record<string, ZodOpenApiSecuritySchemeObject>> = {
  apiKey: { type: "http", scheme: "bearer", description: "An API key, `csg_live_…` or `csg_test_…`." },
  apiKeyHeader: { type: "apiKey", in: "header", name: "x-api-key", description: "The same API key." },
  clientCredentials: {
    type: "http",
    scheme: "basic",
    description: "Key id and secret. Claro's own header `x-client-auth: Basic …` is taken as well.",
  },
  issuedToken: {
    type: "http",
    scheme: "bearer",
    description: "A token of `/oauth2/v1/token`. Claro's own header `x-client-auth: Bearer …` is taken as well.",
  },
  operator: { type: "http", scheme: "bearer", description: "The operator's `ADMIN_TOKEN`." },
};

/** Each entry of a list is one way in. */
export const SECURITY: Readonly<Record<Access, readonly Record<string, string[]>[]>> = {
  anyone: [],
  "api-key": [{ apiKey: [] }, { apiKeyHeader: [] }],
  "client-credentials": [{ clientCredentials: [] }],
  "issued-token": [{ issuedToken: [] }],
  operator: [{ operator: [] }],
};

export const TAGS: Readonly<Record<Tag, string>> = {
  Scores: "A CPF's score.",
  "Claro's shape": "The same lookup as Claro offers it, for integrations that exist: change host, key and secret.",
  Usage: "What was asked, answered and billed.",
  Statements: "What a month comes to, and its events as files.",
  Gateway: "The gateway itself.",
  Tenants: "For the operator: tenants and their plans.",
  Keys: "For the operator: the tenants' API keys.",
  Operations: "For the operator: closing months, corrections, audit and health.",
};
