import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { unstable_readConfig as readConfig } from "wrangler";
import { outputOf, PROJECT_ROOT, spawnWrangler } from "../../src/ctl/local/wrangler.ts";
import { NO_INNER_FAULTS, type InnerFaults } from "./faults.ts";

/** What one life of the gateway is started with. */
export type GatewayOptions = {
  readonly bundle: string;
  readonly compatibilityDate: string;
  readonly objects: Record<string, { className: string; useSQLite: true }>;
  readonly stateDir: string;
  readonly port: number;
  readonly vars: Record<string, string>;
  /** Statements for an empty D1; none once it has its tables. */
  readonly migrations: readonly string[];
};

const READY_MS = 30_000;

/** The gateway whose process is killed and started again, over one state on disk. */
export class TorturedGateway {
  readonly url: string;
  readonly stateDir: string;
  readonly #options: GatewayOptions;
  #process: ChildProcess | null = null;
  #migrated = false;
  #up = Promise.withResolvers<void>();

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.stateDir = options.stateDir;
    this.url = `http://127.0.0.1:${options.port}`;
    process.once("exit", () => this.#signal());
  }

  /** Builds the Worker with its tortured entry, as `wrangler deploy` would. */
  static async build(options: { dir: string; port: number; vars: Record<string, string> }): Promise<TorturedGateway> {
    const outDir = join(options.dir, "build");
    const entry = join(PROJECT_ROOT, "test/torture/worker.ts");
    const built = await outputOf(spawnWrangler(["deploy", entry, "--dry-run", "--outdir", outDir]));
    if (!built.ok) throw new Error(`the Worker could not be built:\n${built.output}`);
    const config = readConfig({ config: join(PROJECT_ROOT, "wrangler.toml") }, { hideWarnings: true });
    const migrations = await readD1Migrations(join(PROJECT_ROOT, "src/platform/migrations"));
    return new TorturedGateway({
      bundle: join(outDir, "worker.js"),
      compatibilityDate: config.compatibility_date ?? "",
      objects: objectsOf(config.durable_objects.bindings),
      stateDir: join(options.dir, "state"),
      port: options.port,
      vars: options.vars,
      migrations: migrations.flatMap(({ queries }) => queries),
    });
  }

  async start(faults: InnerFaults = NO_INNER_FAULTS): Promise<void> {
    const options: GatewayOptions = {
      ...this.#options,
      vars: { ...this.#options.vars, TORTURE_FAULTS: JSON.stringify(faults) },
      migrations: this.#migrated ? [] : this.#options.migrations,
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
    child.stderr?.on("data", (chunk: Buffer) => (errors = `${errors}${chunk.toString()}`.slice(-4000)));
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
    this.#migrated = true;
    this.#up.resolve();
  }

  /** Resolves when it listens: what is sent to a dead gateway tests nothing. */
  async whenUp(): Promise<void> {
    await this.#up.promise;
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

function objectsOf(bindings: readonly { name: string; class_name: string }[]): GatewayOptions["objects"] {
  return Object.fromEntries(
    bindings.map(({ name, class_name: className }) => [name, { className, useSQLite: true as const }]),
  );
}
