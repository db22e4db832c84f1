import { setTimeout as pause } from "node:timers/promises";
import { spreadOf } from "../statistics.ts";
import type { RunningWorker } from "./worker.ts";

const POLL_MS = 10;
const MIB = 2 ** 20;

type HeapUsage = { readonly usedSize: number; readonly backingStorageSize: number };
type Reply = { readonly id?: number; readonly result?: unknown };

/** How often the profiler looks what the isolate does. It looks only while the isolate is entered. */
const SAMPLED_US = 1000;
/** What the profiler calls the moments in which nothing of the Worker's own runs. */
const NOT_OWN: ReadonlySet<string> = new Set(["(idle)", "(program)"]);

type Profile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
};

type Measured<Value> = {
  readonly value: Value;
  readonly peakMib: number;
  readonly medianMib: number;
  /** The most that the buffers had, which lie outside of the heap and are no part of its limit. */
  readonly buffersMib: number;
  readonly ownSeconds: number;
};

/**
 * What the platform counts against an isolate, as V8's inspector tells it: its memory (heap and buffers), and the processor
 * time of its own code, without the D1 and R2 that the same process simulates.
 */
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

  /**
   * What is held while `work` runs, garbage that V8 has not taken yet included: the most, and what half of the looks found
   * less than; and its own processor time.
   */
  async measureDuring<Value>(work: () => Promise<Value>): Promise<Measured<Value>> {
    await this.#whileAwake("HeapProfiler.collectGarbage");
    await this.#whileAwake("Profiler.enable");
    await this.#whileAwake("Profiler.setSamplingInterval", { interval: SAMPLED_US });
    await this.#whileAwake("Profiler.start");
    const usedMib: number[] = [];
    let buffersMib = 0;
    const polling = new AbortController();
    void this.#poll(polling.signal, ({ usedSize, backingStorageSize }) => {
      usedMib.push((usedSize + backingStorageSize) / MIB);
      buffersMib = Math.max(buffersMib, backingStorageSize / MIB);
    });
    try {
      const value = await work();
      const { profile } = (await this.#whileAwake("Profiler.stop")) as { profile: Profile };
      const { median, max } = spreadOf(usedMib);
      return {
        value,
        peakMib: max,
        medianMib: median,
        buffersMib,
        ownSeconds: (ownSamples(profile) * SAMPLED_US) / 1e6,
      };
    } finally {
      polling.abort();
    }
  }

  close(): void {
    this.#socket.close();
  }

  // An isolate hears the inspector only while it works: whoever waits for an answer has to give it something to do.
  async #whileAwake(method: string, params: object = {}): Promise<unknown> {
    const answer = this.#send(method, params).then((result) => ({ result }));
    for (;;) {
      await fetch(`${this.#url}/healthz`);
      const heard = await Promise.race([answer, pause(POLL_MS, null)]);
      if (heard !== null) return heard.result;
    }
  }

  async #poll(signal: AbortSignal, onUsage: (usage: HeapUsage) => void): Promise<void> {
    while (!signal.aborted) {
      onUsage((await this.#send("Runtime.getHeapUsage")) as HeapUsage);
      await pause(POLL_MS);
    }
  }

  #send(method: string, params: object = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

function ownSamples({ nodes, samples }: Profile): number {
  const others = new Set(nodes.filter(({ callFrame }) => NOT_OWN.has(callFrame.functionName)).map(({ id }) => id));
  return samples.filter((id) => !others.has(id)).length;
}
