import * as z from "zod";
import type { ZodOpenApiSecuritySchemeObject } from "zod-openapi";
import type { Access, Credential, HeaderSchemas, Tag } from "./endpoint.ts";
import { told, type Text } from "./language.ts";

function header(id: string, text: Text, example: string): z.ZodType {
  return z
    .string()
    .optional()
    .meta({ ...told(text, { examples: [example] }), header: { id } });
}

function parameter(id: string, text: Text, example: string): z.ZodType {
  return z
    .string()
    .optional()
    .meta({ ...told(text, { examples: [example] }), param: { id } });
}

/** Headers of answers by name. All are optional to the document: a failure may come before there is anything to say. */
export const HEADERS = {
  requestId: {
    "X-Request-Id": z.string().meta({
      ...told(
        {
          "pt-BR": "O id que você enviou, se servir (1 a 128 de `[A-Za-z0-9._-]`), ou um novo.",
          en: "The caller's own when it is 1 to 128 of `[A-Za-z0-9._-]`, else made.",
        },
        { examples: ["7b1c2f0e-6a53-4f0c-9a57-1d2f3b4c5d6e"] },
      ),
      header: { id: "X-Request-Id", required: true },
    }),
  },
  traceParent: {
    traceparent: header(
      "traceparent",
      {
        "pt-BR": "O que você enviou, se for um `traceparent` do W3C; está também no log.",
        en: "The caller's own where it is a W3C `traceparent`; it is in the log, too.",
      },
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
  },
  cacheControl: {
    "Cache-Control": header(
      "Cache-Control",
      { "pt-BR": "Nada disto pode ficar em cache.", en: "Nothing of this may be stored by a cache." },
      "no-store",
    ),
  },
  location: {
    Location: header(
      "Location",
      { "pt-BR": "Onde está o que foi criado.", en: "Where the new entry is." },
      "/admin/v1/tenants/ten_0123456789abcdef0123",
    ),
  },
  retryAfter: {
    "Retry-After": header(
      "Retry-After",
      {
        "pt-BR": "Segundos depois dos quais vale a pena repetir; no máximo uma hora.",
        en: "Whole seconds after which a repeat can help; at most an hour.",
      },
      "5",
    ),
  },
  authenticate: {
    "WWW-Authenticate": header(
      "WWW-Authenticate",
      { "pt-BR": "Como se autenticar.", en: "How to authenticate." },
      'Bearer realm="claro-score-gateway"',
    ),
  },
  limits: {
    "RateLimit-Policy": header(
      "RateLimit-Policy",
      {
        "pt-BR":
          "O que o plano concede (rascunho IETF ratelimit-headers): `q` consultas em `w` segundos, e a franquia.",
        en: "What is granted (IETF draft ratelimit-headers): `q` lookups in `w` seconds, and the plan's allowance.",
      },
      '"rate";q=50;w=1, "allowance";q=1000',
    ),
    RateLimit: header(
      "RateLimit",
      {
        "pt-BR": "O que resta: `r` consultas, e mais em `t` segundos.",
        en: "What is left of it: `r` lookups, and more in `t` seconds.",
      },
      '"rate";r=49;t=1, "allowance";r=999',
    ),
  },
  timing: {
    "Server-Timing": header(
      "Server-Timing",
      { "pt-BR": "Milissegundos de cada passo da consulta.", en: "Milliseconds of each step of the lookup." },
      "auth;dur=0, admit;dur=3, claro;dur=180, settle;dur=3",
    ),
  },
  replayed: {
    "Idempotency-Replayed": header(
      "Idempotency-Replayed",
      {
        "pt-BR": "`true` quando esta é a resposta que uma requisição anterior com a mesma `Idempotency-Key` recebeu.",
        en: "`true` when this is the answer that an earlier request with the same `Idempotency-Key` got.",
      },
      "true",
    ),
  },
  statement: {
    "Statement-Status": header(
      "Statement-Status",
      { "pt-BR": "Se o mês está `open` ou `closed`.", en: "Whether the month is `open` or `closed`." },
      "open",
    ),
    "Content-Disposition": header(
      "Content-Disposition",
      { "pt-BR": "O nome com que salvar o arquivo.", en: "The name to save the file under." },
      'attachment; filename="ten_0123456789abcdef0123-2026-11-open-events.csv"',
    ),
  },
  language: {
    "Content-Language": header(
      "Content-Language",
      { "pt-BR": "O idioma de `detail` e `issues`.", en: "The language of `detail` and `issues`." },
      "pt-BR",
    ),
  },
} as const satisfies Record<string, HeaderSchemas>;

/** What callers may send with every request. */
export const REQUEST_HEADERS = {
  "X-Request-Id": parameter(
    "X-Request-Id",
    {
      "pt-BR": "O seu próprio id da requisição, de 1 a 128 de `[A-Za-z0-9._-]`.",
      en: "Your own id of the request, 1 to 128 of `[A-Za-z0-9._-]`.",
    },
    "pedido-1234-tentativa-1",
  ),
  traceparent: parameter(
    "traceparent",
    {
      "pt-BR": "O trace de que a requisição faz parte (W3C Trace Context).",
      en: "The trace that the request is part of (W3C Trace Context).",
    },
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  ),
} as const satisfies HeaderSchemas;

/** What every answer may carry. */
export const ANSWER_HEADERS = { ...HEADERS.requestId, ...HEADERS.traceParent } as const satisfies HeaderSchemas;

type SecurityName = "apiKey" | "apiKeyHeader" | "clientCredentials" | "issuedToken" | "operator";

export const SECURITY_SCHEMES: Readonly<Record<SecurityName, ZodOpenApiSecuritySchemeObject>> = {
  apiKey: {
    type: "http",
    scheme: "bearer",
    ...told({
      "pt-BR": "Uma chave de API, `csg_live_…` ou `csg_test_…`.",
      en: "An API key, `csg_live_…` or `csg_test_…`.",
    }),
  },
  apiKeyHeader: {
    type: "apiKey",
    in: "header",
    name: "x-api-key",
    ...told({ "pt-BR": "A mesma chave de API.", en: "The same API key." }),
  },
  clientCredentials: {
    type: "http",
    scheme: "basic",
    ...told({
      "pt-BR": "O id e o segredo da chave. O cabeçalho da Claro, `x-client-auth: Basic …`, também é aceito.",
      en: "Key id and secret. Claro's own header `x-client-auth: Basic …` is taken as well.",
    }),
  },
  issuedToken: {
    type: "http",
    scheme: "bearer",
    ...told({
      "pt-BR": "Um token de `/oauth2/v1/token`. O cabeçalho da Claro, `x-client-auth: Bearer …`, também é aceito.",
      en: "A token of `/oauth2/v1/token`. Claro's own header `x-client-auth: Bearer …` is taken as well.",
    }),
  },
  operator: {
    type: "http",
    scheme: "bearer",
    ...told({ "pt-BR": "O token de um operador ou o `ADMIN_TOKEN`.", en: "An operator's token or the `ADMIN_TOKEN`." }),
  },
};

const TENANT_SECURITY: Readonly<Record<Credential, readonly SecurityName[]>> = {
  "api-key": ["apiKey", "apiKeyHeader"],
  "client-credentials": ["clientCredentials"],
  "issued-token": ["issuedToken"],
};

/** Each entry of a list is one way in. */
export function securityOf(access: Access): Record<string, string[]>[] {
  if (access.audience === "public") return [];
  if (access.audience === "operator") return [{ operator: [] }];
  return TENANT_SECURITY[access.credential].map((name) => ({ [name]: [] }));
}

/** What a group of calls is called, and what it is about. */
export const TAGS: Readonly<Record<Tag, { readonly name: Text; readonly description: Text }>> = {
  Scores: {
    name: { "pt-BR": "Consultas", en: "Scores" },
    description: { "pt-BR": "O score de um CPF.", en: "A CPF's score." },
  },
  "Claro's shape": {
    name: { "pt-BR": "Formato da Claro", en: "Claro's shape" },
    description: {
      "pt-BR":
        "A mesma consulta como a Claro a oferece, para integrações que já existem: troque host, chave e segredo.",
      en: "The same lookup as Claro offers it, for integrations that exist: change host, key and secret.",
    },
  },
  Usage: {
    name: { "pt-BR": "Consumo", en: "Usage" },
    description: { "pt-BR": "O que foi consultado, respondido e cobrado.", en: "What was asked, answered and billed." },
  },
  Statements: {
    name: { "pt-BR": "Extratos", en: "Statements" },
    description: {
      "pt-BR": "O valor de um mês, e os eventos dele em arquivos.",
      en: "What a month comes to, and its events as files.",
    },
  },
  Gateway: {
    name: { "pt-BR": "Gateway", en: "Gateway" },
    description: { "pt-BR": "O próprio gateway.", en: "The gateway itself." },
  },
  Tenants: {
    name: { "pt-BR": "Operador: parceiros", en: "Tenants" },
    description: {
      "pt-BR": "Para o operador: parceiros e seus planos.",
      en: "For the operator: tenants and their plans.",
    },
  },
  Keys: {
    name: { "pt-BR": "Chaves", en: "Keys" },
    description: {
      "pt-BR": "Chaves de API: as próprias, para o parceiro; todas, para o operador.",
      en: "API keys: a tenant's own, and for the operator every tenant's.",
    },
  },
  Lookups: {
    name: { "pt-BR": "Busca de consultas", en: "Lookups" },
    description: {
      "pt-BR": "O que aconteceu com uma consulta.",
      en: "What became of a lookup.",
    },
  },
  Subjects: {
    name: { "pt-BR": "Operador: titulares", en: "Subjects" },
    description: {
      "pt-BR": "Para o encarregado: o que há sobre uma pessoa, e a restrição das consultas sobre ela.",
      en: "For the data protection officer: what is held on a person, and the restriction of lookups of them.",
    },
  },
  Operations: {
    name: { "pt-BR": "Operador: rotinas", en: "Operations" },
    description: {
      "pt-BR": "Para o operador: fechar meses, ajustes, auditoria e saúde.",
      en: "For the operator: closing months, adjustments, audit and health.",
    },
  },
};
