import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { PROJECT_ROOT } from "../local/wrangler.ts";

/** Not its `bin`: that starts a second process, which inherits no file of ours and outlives a signal. */
const WRANGLER = join(PROJECT_ROOT, "node_modules/wrangler/wrangler-dist/cli.js");

/** wrangler asks nothing, reports to nobody, and writes no log into the home directory. */
const QUIET = {
  CI: "true",
  NO_COLOR: "1",
  NO_UPDATE_NOTIFIER: "1",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_WRITE_LOGS: "false",
};

/** Secrets that are meant for this process only: wrangler gets them by file descriptor, if at all. */
const SECRET_VARIABLES = new Set([
  "ACCESS_TOKEN_SECRET",
  "ADMIN_TOKEN",
  "CLARO_CLIENT_ID",
  "CLARO_CLIENT_SECRET",
  "CLARO_GATEWAY_ADMIN_TOKEN",
  "CPF_HMAC_SECRET",
  "EXPORT_SIGNING_KEY",
  "IDEMPOTENCY_SECRET",
]);

/** Where a file of ours is for the child: the first after standard input, output and error. */
export const PASSED_FILE = "/dev/fd/3";

export type WranglerRun = {
  readonly environment?: Readonly<Record<string, string>>;
  /** An open file, readable for the child as `PASSED_FILE`. */
  readonly passedFile?: number;
};

/** `output` is everything that wrangler said, for people. */
export type WranglerResult = { readonly code: number | null; readonly stdout: string; readonly output: string };

const running = new Set<ChildProcess>();

/** Runs wrangler to its end. What it says is returned and shown by whoever can make something of it. */
export async function runWrangler(args: readonly string[], run: WranglerRun = {}): Promise<WranglerResult> {
  const child: ChildProcess = spawn(process.execPath, ["--no-warnings", WRANGLER, ...args], {
    cwd: PROJECT_ROOT,
    env: environmentFor(run),
    stdio: ["ignore", "pipe", "pipe", ...(run.passedFile === undefined ? [] : [run.passedFile])],
  });
  running.add(child);
  let [stdout, output] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    output += chunk;
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const code = await new Promise<number | null>((done) => child.once("close", done));
  running.delete(child);
  return { code, stdout, output: stripVTControlCharacters(output).trim() };
}

function environmentFor({ environment }: WranglerRun): NodeJS.ProcessEnv {
  const all = Object.entries({ ...process.env, ...QUIET, ...environment });
  return Object.fromEntries(all.filter(([name]) => !SECRET_VARIABLES.has(name))) as NodeJS.ProcessEnv;
}

/** Ends what runs, when this process is told to end. wrangler has nothing to put in order. */
export async function stopWrangler(): Promise<void> {
  const ends = [...running].map(async (child) => {
    const end = new Promise((done) => child.once("close", done));
    child.kill("SIGKILL");
    await end;
  });
  await Promise.all(ends);
}
