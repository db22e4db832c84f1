import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEV_VARS } from "../../src/ctl/local/dev_vars.ts";
import {
  ADMIN_TOKEN,
  endAll,
  freePort,
  launchGateway,
  leaksInOutput,
  type RunningGateway,
  startGateway,
  stateDirs,
} from "./support/gateway_process.ts";
import {
  end,
  familyOf,
  listeningPorts,
  printed,
  PROJECT_ROOT,
  QUIET,
  run,
  type RunningProcess,
  survivors,
} from "./support/processes.ts";
import { inTerminal } from "./support/terminal.ts";
import { usageOf } from "./support/usage.ts";

const NOISE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|\bWARN|^ +at |Error|internet|update available/m;

const dirs = stateDirs();
let started: RunningProcess[] = [];

afterEach(async () => {
  await endAll(started);
  started = [];
});

afterAll(() => dirs.remove());

function keep<Running extends RunningProcess>(running: Running): Running {
  started.push(running);
  return running;
}

/** Files of a state that others can read or write. */
function openFiles(stateDir: string): string[] {
  const files = globSync("**", { cwd: stateDir }).map((name) => join(stateDir, name));
  return files.filter((file) => (statSync(file).mode & 0o077) !== 0);
}

/** The ports on which V8's inspector answers, by which every process of the machine could run code in the gateway. */
async function inspectorsOf(gateway: RunningGateway): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const ports = listeningPorts(familyOf(gateway));
  expect(ports).toContain(Number(new URL(gateway.url).port));
  const answers = ports.map(async (port) => {
    const signal = AbortSignal.timeout(5000);
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal }).then((response) => response.text());
    return answer.includes("webSocketDebuggerUrl") ? port : null;
  });
  return (await Promise.all(answers.map((answer) => answer.catch(() => null)))).filter((port) => port !== null);
}

function paste(line: string): unknown {
  return JSON.parse(execFileSync("sh", ["-c", line], { encoding: "utf8" }));
}

describe("npm start", () => {
  let devVarsBefore: string | null;

  beforeEach(() => {
    devVarsBefore = existsSync(DEV_VARS) ? readFileSync(DEV_VARS, "utf8") : null;
  });

  test("starts quietly, answers the pasted line, ends with Ctrl-C, and finds its state again", async () => {
    const stateDir = dirs.make();
    const first = keep(await startGateway({ stateDir }));
    const answer = { score: 540, mode: "test", billed: false, transactionId: expect.any(String) };
    expect(paste(first.curlLine)).toMatchObject(answer);
    expect(await usageOf(first)).toMatchObject({ totals: { requests: 1, delivered: 1, billed: 0 } });
    expect(first.output.stderr).toBe("");
    expect(first.output.stdout).not.toMatch(NOISE);

    const family = familyOf(first);
    expect(family.length).toBeGreaterThan(2);
    // The shell that npm runs a script in may itself die of the signal, and npm then does too: code null.
    expect([0, null]).toContain(await end(first, { signal: "SIGINT", to: "group" }));
    expect(await survivors(family)).toEqual([]);
    expect(first.output.stderr).toBe("");

    const second = keep(await startGateway({ stateDir, as: "node" }));
    expect(second.demoKey === first.demoKey, "the demo key is the same").toBe(true);
    expect(await usageOf(second)).toMatchObject({ totals: { requests: 1, delivered: 1 } });
    expect(paste(second.curlLine)).toMatchObject(answer);
    expect(await usageOf(second)).toMatchObject({ totals: { requests: 2, delivered: 2 } });

    const secondFamily = familyOf(second);
    expect(await end(second, { signal: "SIGINT", to: "process" })).toBe(0);
    expect(await survivors(secondFamily)).toEqual([]);
    expect(second.output.stderr).toBe("");

    expect(devVarsBefore ?? readFileSync(DEV_VARS, "utf8")).toBe(readFileSync(DEV_VARS, "utf8"));
  });

  test("serves where Access is required, says that no token comes in, and takes none", async () => {
    const vars = {
      ACCESS_REQUIRED: "true",
      ACCESS_TEAM_DOMAIN: "team.cloudflareaccess.com",
      ACCESS_AUD: "aud",
    };
    const port = await freePort();
    const running = keep(launchGateway({ stateDir: dirs.make(), port, vars, as: "node" }));
    await printed(running, /^Admin token +none is taken: ACCESS_REQUIRED$/m);
    expect(running.output.stdout).toMatch(/^No demo tenant: .*Start once without\.$/m);
    expect(running.output.stdout).not.toContain("curl");
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const answer = await fetch(`http://127.0.0.1:${port}/admin/v1/health`, { headers });
    expect([answer.status, await answer.json()]).toMatchObject([401, { code: "invalid_admin_credentials" }]);
  });

  test("ends well when Ctrl-C reaches it and all that it started", async () => {
    const gateway = keep(await startGateway({ stateDir: dirs.make(), as: "node" }));
    const family = familyOf(gateway);
    expect(await end(gateway, { signal: "SIGINT", to: "group" })).toBe(0);
    expect(await survivors(family)).toEqual([]);
    expect(gateway.output.stderr).toBe("");
  });

  test("ends at once when it is told so while it still prepares itself", async () => {
    const running = keep(launchGateway({ stateDir: dirs.make(), port: await freePort(), as: "node" }));
    while (familyOf(running).length < 2) await new Promise((done) => setTimeout(done, 20));
    const family = familyOf(running);
    expect(await end(running, { signal: "SIGTERM", to: "process" })).toBe(0);
    expect(await survivors(family)).toEqual([]);
  });

  test("what stands in a URL is not printed", async () => {
    const gateway = keep(await startGateway({ stateDir: dirs.make() }));
    const cpf = "52998224725";
    const headers = { "x-request-id": cpf, "x-api-key": gateway.demoKey };
    for (const path of [`/${cpf}`, `/v1/scores?cpf=${cpf}`, `/v1/scores/${gateway.demoKey}`, `/admin/v1/keys/${cpf}`]) {
      const response = await fetch(`${gateway.url}${path}`, { headers });
      await response.body?.cancel();
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.headers.get("x-request-id")).not.toBe(cpf);
    }
    // One that leaves before the answer; with the CPF in its URL it would have been refused at once.
    const body = JSON.stringify({ cpf: "50450450406" });
    const type = { ...headers, "content-type": "application/json" };
    const left = fetch(`${gateway.url}/v1/scores`, {
      method: "POST",
      headers: type,
      body,
      signal: AbortSignal.timeout(500),
    });
    await expect(left).rejects.toThrow();
    await end(gateway);
    expect(gateway.output.stdout).toContain('"route":"/v1/scores"');
    expect(gateway.output.stdout + gateway.output.stderr).not.toContain(cpf);
    const lines = gateway.output.stdout.split("\n").filter((line) => line.includes(gateway.demoKey));
    expect(lines.filter((line) => !line.startsWith("  curl "))).toEqual([]);
  });
});

describe("one state, one gateway", () => {
  test("a second one is refused with the first one's address, wherever it would listen, and harms nothing", async () => {
    const stateDir = dirs.make();
    const first = keep(await startGateway({ stateDir, as: "node" }));
    for (const port of [await freePort(), Number(new URL(first.url).port)]) {
      const second = keep(launchGateway({ stateDir, port, as: "node" }));
      expect(await second.exited).toBe(1);
      expect(second.output.stdout).toBe("");
      expect(second.output.stderr).toContain(`A gateway at ${first.url} has the state in ${stateDir}.`);
      expect(second.output.stderr.trim().split("\n")).toHaveLength(1);
    }
    expect(await usageOf(first)).toMatchObject({ totals: { requests: 0 } });
    expect(globSync("**", { cwd: stateDir }).length).toBeGreaterThan(10);
    expect(openFiles(stateDir)).toEqual([]);
    expect(await inspectorsOf(first)).toEqual([]);
    // Which the command line finds by what the first one has noted.
    const found = run(process.execPath, ["src/ctl/ctl.ts", "health"], { CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN });
    await found.exited;
    expect(found.output.stdout).toContain(first.url);
  });

  test("a kill leaves no process, and a state that starts again and that nobody else can read", async () => {
    const stateDir = dirs.make();
    const first = keep(await startGateway({ stateDir, as: "node" }));
    const family = familyOf(first);
    first.child.kill("SIGKILL");
    expect(await survivors(family)).toEqual([]);
    // As an earlier version left it.
    execFileSync("chmod", ["-R", "a+rX", join(stateDir, "v3")]);
    const second = keep(await startGateway({ stateDir, as: "node" }));
    expect(second.demoKey === first.demoKey, "the demo key is the same").toBe(true);
    expect(openFiles(stateDir)).toEqual([]);
  });
});

describe("the log", () => {
  test("is for people on a terminal, and JSON in the state's gateway.log, with every request but the watch's", async () => {
    const stateDir = dirs.make();
    const port = await freePort();
    const args = ["--port", String(port), "--persist-to", stateDir, "--var", `ADMIN_TOKEN:${ADMIN_TOKEN}`];
    const terminal = inTerminal(["src/ctl/start.ts", ...args], { columns: 80, timeoutMs: 100_000 });
    await terminal.shows(/Admin token {3}ADMIN_TOKEN in \.dev\.vars.*Stop/s);
    const headers = { "x-request-id": "npm-start-watch" };
    await (await fetch(`http://127.0.0.1:${port}/healthz`, { headers })).body?.cancel();
    await terminal.shows(/\d\d:\d\d:\d\d {2}200 {2}GET \/healthz {2}\d+ ms {2}requestId=npm-start-watch/);
    terminal.type("\u0003");
    expect((await terminal.ended).shown).not.toContain('{"level"');
    const lines = readFileSync(join(stateDir, "gateway.log"), "utf8").trim().split("\n");
    const requests = lines.map((line) => JSON.parse(line) as { event: string; route: string; requestId: string });
    expect(requests.filter(({ route }) => route === "/healthz").map(({ requestId }) => requestId)).toEqual([
      "npm-start-watch",
    ]);
  });
});

describe("npx wrangler dev", () => {
  test("as it stands says in one line what to do, on the terminal and in every answer", async () => {
    const port = await freePort();
    // Without the secrets of whoever works here: an empty file in the place of .dev.vars.
    const args = ["dev", "--port", String(port), "--persist-to", dirs.make(), "--env-file", "/dev/null"];
    const wrangler = keep(run(join(PROJECT_ROOT, "node_modules/.bin/wrangler"), args, QUIET));
    await printed(wrangler, /Ready on/);
    for (const path of ["/healthz", "/", "/v1/usage", "/admin/v1/tenants", "/oauth2/v1/token", "/nowhere"]) {
      const answer = await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
      expect(answer, path).toContain("npm start");
    }
    await printed(wrangler, /run `npm start` once/);
  });

  test("with secrets and without a schema says the same", async () => {
    const port = await freePort();
    const vars = ["CLARO_CLIENT_ID", "CLARO_CLIENT_SECRET", "ADMIN_TOKEN", "ACCESS_TOKEN_SECRET"]
      .concat("CPF_HMAC_SECRET", "IDEMPOTENCY_SECRET")
      .flatMap((name) => ["--var", `${name}:${ADMIN_TOKEN}`]);
    const state = ["--persist-to", dirs.make(), "--env-file", "/dev/null"];
    const args = ["dev", "--port", String(port), ...state, ...vars];
    const wrangler = keep(run(join(PROJECT_ROOT, "node_modules/.bin/wrangler"), args, QUIET));
    await printed(wrangler, /Ready on/);
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const answer = await fetch(`http://127.0.0.1:${port}/admin/v1/tenants`, { headers });
    expect(answer.status).toBe(500);
    expect(await answer.text()).toContain("npm start");
    await printed(wrangler, /run `npm start` once/);
  });
});

describe("npm start names what is wrong, at once", () => {
  test("a port that is taken", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const running = keep(launchGateway({ stateDir: dirs.make(), port }));
    expect(await running.exited).toBe(1);
    expect(running.output).toEqual({
      stdout: "",
      stderr: `Port ${port} is taken. Choose another: npm start -- --port ${port + 1}\n`,
    });
    await new Promise((done) => server.close(done));
  });

  test("a place that cannot be written to, in one plain sentence", async () => {
    const running = keep(launchGateway({ stateDir: "/dev/null/state", port: await freePort(), as: "node" }));
    expect(await running.exited).toBe(1);
    expect(running.output.stdout).toBe("");
    expect(running.output.stderr).toMatch(/^\/dev\/null\/state is no directory and cannot become one\. Choose .+\.\n$/);
  });

  test.each(["abc", "0", "65536", "-1"])("the port %s", async (port) => {
    const running = keep(launchGateway({ stateDir: dirs.make(), port, as: "node" }));
    expect(await running.exited).toBe(1);
    expect(running.output).toEqual({ stdout: "", stderr: "--port must be a number from 1 to 65535\n" });
  });

  test.each([
    [{ CLARO_TIMEOUT_MS: "abc" }, "CLARO_TIMEOUT_MS"],
    [{ CLARO_TIMEOUT_MS: "" }, "CLARO_TIMEOUT_MS"],
    [{ CLARO_TIMEOUT_MS: "99" }, "CLARO_TIMEOUT_MS"],
    [{ CLARO_BASE_URL: "api.claro.com.br" }, "CLARO_BASE_URL"],
    [{ CLARO_CLIENT_ID: "", ACCESS_TOKEN_SECRET: "short" }, "CLARO_CLIENT_ID, ACCESS_TOKEN_SECRET"],
    [{ CLOCK_OFFSET_MS: "1.5" }, "CLOCK_OFFSET_MS"],
  ])("the settings %j", async (vars: Record<string, string>, named) => {
    const running = keep(launchGateway({ stateDir: dirs.make(), port: await freePort(), vars, as: "node" }));
    expect(await running.exited).toBe(1);
    expect(running.output.stdout).toBe("");
    expect(running.output.stderr).toMatch(/^Missing or malformed settings: .+\n(?: {2}[A-Z_]+ .+; it must be .+\n)+$/);
    expect(running.output.stderr).toContain(`settings: ${named} (see`);
  });
});

test("nothing personal was printed by any of them", () => {
  expect(leaksInOutput()).toEqual([]);
});
