import type { Cpf } from "../../domain/cpf.ts";
import type { Mode } from "../../domain/meter_event.ts";
import type { Clock } from "../clock.ts";
import type { Deadline } from "../deadline.ts";
import type { Settings } from "../settings.ts";
import { claroTransport, type ClaroTransport, type Exchange } from "./transport.ts";
import { parseScoreAnswer, parseTokenAnswer, type TokenAnswer } from "./wire.ts";

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
  | { readonly kind: "no_score"; readonly transactionId: string | null }
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly transactionId: string | null;
      readonly retryAfterSeconds: number | null;
    }
  | Exclude<Exchange, { kind: "answered" }>;

export type TokenExchange =
  | { readonly kind: "token"; readonly token: TokenAnswer }
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "not_understood" }
  | Exclude<Exchange, { kind: "answered" }>;

export type ScoreCall = { readonly cpf: Cpf; readonly customerId: string; readonly accessToken: string };

/** Where the simulator believes itself to be; no request to it leaves the isolate. */
const SANDBOX_ORIGIN = "https://sandbox.invalid";

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
        "content-type": "application/x-www-form-urlencoded",
        "cache-control": "no-cache",
        "x-client-auth": `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
      },
      body: "grant_type=client_credentials",
    };
    const exchange = await this.#send(request, deadline, () => undefined);
    if (exchange.kind !== "answered") return exchange;
    if (exchange.status !== 200) return { kind: "refused", status: exchange.status };
    const token = parseTokenAnswer(exchange.body);
    return token === null ? { kind: "not_understood" } : { kind: "token", token };
  }

  /** From `onSend` on, Claro may have the request. */
  async requestScore(call: ScoreCall, deadline: Deadline, onSend: () => void): Promise<ScoreExchange> {
    const request = {
      url: this.#settings.scoresUrl,
      headers: {
        "content-type": "application/json",
        "cache-control": "no-cache",
        "x-client-auth": `Bearer ${call.accessToken}`,
        "x-customerid": call.customerId,
      },
      body: `{"data":{"customer":{"idCpf":"${call.cpf}"}}}`,
    };
    const exchange = await this.#send(request, deadline, onSend);
    if (exchange.kind !== "answered") return exchange;
    const { score, writtenScore, transactionId, apiVersion } = parseScoreAnswer(exchange.body);
    if (exchange.status !== 200) {
      return {
        kind: "refused",
        status: exchange.status,
        transactionId,
        retryAfterSeconds: wholeSeconds(exchange.retryAfter),
      };
    }
    if (score === null || writtenScore === null) return { kind: "no_score", transactionId };
    return { kind: "score", score, writtenScore, transactionId, apiVersion };
  }
}

function wholeSeconds(header: string | null): number | null {
  return header !== null && /^[0-9]{1,5}$/.test(header) ? Number(header) : null;
}
