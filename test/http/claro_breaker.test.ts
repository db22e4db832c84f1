import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { healthAnswer } from "../../src/http/admin/health.ts";
import { ClaroBreaker } from "../../src/platform/claro/claro_breaker.ts";
import { admin, lookup, newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
import { failureCode, SHAPES, usageOf } from "../support/shapes.ts";

const CPF = "52998224725";
const NOT_FOUND = "40440440408";
const ENOUGH_FAILURES = 10;
const OPEN_MS = 5000;

/** Each test is long after the one before: what an isolate knows of the breaker has had its time. */
let startMs = Date.now();

beforeEach(async () => {
  startMs += 600_000;
  vi.useFakeTimers({ toFake: ["Date"], now: startMs });
  await sandbox("reset");
  await closeBreaker();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("when Claro fails one lookup after the other", () => {
  test.each(SHAPES)("lookups in $name are refused before anything is sent, and cost nothing", async (shape) => {
    const tenant = await newTenant();
    await openBreaker(tenant);
    await sandbox("reset");
    const refused = await shape.lookup(tenant, CPF);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(await failureCode(refused)).toBe("claro_unreachable");
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 0, tokenCalls: 0 });
    expect(await usageOf(tenant)).toEqual({ requests: ENOUGH_FAILURES, failed: ENOUGH_FAILURES });
  });

  test("who may not call is still told so, and a kept answer is still given", async () => {
    const tenant = await newTenant();
    const revoked = await newTenant();
    await admin(`/keys/${revoked.keyId}/revoke`, { method: "POST" });
    const key = { "idempotency-key": "kept" };
    const first = await (await lookup(tenant.key, CPF, key)).text();
    await openBreaker(tenant);
    expect(await failureCode(await lookup(revoked.key, CPF))).toBe("revoked_api_key");
    expect(await (await lookup(tenant.key, CPF, key)).text()).toBe(first);
    expect((await lookup(tenant.key, CPF, { "idempotency-key": "new" })).status).toBe(503);
    expect((await health()).claro.breaker).toMatchObject({ state: "open", openings: 1 });
  });

  test("test lookups go on", async () => {
    const tenant = await newTenant();
    await openBreaker(tenant);
    const sandboxed = await newTenant({ mode: "test" });
    expect((await lookup(sandboxed.key, CPF)).status).toBe(200);
  });

  test("one lookup probes after a while; its success lets all others pass", async () => {
    const tenant = await newTenant();
    await openBreaker(tenant);
    await sandbox("reset");
    await sandbox("faults", [{ target: "score", kind: "delay", delayMs: 500, times: 1 }]);
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await health()).claro.breaker).toMatchObject({ state: "half_open" });
    const answers = await Promise.all(Array.from({ length: 20 }, () => lookup(tenant.key, CPF)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 503)).toHaveLength(19);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 1 });
    await vi.waitFor(async () => expect((await health()).claro.breaker?.state).toBe("closed"));
    // Those that were refused were told to come back after a second.
    vi.setSystemTime(Date.now() + 1000);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test("a probe that fails keeps it open for longer, across an eviction of the object", async () => {
    const tenant = await newTenant();
    await openBreaker(tenant);
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF)).status).toBe(502);
    await vi.waitFor(async () => expect((await health()).claro.breaker).toMatchObject({ state: "open", openings: 2 }));
    await evictDurableObject(breaker());
    expect((await health()).claro.breaker).toMatchObject({ state: "open", openings: 2 });
    await sandbox("reset");
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF)).status).toBe(503);
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test("a probe that its ledger refuses gives the leave back", async () => {
    const tenant = await newTenant();
    const spent = await newTenant({ plan: { allowance: { requests: 0 } } });
    await openBreaker(tenant);
    await sandbox("reset");
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(spent.key, CPF)).status).toBe(429);
    await vi.waitFor(async () => expect((await lookup(tenant.key, CPF)).status).toBe(200));
  });
});

describe("the breaker stays closed", () => {
  test.each([
    ["finds no score", NOT_FOUND, []],
    ["rejects", CPF, [{ target: "score", kind: "status", status: 400 }]],
    ["forbids", CPF, [{ target: "score", kind: "status", status: 403 }]],
    ["throttles", CPF, [{ target: "score", kind: "status", status: 429 }]],
    ["answers HTML", CPF, [{ target: "score", kind: "html" }]],
  ])("when Claro %s, however often", async (_, cpf, faults) => {
    const tenant = await newTenant();
    await sandbox("faults", faults);
    const report = vi.spyOn(ClaroBreaker.prototype, "report");
    const enter = vi.spyOn(ClaroBreaker.prototype, "enter");
    await Promise.all(Array.from({ length: 3 * ENOUGH_FAILURES }, () => lookup(tenant.key, cpf)));
    await sandbox("reset");
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await health()).claro.breaker?.state).toBe("closed");
    expect(report).not.toHaveBeenCalled();
    expect(enter).not.toHaveBeenCalled();
  });

  test("when a failure now and then stands beside successes", async () => {
    const tenant = await newTenant();
    for (let round = 0; round < 6; round += 1) {
      await sandbox("faults", [{ target: "score", kind: "status", status: 500, times: 4 }]);
      for (let n = 0; n < 6; n += 1) await lookup(tenant.key, CPF);
    }
    expect((await health()).claro.breaker?.state).toBe("closed");
  });
});

test("a breaker that cannot be asked keeps no lookup from Claro", async () => {
  const tenant = await newTenant();
  await openBreaker(tenant);
  await sandbox("reset");
  vi.spyOn(ClaroBreaker.prototype, "enter").mockImplementation(() => {
    throw new Error("the object is gone");
  });
  vi.setSystemTime(Date.now() + OPEN_MS);
  expect((await lookup(tenant.key, CPF)).status).toBe(200);
});

function breaker() {
  return env.CLARO_BREAKER.getByName("claro");
}

async function openBreaker(tenant: TestTenant): Promise<void> {
  await sandbox("faults", [{ target: "score", kind: "status", status: 503 }]);
  const answers = await Promise.all(Array.from({ length: ENOUGH_FAILURES }, () => lookup(tenant.key, CPF)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 502));
  await vi.waitFor(async () => expect((await health()).claro.breaker?.state).toBe("open"));
  await vi.waitFor(async () => expect((await lookup(tenant.key, CPF)).status).toBe(503));
}

async function closeBreaker(): Promise<void> {
  const tenant = await newTenant();
  await vi.waitFor(async () => {
    await lookup(tenant.key, CPF);
    expect((await health()).claro.breaker?.state).toBe("closed");
  });
}

async function health() {
  return healthAnswer.parse(await (await admin("/health")).json());
}
