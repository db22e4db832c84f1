import { createServer } from "node:net";
import { join, relative, resolve } from "node:path";
import { parseArgs, styleText } from "node:util";
import type { ChildProcess } from "node:child_process";
import { unstable_readConfig as readConfig } from "wrangler";
import { messageOf } from "../platform/log.ts";
import { describeProblem, readSettings } from "../platform/settings.ts";
import { ensureDemo } from "./local/demo.ts";
import { DEV_VARS, ensureDevVars, optionalVars } from "./local/dev_vars.ts";
import { forgetLocalGateway, noteLocalGateway } from "./local/local_gateway.ts";
import { relayOutput } from "./local/relay_output.ts";
import { gatewayLost } from "./local/watch_gateway.ts";
import { exitOf, outputOf, PROJECT_ROOT, spawnWrangler } from "./local/wrangler.ts";

const DEFAULT_PORT = 8787;
const LARGEST_PORT = 65_535;
const READY_TRIES = 600;
const READY_PAUSE_MS = 100;

const HELP = `
npm start -- [--port N] [--persist-to DIR] [--var NAME:VALUE …] [arguments of wrangler dev]

Serves the gateway on this machine, and makes what is missing: secrets in .dev.vars, the database, a demo tenant.

  npm start                                                     on http://127.0.0.1:${DEFAULT_PORT}, state in .wrangler/state
  npm start -- --port 9001 --persist-to /tmp/gateway            elsewhere, with a state of its own
  npm start -- --var CLARO_BASE_URL:http://127.0.0.1:9797       live keys reach the sandbox of npm run sandbox
  npm start -- --var CLOCK_OFFSET_MS:2678400000                 31 days from now
`;

/** `npm start`: the gateway on this machine, with everything made that is missing. Arguments go to `wrangler dev`. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const { port, stateDir, vars } = readArguments(args);
  const devVars = ensureDevVars();
  const settings = readSettings({ ...readWranglerConfig().vars, ...devVars.vars, LOCAL: "true", ...vars });
  if (!settings.ok) {
    const place = `${relative(process.cwd(), DEV_VARS)}, wrangler.toml and --var`;
    const lines = settings.failure.problems.map((problem) => `\n  ${describeProblem(problem)}`).join("");
    return failure(`Missing or malformed settings: ${settings.failure.names.join(", ")} (see ${place})${lines}`);
  }
  if (!(port >= 1 && port <= LARGEST_PORT)) return failure(`--port must be a number from 1 to ${LARGEST_PORT}`);
  if (!(await isFree(port))) return failure(`Port ${port} is taken. Choose another: npm start -- --port ${port + 1}`);

  const ending = forwardSignals();
  const migration = spawnWrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateDir]);
  ending.passTo(migration);
  const migrated = await outputOf(migration);
  if (ending.asked) return 0;
  if (!migrated.ok) return failure(`The database could not be prepared:\n${migrated.output}`);

  const optional = optionalVars(devVars.vars, readWranglerConfig().secrets?.required ?? []);
  const local = ["--persist-to", stateDir, ...optional, "--var", "LOCAL:true"];
  const gateway = spawnWrangler(["dev", ...local, ...withPort(args, port)]);
  ending.passTo(gateway);
  relayOutput(gateway, { out: process.stdout, err: process.stderr });
  const url = `http://127.0.0.1:${port}`;
  const problem = await openForUse(url, gateway, {
    adminToken: settings.value.adminTokens[0] ?? "",
    stateDir,
    devVars,
  });
  if (problem !== null && !ending.asked) {
    gateway.kill("SIGTERM");
    await exitOf(gateway);
    return failure(problem);
  }
  const end = await Promise.race([exitOf(gateway), gatewayLost(url)]);
  forgetLocalGateway();
  if (typeof end !== "string") return ending.asked ? 0 : (end ?? 1);
  gateway.kill("SIGTERM");
  await exitOf(gateway);
  return failure(end);
}

type Preparation = { adminToken: string; stateDir: string; devVars: { created: boolean } };

/** Waits for the gateway and says how to use it; null, or why it cannot be used. */
async function openForUse(url: string, gateway: ChildProcess, preparation: Preparation): Promise<string | null> {
  if (!(await isReady(url, gateway))) return `The gateway did not start; ${url}/healthz gives no good answer.`;
  noteLocalGateway(url);
  try {
    const demo = await ensureDemo(url, preparation);
    announce(url, demo.testKey, preparation.devVars.created);
    return null;
  } catch (error) {
    return `The demo tenant could not be made: ${messageOf(error)}`;
  }
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

function readWranglerConfig() {
  return readConfig({ config: join(PROJECT_ROOT, "wrangler.toml") }, { hideWarnings: true });
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((done) => {
    const probe = createServer()
      .once("error", () => done(false))
      .listen(port, "127.0.0.1", () => probe.close(() => done(true)));
  });
}

async function isReady(url: string, gateway: ChildProcess): Promise<boolean> {
  for (let attempt = 0; attempt < READY_TRIES && gateway.exitCode === null; attempt += 1) {
    try {
      const response = await fetch(`${url}/healthz`);
      await response.body?.cancel();
      if (response.ok) return true;
    } catch {
      // Not listening yet.
    }
    await new Promise((done) => setTimeout(done, READY_PAUSE_MS));
  }
  return false;
}

// Ctrl-C reaches the whole group in a terminal, but only this process from a supervisor: it is passed on either way.
function forwardSignals(): { asked: boolean; passTo: (child: ChildProcess) => void } {
  let current: ChildProcess | null = null;
  const ending = { asked: false, passTo: (child: ChildProcess) => void (current = child) };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      ending.asked = true;
      current?.kill("SIGTERM");
    });
  }
  return ending;
}

function announce(url: string, testKey: string, madeDevVars: boolean): void {
  const bold = (text: string) => styleText("bold", text, { stream: process.stdout });
  const secrets = relative(process.cwd(), DEV_VARS);
  console.log(`
${bold("Claro Score Gateway")} on ${url}

A lookup with the demo tenant's test key (the sandbox answers, nothing is charged):

  curl -s ${url}/v1/scores -H 'Authorization: Bearer ${testKey}' -H 'Content-Type: application/json' -d '{"cpf": "529.982.247-25"}'

Reference     ${url}/docs
Operator      npm run ctl -- --help
Admin token   ADMIN_TOKEN in ${secrets}${madeDevVars ? " (just made)" : ""}
Stop          Ctrl-C
`);
}

function failure(message: string): number {
  console.error(message);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
