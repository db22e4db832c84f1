import type { Cpf } from "../../domain/cpf.ts";
import type { Mode } from "../../domain/meter_event.ts";
import { PRODUCT } from "../../domain/version.ts";
import type { Clock } from "../clock.ts";
import type { Deadline } from "../deadline.ts";
import type { Settings } from "../settings.ts";
import type { CallCause } from "./cause.ts";
import { claroTransport, type CallStage, type ClaroTransport, type Exchange } from "./transport.ts";
import { parseScoreAnswer, parseTokenAnswer, readNotFound, readRetryAfter, type TokenAnswer } from "./wire.ts";

/** How a score call ended, before any rule of ours. */
export type ScoreExchange =
  | {
      readonly kind: "score";
      readonly score: number;
      readonly writtenScore: number | string;
      readonly transactionId: string | null;
      readonly apiVersion: string | null;
    }
  /** 200, but without a score that can be used. */
  | { readonly kind: "no_score"; readonly transactionId: string | null; readonly cause: CallCause }
  | RefusedExchange
  | Exclude<Exchange, { kind: "answered" }>;

/** Any status but 200. */
export type RefusedExchange = {
  readonly kind: "refused";
  readonly status: number;
  readonly transactionId: string | null;
  readonly retryAfterSeconds: number | null;
  /** Who sent a 404, when it was a page or a proxy's error instead of an answer of Claro's API. */
  readonly foreign: "html" | "fault" | null;
};

export type TokenExchange =
  | TokenAnswer
  | { readonly kind: "refused"; readonly status: number; readonly retryAfterSeconds: number | null }
  | Exclude<Exchange, { kind: "answered" }>;

export type ScoreCall = { readonly cpf: Cpf; readonly customerId: string; readonly accessToken: string };

/** Where the simulator believes itself to be; no request to it leaves the isolate. */
const SANDBOX_ORIGIN = "https://sandbox.invalid";

/** Content networks refuse calls that do not say who calls. */
const COMMON_HEADERS = { "cache-control": "no-cache", "user-agent": PRODUCT };

/** Claro's two calls, as the seed has them. Nothing of a caller's request is in them but the CPF. */
export class ClaroClient {
  readonly #settings: Settings["claro"];
  readonly #send: ClaroTransport;

  constructor(mode: Mode, settings: Settings, clock: Clock) {
    this.#settings =
      mode === "live"
        ? settings.claro
        : {
            ...settings.claro,
            tokenUrl: `${SANDBOX_ORIGIN}/oauth2/v1/token`,
            scoresUrl: `${SANDBOX_ORIGIN}/customers/v1/scores`,
          };
    this.#send = claroTransport(mode, settings, clock);
  }

  async requestToken(deadline: Deadline): Promise<TokenExchange> {
    const { clientId, clientSecret, tokenUrl } = this.#settings;
    const request = {
      url: tokenUrl,
      headers: {
        ...COMMON_HEADERS,
        "content-type": "application/x-www-form-urlencoded",
        "x-client-auth": `Basic ${new TextEncoder().encode(`${clientId}:${clientSecret}`).toBase64()}`,
      },
      body: "grant_type=client_credentials",
    };
    const exchange = await this.#send(request, deadline, () => undefined);
    if (exchange.kind !== "answered") return exchange;
    const { status, body } = exchange;
    if (status === 200) return parseTokenAnswer(body);
    return { kind: "refused", status, retryAfterSeconds: readRetryAfter(exchange.retryAfter, Date.now()) };
  }

  /** `onStage` is told how far the call has come. */
  async requestScore(call: ScoreCall, deadline: Deadline, onStage: (stage: CallStage) => void): Promise<ScoreExchange> {
    const { cpf } = call;
    const request = {
      url: this.#settings.scoresUrl,
      headers: {
        ...COMMON_HEADERS,
        "content-type": "application/json",
        "x-client-auth": `Bearer ${call.accessToken}`,
        "x-customerid": call.customerId,
      },
      body: `{"data":{"customer":{"idCpf":"${cpf}"}}}`,
    };
    const exchange = await this.#send(request, deadline, onStage);
    if (exchange.kind !== "answered") return exchange;
    const { status, body } = exchange;
    if (status === 200) {
      const { score, transactionId, apiVersion, cause } = parseScoreAnswer(body, cpf);
      if (score === null) return { kind: "no_score", transactionId, cause: cause ?? "no_score" };
      return { kind: "score", score: score.value, writtenScore: score.written, transactionId, apiVersion };
    }
    const { foreign, transactionId } = readNotFound(body, cpf);
    const retryAfterSeconds = readRetryAfter(exchange.retryAfter, Date.now());
    return { kind: "refused", status, transactionId, retryAfterSeconds, foreign };
  }
}
