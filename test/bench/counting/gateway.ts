import { startGateway } from "../contenders.ts";
import type { RunningWorker } from "../runtime/worker.ts";
import { COMMAND_PATH, minus, START_MS, type Command, type Counts, type Reading } from "./counts.ts";

export const DAY_MS = 86_400_000;

/** The key pair of RFC 8037, appendix A: known to everyone. */
const EXPORT_SIGNING_KEY = JSON.stringify({
  kty: "OKP",
  crv: "Ed25519",
  kid: "export-bench",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
});
const CPF = "52998224725";

/** The counting Worker, as the benchmark drives it: one thing after the other, at times of its choosing. */
export class CountingGateway {
  readonly worker: RunningWorker;
  readonly keys: readonly string[];
  #nowMs = START_MS;

  private constructor(worker: RunningWorker, keys: readonly string[]) {
    this.worker = worker;
    this.keys = keys;
  }

  static async start(
    claroUrl: string,
    options: { tenants: number; stateDir?: string; startMs?: number; commitMs?: number },
  ): Promise<CountingGateway> {
    const { startMs, commitMs = 0, ...more } = options;
    const { worker, keys } = await startGateway(claroUrl, {
      ...more,
      name: "counting",
      entry: "test/bench/counting/worker.ts",
      vars: { EXPORT_SIGNING_KEY, COMMIT_MS: String(commitMs) },
    });
    const gateway = new CountingGateway(worker, keys);
    if (startMs !== undefined) await gateway.#advanceTo(startMs);
    return gateway;
  }

  async lookup(key: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers };
    const body = JSON.stringify({ cpf: CPF });
    const response = await fetch(`${this.worker.url}/v1/scores`, { method: "POST", headers: all, body });
    if (response.status !== 200) throw new Error(`a lookup answered ${response.status}: ${await response.text()}`);
    await response.text();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  async pass(durationMs: number): Promise<void> {
    await this.#advanceTo(this.#nowMs + durationMs);
  }

  async passTo(time: string): Promise<void> {
    await this.#advanceTo(Date.parse(time));
  }

  async cron(): Promise<void> {
    await this.#command({ kind: "cron" });
  }

  async evictLedgers(): Promise<void> {
    await this.#command({ kind: "evict" });
  }

  async read(): Promise<Reading> {
    return await this.#command<Reading>({ kind: "read" });
  }

  async ledgerBytes(): Promise<number> {
    return await this.#command<number>({ kind: "ledgerBytes" });
  }

  /** What `work` cost, and how many of its calls waited for one another. */
  async measure(work: () => Promise<void>): Promise<{ counts: Counts; steps: number }> {
    const before = await this.read();
    await work();
    const { counts, steps } = await this.read();
    return { counts: minus(counts, before.counts), steps };
  }

  async stop(): Promise<void> {
    await this.worker.stop();
  }

  async #advanceTo(toMs: number): Promise<void> {
    this.#nowMs = toMs;
    await this.#command({ kind: "advance", toMs });
  }

  async #command<Answer>(command: Command): Promise<Answer> {
    const response = await fetch(`${this.worker.url}${COMMAND_PATH}`, {
      method: "POST",
      body: JSON.stringify(command),
    });
    if (!response.ok) throw new Error(`the counting Worker could not ${command.kind}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }
}
