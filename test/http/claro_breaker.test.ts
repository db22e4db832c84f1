import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { healthAnswer } from "../../src/http/admin/health.ts";
import { ClaroBreaker } from "../../src/platform/claro/claro_breaker.ts";
import { admin, lookup, newTenant, persons, sandbox, type TestTenant } from "../support/gateway.ts";
import { failureCode, fetchWith, scoreRequest, SHAPES, usageOf } from "../support/shapes.ts";

const CPF = "52998224725";
const NOT_FOUND = "40440440408";
const ENOUGH_FAILURES = 10;
const OPEN_MS = 5000;
const FAILING = { target: "score", kind: "status", status: 503 };

/** Each test is long after the one before: what was known of the breakers has had its time. */
let startMs = Date.now();

beforeEach(async () => {
  startMs += 1_200_000;
  vi.useFakeTimers({ toFake: ["Date"], now: startMs });
  await sandbox("reset");
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("one tenant for whom Claro fails", () => {
  const [FATAL = ""] = persons(1, 500);

  test("with one person takes no answer from another, and opens nothing", async () => {
    const [attacker, victim] = await Promise.all([newTenant(), newTenant()]);
    await sandbox("faults", [{ target: "score", kind: "status", status: 500, cpf: FATAL }]);
    const report = vi.spyOn(ClaroBreaker.prototype, "reportCalls");
    for (let round = 0; round < 5; round += 1) {
      const [failed, served] = await Promise.all([
        Promise.all(Array.from({ length: 30 }, () => lookup(attacker.key, FATAL))),
        Promise.all(Array.from({ length: 30 }, () => lookup(victim.key, CPF))),
      ]);
      expect(new Set(failed.map(({ status }) => status))).toEqual(new Set([502]));
      expect(served.filter(({ status }) => status === 200)).toHaveLength(30);
    }
    expect((await health()).claro.breaker).toMatchObject({ state: "closed", openTenants: 0 });
    // What it already knows, the breaker is not told again and again.
    expect(report.mock.calls.length).toBeLessThanOrEqual(30);
    expect(JSON.stringify(report.mock.calls)).not.toContain(FATAL);
    expect(report.mock.calls[0]?.[0].failedPersons[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("with many persons is refused itself, and takes no answer from another", async () => {
    const [attacker, victim] = await Promise.all([newTenant(), newTenant()]);
    const fatal = persons(40, 510);
    await sandbox(
      "faults",
      fatal.map((cpf) => ({ target: "score", kind: "status", status: 500, cpf })),
    );
    const statuses: number[] = [];
    for (const cpf of fatal) {
      statuses.push((await lookup(attacker.key, cpf)).status);
      expect((await lookup(victim.key, CPF)).status).toBe(200);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(502), ...Array<number>(30).fill(503)]);
    const { breaker } = (await health()).claro;
    expect(breaker).toMatchObject({ state: "closed", openTenants: 1, tenants: [{ tenantId: attacker.tenantId }] });
  });

  test("and others too, while one tenant's calls succeed, take no answer from that one", async () => {
    const victim = await newTenant();
    const attackers = await Promise.all(Array.from({ length: 4 }, () => newTenant()));
    const fatal = persons(12, 560);
    await sandbox(
      "faults",
      fatal.map((cpf) => ({ target: "score", kind: "status", status: 500, cpf })),
    );
    const served: number[] = [];
    for (const cpf of fatal) {
      served.push((await lookup(victim.key, CPF)).status);
      await Promise.all(attackers.map(({ key }) => lookup(key, cpf)));
    }
    expect(served).toEqual(served.map(() => 200));
    expect((await health()).claro.breaker).toMatchObject({ state: "closed", openTenants: 4 });
  });
});

describe("a tenant's breaker that is open", () => {
  test.each(SHAPES)("refuses lookups in $name before anything is sent, and costs nothing", async (shape) => {
    const tenant = await newTenant();
    await openOwn(tenant);
    await sandbox("reset");
    const refused = await shape.lookup(tenant, CPF);
    expect(refused.status).toBe(503);
    expect(await failureCode(refused)).toBe("claro_unreachable");
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 0, tokenCalls: 0 });
    expect(await usageOf(tenant)).toEqual({ requests: ENOUGH_FAILURES, failed: ENOUGH_FAILURES });
    // The wait that it tells is the one that it keeps.
    vi.setSystemTime(Date.now() + Number(refused.headers.get("retry-after")) * 1000);
    expect((await shape.lookup(tenant, CPF)).status).toBe(200);
  });

  test("still tells who may not call, and gives a kept answer", async () => {
    const tenant = await newTenant();
    const revoked = await newTenant();
    await admin(`/keys/${revoked.keyId}/revoke`, { method: "POST" });
    const key = { "idempotency-key": "kept" };
    const first = await (await lookup(tenant.key, CPF, key)).text();
    await openOwn(tenant);
    expect(await failureCode(await lookup(revoked.key, CPF))).toBe("revoked_api_key");
    expect(await (await lookup(tenant.key, CPF, key)).text()).toBe(first);
    expect((await lookup(tenant.key, CPF, { "idempotency-key": "new" })).status).toBe(503);
  });

  test("lets test lookups and other tenants go on", async () => {
    const tenant = await newTenant();
    await openOwn(tenant);
    await sandbox("reset");
    const [sandboxed, other] = await Promise.all([newTenant({ mode: "test" }), newTenant()]);
    expect((await lookup(sandboxed.key, CPF)).status).toBe(200);
    expect((await lookup(other.key, CPF)).status).toBe(200);
  });

  test("lets one lookup probe after a while; its success lets all others pass", async () => {
    const tenant = await newTenant();
    await openOwn(tenant);
    await sandbox("reset");
    await sandbox("faults", [{ target: "score", kind: "delay", delayMs: 500, times: 1 }]);
    vi.setSystemTime(Date.now() + OPEN_MS);
    const answers = await Promise.all(Array.from({ length: 20 }, () => lookup(tenant.key, CPF)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 503)).toHaveLength(19);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 1 });
    await vi.waitFor(async () => expect((await health()).claro.breaker?.openTenants).toBe(0));
    vi.setSystemTime(Date.now() + 1000);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test("stays so for longer when the probe fails, across an eviction of the object", async () => {
    const tenant = await newTenant();
    await openOwn(tenant);
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF)).status).toBe(502);
    await vi.waitFor(async () => expect(await stateOf(tenant)).toMatchObject({ state: "open", openings: 2 }));
    await evictDurableObject(breaker());
    expect(await stateOf(tenant)).toMatchObject({ state: "open", openings: 2 });
    await sandbox("reset");
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF)).status).toBe(503);
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test("is told of with when it opened, when it closed and when it is tried next", async () => {
    const tenant = await newTenant();
    await openOwn(tenant);
    const ofTenant = async () =>
      (await health()).claro.breaker?.changes.filter(({ tenantId }) => tenantId === tenant.tenantId) ?? [];
    const opened = await stateOf(tenant);
    expect(await ofTenant()).toEqual([{ at: opened?.since, tenantId: tenant.tenantId, state: "open" }]);
    expect(Date.parse(opened?.nextTryAt ?? "") - Date.parse(opened?.since ?? "")).toBe(OPEN_MS);
    await sandbox("reset");
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    await vi.waitFor(async () => expect((await ofTenant()).map(({ state }) => state)).toEqual(["closed", "open"]));
    await evictDurableObject(breaker());
    expect((await ofTenant()).map(({ state }) => state)).toEqual(["closed", "open"]);
    vi.setSystemTime(Date.now() + 86_400_001);
    expect(await ofTenant()).toEqual([]);
  });

  test("that nobody probes was closed when it had had its time, not when somebody came at last", async () => {
    const tenant = await newTenant();
    await openOwn(tenant);
    const nextTryAt = Date.parse((await stateOf(tenant))?.nextTryAt ?? "");
    const forgottenAt = new Date(nextTryAt + 600_000).toISOString();
    await sandbox("reset");
    vi.setSystemTime(Date.now() + 3_600_000);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    await vi.waitFor(async () => {
      const [last] = (await health()).claro.breaker?.changes ?? [];
      expect(last).toEqual({ at: forgottenAt, tenantId: tenant.tenantId, state: "closed" });
    });
  });

  test("gives a probe back that its ledger answers by itself", async () => {
    const tenant = await newTenant();
    const key = { "idempotency-key": "kept" };
    expect((await lookup(tenant.key, CPF, key)).status).toBe(200);
    await openOwn(tenant);
    await sandbox("reset");
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await lookup(tenant.key, CPF, key)).headers.get("idempotency-replayed")).toBe("true");
    await vi.waitFor(async () => expect((await lookup(tenant.key, CPF)).status).toBe(200));
  });
});

describe("the gateway's breaker", () => {
  test("opens when several tenants fail and none succeeds, for everybody whose last call did not succeed", async () => {
    const earlier = await newTenant();
    await lookup(earlier.key, CPF);
    vi.setSystemTime(Date.now() + 31_000);
    await openGateways();
    await sandbox("reset");
    const fresh = await newTenant();
    const refused = await lookup(fresh.key, CPF);
    expect([refused.status, await failureCode(refused)]).toEqual([503, "claro_unreachable"]);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 0 });
    // Its last call succeeded, so it is not refused for the failures of others; and Claro answers, so nobody is.
    expect((await lookup(earlier.key, CPF)).status).toBe(200);
    await vi.waitFor(async () => expect((await health()).claro.breaker?.state).toBe("closed"));
    expect((await lookup(fresh.key, CPF)).status).toBe(200);
  });

  test("stays open for longer when its probe fails, and closes when one succeeds", async () => {
    const [first, second] = await openGateways();
    vi.setSystemTime(Date.now() + OPEN_MS);
    expect((await health()).claro.breaker).toMatchObject({ state: "half_open", openings: 1 });
    expect((await lookup(first.key, CPF)).status).toBe(502);
    await vi.waitFor(async () => expect((await health()).claro.breaker).toMatchObject({ state: "open", openings: 2 }));
    expect((await lookup(second.key, CPF)).status).toBe(503);
    await sandbox("reset");
    vi.setSystemTime(Date.now() + 2 * OPEN_MS);
    expect((await lookup(second.key, CPF)).status).toBe(200);
    await vi.waitFor(async () => expect((await health()).claro.breaker?.state).toBe("closed"));
    expect((await lookup(first.key, CPF)).status).toBe(200);
  });
});

describe("nothing is asked of the breaker, and nothing told", () => {
  test.each([
    ["finds no score", NOT_FOUND, []],
    ["finds the score", CPF, []],
    ["rejects", CPF, [{ target: "score", kind: "status", status: 400 }]],
    ["forbids", CPF, [{ target: "score", kind: "status", status: 403 }]],
    ["throttles", CPF, [{ target: "score", kind: "status", status: 429 }]],
    ["answers HTML", CPF, [{ target: "score", kind: "html" }]],
  ])("when Claro %s, however often", async (_, cpf, faults) => {
    const tenant = await newTenant();
    await sandbox("faults", faults);
    const report = vi.spyOn(ClaroBreaker.prototype, "reportCalls");
    const enter = vi.spyOn(ClaroBreaker.prototype, "enter");
    await Promise.all(Array.from({ length: 3 * ENOUGH_FAILURES }, () => lookup(tenant.key, cpf)));
    await sandbox("reset");
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await health()).claro.breaker?.state).toBe("closed");
    expect(report).not.toHaveBeenCalled();
    expect(enter).not.toHaveBeenCalled();
  });
});

test("a failure now and then beside successes opens nothing", async () => {
  const tenant = await newTenant();
  for (let round = 0; round < 6; round += 1) {
    await sandbox("faults", [{ ...FAILING, times: 4 }]);
    for (const cpf of persons(6, 10 * round)) await lookup(tenant.key, cpf);
  }
  expect((await health()).claro.breaker).toMatchObject({ state: "closed", openTenants: 0 });
});

test("who cannot reach Claro is told a wait after which the breaker lets it try", async () => {
  const tenant = await newTenant();
  const answers: Response[] = [];
  for (const cpf of persons(ENOUGH_FAILURES)) {
    answers.push(await fetchWith({ CLARO_BASE_URL: "http://127.0.0.1:9" }, scoreRequest(tenant.key, cpf)));
  }
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
  expect(answers.map(({ headers }) => headers.get("retry-after"))).toEqual([...Array<string>(9).fill("1"), "5"]);
});

test("a breaker that cannot be asked keeps no lookup from Claro", async () => {
  const tenant = await newTenant();
  await openOwn(tenant);
  await sandbox("reset");
  vi.spyOn(ClaroBreaker.prototype, "enter").mockImplementation(() => {
    throw new Error("the object is gone");
  });
  vi.setSystemTime(Date.now() + OPEN_MS);
  expect((await lookup(tenant.key, CPF)).status).toBe(200);
});

test("an object of the version before is taken over", async () => {
  await runInDurableObject(breaker(), (_object, state) => {
    state.storage.sql.exec("CREATE TABLE open (id INTEGER PRIMARY KEY, breaker TEXT NOT NULL)");
    state.storage.sql.exec(`INSERT INTO open VALUES (1, '{"kind":"open"}')`);
  });
  await evictDurableObject(breaker());
  expect((await health()).claro.breaker).toMatchObject({ state: "closed" });
});

function breaker() {
  return env.CLARO_BREAKER.getByName("claro");
}

async function stateOf({ tenantId }: TestTenant) {
  return (await health()).claro.breaker?.tenants.find((tenant) => tenant.tenantId === tenantId);
}

async function openOwn(tenant: TestTenant): Promise<void> {
  await sandbox("faults", [FAILING]);
  const answers = await Promise.all(persons(ENOUGH_FAILURES).map((cpf) => lookup(tenant.key, cpf)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 502));
  await vi.waitFor(async () => expect(await stateOf(tenant)).toMatchObject({ state: "open" }));
  await vi.waitFor(async () => expect((await lookup(tenant.key, CPF)).status).toBe(503));
}

async function openGateways(): Promise<[TestTenant, TestTenant]> {
  const tenants: [TestTenant, TestTenant] = [await newTenant(), await newTenant()];
  await sandbox("faults", [FAILING]);
  await Promise.all(tenants.flatMap(({ key }) => persons(5).map((cpf) => lookup(key, cpf))));
  await vi.waitFor(async () => expect((await health()).claro.breaker).toMatchObject({ state: "open", openTenants: 0 }));
  return tenants;
}

async function health() {
  return healthAnswer.parse(await (await admin("/health")).json());
}
