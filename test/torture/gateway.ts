import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Bundle } from "./bundle.ts";
import { NO_INNER_FAULTS, TORTURE_PATHS, type InnerFaults, type LedgerOutage } from "./inner_faults.ts";

/** What one life of the gateway is started with. */
export type GatewayOptions = {
  /** What answers requests, and what the objects run. */
  readonly worker: Bundle;
  readonly objects: Bundle;
  readonly stateDir: string;
  readonly port: number;
  readonly vars: Record<string, string>;
  /** Statements that D1 has not had yet. */
  readonly migrations: readonly string[];
};

/** The versions of one life. */
export type Pair = Pick<GatewayOptions, "worker" | "objects">;

const READY_MS = 60_000;
const POLL_MS = 200;
/** What puts right gives up sooner. */
const LONGEST_AFTERMATH_MS = 60_000;

/** The gateway whose process is killed and started again, over one state on disk. */
export class TorturedGateway {
  readonly url: string;
  readonly stateDir: string;
  readonly #options: Pick<GatewayOptions, "stateDir" | "port" | "vars">;
  readonly #migrated = new Set<string>();
  #pair: Pair;
  #process: ChildProcess | null = null;
  #up = Promise.withResolvers<void>();

  /** `bundle` is what runs until `deploy` says otherwise. */
  constructor(bundle: Bundle, options: { dir: string; port: number; vars: Record<string, string> }) {
    const { dir, port, vars } = options;
    this.stateDir = join(dir, "state");
    this.#options = { stateDir: this.stateDir, port, vars };
    this.#pair = { worker: bundle, objects: bundle };
    this.url = `http://127.0.0.1:${port}`;
    process.once("exit", () => this.#signal());
  }

  /** What the next lives run. */
  deploy(pair: Pair): void {
    this.#pair = pair;
  }

  async start(faults: InnerFaults = NO_INNER_FAULTS): Promise<void> {
    // A deployment applies the schema first: a version meets the schema of a later one, never of an earlier.
    const pending = new Map(
      [this.#pair.worker, this.#pair.objects]
        .flatMap(({ migrations }) => migrations)
        .filter(({ name }) => !this.#migrated.has(name))
        .map(({ name, queries }) => [name, queries]),
    );
    const options: GatewayOptions = {
      ...this.#options,
      ...this.#pair,
      vars: { ...this.#options.vars, TORTURE_FAULTS: JSON.stringify(faults) },
      migrations: [...pending].toSorted(([left], [right]) => (left < right ? -1 : 1)).flatMap(([, queries]) => queries),
    };
    const script = join(import.meta.dirname, "gateway_process.ts");
    // A process group of its own, so that workerd dies in the same instant as its parent.
    const child = fork(script, [JSON.stringify(options)], {
      detached: true,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false" },
    });
    this.#process = child;
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (errors = `${errors}${chunk}`.slice(-4000)));
    const failed = once(child, "exit").then(() => {
      throw new Error(`the gateway did not start:\n${errors}`);
    });
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), READY_MS);
    try {
      await Promise.race([once(child, "message", { signal: late.signal }), failed]);
    } finally {
      clearTimeout(timer);
      failed.catch(() => undefined);
    }
    for (const name of pending.keys()) this.#migrated.add(name);
    this.#up.resolve();
  }

  /** Resolves when it listens: what is sent to a dead gateway tests nothing. */
  async whenUp(): Promise<void> {
    await this.#up.promise;
  }

  /** Runs the cron once. How many stray calls waited before it. */
  async runScheduled(): Promise<{ strayCalls: number }> {
    return await this.#tell<{ strayCalls: number }>(TORTURE_PATHS.scheduled);
  }

  /** Takes the ledgers away for a while, and waits until what that left undone has been put right. */
  async takeLedgersAway(outage: LedgerOutage): Promise<void> {
    await this.#tell(TORTURE_PATHS.outage, outage);
    await pause(outage.lastsMs);
    const goneBeforeMs = Date.now();
    for (;;) {
      const { oldestMs } = await this.#tell<{ oldestMs: number | null }>(TORTURE_PATHS.pending);
      if (oldestMs === null || oldestMs >= goneBeforeMs) return;
      if (Date.now() - goneBeforeMs > LONGEST_AFTERMATH_MS) throw new Error("what an outage left is not put right");
      await pause(POLL_MS);
    }
  }

  async #tell<Answer>(path: string, body: unknown = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return await response.json<Answer>();
  }

  /** SIGKILL for the whole group, at once. Resolves when nothing of it is left. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    this.#process = null;
    this.#up = Promise.withResolvers();
    const gone = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
    this.#signal(child.pid);
    await gone;
  }

  #signal(pid = this.#process?.pid): void {
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It was gone already.
    }
  }
}

async function pause(durationMs: number): Promise<void> {
  await new Promise((done) => setTimeout(done, durationMs));
}
