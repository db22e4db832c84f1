import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEV_VARS } from "../../src/ctl/local/dev_vars.ts";
import { endAll, freePort, launchGateway, leaksInOutput, startGateway, stateDirs } from "./support/gateway_process.ts";
import { end, familyOf, type RunningProcess, survivors } from "./support/processes.ts";

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

type Usage = { totals: { requests: number; delivered: number; billed: number }; asOf: string };

async function usageOf(gateway: { url: string; demoKey: string }): Promise<Usage> {
  const response = await fetch(`${gateway.url}/v1/usage`, { headers: { "x-api-key": gateway.demoKey } });
  expect(response.status).toBe(200);
  return response.json<Usage>();
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
