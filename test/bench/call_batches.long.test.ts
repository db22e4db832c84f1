import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/ctl/sandbox/seeded_random.ts";
import { startGateway } from "./contenders.ts";
import { CountingGateway } from "./counting/gateway.ts";
import { startSandbox, type RunningSandbox } from "./runtime/sandbox.ts";
import { MEMORY_DIR } from "./runtime/worker.ts";

/** Lookups share requests to their ledger in the runtime as it is deployed; the tests' pool switches off what that needs. */
let sandbox: RunningSandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ latencyMs: 5 });
});

afterAll(() => {
  sandbox.stop();
});

const SEED = Number(process.env["TRIPS_SEED"] ?? 20261126);
const CPF = "52998224725";
const ROUNDS = 20;
const STAYING = 20;
const LEAVING = 40;

async function lookup(url: string, key: string, leaving: Readonly<Record<string, string>> = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", ...leaving };
  const response = await fetch(`${url}/v1/scores`, { method: "POST", headers, body: JSON.stringify({ cpf: CPF }) });
  await response.text();
  return response;
}

async function delivered(url: string, key: string): Promise<number> {
  const response = await fetch(`${url}/v1/usage`, { headers: { authorization: `Bearer ${key}` } });
  const { totals } = await response.json<{ totals: { delivered: number } }>();
  return totals.delivered;
}

test("many lookups at once go to their ledgers in few requests, and each of them is one event of its own tenant", async () => {
  const stateDir = mkdtempSync(join(MEMORY_DIR, "bench-"));
  const gateway = await CountingGateway.start(sandbox.url, { tenants: 2, stateDir });
  try {
    const [first = "", second = ""] = gateway.keys;
    for (const key of gateway.keys) await gateway.lookup(key);
    const { counts } = await gateway.measure(async () => {
      const keys = Array.from({ length: 300 }, (_, index) => (index % 3 === 0 ? second : first));
      await Promise.all(keys.map((key) => gateway.lookup(key)));
    });
    expect(counts).toMatchObject({ workerRequests: 300, d1RowsWritten: 0 });
    // Two rows each where they come alone; at once they share the rows of their turns.
    expect(counts.ledgerRowsWritten).toBeLessThan(300);
    expect(counts.ledgerRequests).toBeLessThan(150);
    expect(await delivered(gateway.worker.url, first)).toBe(201);
    expect(await delivered(gateway.worker.url, second)).toBe(101);
  } finally {
    await gateway.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}, 120_000);

test(`whoever hangs up takes nobody's lookup along, seed ${SEED}`, async () => {
  const gateway = await startGateway(sandbox.url, { name: "leaving", entry: "test/bench/leaving/worker.ts" });
  try {
    const [key = ""] = gateway.keys;
    const random = seededRandom(SEED);
    await lookup(gateway.url, key);
    const stayed: Response[] = [];
    const left: Response[] = [];
    const leave = async () => {
      left.push(await lookup(gateway.url, key, { "x-leave-after-ms": String(Math.floor(random() * 60)) }));
    };
    const stay = async () => {
      stayed.push(await lookup(gateway.url, key));
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all([...Array.from({ length: LEAVING }, leave), ...Array.from({ length: STAYING }, stay)]);
    }
    expect(stayed.map(({ status }) => status)).toEqual(Array(ROUNDS * STAYING).fill(200));
    // A call whose batch was lost is made again after two seconds or more: nobody's had to be.
    expect(Math.max(...stayed.flatMap(ledgerMs))).toBeLessThan(2000);
    const leftEarly = left.filter(({ status }) => status === 204).length;
    const events = await delivered(gateway.url, key);
    expect(events).toBeGreaterThanOrEqual(1 + stayed.length + left.length - leftEarly);
    // Some were cut short, or nothing was shown.
    expect(events).toBeLessThan(1 + stayed.length + left.length);
  } finally {
    await gateway.worker.stop();
  }
}, 120_000);

test("ledgers that still run the code before call batches serve every lookup, and Claro has no call that they have not", async () => {
  const gateway = await startGateway(sandbox.url, { name: "old-ledger", entry: "test/bench/old_ledger/worker.ts" });
  try {
    const [key = ""] = gateway.keys;
    // On a grant Claro is asked beside the admission.
    await lookup(gateway.url, key);
    const before = await callsToClaro();
    const answers = await Promise.all(Array.from({ length: 60 }, () => lookup(gateway.url, key)));
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    // Batches of several did fail: some call was made again, after a pause of 50 ms.
    expect(Math.max(...answers.flatMap(ledgerMs))).toBeGreaterThanOrEqual(50);
    expect((await callsToClaro()) - before).toBe(60);
    expect(await delivered(gateway.url, key)).toBe(61);
  } finally {
    await gateway.worker.stop();
  }
}, 120_000);

async function callsToClaro(): Promise<number> {
  const response = await fetch(`${sandbox.url}/__sandbox/counts`);
  return (await response.json<{ scoreCalls: number }>()).scoreCalls;
}

/** How long a lookup waited for its ledger, each time, as `Server-Timing` says. */
function ledgerMs(response: Response): number[] {
  const timing = response.headers.get("server-timing") ?? "";
  return [...timing.matchAll(/(?:admit|settle);dur=(\d+)/g)].map(([, ms]) => Number(ms));
}
