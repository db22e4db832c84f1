import { setTimeout as pause } from "node:timers/promises";
import type { RunningWorker } from "./worker.ts";

const POLL_MS = 10;

type HeapUsage = { readonly usedSize: number; readonly backingStorageSize: number };
type Reply = { readonly id?: number; readonly result?: unknown };

/** The memory that the platform counts against an isolate, as V8's inspector tells it: its heap and its buffers. */
export class IsolateMemory {
  readonly #socket: WebSocket;
  readonly #url: string;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket, url: string) {
    this.#socket = socket;
    this.#url = url;
    socket.addEventListener("message", ({ data }) => {
      const { id = 0, result } = JSON.parse(String(data)) as Reply;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  /** Of a Worker that was started with its inspector. */
  static async of(worker: RunningWorker, name: string): Promise<IsolateMemory> {
    const socket = new WebSocket(`${await worker.miniflare.getInspectorURL()}core:user:${name}`);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return new IsolateMemory(socket, worker.url);
  }

  /** The most that is held while `work` runs, garbage that V8 has not taken yet included. */
  async peakMibDuring<Value>(work: () => Promise<Value>): Promise<{ readonly value: Value; readonly peakMib: number }> {
    await this.#collectGarbage();
    let peakMib = 0;
    const polling = new AbortController();
    void this.#poll(polling.signal, (usedMib) => (peakMib = Math.max(peakMib, usedMib)));
    try {
      return { value: await work(), peakMib };
    } finally {
      polling.abort();
    }
  }

  close(): void {
    this.#socket.close();
  }

  // An isolate hears the inspector only while it works: whoever waits for an answer has to give it something to do.
  async #collectGarbage(): Promise<void> {
    const collected = this.#send("HeapProfiler.collectGarbage").then(() => true);
    do await fetch(`${this.#url}/healthz`);
    while (!(await Promise.race([collected, pause(POLL_MS, false)])));
  }

  async #poll(signal: AbortSignal, onUsed: (usedMib: number) => void): Promise<void> {
    while (!signal.aborted) {
      const { usedSize, backingStorageSize } = (await this.#send("Runtime.getHeapUsage")) as HeapUsage;
      onUsed((usedSize + backingStorageSize) / 2 ** 20);
      await pause(POLL_MS);
    }
  }

  #send(method: string): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#socket.send(JSON.stringify({ id, method }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}
