import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AccessToken } from "../../src/platform/claro/access_token.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import { newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
import { fetchWith, isolateWith, scoreRequest, SHAPES, usageOf } from "../support/shapes.ts";

const MANY = 200;
/** So many at once on a small machine take longer than one alone may. */
const PATIENT = { CLARO_TIMEOUT_MS: "30000" };

type SandboxCounts = { tokenCalls: number; scoreCalls: number; delivered: number };

beforeEach(async () => {
  await sandbox("reset");
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function manyLookups(tenant: TestTenant): Promise<number[]> {
  const answers = Array.from({ length: MANY }, () => fetchWith(PATIENT, scoreRequest(tenant.key)));
  const responses = await Promise.all(answers);
  await Promise.all(responses.map((response) => response.text()));
  return [...new Set(responses.map((response) => response.status))];
}

/** How often each call of the gateway leaves the isolate of its lookup, by name. */
function countRoundTrips(): () => Record<string, number> {
  const ledgerCalls = ["configure", "authorize", "admit", "settle", "usage", "flush", "seqRange", "status"] as const;
  const spies = Object.fromEntries([
    ...ledgerCalls.map((name) => [name, vi.spyOn(TenantLedger.prototype, name)]),
    ...(["get", "replace"] as const).map((name) => [`token.${name}`, vi.spyOn(AccessToken.prototype, name)]),
    ...(["get", "put", "getWithMetadata", "list"] as const).map((name) => [`kv.${name}`, vi.spyOn(env.KEYS, name)]),
    ...(["prepare", "batch", "exec"] as const).map((name) => [`d1.${name}`, vi.spyOn(env.DB, name)]),
    ...(["get", "head", "put", "list"] as const).map((name) => [`r2.${name}`, vi.spyOn(env.STATEMENTS, name)]),
  ]) as Record<string, { mock: { calls: unknown[] } }>;
  return () => {
    const counts = Object.entries(spies).map(([name, spy]) => [name, spy.mock.calls.length] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  };
}

/** Also a token that the file before had asked for, and that came when it was over. */
async function forgetToken(): Promise<void> {
  const token = env.ACCESS_TOKEN.getByName("live");
  await runInDurableObject(token, (_, { storage }) => storage.deleteAll());
  await evictDurableObject(token);
}

describe("Claro's token", () => {
  beforeEach(forgetToken);

  test("is asked for once by 200 cold lookups at once", async () => {
    const tenant = await newTenant();
    expect(await manyLookups(tenant)).toEqual([200]);
    expect(await sandbox<SandboxCounts>("counts")).toMatchObject({ tokenCalls: 1, scoreCalls: MANY, delivered: MANY });
    expect(await usageOf(tenant)).toEqual({ requests: MANY, delivered: MANY, billed: MANY });
  });

  test("is asked for once more when Claro revokes it under 200 lookups, and each of them gets its score", async () => {
    const tenant = await newTenant();
    expect((await fetchWith(PATIENT, scoreRequest(tenant.key))).status).toBe(200);
    await sandbox("reset");
    await sandbox("revoke-tokens");
    expect(await manyLookups(tenant)).toEqual([200]);
    expect(await sandbox<SandboxCounts>("counts")).toMatchObject({ tokenCalls: 1, delivered: MANY });
    expect(await usageOf(tenant)).toEqual({ requests: MANY + 1, delivered: MANY + 1, billed: MANY + 1 });
  });

  test("is asked for once more when Claro revokes it while 200 lookups are on their way", async () => {
    const tenant = await newTenant();
    expect((await fetchWith(PATIENT, scoreRequest(tenant.key))).status).toBe(200);
    await sandbox("reset");
    const statuses = manyLookups(tenant);
    await vi.waitUntil(async () => (await sandbox<SandboxCounts>("counts")).scoreCalls > 20, {
      interval: 5,
      timeout: 20_000,
    });
    await sandbox("revoke-tokens");
    expect(await statuses).toEqual([200]);
    expect((await sandbox<SandboxCounts>("counts")).tokenCalls).toBeLessThanOrEqual(1);
  });
});

describe.each(SHAPES)("a lookup in $name", (shape) => {
  test.each(["live", "test"] as const)(
    "with a %s key and a warm isolate calls the ledger twice, and nothing else",
    async (mode) => {
      const tenant = await newTenant({ mode });
      const credentials = await shape.credentials(tenant);
      const request = () =>
        new Request(`https://gateway.test${shape.path}`, {
          method: "POST",
          headers: { ...credentials, "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
          body: shape.body('"52998224725"'),
        });
      const isolate = isolateWith({});
      expect((await isolate(request())).status).toBe(200);
      // The lookups above left an alarm behind, which may write to D1 at any time.
      await env.TENANT_LEDGER.getByName(`${tenant.tenantId}:${mode}`).flush();
      const roundTrips = countRoundTrips();
      const response = await isolate(request());
      expect([response.status, roundTrips()]).toEqual([200, { admit: 1, settle: 1 }]);
      const last = roundTrips();
      await response.text();
      expect(last).toEqual(roundTrips());
    },
  );

  test("that is refused calls the ledger once", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 0 } } });
    const credentials = await shape.credentials(tenant);
    const headers = { ...credentials, "content-type": "application/json" };
    const isolate = isolateWith({});
    const send = (cpf: string) => {
      const init = { method: "POST", headers, body: shape.body(cpf) };
      return isolate(new Request(`https://gateway.test${shape.path}`, init));
    };
    await send('"52998224725"');
    const roundTrips = countRoundTrips();
    expect((await send('"52998224725"')).status).toBe(429);
    expect(roundTrips()).toEqual({ admit: 1 });
    expect((await send('"52998224724"')).status).toBe(400);
    expect(roundTrips()).toEqual({ admit: 1, authorize: 1 });
    expect((await sandbox<SandboxCounts>("counts")).scoreCalls).toBe(0);
  });
});
