import { connect } from "cloudflare:sockets";
import type { Mode } from "../../domain/meter_event.ts";
import { simulateClaro } from "../../sandbox/simulate_claro.ts";
import type { Clock } from "../clock.ts";
import { withDeadline, type Deadline } from "../deadline.ts";
import { rehearsedOffsetMs } from "../rehearsal.ts";
import type { Settings } from "../settings.ts";
import type { CallCause } from "./cause.ts";

/** Larger than anything that Claro says; what is longer is cut. */
const MAX_BODY_BYTES = 64 * 1024;
/** A 404 is looked at for this long: its body only tells who sent it. */
const GLIMPSE_MS = 200;
/** An answer this recent vouches for the connection. */
const RECENT_MS = 1000;
const CONNECT_TRIES = 2;

/** What came of one HTTP exchange with Claro. */
export type Exchange =
  /** Headers came. A body is read for a 200 and, as far as it comes at once, for a 404. */
  | { readonly kind: "answered"; readonly status: number; readonly retryAfter: string | null; readonly body: Body }
  /** No connection could be made: nothing was sent. `status` is what Cloudflare says of it, where it does. */
  | { readonly kind: "not_sent"; readonly status: number | null; readonly cause: CallCause }
  /** It was sent, or may have been, and no whole answer came. */
  | { readonly kind: "no_answer"; readonly status: number | null; readonly cause: "timeout" | "connection_lost" };

/** What was read of a body. `flaw` says why it is not the whole body. */
export type Body = {
  readonly text: string;
  readonly contentType: string;
  readonly flaw: "bad_encoding" | "too_long" | null;
};

/** A POST to Claro. */
type ClaroRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** How far a call has come: from `sent` on, Claro may have it; a status is known as soon as its headers are there. */
export type CallStage = "waiting" | "connecting" | "sent" | { readonly status: number };

/** Sends one request within its time. Throws only for a fault of our own. */
export type ClaroTransport = (
  request: ClaroRequest,
  deadline: Deadline,
  onStage: (stage: CallStage) => void,
) => Promise<Exchange>;

/** Live requests reach Claro, test requests the simulator; all else is the same path. */
export function claroTransport(mode: Mode, settings: Settings, clock: Clock): ClaroTransport {
  const simulated = exchangeBy((url, init) => simulateClaro(new Request(url, init), clock));
  if (mode === "test") return simulated;
  const live = liveTransport(settings);
  // A rehearsal of eight weeks asks nobody for a score.
  return async (...call) => await (rehearsedOffsetMs() === null ? live : simulated)(...call);
}

function liveTransport(settings: Settings): ClaroTransport {
  const exchange = exchangeBy((url, init) => fetch(url, init));
  if (!settings.claro.connectCheck) return exchange;
  /** By the URL that was asked. */
  const lastAnswerAtMs = new Map<string, number>();
  return async (request, deadline, onStage) => {
    if (Date.now() - (lastAnswerAtMs.get(request.url) ?? 0) >= RECENT_MS) {
      onStage("connecting");
      const cause = await connectFault(request.url, deadline);
      if (cause !== null) return { kind: "not_sent", status: null, cause };
    }
    const result = await exchange(request, deadline, onStage);
    if (result.kind === "answered") lastAnswerAtMs.set(request.url, Date.now());
    else lastAnswerAtMs.clear();
    return result;
  };
}

/**
 * Why Claro takes no connection; null when it does. The runtime's `fetch` reports a connection that was never made and
 * one that died after sending with the same error, but only the first is free of a charge; so a connection, with its TLS
 * handshake, is tried before anything is sent.
 */
async function connectFault(url: string, deadline: Deadline): Promise<CallCause | null> {
  const { hostname, port, protocol } = new URL(url);
  const isTls = protocol === "https:";
  const address = { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (isTls ? 443 : 80)) };
  for (let tries = 0; tries < CONNECT_TRIES && !deadline.isPassed; tries += 1) {
    if (await canConnect(address, { secureTransport: isTls ? "on" : "off", allowHalfOpen: false }, deadline))
      return null;
  }
  if (deadline.isPassed) return "timeout";
  // Both failures read the same; only a connection without TLS tells them apart.
  const isReachable = isTls && (await canConnect(address, { secureTransport: "off", allowHalfOpen: false }, deadline));
  return isReachable ? "tls" : "connect";
}

async function canConnect(address: SocketAddress, options: SocketOptions, deadline: Deadline): Promise<boolean> {
  const socket = connect(address, options);
  const aborted = new Promise<never>((_, reject) => {
    deadline.signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });
  try {
    await Promise.race([socket.opened, aborted]);
    return true;
  } catch {
    return false;
  } finally {
    void socket.close().catch(() => undefined);
    void socket.closed.catch(() => undefined);
  }
}

function exchangeBy(send: (url: string, init: RequestInit) => Promise<Response>): ClaroTransport {
  return async ({ url, headers, body }, deadline, onStage) => {
    if (deadline.isPassed) return { kind: "not_sent", status: null, cause: "timeout" };
    // Made before anything is sent: a header that cannot be written is a fault of ours, and throws.
    const init: RequestInit = {
      method: "POST",
      headers: new Headers(headers),
      body,
      redirect: "manual",
      signal: deadline.signal,
    };
    onStage("sent");
    let response: Response;
    try {
      response = await send(url, init);
    } catch (error) {
      // The runtime reports a network's failure as an `Error`; a `TypeError` is a call that it could not make sense of.
      if (error instanceof TypeError && !deadline.isPassed) throw error;
      return { kind: "no_answer", status: null, cause: deadline.isPassed ? "timeout" : "connection_lost" };
    }
    return await readAnswer(response, deadline, onStage);
  };
}

/**
 * Where the gateway is deployed, Cloudflare answers for an origin that it cannot reach: 521 refused, 522 connection timed
 * out, 523 unreachable, 525 and 526 TLS, 530 DNS. With 520 and 524 the origin was reached and gave no whole answer.
 * https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
const NEVER_REACHED: ReadonlyMap<number, CallCause> = new Map([
  [521, "connect"],
  [522, "connect"],
  [523, "connect"],
  [525, "tls"],
  [526, "tls"],
  [530, "dns"],
]);
const LOST_ON_THE_WAY: ReadonlyMap<number, "timeout" | "connection_lost"> = new Map([
  [520, "connection_lost"],
  [524, "timeout"],
]);

/** The status decides as soon as the headers are there, so only those bodies are read that can tell more. */
async function readAnswer(
  response: Response,
  deadline: Deadline,
  onStage: (stage: CallStage) => void,
): Promise<Exchange> {
  const { status } = response;
  if (status !== 200 && status !== 404) void response.body?.cancel().catch(() => undefined);
  const neverReached = NEVER_REACHED.get(status);
  if (neverReached !== undefined) return { kind: "not_sent", status, cause: neverReached };
  const lost = LOST_ON_THE_WAY.get(status);
  if (lost !== undefined) return { kind: "no_answer", status, cause: lost };

  onStage({ status });
  const reading = new BodyReading(response);
  if (status === 404) {
    await withDeadline(GLIMPSE_MS, () => reading.readStream());
    reading.stop();
  }
  if (status === 200 && (await reading.read()) === "lost") {
    return { kind: "no_answer", status, cause: deadline.isPassed ? "timeout" : "connection_lost" };
  }
  return { kind: "answered", status, retryAfter: response.headers.get("retry-after"), body: reading.body };
}

/** A body as it comes in; what was read so far can be had at any time. */
class BodyReading {
  readonly #response: Response;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #text = "";
  #flaw: Body["flaw"] = null;

  constructor(response: Response) {
    this.#response = response;
  }

  get body(): Body {
    const contentType = this.#response.headers.get("content-type") ?? "";
    return { text: this.#text, contentType, flaw: this.#flaw };
  }

  /** `lost` when the connection ended before the body did. */
  async read(): Promise<"read" | "lost"> {
    // No stream is made where none is needed.
    if (!isKnownToBeSmall(this.#response.headers)) return await this.readStream();
    return await this.#unlessLost(async () => {
      this.#text = await this.#response.text();
    });
  }

  /** The same, part by part. */
  async readStream(): Promise<"read" | "lost"> {
    return await this.#unlessLost(() => this.#readParts());
  }

  stop(): void {
    void this.#reader?.cancel().catch(() => undefined);
  }

  async #unlessLost(work: () => Promise<void>): Promise<"read" | "lost"> {
    try {
      await work();
      return "read";
    } catch (error) {
      // The runtime reports a lost connection as an `Error`; a `TypeError` is a body that is not packed as it says.
      if (!(error instanceof TypeError)) return "lost";
      this.#flaw = "bad_encoding";
      return "read";
    }
  }

  async #readParts(): Promise<void> {
    if (this.#response.body === null) return;
    const reader: ReadableStreamDefaultReader<Uint8Array> = this.#response.body.getReader();
    this.#reader = reader;
    const decoder = new TextDecoder();
    for (let bytes = 0; ;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      this.#text += decoder.decode(value.subarray(0, value.byteLength - Math.max(bytes - MAX_BODY_BYTES, 0)), {
        stream: true,
      });
      if (bytes <= MAX_BODY_BYTES) continue;
      this.#flaw = "too_long";
      return this.stop();
    }
    this.#text += decoder.decode();
  }
}

function isKnownToBeSmall(headers: Headers): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= MAX_BODY_BYTES && !headers.has("content-encoding");
}
