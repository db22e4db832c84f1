import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  answerScoreCall,
  answerTokenCall,
  type ClaroCall,
  readScoreCall,
  refusal,
  SCORE_PATH,
  TOKEN_PATH,
} from "../../sandbox/claro_answers.ts";
import { type Delivery, deliveryOf, faultListSchema, FaultPlan } from "./faults.ts";
import { type CallRecord, Journal } from "./journal.ts";

export type SandboxOptions = {
  /** Added to every score answer. */
  readonly latencyMs: number;
  /** Of the faults that strike with a probability. */
  readonly seed: number;
  /** False: calls are counted, but not kept. */
  readonly keepsJournal: boolean;
};

const CONTROL_PREFIX = "/__sandbox/";
const MAX_BODY_BYTES = 1024 * 1024;
/** Long, so that a gateway never meets a connection that the sandbox closed for being idle. */
const KEEP_ALIVE_MS = 600_000;

type Sandbox = SandboxOptions & {
  readonly journal: Journal;
  readonly faults: FaultPlan;
  readonly tokens: Set<string>;
};

/**
 * Claro as a server, with a journal and faults that tests control under `/__sandbox/`. It gives the answers of
 * `simulateClaro`, but takes them before they become a web `Response`: building one per call costs two thirds of its speed.
 */
export function createSandboxServer(options: SandboxOptions): Server {
  const sandbox: Sandbox = {
    ...options,
    journal: new Journal({ keepsEntries: options.keepsJournal }),
    faults: new FaultPlan({ seed: options.seed }),
    tokens: new Set(),
  };
  const server = createServer((request, response) => {
    readBody(request, response, (body) => handle(sandbox, { request, response, body }));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse; readonly body: string };

function handle(sandbox: Sandbox, exchange: Exchange): void {
  const { method, url = "/" } = exchange.request;
  if (url.startsWith(CONTROL_PREFIX)) return control(sandbox, exchange);
  const path = url.split("?", 1)[0];
  if (method === "POST" && path === SCORE_PATH) return handleScoreCall(sandbox, exchange);
  if (method === "POST" && path === TOKEN_PATH) return handleTokenCall(sandbox, exchange);
  send(exchange, deliveryOf(refusal("GATEWAY", 404, "Unknown resource"), null));
}

function handleTokenCall(sandbox: Sandbox, exchange: Exchange): void {
  const record = sandbox.journal.receiveTokenCall();
  const answer = answerTokenCall(claroCall(exchange), Date.now());
  if (answer.accessToken !== null) sandbox.tokens.add(answer.accessToken);
  send(exchange, deliveryOf(answer, sandbox.faults.next("token")), record);
}

function handleScoreCall(sandbox: Sandbox, exchange: Exchange): void {
  const call = readScoreCall(claroCall(exchange));
  const record = sandbox.journal.receiveScoreCall(call, exchange.request.headers);
  const isKnown = call.token !== null && sandbox.tokens.has(call.token);
  const answer = answerScoreCall(isKnown ? call : { ...call, token: null }, Date.now());
  const delivery = deliveryOf(answer, sandbox.faults.next("score", call));
  send(exchange, { ...delivery, delayMs: delivery.delayMs + sandbox.latencyMs }, record);
}

function claroCall({ request, body }: Exchange): ClaroCall {
  return { header: (name) => request.headers[name]?.toString() ?? null, body };
}

function send({ request, response }: Exchange, delivery: Delivery, record?: CallRecord): void {
  let isFinished = false;
  let timer: NodeJS.Timeout | undefined;
  response.once("finish", () => (isFinished = true));
  response.once("close", () => {
    clearTimeout(timer);
    record?.closed(isFinished);
  });
  const start = () => {
    if (delivery.manner === "drop") return request.socket.destroy();
    record?.answering({ status: delivery.status, transactionId: delivery.transactionId, score: delivery.score });
    return write(response, delivery);
  };
  if (delivery.delayMs > 0) timer = setTimeout(start, delivery.delayMs);
  else start();
}

function write(response: ServerResponse, delivery: Delivery): void {
  const body = Buffer.from(delivery.body);
  if (delivery.manner === "hints") response.writeEarlyHints({ link: "</docs>; rel=preload" });
  response.writeHead(delivery.status, {
    "Content-Type": delivery.contentType,
    "Content-Length": body.length,
    ...delivery.headers,
  });
  if (delivery.manner === "whole" || delivery.manner === "hints") {
    response.end(body);
  } else if (delivery.manner === "half") {
    response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  } else if (delivery.manner === "hang") {
    response.write(body.subarray(0, body.length >> 1));
  } else {
    drip(response, body, delivery.dripMs);
  }
}

function drip(response: ServerResponse, body: Buffer, intervalMs: number): void {
  response.flushHeaders();
  let written = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(written, ++written));
    if (written >= body.length) {
      clearInterval(timer);
      response.end();
    }
  }, intervalMs);
  response.once("close", () => clearInterval(timer));
}

function control(sandbox: Sandbox, { request, response, body }: Exchange): void {
  const url = new URL(request.url ?? "/", "http://sandbox");
  switch (`${request.method} ${url.pathname.slice(CONTROL_PREFIX.length)}`) {
    case "GET journal": {
      const given = (name: string, otherwise: number) => Number(url.searchParams.get(name)) || otherwise;
      return sendJson(response, 200, sandbox.journal.entries(given("since", 0), given("limit", Infinity)));
    }
    case "GET counts":
      return sendJson(response, 200, sandbox.journal.counts());
    case "POST reset":
      sandbox.journal.reset();
      sandbox.faults.replace([]);
      return sendJson(response, 200, {});
    case "POST revoke-tokens": {
      const revoked = sandbox.tokens.size;
      sandbox.tokens.clear();
      return sendJson(response, 200, { revoked });
    }
    case "POST faults":
      return replaceFaults(sandbox, response, body);
    default:
      return sendJson(response, 404, { error: "There is no such control" });
  }
}

function replaceFaults(sandbox: Sandbox, response: ServerResponse, body: string): void {
  let list: unknown;
  try {
    list = JSON.parse(body);
  } catch {
    return sendJson(response, 400, { error: "Faults are a JSON list" });
  }
  const faults = faultListSchema.safeParse(list);
  if (!faults.success) return sendJson(response, 400, { error: faults.error.issues });
  sandbox.faults.replace(faults.data);
  return sendJson(response, 200, { faults: faults.data.length });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(`${JSON.stringify(value)}\n`);
}

/** Calls `use` with the whole body; a request that breaks off before its end was never received. */
function readBody(request: IncomingMessage, response: ServerResponse, use: (body: string) => void): void {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => {
    body += chunk;
    if (body.length > MAX_BODY_BYTES) request.destroy();
  });
  request.on("error", () => response.destroy());
  request.on("end", () => use(body));
}
