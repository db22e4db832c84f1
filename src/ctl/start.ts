import { createServer } from "node:net";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ChildProcess } from "node:child_process";
import { messageOf } from "../platform/log.ts";
import { describeProblem, readSettings } from "../platform/settings.ts";
import { readTemplate } from "./deploy/template.ts";
import { announce, shownPath } from "./local/announce.ts";
import { ensureDemo } from "./local/demo.ts";
import { DEV_VARS, ensureDevVars, optionalVars } from "./local/dev_vars.ts";
import { GatewayLog, lineForPeople } from "./local/gateway_log.ts";
import { isOnThisMachine, noteLocalGateway } from "./local/local_gateway.ts";
import { relayOutput } from "./local/relay_output.ts";
import { addressOfHolder, ensureWritable, hideState, holdState, WriteError } from "./local/state.ts";
import { gatewayLost, WATCH_REQUEST_ID } from "./local/watch_gateway.ts";
import {
  endWrangler,
  exitOf,
  killGroup,
  outputOf,
  PROJECT_ROOT,
  spawnMigration,
  spawnWrangler,
} from "./local/wrangler.ts";

const DEFAULT_PORT = 8787;
const LARGEST_PORT = 65_535;
const READY_TRIES = 600;
const READY_PAUSE_MS = 100;
const PARENT_CHECK_MS = 250;

const HELP = `
npm start -- [--port N] [--persist-to DIR] [--var NAME:VALUE …] [arguments of wrangler dev]

Serves the gateway on this machine, and makes what is missing: secrets in .dev.vars, the database, a demo tenant.

  npm start                                                     on http://127.0.0.1:${DEFAULT_PORT}, state in .wrangler/state
  npm start -- --port 9001 --persist-to /tmp/gateway            elsewhere, with a state of its own
  npm start -- --var CLARO_BASE_URL:http://127.0.0.1:9797       live keys reach the sandbox of npm run sandbox
  npm start -- --var CLOCK_OFFSET_MS:2678400000                 31 days from now
  npm start -- --inspector-port 9229                            with V8's inspector, which is shut otherwise

The log is in gateway.log of the state, a JSON object a line. One state serves one gateway.
`;

/** `npm start`: the gateway on this machine, with everything made that is missing. Arguments go to `wrangler dev`. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const { port, stateDir, vars } = readArguments(args);
  if (!(port >= 1 && port <= LARGEST_PORT)) return failure(`--port must be a number from 1 to ${LARGEST_PORT}`);
  ensureWritable(join(PROJECT_ROOT, ".wrangler"));
  ensureWritable(stateDir);
  const devVars = ensureDevVars();
  const settings = readSettings({ ...readTemplate().vars, ...devVars.vars, LOCAL: "true", ...vars });
  if (!settings.ok) {
    const place = `${relative(process.cwd(), DEV_VARS)}, wrangler.toml and --var`;
    const lines = settings.failure.problems.map((problem) => `\n  ${describeProblem(problem)}`).join("");
    return failure(`Missing or malformed settings: ${settings.failure.names.join(", ")} (see ${place})${lines}`);
  }
  const url = `http://127.0.0.1:${port}`;
  const state = holdState(stateDir, { url });
  if (state === null) return failure(stateInUse(stateDir));
  try {
    if (!(await isFree(port)))
      return failure(`Port ${port} is taken. Choose another: npm start -- --port ${await nextFree(port)}`);
    hideState(stateDir);
    return await serve(url, {
      args: withPort(args, port),
      stateDir,
      adminToken: settings.value.adminTokens[0] ?? null,
      devVars,
    });
  } finally {
    state.release();
  }
}

type Service = {
  readonly args: readonly string[];
  readonly stateDir: string;
  /** `null` where Access is required: no token comes in. */
  readonly adminToken: string | null;
  readonly devVars: { readonly created: boolean; readonly vars: Readonly<Record<string, string>> };
};

/** Brings the state's schema up to date and serves the gateway until it is told to end, or cannot go on. */
async function serve(url: string, service: Service): Promise<number> {
  const { args, stateDir } = service;
  const ending = watchForEnd();
  const migration = spawnMigration(stateDir);
  ending.passTo(migration);
  const migrated = await outputOf(migration);
  killGroup(migration);
  if (ending.asked) return 0;
  if (!migrated.ok) return failure(`The database could not be prepared:\n${migrated.output}`);

  const optional = optionalVars(service.devVars.vars, readTemplate().secrets.required);
  const local = ["--persist-to", stateDir, ...optional, "--var", "LOCAL:true"];
  const gateway = spawnWrangler(["dev", ...local, ...args]);
  ending.passTo(gateway);
  relay(gateway, stateDir);
  const { problem, note } = await openForUse(url, gateway, service);
  try {
    if (problem !== null && !ending.asked) return failure(problem);
    const end = await Promise.race([exitOf(gateway), gatewayLost(url)]);
    if (typeof end === "string") return failure(end);
    return ending.asked ? 0 : (end ?? 1);
  } finally {
    note?.forget();
    await endWrangler(gateway);
  }
}

/** On a terminal lines are for people, in a pipe for programs; the file has them all. */
function relay(gateway: ChildProcess, stateDir: string): void {
  const warn = (text: string) => process.stderr.write(`${text}\n`);
  const log = new GatewayLog(stateDir, { warn });
  relayOutput(gateway, WATCH_REQUEST_ID, {
    line: (line, fields) => {
      log.append(line);
      process.stdout.write(`${process.stdout.isTTY ? lineForPeople(fields, new Date()) : line}\n`);
    },
    warn,
  });
}

type Opened = { readonly problem: string | null; readonly note: ReturnType<typeof noteLocalGateway> | null };

/** Waits for the gateway and says how to use it; or why it cannot be used. */
async function openForUse(url: string, gateway: ChildProcess, service: Service): Promise<Opened> {
  if (!(await isReady(url, gateway))) {
    return { problem: `The gateway did not start; ${url}/healthz gives no good answer.`, note: null };
  }
  const { stateDir, devVars } = service;
  const note = noteLocalGateway({ url, stateDir, startedAtMs: Date.now() });
  try {
    const demo = await ensureDemo(url, service);
    announce({
      url,
      testKey: demo?.testKey ?? null,
      takesAdminToken: service.adminToken !== null,
      madeDevVars: devVars.created,
      logFile: join(stateDir, "gateway.log"),
    });
    return { problem: null, note };
  } catch (error) {
    return { problem: `The demo tenant could not be made: ${messageOf(error)}`, note };
  }
}

function stateInUse(stateDir: string): string {
  const address = addressOfHolder(stateDir);
  const where = address !== null && isOnThisMachine(address) ? ` at ${address}` : "";
  return `A gateway${where} has the state in ${shownPath(stateDir)}. Use that one, or give this one its own: npm start -- --port N --persist-to DIR`;
}

function readArguments(args: readonly string[]): { port: number; stateDir: string; vars: Record<string, string> } {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    options: { port: { type: "string" }, "persist-to": { type: "string" }, var: { type: "string", multiple: true } },
  });
  const vars = (values["var"] as string[] | undefined) ?? [];
  return {
    port: Number(values["port"] ?? DEFAULT_PORT),
    stateDir: resolve(PROJECT_ROOT, (values["persist-to"] as string | undefined) ?? ".wrangler/state"),
    vars: Object.fromEntries(vars.map((pair) => [pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 1)])),
  };
}

function withPort(args: readonly string[], port: number): string[] {
  const kept = args.filter((arg, index) => {
    const previous = args[index - 1] ?? "";
    return !/^--(?:port|persist-to)(?:=|$)/.test(arg) && previous !== "--port" && previous !== "--persist-to";
  });
  return ["--port", String(port), ...kept];
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((done) => {
    const probe = createServer()
      .once("error", () => done(false))
      .listen(port, "127.0.0.1", () => probe.close(() => done(true)));
  });
}

async function nextFree(port: number): Promise<number> {
  let next = port;
  do next = next === LARGEST_PORT ? DEFAULT_PORT : next + 1;
  while (!(await isFree(next)));
  return next;
}

async function isReady(url: string, gateway: ChildProcess): Promise<boolean> {
  const headers = { "x-request-id": WATCH_REQUEST_ID };
  for (let attempt = 0; attempt < READY_TRIES && gateway.exitCode === null; attempt += 1) {
    try {
      const response = await fetch(`${url}/healthz`, { headers });
      await response.body?.cancel();
      if (response.ok) return true;
    } catch {
      // Not listening yet.
    }
    await new Promise((done) => setTimeout(done, READY_PAUSE_MS));
  }
  return false;
}

// wrangler is in a process group of its own, so that signals reach it from here only. npm passes its signals on, but
// one that is killed cannot: its child then has another parent.
function watchForEnd(): { asked: boolean; passTo: (child: ChildProcess) => void } {
  let current: ChildProcess | null = null;
  const ending = { asked: false, passTo: (child: ChildProcess) => void (current = child) };
  const end = () => {
    ending.asked = true;
    current?.kill("SIGTERM");
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  const npm = process.ppid;
  const isStartedByNpm = process.env["npm_lifecycle_event"] !== undefined;
  if (isStartedByNpm) setInterval(() => process.ppid !== npm && end(), PARENT_CHECK_MS).unref();
  return ending;
}

function failure(message: string): number {
  console.error(message);
  return 1;
}

// What is made here holds secrets: nobody else reads it.
process.umask(0o077);
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof WriteError)) throw error;
  const isInCheckout = error.path.startsWith(PROJECT_ROOT);
  const advice = isInCheckout ? "npm start needs a checkout that it can write to" : "Choose another --persist-to DIR";
  process.exitCode = failure(`${error.message} ${advice}.`);
}
