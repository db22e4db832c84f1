import { z } from "zod";
import { parseCpf } from "../domain/cpf.ts";
import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { ISSUED_TOKEN_SECONDS, issueToken } from "../gateway/issued_token.ts";
import { identifyByKey, identifyByToken } from "../gateway/identify_caller.ts";
import type { Caller } from "../platform/key_directory.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { bearer, identified, refusedByLedger } from "./authenticate.ts";
import { API_VERSION, claroError, claroErrorResponse } from "./claro_error.ts";
import { callerIp, type AppContext } from "./context.ts";
import { LOOKUP, noteAuthTime, runLookup, type AskedLookup } from "./lookup_call.ts";
import { HEADERS } from "./openapi_parts.ts";
import type { Operation } from "./operation.ts";
import { parseJson, readText } from "./read_body.ts";

const tokenRequest = z.object({ grant_type: z.literal("client_credentials") }).meta({ id: "TokenRequest" });

export const tokenAnswer = z
  .object({
    access_token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: z.int(),
    issued_at: z.string().meta({ description: "Milliseconds since 1970, as a string, as Claro writes it." }),
    client_id: z.string(),
  })
  .meta({ id: "IssuedToken" });

export const claroScoreRequest = z
  .object({ data: z.object({ customer: z.object({ idCpf: z.union([z.string(), z.int()]) }) }) })
  .meta({ id: "ClaroScoreRequest" });

export const claroScoreAnswer = z
  .object({
    apiVersion: z.string(),
    transactionId: z.string().nullable(),
    data: z.object({ statsResult: z.object({ score: z.union([z.int(), z.string()]) }) }),
  })
  .meta({ id: "ClaroScoreAnswer" });

export const tokenOperation: Operation = {
  id: "issueToken",
  tag: "Claro's shape",
  summary: "Get an access token",
  description: "Key id and secret against a token that is good for an hour, or until its key ends.",
  access: "client-credentials",
  body: {
    schema: tokenRequest,
    type: "application/x-www-form-urlencoded",
    example: { grant_type: "client_credentials" },
  },
  answers: { 200: { description: "The token.", content: tokenAnswer } },
  headers: HEADERS.cacheControl,
  failureSchema: claroError,
};

/** `POST /oauth2/v1/token`: key id and secret against an access token, as Claro does it. */
export async function postToken(context: AppContext): Promise<Response> {
  context.header("Cache-Control", "no-store");
  const caller = await authenticateClient(context);
  if (!caller.ok) return claroErrorResponse(context, caller.failure);
  const form = await readText(context, "application/x-www-form-urlencoded");
  if (!form.ok) return claroErrorResponse(context, form.failure);
  const asked = tokenRequest.safeParse(Object.fromEntries(new URLSearchParams(form.value)));
  if (!asked.success) return claroErrorResponse(context, { code: "invalid_request" });
  const services = context.get("services");
  const access = { keyId: caller.value.keyId, scope: "scores:read", ip: callerIp(context) } as const;
  const reply = await callLedger(services.ledgers, caller.value, (ledger) => ledger.authorize(access));
  if (!reply.ok) return claroErrorResponse(context, reply.failure);
  if (reply.value.kind === "refused") {
    return claroErrorResponse(context, refusedByLedger(context, reply.value.failure));
  }
  // The seed's curl client takes the fourth quoted field of the line: `access_token` has to come first.
  return context.json({
    access_token: await issueToken(services, caller.value),
    token_type: "Bearer",
    expires_in: ISSUED_TOKEN_SECONDS,
    issued_at: String(services.clock.nowMs()),
    client_id: caller.value.keyId,
  } satisfies z.infer<typeof tokenAnswer>);
}

export const claroScoreOperation: Operation = {
  ...LOOKUP,
  id: "lookUpScoreInClarosShape",
  tag: "Claro's shape",
  summary: "Look up the score of a CPF, in Claro's shape",
  description:
    "Claro's body as Claro gave it, reduced to the fields below. `X-CustomerID` is ignored: Claro is sent yours.",
  access: "issued-token",
  body: { schema: claroScoreRequest, example: { data: { customer: { idCpf: "52998224725" } } } },
  answers: { 200: { description: "The score.", content: claroScoreAnswer } },
  failureSchema: claroError,
};

/** `POST /customers/v1/scores`: a lookup in Claro's own shape. */
export async function postClaroScore(context: AppContext): Promise<Response> {
  const caller = await authenticateToken(context);
  if (!caller.ok) {
    noteAuthTime(context);
    return claroErrorResponse(context, caller.failure);
  }
  const text = await readText(context, "application/json");
  const answered = await runLookup(context, caller.value, text.ok ? readAsked(text.value) : text);
  if (!answered.ok) return claroErrorResponse(context, answered.failure);
  const { answer, headers } = answered.value;
  const { claro, transactionId } = answer;
  const written = {
    apiVersion: claro.apiVersion ?? API_VERSION,
    transactionId,
    data: { statsResult: { score: claro.score } },
  } satisfies z.infer<typeof claroScoreAnswer>;
  return Response.json(written, { headers });
}

async function authenticateClient(context: AppContext): Promise<Result<Caller, Failure>> {
  const header = context.req.header("x-client-auth") ?? context.req.header("authorization");
  const text = header === undefined ? undefined : (basicCredentials(header)?.replace(":", "_") ?? "");
  const caller = await identifyByKey(context.get("services"), { text, ip: callerIp(context) });
  return identified(context, caller, "Basic");
}

async function authenticateToken(context: AppContext): Promise<Result<Caller, Failure>> {
  const text = bearer(context.req.header("x-client-auth") ?? context.req.header("authorization"));
  return identified(context, await identifyByToken(context.get("services"), { text, ip: callerIp(context) }));
}

function basicCredentials(header: string): string | null {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,200}={0,2}) *$/i.exec(header)?.[1];
  if (encoded === undefined) return null;
  try {
    return atob(encoded);
  } catch {
    return null;
  }
}

/** The seed's PHP client writes a CPF that begins with zeros as digits that are no JSON number. */
const BARE_DIGITS =
  /^(\s*\{\s*"data"\s*:\s*\{\s*"customer"\s*:\s*\{\s*"idCpf"\s*:\s*)(0[0-9]{1,10})(\s*\}\s*\}\s*\}\s*)$/;

function readAsked(text: string): Result<AskedLookup, Failure> {
  const json = parseJson(text.replace(BARE_DIGITS, '$1"$2"$3'));
  if (!json.ok) return json;
  const parsed = claroScoreRequest.safeParse(json.value);
  if (!parsed.success) return fail({ code: "invalid_request" });
  const cpf = parseCpf(parsed.data.data.customer.idCpf);
  return cpf.ok ? ok({ cpf: cpf.value, reference: null }) : fail({ code: "invalid_cpf" });
}
