import { connect } from "cloudflare:sockets";
import type { Mode } from "../../domain/meter_event.ts";
import { simulateClaro } from "../../sandbox/simulate_claro.ts";
import type { Clock } from "../clock.ts";
import type { Deadline } from "../deadline.ts";
import type { Settings } from "../settings.ts";

/** Larger than anything that Claro says; what is longer is cut and cannot be understood. */
const MAX_BODY_BYTES = 64 * 1024;
/** An answer this recent vouches for the connection. */
const RECENT_MS = 1000;
const CONNECT_TRIES = 2;

/** What came of one HTTP exchange with Claro. */
export type Exchange =
  | { readonly kind: "answered"; readonly status: number; readonly body: string; readonly retryAfter: string | null }
  /** No connection could be made: nothing was sent. */
  | { readonly kind: "not_sent" }
  /** It was sent, or may have been, and no whole answer came. */
  | { readonly kind: "no_answer"; readonly reason: "timeout" | "connection_lost" };

/** A POST to Claro. */
export type ClaroRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Sends one request within its time; `onSend` is called right before its first byte. Never throws. */
export type ClaroTransport = (request: ClaroRequest, deadline: Deadline, onSend: () => void) => Promise<Exchange>;

/** Live requests reach Claro, test requests the simulator; all else is the same path. */
export function claroTransport(mode: Mode, settings: Settings, clock: Clock): ClaroTransport {
  if (mode === "test") return exchangeBy((url, init) => simulateClaro(new Request(url, init), clock));
  const exchange = exchangeBy((url, init) => fetch(url, init));
  if (!settings.claro.connectCheck) return exchange;
  return async (request, deadline, onSend) => {
    const isVouchedFor = Date.now() - (lastAnswerAtMs.get(request.url) ?? 0) < RECENT_MS;
    if (!isVouchedFor && !(await canConnect(request.url, deadline))) return { kind: "not_sent" };
    const result = await exchange(request, deadline, onSend);
    if (result.kind === "answered") lastAnswerAtMs.set(request.url, Date.now());
    else lastAnswerAtMs.clear();
    return result;
  };
}

/** By the URL that was asked. */
const lastAnswerAtMs = new Map<string, number>();

/**
 * Whether Claro takes a connection. The runtime's `fetch` reports a refused connection and one that died after sending
 * with the same error, but only the first is free of a charge; so a connection is tried before anything is sent.
 */
async function canConnect(url: string, deadline: Deadline): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const address = {
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (protocol === "https:" ? 443 : 80)),
  };
  for (let attempt = 0; attempt < CONNECT_TRIES && !deadline.isPassed; attempt += 1) {
    const socket = connect(address);
    const aborted = new Promise<never>((_, reject) => {
      deadline.signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    });
    try {
      await Promise.race([socket.opened, aborted]);
      return true;
    } catch {
      // Refused, unresolved, or out of time: the next attempt, or the answer below, deals with it.
    } finally {
      void socket.close().catch(() => undefined);
      void socket.closed.catch(() => undefined);
    }
  }
  return false;
}

function exchangeBy(send: (url: string, init: RequestInit) => Promise<Response>): ClaroTransport {
  return async ({ url, headers, body }, deadline, onSend) => {
    if (deadline.isPassed) return { kind: "not_sent" };
    onSend();
    try {
      const response = await send(url, { method: "POST", headers, body, redirect: "manual", signal: deadline.signal });
      if (NEVER_REACHED.has(response.status)) return { kind: "not_sent" };
      if (LOST_ON_THE_WAY.has(response.status)) return { kind: "no_answer", reason: "connection_lost" };
      const text = await readBody(response);
      return { kind: "answered", status: response.status, body: text, retryAfter: response.headers.get("retry-after") };
    } catch {
      return { kind: "no_answer", reason: deadline.isPassed ? "timeout" : "connection_lost" };
    }
  };
}

/**
 * Where the gateway is deployed, Cloudflare answers for an origin that it cannot reach: 521 refused, 522 connection timed
 * out, 523 unreachable, 525 and 526 TLS, 530 DNS. With 520 and 524 the origin was reached and gave no whole answer.
 * https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
const NEVER_REACHED = new Set([521, 522, 523, 525, 526, 530]);
const LOST_ON_THE_WAY = new Set([520, 524]);

function isKnownToBeSmall(headers: Headers): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= MAX_BODY_BYTES && !headers.has("content-encoding");
}

async function readBody(response: Response): Promise<string> {
  // No stream is made where none is needed.
  if (isKnownToBeSmall(response.headers)) return await response.text();
  if (response.body === null) return "";
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; bytes <= MAX_BODY_BYTES;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text.slice(0, MAX_BODY_BYTES);
}
