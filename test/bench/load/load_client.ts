import { connect, type Socket } from "node:net";
import { UNIQUE, type LoadOrder, type LoadResult } from "./load.ts";

/**
 * The load generator, in a process of its own. It speaks just enough HTTP/1.1 to keep connections alive and to tell one
 * answer from the next, on bare sockets: a full client would take as much of the machine as what it measures.
 */
process.on("message", (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});

type Lane = { socket: Socket; received: string; sentAtMs: number };

async function run(order: LoadOrder): Promise<LoadResult> {
  const { host, port, concurrency, warmUpMs, durationMs } = order;
  const requests = order.requests.map((request) => (request.includes(UNIQUE) ? request : Buffer.from(request)));
  const latenciesMs: number[] = [];
  let next = 0;
  let errors = 0;
  let allAnswers = 0;
  const startMs = performance.now() + warmUpMs;
  const endMs = startMs + durationMs;

  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < endMs) {
        await useConnection().catch(() => (errors += 1));
      }
    }),
  );
  latenciesMs.sort((left, right) => left - right);
  const answers = latenciesMs.length;
  return { answers, allAnswers, errors, seconds: durationMs / 1000, latenciesMs: summary(latenciesMs) };

  function useConnection(): Promise<void> {
    return new Promise((resolve, reject) => {
      const lane: Lane = { socket: connect({ host, port, noDelay: true }), received: "", sentAtMs: 0 };
      lane.socket.setEncoding("latin1");
      lane.socket.on("connect", () => send(lane));
      lane.socket.on("error", reject);
      lane.socket.on("close", () => resolve());
      lane.socket.on("data", (chunk) => {
        lane.received += chunk as unknown as string;
        const length = answerLength(lane.received);
        if (length === null || lane.received.length < length) return;
        const nowMs = performance.now();
        if (!lane.received.startsWith("HTTP/1.1 200 ")) errors += 1;
        else {
          allAnswers += 1;
          if (lane.sentAtMs >= startMs && nowMs <= endMs) latenciesMs.push(nowMs - lane.sentAtMs);
        }
        lane.received = lane.received.slice(length);
        if (nowMs < endMs) send(lane);
        else lane.socket.end();
      });
    });
  }

  function send(lane: Lane): void {
    lane.sentAtMs = performance.now();
    const request = requests[next++ % requests.length] as Buffer | string;
    lane.socket.write(typeof request === "string" ? request.replace(UNIQUE, crypto.randomUUID()) : request);
  }
}

/** The length of the first answer in `received`, head and body, or null while that cannot be told. */
function answerLength(received: string): number | null {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd === -1) return null;
  const bodyStart = headEnd + 4;
  const written = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, bodyStart))?.[1];
  if (written !== undefined) return bodyStart + Number(written);
  const lastChunk = received.indexOf("\r\n0\r\n\r\n", headEnd + 2);
  return lastChunk === -1 ? null : lastChunk + 7;
}

function summary(sortedMs: readonly number[]): LoadResult["latenciesMs"] {
  const at = (share: number) => sortedMs[Math.min(Math.floor(sortedMs.length * share), sortedMs.length - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
