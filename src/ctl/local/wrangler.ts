import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { INSPECTOR, OWNER_PID } from "./wrangler_names.ts";

/** The project's root, wherever the command was called from. */
export const PROJECT_ROOT = fileURLToPath(new URL("../../../", import.meta.url).href);

const WRANGLER = join(PROJECT_ROOT, "node_modules/wrangler/bin/wrangler.js");

/** Keeps wrangler off the internet, and twice as fast. What Node has compiled once is kept. */
const QUIET = {
  NODE_COMPILE_CACHE: join(PROJECT_ROOT, "node_modules/.cache/compiled"),
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  X_LOCAL_OBSERVABILITY: "false",
  X_LOCAL_EXPLORER: "false",
  NO_UPDATE_NOTIFIER: "1",
  CI: "true",
};

const HOOKS = new URL("./wrangler_hooks.ts", import.meta.url).href;
const MIGRATION = fileURLToPath(new URL("./migrate_state.ts", import.meta.url).href);

/** Starts wrangler without a terminal, so that it asks nothing and takes no keys. It ends when this process does. */
export function spawnWrangler(args: readonly string[]): ChildProcess {
  return spawnScript(WRANGLER, args);
}

/** Brings a state's D1 up to date; ends with 0 when it is. */
export function spawnMigration(stateDir: string): ChildProcess {
  return spawnScript(MIGRATION, [stateDir]);
}

/** In a process group of its own, so that `killGroup` reaches all that it starts. */
function spawnScript(script: string, args: readonly string[]): ChildProcess {
  const asksForInspector = args.some((arg) => arg.startsWith("--inspector-"));
  return spawn(process.execPath, ["--import", HOOKS, script, ...args], {
    cwd: PROJECT_ROOT,
    env: {
      ...process.env,
      ...QUIET,
      [OWNER_PID]: String(process.pid),
      [INSPECTOR]: asksForInspector ? "open" : "shut",
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

/** Lets wrangler end well, and makes sure that nothing which it started goes on. */
export async function endWrangler(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await exitOf(child);
  killGroup(child);
}

/** Ends what is left of wrangler's process group. */
export function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left.
  }
}

/** Waits for wrangler's end; its output matters only when it fails. */
export async function outputOf(child: ChildProcess): Promise<{ ok: boolean; output: string }> {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const code = await exitOf(child);
  return { ok: code === 0, output };
}

export async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return await new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}
