import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const PROJECT_ROOT = fileURLToPath(new URL("../../../", import.meta.url).href);

/** Keeps wrangler off the internet. */
export const QUIET = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
};

const KILL_AFTER_MS = 30_000;

/** A command in a process group of its own, with all that it printed. */
export type RunningProcess = {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
};

export function run(command: string, args: readonly string[], env: Record<string, string> = {}): RunningProcess {
  const child = spawn(command, args, {
    cwd: PROJECT_ROOT,
    env: { ...process.env, NO_COLOR: "1", ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output.stderr += chunk));
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", reject);
  });
  return { child, output, exited };
}

/** Waits until what was printed holds `pattern`. Throws, with all that was printed, when it ends or takes too long. */
export async function printed(running: RunningProcess, pattern: RegExp, timeoutMs = 90_000): Promise<RegExpExecArray> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const found = pattern.exec(running.output.stdout);
    if (found !== null) return found;
    const { stdout, stderr } = running.output;
    if (running.child.exitCode !== null || running.child.signalCode !== null)
      throw new Error(`it ended without ${pattern}:\n${stdout}\n${stderr}`);
    if (Date.now() > deadlineMs) throw new Error(`it did not print ${pattern}:\n${stdout}\n${stderr}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Signals the process, or with it its whole group as a terminal's Ctrl-C does, and waits for the end. */
export async function end(
  running: RunningProcess,
  options: { signal?: NodeJS.Signals; to?: "group" | "process" } = {},
): Promise<number | null> {
  const { signal = "SIGINT", to = "group" } = options;
  const { pid, exitCode, signalCode } = running.child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return await running.exited;
  process.kill(to === "group" ? -pid : pid, signal);
  const timer = setTimeout(() => process.kill(-pid, "SIGKILL"), KILL_AFTER_MS);
  try {
    return await running.exited;
  } finally {
    clearTimeout(timer);
  }
}

/** A process and all that it started, with what they started, by pid. */
export function familyOf(running: RunningProcess): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const parents = rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
  const family = [running.child.pid ?? -1];
  for (const parent of family) for (const [pid, ppid] of parents) if (ppid === parent) family.push(pid);
  return family;
}

/** Those of `pids` that still run after a moment's grace. */
export async function survivors(pids: readonly number[], graceMs = 5000): Promise<number[]> {
  const deadlineMs = Date.now() + graceMs;
  for (;;) {
    const left = pids.filter(isRunning);
    if (left.length === 0 || Date.now() > deadlineMs) return left;
    await new Promise((done) => setTimeout(done, 50));
  }
}

function isRunning(pid: number): boolean {
  try {
    const state = execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).trim();
    // A process that ended and was adopted by somebody who does not wait for it runs no more.
    return !state.startsWith("Z");
  } catch {
    return false;
  }
}

/** The TCP ports on which `pids` listen, as Linux tells them. */
export function listeningPorts(pids: readonly number[]): number[] {
  const inodes = new Set(pids.flatMap(socketInodes));
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
    readFileSync(table, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === "0A" && inodes.has(inode ?? ""))
      .map(([, address = ""]) => Number.parseInt(address.split(":")[1] ?? "", 16)),
  );
}

function socketInodes(pid: number): string[] {
  const dir = `/proc/${pid}/fd`;
  return readdirSync(dir).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${dir}/${fd}`))?.slice(1) ?? [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}
