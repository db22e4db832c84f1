import { connect } from "cloudflare:sockets";
import type { Mode } from "../../domain/meter_event.ts";
import { simulateClaro } from "../../sandbox/simulate_claro.ts";
import type { Clock } from "../clock.ts";
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

/** Sends one request within the signal's time; `onSend` is called right before its first byte. Never throws. */
export type ClaroTransport = (request: Request, onSend: () => void) => Promise<Exchange>;

/** Live requests reach Claro, test requests the simulator; all else is the same path. */
export function claroTransport(mode: Mode, settings: Settings, clock: Clock): ClaroTransport {
  if (mode === "test") return (request, onSend) => exchange(request, (sent) => simulateClaro(sent, clock), onSend);
  if (!settings.claro.connectCheck) return (request, onSend) => exchange(request, (sent) => fetch(sent), onSend);
  return async (request, onSend) => {
    if (!isVouchedFor(request.url) && !(await canConnect(request))) return { kind: "not_sent" };
    const result = await exchange(request, (sent) => fetch(sent), onSend);
    if (result.kind === "answered") lastAnswerAtMs.set(new URL(request.url).origin, Date.now());
    else lastAnswerAtMs.clear();
    return result;
  };
}

const lastAnswerAtMs = new Map<string, number>();

function isVouchedFor(url: string): boolean {
  return Date.now() - (lastAnswerAtMs.get(new URL(url).origin) ?? 0) < RECENT_MS;
}

/**
 * Whether Claro takes a connection. The runtime's `fetch` reports a refused connection and one that died after sending
 * with the same error, but only the first is free of a charge; so a connection is tried before anything is sent.
 */
async function canConnect(request: Request): Promise<boolean> {
  const { hostname, port, protocol } = new URL(request.url);
  const address = {
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (protocol === "https:" ? 443 : 80)),
  };
  for (let attempt = 0; attempt < CONNECT_TRIES && !request.signal.aborted; attempt += 1) {
    const socket = connect(address);
    const aborted = new Promise<never>((_, reject) => {
      request.signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
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

async function exchange(
  request: Request,
  send: (request: Request) => Promise<Response>,
  onSend: () => void,
): Promise<Exchange> {
  if (request.signal.aborted) return { kind: "not_sent" };
  onSend();
  try {
    const response = await send(request);
    if (NEVER_REACHED.has(response.status)) return { kind: "not_sent" };
    if (LOST_ON_THE_WAY.has(response.status)) return { kind: "no_answer", reason: "connection_lost" };
    const body = await readBody(response);
    return { kind: "answered", status: response.status, body, retryAfter: response.headers.get("retry-after") };
  } catch {
    return { kind: "no_answer", reason: request.signal.aborted ? "timeout" : "connection_lost" };
  }
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
  if (response.body === null) return "";
  if (isKnownToBeSmall(response.headers)) return await response.text();
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
