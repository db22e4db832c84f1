import { type Cpf, parseCpf } from "../domain/cpf.ts";
import { magicNameOf } from "./magic_cpfs.ts";

export const TOKEN_PATH = "/oauth2/v1/token";
export const SCORE_PATH = "/customers/v1/scores";

/** How long a token is good for. Claro says `"expires_in":"3599"` of it, one second less. */
const TOKEN_LIFETIME_MS = 3_600_000;
/** A token older than this is refused by the CPF `expired_token_once`; one refresh later it is younger. */
const FRESH_TOKEN_MS = 2_000;
const SLOW_ANSWER_MS = 1_500;
/** The "timeout" never answers in practice; the bound only keeps a caller without a limit from hanging for good. */
const TIMEOUT_MS = 60_000;

/** An HTTP call, in just the parts that Claro looks at. */
export type ClaroCall = {
  /** The value of a header by its lower-case name; null when it was not sent. */
  readonly header: (name: string) => string | null;
  readonly body: string;
};

/** An answer before it becomes a `Response` or bytes on a socket. */
export type ClaroAnswer = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** How long Claro takes before it answers. */
  readonly delayMs: number;
  readonly transactionId: string | null;
  /** The score that was delivered: null unless the body carries a usable one, 0 to 1000. */
  readonly score: number | null;
};

/** `accessToken` is the token that was issued; null when the call was refused. */
export type TokenAnswer = ClaroAnswer & { readonly accessToken: string | null };

/** What a score call asks for; null stands for what is missing or unusable. */
export type ScoreCall = {
  readonly token: string | null;
  readonly customerId: string | null;
  readonly cpf: Cpf | null;
};

const JSON_TYPE = "application/json";
const API_VERSION = "1;2019-08-02";
const TOKEN_PATTERN = /^sim\.([0-9a-z]{1,10})\.[0-9a-f]{32}$/;
const HTML_PAGE =
  "<!DOCTYPE html>\n<html><head><title>Claro</title></head><body><h1>Em manutenção</h1></body></html>\n";

/**
 * The token call. Any key and secret will do, and the token carries the time it was issued at, so that a simulator in
 * another isolate knows it too.
 */
export function answerTokenCall(call: ClaroCall, nowMs: number): TokenAnswer {
  const key = clientKey(call);
  if (key === null) {
    return { ...refusal("OAUTH2", 401, "Invalid client credentials"), accessToken: null };
  }
  const isForm = call.header("content-type")?.toLowerCase().startsWith("application/x-www-form-urlencoded") ?? false;
  if (!isForm || new URLSearchParams(call.body).get("grant_type") !== "client_credentials") {
    return { ...refusal("OAUTH2", 400, "Unsupported grant type"), accessToken: null };
  }
  const accessToken = `sim.${nowMs.toString(36)}.${crypto.randomUUID().replaceAll("-", "")}`;
  // Apigee's usual body: numbers as strings, one member to a line.
  const body = {
    refresh_token_expires_in: "0",
    api_product_list: "[claro-score]",
    api_product_list_json: ["claro-score"],
    organization_name: "claro",
    "developer.email": "sandbox@example.com",
    token_type: "BearerToken",
    issued_at: String(nowMs),
    client_id: key,
    access_token: accessToken,
    application_name: "sandbox",
    scope: "",
    expires_in: "3599",
    refresh_count: "0",
    status: "approved",
  };
  return { ...answer(200, JSON.stringify(body, null, 2)), accessToken };
}

/** Reads a score call without judging it. */
export function readScoreCall(call: ClaroCall): ScoreCall {
  return {
    token: clientAuth(call, "bearer"),
    customerId: call.header("x-customerid")?.trim() || null,
    cpf: requestedCpf(call.body),
  };
}

/** The score call: who asks is checked first, then the request, and only then does the CPF matter. */
export function answerScoreCall(call: ScoreCall, nowMs: number): ClaroAnswer {
  const tokenAgeMs = call.token === null ? null : ageOfToken(call.token, nowMs);
  if (tokenAgeMs === null || tokenAgeMs >= TOKEN_LIFETIME_MS) {
    return refusal("SCORES", 401, "Invalid or expired access token");
  }
  if (call.customerId === null) return refusal("SCORES", 400, "X-CustomerID is required");
  if (call.cpf === null) return refusal("SCORES", 400, "idCpf is invalid");

  switch (magicNameOf(call.cpf)) {
    case "score_0":
      return delivery(0);
    case "score_1000":
      return delivery(1000);
    case "not_found":
      return refusal("SCORES", 404, "No score found");
    case "rejected":
      return refusal("SCORES", 400, "Bad request");
    case "expired_token_once":
      if (tokenAgeMs > FRESH_TOKEN_MS) return refusal("SCORES", 401, "Invalid or expired access token");
      return delivery(scoreOf(call.cpf));
    case "forbidden":
      return refusal("SCORES", 403, "Forbidden");
    case "throttled":
      return refusal("SCORES", 429, "Contracted policy exceeded");
    case "failed":
      return refusal("SCORES", 500, "Internal server error");
    case "slow":
      return { ...delivery(scoreOf(call.cpf)), delayMs: SLOW_ANSWER_MS };
    case "timeout":
      return { ...refusal("SCORES", 504, "Gateway timeout"), delayMs: TIMEOUT_MS };
    case "html":
      return { ...answer(200, HTML_PAGE), contentType: "text/html; charset=utf-8" };
    case "score_out_of_range":
      return { ...delivery(1001), score: null };
    case "no_score":
      return delivery(null);
    case null:
      return delivery(scoreOf(call.cpf));
  }
}

/** A call that Claro refuses or fails, in its envelope with the code `API-<proxy>-<status>`. */
export function refusal(proxy: string, status: number, message: string): ClaroAnswer {
  const transactionId = crypto.randomUUID();
  const body = {
    apiVersion: API_VERSION,
    transactionId,
    error: {
      // Claro writes a number or a string; the simulator shows both.
      httpCode: proxy === "SCORES" ? status : String(status),
      errorCode: `API-${proxy}-${status}`,
      message,
      detailedMessage: message,
      link: { rel: "related", href: "https://api.claro.com.br/docs" },
    },
  };
  return { ...answer(status, JSON.stringify(body)), transactionId };
}

/** The fixed score of an ordinary CPF, 0 to 1000: FNV-1a, mixed once more so that neighbours lie far apart. */
function scoreOf(cpf: Cpf): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < cpf.length; index++) {
    hash = Math.imul(hash ^ cpf.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % 1001;
}

function delivery(score: number | null): ClaroAnswer {
  const transactionId = crypto.randomUUID();
  const statsResult = score === null ? {} : { score };
  const body = JSON.stringify({ apiVersion: API_VERSION, transactionId, data: { statsResult } });
  return { ...answer(200, body), transactionId, score };
}

function answer(status: number, body: string): ClaroAnswer {
  return { status, contentType: JSON_TYPE, body, delayMs: 0, transactionId: null, score: null };
}

/** The credentials of one scheme; `x-client-auth` is Claro's own header and goes before `Authorization`. */
function clientAuth(call: ClaroCall, scheme: "basic" | "bearer"): string | null {
  const value = call.header("x-client-auth") ?? call.header("authorization");
  if (value === null) return null;
  const space = value.indexOf(" ");
  return value.slice(0, space).toLowerCase() === scheme ? value.slice(space + 1).trim() || null : null;
}

/** The key of `Basic base64(key:secret)`; null unless both parts are there. */
function clientKey(call: ClaroCall): string | null {
  const encoded = clientAuth(call, "basic");
  if (encoded === null) return null;
  try {
    const decoded = atob(encoded);
    const colon = decoded.indexOf(":");
    return colon > 0 && colon < decoded.length - 1 ? decoded.slice(0, colon) : null;
  } catch {
    return null;
  }
}

/** Null for a token that the simulator did not make. */
function ageOfToken(token: string, nowMs: number): number | null {
  const issuedAt = TOKEN_PATTERN.exec(token)?.[1];
  return issuedAt === undefined ? null : nowMs - Number.parseInt(issuedAt, 36);
}

/** Stricter than the gateway: Claro takes 11 digits or a bare number, and knows no punctuation. */
function requestedCpf(body: string): Cpf | null {
  let idCpf: unknown;
  try {
    idCpf = JSON.parse(body)?.data?.customer?.idCpf;
  } catch {
    return null;
  }
  if (typeof idCpf === "string" && idCpf.length !== 11) return null;
  const parsed = parseCpf(idCpf);
  return parsed.ok ? parsed.value : null;
}
