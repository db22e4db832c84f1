import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { bundle, ROOT } from "./bundle.ts";

/** A Worker that runs: workerd itself listens at `url`, with nothing of Miniflare's on the way of a request. */
export type RunningWorker = {
  readonly url: string;
  readonly pid: number;
  readonly miniflare: Miniflare;
  readonly stop: () => Promise<void>;
};

export type WorkerOptions = {
  /** Relative to the project's root. */
  readonly config: string;
  readonly entry?: string;
  readonly vars?: Readonly<Record<string, string>>;
  /** Where state is kept; without it, in a folder that goes when the Worker stops. */
  readonly stateDir?: string;
  /** With V8's inspector. */
  readonly inspected?: boolean;
  /** The most that an isolate's heap may have; one that needs more ends the process. Without it, as much as the machine has. */
  readonly mostHeapMib?: number;
};

/**
 * State is kept in memory where the system has such a folder. workerd commits with fsync and waits for it with its one
 * thread, which is how long this machine's disk takes and nothing of the platform, where a commit blocks nobody.
 */
export const MEMORY_DIR = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Builds and starts a Worker with the bindings of its wrangler.toml; where it has no state yet, its D1 is migrated. */
export async function startWorker(name: string, options: WorkerOptions): Promise<RunningWorker> {
  const { config, vars = {} } = options;
  const { code } = await bundle(name, options);
  const { workerOptions } = quietly(() => unstable_getMiniflareWorkerOptions(join(ROOT, config)));
  const stateDir = options.stateDir ?? mkdtempSync(join(MEMORY_DIR, "bench-"));
  const isNew = readdirSync(stateDir).length === 0;
  const before = new Set(workerdPids());
  const miniflare = await started(
    convertV4MiniflareOptions({
      ...workerOptions,
      name,
      modules: [{ type: "ESModule", path: "main.js", contents: code }],
      bindings: { ...(workerOptions["bindings"] as object), ...vars },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      handleStructuredLogs: () => undefined,
      resourcePersistencePath: stateDir,
      ...(options.inspected === true ? { inspectorPort: 0 } : {}),
    } as unknown as V4MiniflareOptions),
    options.mostHeapMib === undefined ? [] : [`--max-heap-size=${options.mostHeapMib}`],
  );
  if (isNew) await migrate(miniflare, workerOptions["d1Databases"] as object, join(ROOT, config));
  const pid = workerdPids().find((candidate) => !before.has(candidate));
  if (pid === undefined) throw new Error("workerd was started, but its process is not to be found");
  const url = (await miniflare.unsafeGetDirectURL(name)).origin;
  const stop = async () => {
    await miniflare.dispose();
    if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true });
  };
  return { url, pid, miniflare, stop };
}

/** Miniflare takes V8's flags from the environment only, while it writes workerd's configuration. */
async function started(
  options: ConstructorParameters<typeof Miniflare>[0],
  v8Flags: readonly string[],
): Promise<Miniflare> {
  const before = process.env["MINIFLARE_WORKERD_V8_FLAGS"];
  if (v8Flags.length > 0) process.env["MINIFLARE_WORKERD_V8_FLAGS"] = v8Flags.join(" ");
  try {
    const miniflare = new Miniflare(options);
    await miniflare.ready;
    return miniflare;
  } finally {
    if (before === undefined) delete process.env["MINIFLARE_WORKERD_V8_FLAGS"];
    else process.env["MINIFLARE_WORKERD_V8_FLAGS"] = before;
  }
}

async function migrate(miniflare: Miniflare, databases: object, configFile: string): Promise<void> {
  if (!("DB" in databases)) return;
  const folder = /^migrations_dir = "(.*)"$/m.exec(readFileSync(configFile, "utf8"))?.[1] ?? "";
  const dir = join(configFile, "..", folder);
  const db = await miniflare.getD1Database("DB");
  await db.prepare("CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE)").run();
  for (const file of readdirSync(dir)
    .filter((entry) => entry.endsWith(".sql"))
    .toSorted()) {
    const statements = unstable_splitSqlQuery(readFileSync(join(dir, file), "utf8"));
    const kept = db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(file);
    await db.batch([...statements.map((statement) => db.prepare(statement)), kept]);
  }
}

/** The workerd processes that this process has started. */
function workerdPids(): number[] {
  return readdirSync(`/proc/${process.pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${process.pid}/task/${task}/children`, "utf8").trim().split(" "))
    .filter((pid) => pid !== "" && readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("workerd"))
    .map(Number);
}

/** Without wrangler's warning of secrets that are not set: here they are vars. */
function quietly<Value>(work: () => Value): Value {
  const level = process.env["WRANGLER_LOG"];
  process.env["WRANGLER_LOG"] = "none";
  try {
    return work();
  } finally {
    if (level === undefined) delete process.env["WRANGLER_LOG"];
    else process.env["WRANGLER_LOG"] = level;
  }
}
