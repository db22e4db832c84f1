import { afterAll, beforeAll, expect, test } from "vitest";
import { endAll, leaksInOutput, startGateway, startSandbox, stateDirs } from "./support/gateway_process.ts";
import type { RunningSandbox } from "./support/gateway_process.ts";
import { newLiveTenant } from "./support/operator.ts";
import { end, type RunningProcess } from "./support/processes.ts";

const DAY_MS = 86_400_000;

const dirs = stateDirs();
const started: RunningProcess[] = [];
let sandbox: RunningSandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});

afterAll(async () => {
  await endAll([...started, sandbox]);
  dirs.remove();
});

async function start(stateDir: string, vars: Record<string, string> = {}) {
  const gateway = await startGateway({ stateDir, as: "node", vars: { CLARO_BASE_URL: sandbox.url, ...vars } });
  started.push(gateway);
  return gateway;
}

async function lookup(url: string, key: string): Promise<Response> {
  const headers = { "x-api-key": key, "content-type": "application/json" };
  return await fetch(`${url}/v1/scores`, { method: "POST", headers, body: '{"cpf":"111.444.777-35"}' });
}

async function usage(url: string, key: string) {
  const response = await fetch(`${url}/v1/usage`, { headers: { "x-api-key": key } });
  return await response.json<{ asOf: string; from: string; totals: unknown; allowance: { used: number } | null }>();
}

async function counts() {
  const response = await fetch(`${sandbox.url}/__sandbox/counts`);
  return await response.json<{ tokenCalls: number; scoreCalls: number }>();
}

test("a live key reaches the sandbox, and a shifted clock ends its trial", async () => {
  const stateDir = dirs.make();
  const gateway = await start(stateDir);
  const tenant = await newLiveTenant(gateway.url, { plan: "trial", customerId: "cliente 1" });
  const response = await lookup(gateway.url, tenant.key);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ mode: "live", billed: false });
  expect(await counts()).toMatchObject({ tokenCalls: 1, scoreCalls: 1 });
  const nowMs = Date.now();
  const first = await usage(gateway.url, tenant.key);
  expect(first).toMatchObject({ totals: { delivered: 1, billed: 0 }, allowance: { used: 1 } });
  expect(Math.abs(Date.parse(first.asOf) - nowMs)).toBeLessThan(60_000);
  expect(await end(gateway)).toBe(0);

  const later = await start(stateDir, { CLOCK_OFFSET_MS: String(100 * DAY_MS) });
  const refused = await lookup(later.url, tenant.key);
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ code: "trial_ended" });
  expect(await counts()).toMatchObject({ scoreCalls: 1 });
  const shifted = await usage(later.url, tenant.key);
  expect(Math.abs(Date.parse(shifted.asOf) - Date.now() - 100 * DAY_MS)).toBeLessThan(60_000);
  // Another month by default; what was used stays used.
  expect(shifted.from > first.from).toBe(true);
  expect(shifted).toMatchObject({ totals: { delivered: 0 }, allowance: { used: 1 } });
});

test("nothing personal was printed", () => {
  expect(leaksInOutput()).toEqual([]);
});
