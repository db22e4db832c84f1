// What wrangler runs before it serves the Worker (`[build]` of wrangler.toml): a bare `wrangler dev` takes the state as
// `npm start` does, so that two gateways never write to one. wrangler has no other place for it.
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { shownPath } from "./local/announce.ts";
import { addressOfHolder, ensureWritable, holdState, writePrivately } from "./local/state.ts";
import { PROJECT_ROOT } from "./local/wrangler.ts";
import { OWNER_PID } from "./local/wrangler_names.ts";

const CHECK_MS = 250;
const DEFAULT_PORT = "8787";

/** Takes the state for a wrangler that cannot hold a lock itself, and lets go of it when that has ended, in any way. */
function keepState(stateDir: string, url: string, wranglerPid: number): void {
  const state = holdState(stateDir, { url });
  process.stdout.write(state === null ? "taken\n" : "held\n");
  if (state === null) return;
  writePrivately(keeperNote(stateDir), String(wranglerPid));
  setInterval(() => {
    if (isRunning(wranglerPid)) return;
    state.release();
    process.exit();
  }, CHECK_MS);
}

/** Asks for the state; where another gateway has it, says so in one line and ends wrangler. */
async function takeState(wranglerPid: number): Promise<void> {
  const words = tellProcess(wranglerPid, "args").split(/\s+/);
  const { values } = parseArgs({
    args: words,
    strict: false,
    allowPositionals: true,
    options: { port: { type: "string" }, "persist-to": { type: "string" } },
  });
  const stateDir = resolve(PROJECT_ROOT, String(values["persist-to"] ?? ".wrangler/state"));
  ensureWritable(stateDir);
  const url = `http://127.0.0.1:${String(values["port"] ?? DEFAULT_PORT)}`;
  const self = fileURLToPath(import.meta.url);
  const keeper = spawn(process.execPath, [self, stateDir, url, String(wranglerPid)], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const answer = await new Promise<string>((done) => {
    keeper.stdout.setEncoding("utf8").once("data", (chunk: string) => done(chunk));
    keeper.once("close", () => done(""));
  });
  keeper.stdout.destroy();
  keeper.unref();
  // wrangler builds anew whenever a source changes: then the state is its own already.
  if (!answer.startsWith("taken") || keeperOf(stateDir) === wranglerPid) return;
  const address = addressOfHolder(stateDir);
  console.error(
    `A gateway${address === null ? "" : ` at ${address}`} has the state in ${shownPath(stateDir)}. Use that one, or give this one its own: npx wrangler dev --port N --persist-to DIR`,
  );
  process.kill(wranglerPid, "SIGTERM");
  // A build that failed would be told with all of wrangler's internals; this one is over when wrangler is.
  setInterval(() => isRunning(wranglerPid) || process.exit(), CHECK_MS);
}

/** The process that asked for this one: between them there may be a shell. */
function wranglerOf(parentPid: number): number {
  return tellProcess(parentPid, "args").includes("wrangler") ? parentPid : Number(tellProcess(parentPid, "ppid"));
}

function tellProcess(pid: number, what: "args" | "ppid"): string {
  return execFileSync("ps", ["-o", `${what}=`, "-p", String(pid)], { encoding: "utf8" }).trim();
}

function keeperNote(stateDir: string): string {
  return join(stateDir, "bare_dev.pid");
}

function keeperOf(stateDir: string): number | null {
  try {
    return Number(readFileSync(keeperNote(stateDir), "utf8"));
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const [stateDir, url, wranglerPid] = process.argv.slice(2);
const isBareDev = process.env["WRANGLER_COMMAND"] === "dev" && process.env[OWNER_PID] === undefined;
if (stateDir !== undefined && url !== undefined) keepState(stateDir, url, Number(wranglerPid));
else if (isBareDev && process.platform !== "win32") await takeState(wranglerOf(process.ppid));
