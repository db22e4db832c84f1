import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { healthAnswer } from "../../../src/http/admin/health.ts";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import { admin, ledgerOf, lookup, newTenant, sandbox, type TestTenant } from "../../support/gateway.ts";
import { usageOf } from "../../support/shapes.ts";
import { databaseIn, setD1, type D1Mood } from "./faulty_database.ts";

const CPF = "52998224725";
const BATCH = 500;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  await sandbox("reset");
});

const broken = new Set<TestTenant>();

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const tenant of broken) {
    await setD1(stubOf(tenant), env.DB);
    await stubOf(tenant).flush();
  }
  broken.clear();
});

/** A tenant whose ledger has this D1 from the start. */
async function tenantWithD1(database: D1Database): Promise<TestTenant> {
  const tenant = await newTenant();
  broken.add(tenant);
  await setD1(stubOf(tenant), database);
  return tenant;
}

describe.each<D1Mood>(["down", "ambiguous"])("while D1 is %s", (mood) => {
  test("lookups go on, and the backlog is flushed later, once, in batches", async () => {
    const tenant = await tenantWithD1(databaseIn(mood));
    await makeEvents(tenant, 3 * BATCH + 50);
    expect(await stubOf(tenant).flush()).toMatchObject({ kind: "failed" });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    for (let n = 0; n < 3; n += 1) await alarm(tenant);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const total = 3 * BATCH + 52;
    expect((await stubOf(tenant).status()).flushedThrough).toBe(0);
    expect((await usageOf(tenant)).requests).toBe(total);

    const sizes: number[] = [];
    await setD1(stubOf(tenant), countedD1(sizes));
    await alarm(tenant);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(total);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BATCH);
    expect(sizes.length).toBeLessThanOrEqual(7);
    expect(await copiedSeqs(tenant)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    expect((await usageOf(tenant)).requests).toBe(total);
  });

  test("the object wakes itself ever more seldom, and never gives up", async () => {
    const tenant = await tenantWithD1(databaseIn(mood));
    await lookup(tenant.key, CPF);
    const pausesMs: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      await alarm(tenant);
      const alarmAtMs = await runInDurableObject(stubOf(tenant), async (_, { storage }) => await storage.getAlarm());
      pausesMs.push((alarmAtMs ?? 0) - Date.now());
    }
    expect(pausesMs).toEqual(pausesMs.toSorted((left, right) => left - right));
    expect(pausesMs.at(-1)).toBe(60_000);
    await setD1(stubOf(tenant), env.DB);
    expect(await runDurableObjectAlarm(stubOf(tenant))).toBe(true);
    expect(await copiedSeqs(tenant)).toEqual([1]);
  });

  test("health tells of the oldest event that waits, and the log warns when it is old", async () => {
    const tenant = await tenantWithD1(databaseIn(mood));
    await lookup(tenant.key, CPF);
    const log = vi.spyOn(console, "log");
    const waits = () => log.mock.calls.filter(([line]) => String(line).includes("ledger_backlog")).length;
    await alarm(tenant);
    expect(waits()).toBe(0);
    vi.setSystemTime(Date.now() + 400_000);
    await alarm(tenant);
    expect(waits()).toBe(1);
    const { tenantId } = tenant;
    expect((await health()).ledgers.oldestUnflushed).toMatchObject({ tenantId, mode: "live", ageSeconds: 400 });
    await setD1(stubOf(tenant), env.DB);
    await runDurableObjectAlarm(stubOf(tenant));
    expect((await health()).ledgers).toMatchObject({ behind: 0, oldestUnflushed: null });
  });
});

test("a D1 that takes its time holds up no lookup", async () => {
  const order: string[] = [];
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const slow = onRun(async (run) => {
    await released;
    await run();
  });
  const tenant = await tenantWithD1(slow);
  await lookup(tenant.key, CPF);
  const flush = stubOf(tenant)
    .flush()
    .then(() => order.push("flush"));
  expect((await lookup(tenant.key, CPF)).status).toBe(200);
  order.push("lookup");
  release();
  await flush;
  expect(order).toEqual(["lookup", "flush"]);
  expect(await copiedSeqs(tenant)).toEqual([1]);
});

test("a report is corrected when its ledger has recovered without taking it back", async () => {
  const tenant = await tenantWithD1(databaseIn("down"));
  await lookup(tenant.key, CPF);
  await alarm(tenant);
  expect((await health()).ledgers.behind).toBe(1);
  vi.spyOn(env.KEYS, "delete").mockRejectedValue(new Error("KV is down"));
  await setD1(stubOf(tenant), env.DB);
  await stubOf(tenant).flush();
  expect((await health()).ledgers).toMatchObject({ behind: 0, oldestUnflushed: null });
  vi.restoreAllMocks();
  await env.KEYS.delete(`backlog:${tenant.tenantId}:live`);
});

describe("a rebuild of D1", () => {
  test("gives the rows that were there, step by step, and a repeat changes nothing", async () => {
    const tenants = await Promise.all([newTenant(), newTenant({ mode: "test" }), newTenant()]);
    for (const { key } of tenants) await lookup(key, CPF);
    const [tenant] = tenants as [TestTenant, ...TestTenant[]];
    await makeEvents(tenant, 2 * BATCH);
    const stubs = tenants.map(({ tenantId }, index) => ledgerOf(tenantId, index === 1 ? "test" : "live"));
    for (const stub of stubs) expect((await stub.flush()).kind).toBe("flushed");
    const before = await allEvents();
    expect(before.length).toBeGreaterThanOrEqual(2 * BATCH + 3);
    for (const statement of [
      "DELETE FROM event_batches",
      "DELETE FROM event_batches WHERE first_seq > 1",
      "SELECT 1",
    ]) {
      await env.DB.prepare(statement).run();
      expect(await rebuild()).toBeGreaterThanOrEqual(2 * BATCH + 3);
      expect(await allEvents()).toEqual(before);
    }
  });

  test("ends when D1 is down, and says so", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, CPF);
    await stubOf(tenant).flush();
    broken.add(tenant);
    await setD1(stubOf(tenant), databaseIn("down"));
    expect(await stubOf(tenant).recopy(0)).toMatchObject({ kind: "failed" });
  });

  test("knows nothing any more of what was released after its archiving", async () => {
    const tenant = await newTenant();
    for (let n = 0; n < 2; n += 1) {
      await lookup(tenant.key, CPF);
      await stubOf(tenant).flush();
    }
    await stubOf(tenant).release(1);
    expect(await stubOf(tenant).recopy(0)).toMatchObject({ kind: "recopied", through: 2, events: 1, isDone: true });
  });

  test.each(["nonsense", btoa("{}"), btoa('{"after":null,"mode":"x","seq":0}')])(
    "refuses the cursor %s",
    async (cursor) => {
      const answer = await admin(`/ledger/rebuild?cursor=${cursor}`, { method: "POST" });
      expect(answer.status).toBe(400);
    },
  );
});

function stubOf({ tenantId }: TestTenant): DurableObjectStub<TenantLedger> {
  return ledgerOf(tenantId);
}

/** Lookups that ended, without a call to Claro. */
async function makeEvents(tenant: TestTenant, count: number): Promise<void> {
  const stub = stubOf(tenant);
  for (let n = 0; n < count; n += 1) {
    const lookupId = `lkp_${n}`;
    const access = { keyId: tenant.keyId, scope: "scores:read", ip: null } as const;
    await stub.admit({ ...access, lookupId, reference: null, cpfReference: "v1:0", idempotency: null });
    await stub.settle({ lookupId, outcome: "delivered", transactionId: `tx_${n}`, answer: null });
  }
}

async function alarm(tenant: TestTenant): Promise<void> {
  await runInDurableObject(stubOf(tenant), async (ledger) => await ledger.alarm());
}

function countedD1(sizes: number[]): D1Database {
  return onRun(async (run, [, , events]) => {
    sizes.push((JSON.parse(events as string) as unknown[]).length);
    await run();
  });
}

/** D1, whose writes go through `on`. */
function onRun(on: (run: () => Promise<unknown>, values: unknown[]) => Promise<void>): D1Database {
  const valuesOf = new WeakMap<object, unknown[]>();
  return {
    prepare: (sql: string) => ({
      bind: (...values: unknown[]) => {
        const statement = env.DB.prepare(sql).bind(...values);
        valuesOf.set(statement, values);
        return statement;
      },
    }),
    batch: (statements: D1PreparedStatement[]) =>
      on(() => env.DB.batch(statements), valuesOf.get(statements[0] as object) ?? []),
  } as unknown as D1Database;
}

async function copiedSeqs({ tenantId }: TestTenant): Promise<number[]> {
  const rows = env.DB.prepare("SELECT seq FROM events WHERE tenant_id = ? ORDER BY seq").bind(tenantId);
  return (await rows.all<{ seq: number }>()).results.map(({ seq }) => seq);
}

async function allEvents(): Promise<unknown[]> {
  return (await env.DB.prepare("SELECT * FROM events ORDER BY tenant_id, mode, seq").all()).results;
}

/** Events that all steps together wrote. */
async function rebuild(): Promise<number> {
  let events = 0;
  for (let query = ""; ;) {
    const answer = await admin(`/ledger/rebuild${query}`, { method: "POST" });
    expect(answer.status).toBe(200);
    const step = await answer.json<{ events: number; nextCursor: string | null }>();
    events += step.events;
    if (step.nextCursor === null) return events;
    query = `?cursor=${encodeURIComponent(step.nextCursor)}`;
  }
}

async function health() {
  return healthAnswer.parse(await (await admin("/health")).json());
}
