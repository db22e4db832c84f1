import * as z from "zod";
import { fail, ok } from "../domain/result.ts";
import { ISSUED_TOKEN_SECONDS, issueToken } from "../gateway/issued_token.ts";
import { API_VERSION } from "./claro_error.ts";
import { tenantEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { consentIdField, LOOKUP, requestedByField, runLookup } from "./lookup_call.ts";
import { HEADERS } from "./openapi_parts.ts";
import { writtenCpf } from "./scores.ts";

const grantType = z
  .literal("client_credentials")
  .meta(told({ "pt-BR": "Sempre `client_credentials`.", en: "Always `client_credentials`." }));

/** Ignores other fields, which Claro's own clients send. */
const tokenRequest = z
  .object({
    grant_type: grantType.optional().meta(
      told({
        "pt-BR": "Sempre `client_credentials`, aqui ou na URL.",
        en: "Always `client_credentials`, here or in the query.",
      }),
    ),
  })
  .meta({ id: "TokenRequest" });

const tokenQuery = z.object({ grant_type: grantType.optional() });

const tokenAnswer = z
  .object({
    access_token: z
      .string()
      .meta(
        told(
          { "pt-BR": "O token, para `Authorization: Bearer …`.", en: "The token, for `Authorization: Bearer …`." },
          { examples: ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnRJZCI6InRlbl8uLi4ifQ.c2lnbmF0dXJl"] },
        ),
      ),
    token_type: z.literal("Bearer").meta(told({ "pt-BR": "Sempre `Bearer`.", en: "Always `Bearer`." })),
    expires_in: z
      .int()
      .meta(
        told({ "pt-BR": "Por quantos segundos vale.", en: "How many seconds it is good for." }, { examples: [3600] }),
      ),
    issued_at: z.string().meta(
      told(
        {
          "pt-BR": "Milissegundos desde 1970, como texto, do jeito que a Claro escreve.",
          en: "Milliseconds since 1970, as a string, as Claro writes it.",
        },
        { examples: ["1795814440123"] },
      ),
    ),
    client_id: z
      .string()
      .meta(told({ "pt-BR": "O id da chave.", en: "The key's id." }, { examples: ["csg_live_a1B2c3D4e5"] })),
  })
  .meta({ id: "IssuedToken" });

/** Ignores other fields, which Claro's own clients send. */
const claroScoreRequest = z
  .object({
    data: z
      .object({
        customer: z
          .object({ idCpf: writtenCpf })
          .meta(told({ "pt-BR": "A pessoa consultada.", en: "The person that is looked up." })),
      })
      .meta(told({ "pt-BR": "O envelope da Claro.", en: "Claro's envelope." })),
  })
  .meta({ id: "ClaroScoreRequest" });

const claroScoreAnswer = z
  .object({
    apiVersion: z
      .string()
      .meta(
        told({ "pt-BR": "A versão da API da Claro.", en: "The version of Claro's API." }, { examples: [API_VERSION] }),
      ),
    transactionId: z
      .string()
      .nullable()
      .meta(
        told(
          { "pt-BR": "O id da transação na Claro.", en: "Claro's own id of the transaction." },
          { examples: ["0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58"] },
        ),
      ),
    data: z
      .object({
        statsResult: z
          .object({
            score: z
              .union([z.int(), z.string()])
              .meta(
                told(
                  { "pt-BR": "O score, como a Claro o escreveu.", en: "The score, as Claro wrote it." },
                  { examples: [742] },
                ),
              ),
          })
          .meta(told({ "pt-BR": "O resultado.", en: "The result." })),
      })
      .meta(told({ "pt-BR": "O envelope da Claro.", en: "Claro's envelope." })),
  })
  .meta({ id: "ClaroScoreAnswer" });

/** `POST /oauth2/v1/token`: exchanges key id and secret for an access token, as Claro does. */
export const issueAccessToken = tenantEndpoint({
  method: "POST",
  path: "/oauth2/v1/token",
  id: "issueToken",
  tag: "Claro's shape",
  summary: { "pt-BR": "Obter um token de acesso", en: "Get an access token" },
  description: {
    "pt-BR": "Troca o id e o segredo da chave por um token que vale uma hora, ou até o fim da chave.",
    en: "Key id and secret against a token that is good for an hour, or until its key ends.",
  },
  credential: "client-credentials",
  scope: "scores:read",
  limit: "token",
  query: tokenQuery,
  body: {
    schema: tokenRequest,
    types: ["application/x-www-form-urlencoded"],
    isOptional: true,
    example: { grant_type: "client_credentials" },
  },
  answers: { 200: { description: { "pt-BR": "O token.", en: "The token." }, content: tokenAnswer } },
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
  failureShape: "claro",
  handle: async ({ context, services, caller, query, body }) => {
    if (query.grant_type === undefined && body.grant_type === undefined) {
      return fail({ code: "invalid_request", issues: [{ path: "grant_type", code: "required" }] });
    }
    context.header("Cache-Control", "no-store");
    // The seed's curl client takes the fourth quoted field of the line: `access_token` has to come first.
    return ok(
      context.json({
        access_token: await issueToken(services, caller),
        token_type: "Bearer",
        expires_in: ISSUED_TOKEN_SECONDS,
        issued_at: String(services.clock.nowMs()),
        client_id: caller.keyId,
      } satisfies z.infer<typeof tokenAnswer>),
    );
  },
});

/** The seed's PHP client writes a CPF that begins with zeros as digits that are no JSON number. */
const BARE_DIGITS =
  /^(\s*\{\s*"data"\s*:\s*\{\s*"customer"\s*:\s*\{\s*"idCpf"\s*:\s*)(0[0-9]{1,10})(\s*\}\s*\}\s*\}\s*)$/;

/** `POST /customers/v1/scores`: a lookup in Claro's own shape. */
export const lookUpClaroScore = tenantEndpoint({
  ...LOOKUP,
  method: "POST",
  path: "/customers/v1/scores",
  id: "lookUpScoreInClarosShape",
  tag: "Claro's shape",
  summary: {
    "pt-BR": "Consultar o score de um CPF, no formato da Claro",
    en: "Look up the score of a CPF, in Claro's shape",
  },
  description: {
    "pt-BR":
      "O corpo que a Claro devolveu, reduzido aos campos abaixo. `X-CustomerID` é ignorado: a Claro recebe o do seu cadastro.",
    en: "Claro's body as Claro gave it, reduced to the fields below. `X-CustomerID` is ignored: Claro is sent yours.",
  },
  credential: "issued-token",
  scope: "scores:read",
  limit: "lookup",
  requestHeaders: { ...LOOKUP.requestHeaders, "X-Consent-Id": consentIdField, "X-Requested-By": requestedByField },
  body: {
    schema: claroScoreRequest,
    example: { data: { customer: { idCpf: "52998224725" } } },
    mend: (text) => text.replace(BARE_DIGITS, '$1"$2"$3'),
    failureOf: (issues) =>
      issues.length > 0 && issues.every(({ path, code }) => path === "data.customer.idCpf" && code === "cpf")
        ? "invalid_cpf"
        : "invalid_request",
  },
  answers: { 200: { description: { "pt-BR": "O score.", en: "The score." }, content: claroScoreAnswer } },
  failureShape: "claro",
  handle: async ({ context, caller, authMs, headers, body }) => {
    const answered = await runLookup(
      { context, caller, authMs },
      {
        cpf: body.data.customer.idCpf,
        reference: null,
        // Claro's shape has no place for these two: a key can have them as its defaults.
        purpose: null,
        legalBasis: null,
        consentId: headers["X-Consent-Id"] ?? null,
        requestedBy: headers["X-Requested-By"] ?? null,
        idempotencyKey: headers["Idempotency-Key"],
      },
    );
    if (!answered.ok) return answered;
    const { claro, transactionId } = answered.value.answer;
    const written = {
      apiVersion: claro.apiVersion ?? API_VERSION,
      transactionId,
      data: { statsResult: { score: claro.score } },
    } satisfies z.infer<typeof claroScoreAnswer>;
    return ok(Response.json(written, { headers: answered.value.headers }));
  },
});
