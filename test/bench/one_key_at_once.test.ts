import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway } from "./contenders.ts";
import { startSandbox, type RunningSandbox } from "./runtime/sandbox.ts";

const CPF = "52998224725";

/** In the runtime as it is deployed: the tests' pool runs all calls of a test in one request, and slows with their square. */
let sandbox: RunningSandbox;
let gateway: Awaited<ReturnType<typeof startGateway>>;

beforeAll(async () => {
  sandbox = await startSandbox({ latencyMs: 5 });
  gateway = await startGateway(sandbox.url, { name: "one-key" });
}, 120_000);

afterAll(async () => {
  await gateway.worker.stop();
  sandbox.stop();
});

test("2,000 requests at once with one key are one call to Claro and one charge", async () => {
  const [key = ""] = gateway.keys;
  const authorization = `Bearer ${key}`;
  const headers = { authorization, "content-type": "application/json", "idempotency-key": "the-same" };
  const answers = await Promise.all(
    Array.from({ length: 2000 }, async () => {
      const response = await fetch(`${gateway.url}/v1/scores`, {
        method: "POST",
        headers,
        body: JSON.stringify({ cpf: CPF }),
      });
      return { status: response.status, body: await response.json<{ id: string; code?: string }>() };
    }),
  );
  const delivered = answers.filter(({ status }) => status === 200);
  const others = answers.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body.code}`);
  expect([...new Set(others)]).toEqual(others.length === 0 ? [] : ["409 idempotency_in_progress"]);
  expect(new Set(delivered.map(({ body }) => body.id)).size).toBe(1);
  const counts = await (await fetch(`${sandbox.url}/__sandbox/counts`)).json();
  expect(counts).toMatchObject({ scoreCalls: 1 });
  const usage = await (await fetch(`${gateway.url}/v1/usage`, { headers: { authorization } })).json();
  expect(usage).toMatchObject({ totals: { requests: 1, delivered: 1, billed: 1 } });
}, 60_000);
