import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** One run of load: `concurrency` connections, each with one request at a time, for a time. */
export type LoadOrder = {
  readonly host: string;
  readonly port: number;
  /** Whole HTTP/1.1 requests as they go over the wire; they are sent in turn. */
  readonly requests: readonly string[];
  readonly concurrency: number;
  /** Load before the clock starts. */
  readonly warmUpMs: number;
  readonly durationMs: number;
};

export type LoadResult = {
  /** Answers with status 200 that were asked for and came within the measured time. */
  readonly answers: number;
  /** All answers with status 200, those of the warm-up too. */
  readonly allAnswers: number;
  readonly errors: number;
  readonly seconds: number;
  readonly latenciesMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
};

/** In a request, outside its body: another text each time that it is sent. */
export const UNIQUE = "%unique%";

/** What load is put on: a Worker under its address, and the requests that it understands. */
export type Target = { readonly url: string; readonly requests: readonly string[] };

/** The load generator's process, from here. */
export class LoadGenerator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("load_client.ts", import.meta.url).href));
  }

  async run(
    target: Target,
    options: { concurrency: number; warmUpMs: number; durationMs: number },
  ): Promise<LoadResult> {
    const { hostname: host, port } = new URL(target.url);
    const order: LoadOrder = { host, port: Number(port), requests: target.requests, ...options };
    const result = new Promise<LoadResult>((resolve, reject) => {
      this.#child.once("message", (message) => resolve(message as LoadResult));
      this.#child.once("exit", () => reject(new Error("the load generator died")));
    });
    this.#child.send(order);
    const { errors, ...figures } = await result;
    if (errors > 0) throw new Error(`${errors} answers of ${target.url} were not 200: nothing was measured`);
    this.#child.removeAllListeners("exit");
    return { errors, ...figures };
  }

  stop(): void {
    this.#child.disconnect();
  }
}

/** A POST with a JSON body as it goes over the wire. */
export function wireRequest(path: string, headers: Readonly<Record<string, string>>, body: unknown): string {
  const text = JSON.stringify(body);
  const all = { host: "gateway.test", "content-type": "application/json", "content-length": text.length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
}
