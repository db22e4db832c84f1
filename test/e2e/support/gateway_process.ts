import { createServer } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDevVars } from "../../../src/ctl/local/dev_vars.ts";
import { findPersonalData } from "../../support/personal_data.ts";
import { end, printed, run, type RunningProcess } from "./processes.ts";

/** Given to every started gateway, so that tests need not read the secrets of whoever works here. */
export const ADMIN_TOKEN = "test-admin-token-0123456789-abcdef";

export type RunningGateway = RunningProcess & {
  readonly url: string;
  /** The line that a newcomer pastes. */
  readonly curlLine: string;
  readonly demoKey: string;
};

const everyOutput: { readonly name: string; readonly output: RunningProcess["output"] }[] = [];

/** Starts the gateway as the README does, and waits until it says how to use it. */
export async function startGateway(options: {
  stateDir: string;
  port?: number;
  vars?: Record<string, string>;
  /** `npm start` itself, or the process that it runs. */
  as?: "npm" | "node";
}): Promise<RunningGateway> {
  const port = options.port ?? (await freePort());
  const running = launchGateway({ ...options, port });
  const [, curlLine = "", demoKey = ""] = await printed(running, /^ +(curl .*Bearer (csg_test_[0-9A-Za-z_]+)'.*)$/m);
  return { ...running, url: `http://127.0.0.1:${port}`, curlLine, demoKey };
}

/** Starts the gateway without waiting for anything; for starts that must fail. */
export function launchGateway(options: {
  stateDir: string;
  port: number | string;
  vars?: Record<string, string>;
  as?: "npm" | "node";
}): RunningProcess {
  const vars = { ADMIN_TOKEN, ...options.vars };
  const args = ["--port", String(options.port), "--persist-to", options.stateDir];
  for (const [name, value] of Object.entries(vars)) args.push("--var", `${name}:${value}`);
  const running =
    options.as === "node"
      ? run(process.execPath, ["src/ctl/start.ts", ...args])
      : run("npm", ["start", "--silent", "--", ...args]);
  everyOutput.push({ name: `gateway on ${options.port}`, output: running.output });
  return running;
}

export type RunningSandbox = RunningProcess & { readonly url: string };

/** The stand-alone simulator of Claro, in a process of its own. */
export async function startSandbox(): Promise<RunningSandbox> {
  const running = run(process.execPath, ["src/ctl/sandbox.ts", "--port", "0", "--quiet"]);
  everyOutput.push({ name: "sandbox", output: running.output });
  const [, url = ""] = await printed(running, /listening on (\S+)/);
  return { ...running, url };
}

/** Where personal data stands in anything that was printed so far, but for the demo key's line, which is made to show it. */
export function leaksInOutput(): string[] {
  const secrets = Object.entries(readDevVars()).filter(([name]) => /SECRET|TOKEN/.test(name));
  return everyOutput.flatMap(({ name, output }) => {
    const lines = `${output.stdout}\n${output.stderr}`.split("\n").filter((line) => !/^ +curl -s http/.test(line));
    const named = secrets.filter(([, value]) => lines.some((line) => line.includes(value)));
    return [...findPersonalData(lines.join("\n")), ...named.map(([secret]) => secret)].map(
      (leak) => `${name}: ${leak}`,
    );
  });
}

/** Folders for gateways' state, gone when `remove` is called. */
export function stateDirs(): { make: () => string; remove: () => void } {
  const made: string[] = [];
  return {
    make: () => {
      const dir = mkdtempSync(join(tmpdir(), "claro-score-gateway-"));
      made.push(dir);
      return dir;
    },
    remove: () => made.forEach((dir) => rmSync(dir, { recursive: true, force: true })),
  };
}

/** Ends what a test file has started, whatever became of its tests. */
export async function endAll(running: readonly (RunningProcess | undefined)[]): Promise<void> {
  await Promise.all(running.map(async (one) => (one === undefined ? null : await end(one))));
}

/** Below the ports that the system gives to who asks for any, so that none of these takes it before it is used. */
const PORTS = { first: 20_000, count: 12_000 };

export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((done) => {
    const probe = createServer()
      .once("error", () => done(false))
      .listen(port, "127.0.0.1", () => probe.close(() => done(true)));
  });
}
