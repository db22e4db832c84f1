import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PutRightCall, SettleCall, SettleReply } from "../../src/domain/ledger/commands.ts";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import { deliverStrayCalls, putRight } from "../../src/gateway/put_right.ts";
import { sweep } from "../../src/gateway/sweep.ts";
import { healthAnswer } from "../../src/http/admin/health.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import type { Services } from "../../src/platform/services.ts";
import worker from "../../src/main.ts";
import {
  admin,
  adminJson,
  ledgerOf,
  lookup,
  newKey,
  newTenant,
  sandbox,
  type TestTenant,
  testServices,
} from "../support/gateway.ts";
import { usageOf } from "../support/shapes.ts";

const CPF = "52998224725";

beforeEach(async () => {
  await sandbox("reset");
});

afterEach(async () => {
  vi.restoreAllMocks();
  await env.DB.prepare("DELETE FROM stray_calls").run();
});

function services(bindings: Partial<Env> = {}): Services {
  return testServices({ ...env, ...bindings });
}

/** What is waited between tries passes at once, and the clock goes on by it. */
function withoutWaiting(): void {
  let passedMs = 0;
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() + passedMs);
  vi.spyOn(scheduler, "wait").mockImplementation(async (ms) => {
    passedMs += ms;
  });
}

type Row = Record<string, string | number | null>;

/** What D1's point-in-time restore does to a tenant. */
async function registerOf(tenantId: string): Promise<{ restore: () => Promise<void> }> {
  const tables = { tenants: "id", api_keys: "tenant_id" };
  const saved = new Map<string, Row[]>();
  for (const [table, column] of Object.entries(tables)) {
    const { results } = await env.DB.prepare(`SELECT * FROM ${table} WHERE ${column} = ?`).bind(tenantId).all<Row>();
    saved.set(table, results);
  }
  const restore = async () => {
    const statements = [
      env.DB.prepare("DELETE FROM api_keys WHERE tenant_id = ?").bind(tenantId),
      env.DB.prepare("DELETE FROM tenants WHERE id = ?").bind(tenantId),
    ];
    for (const [table, rows] of saved) {
      for (const row of rows) {
        const names = Object.keys(row);
        const insert = `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
        statements.push(env.DB.prepare(insert).bind(...Object.values(row)));
      }
    }
    await env.DB.batch(statements);
  };
  return { restore };
}

describe("D1 restored to an earlier point", () => {
  test.each([
    [
      "a suspension",
      (tenant: TestTenant) => admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } }),
    ],
    ["a revocation", (tenant: TestTenant) => admin(`/keys/${tenant.keyId}/revoke`, { method: "POST" })],
  ])("%s is effective when it answers 200", async (_what, change) => {
    const tenant = await newTenant();
    const before = await registerOf(tenant.tenantId);
    const lost = await newKey(tenant.tenantId, { mode: "live" });
    for (const name of ["one", "two", "three"])
      await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { name } });
    expect((await lookup(lost.key, CPF)).status).toBe(200);
    await before.restore();

    expect((await change(tenant)).status).toBe(200);
    expect((await lookup(tenant.key, CPF)).status).not.toBe(200);

    const audit = env.DB.prepare("SELECT after FROM audit WHERE action = 'register.lift' AND target = ?");
    const line = await audit.bind(tenant.tenantId).first<string>("after");
    expect(JSON.parse(line ?? "{}")).toMatchObject({ recoveredKeys: [lost.id] });
    const health = healthAnswer.parse(await (await admin("/health")).json());
    expect(health.ledgers.lifted?.map(({ tenantId }) => tenantId)).toContain(tenant.tenantId);
    const keys = await adminJson<{ data: { id: string; label: string }[] }>(`/tenants/${tenant.tenantId}/keys`);
    expect(keys.data.find(({ id }) => id === lost.id)).toMatchObject({ label: "unknown to the register" });
    expect((await admin(`/keys/${lost.id}/revoke`, { method: "POST" })).status).toBe(200);
    expect((await lookup(lost.key, CPF)).status).not.toBe(200);
  });

  test("is told by the sweep, which lets nobody in again who was suspended since", async () => {
    const tenant = await newTenant();
    const before = await registerOf(tenant.tenantId);
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    await before.restore();
    const log = vi.spyOn(console, "log");
    for (let run = 0; run < 10; run += 1) await sweep(services());
    const lines = log.mock.calls.map(([line]) => String(line)).filter((line) => line.includes("register_is_behind"));
    expect(lines.some((line) => line.includes(tenant.tenantId))).toBe(true);
    expect((await lookup(tenant.key, CPF)).status).toBe(403);
  });

  test("a price is what the answer says", async () => {
    const tenant = await newTenant();
    const before = await registerOf(tenant.tenantId);
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { name: "later" } });
    await before.restore();
    const tiers = [{ upTo: null, unitPriceMicros: 990_000 }];
    const plan = { name: "pay-per-use", tiers, ratePerSecond: 10_000, burst: 100_000 };
    const answer = await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { plan } });
    expect([answer.status, answer.status === 200 ? "" : await answer.text()]).toEqual([200, ""]);
    expect((await ledgerOf(tenant.tenantId).terms())?.plan.tiers).toEqual(tiers);
  });
});

describe("a key revoked in its ledger", () => {
  test("is refused at once, and the register has it", async () => {
    const tenant = await newTenant();
    const path = `/tenants/${tenant.tenantId}/keys/${tenant.keyId}/revoke-now`;
    const answer = await adminJson<{ registered: boolean }>(path, { method: "POST" });
    expect(answer.registered).toBe(true);
    expect((await lookup(tenant.key, CPF)).status).toBe(401);
    expect((await services().register.key(tenant.keyId))?.revokedAtMs).not.toBeNull();
    expect((await admin(path, { method: "POST" })).status).toBe(200);
    const unknown = `/tenants/${tenant.tenantId}/keys/csg_live_0000000000/revoke-now`;
    expect((await admin(unknown, { method: "POST" })).status).toBe(404);
  });

  test("is revoked in the register by the sweep, where the register could not be told", async () => {
    const tenant = await newTenant();
    expect(await ledgerOf(tenant.tenantId).revokeNow(tenant.keyId)).not.toBeNull();
    expect((await services().register.key(tenant.keyId))?.revokedAtMs).toBeNull();
    for (let run = 0; run < 10; run += 1) await sweep(services());
    expect((await services().register.key(tenant.keyId))?.revokedAtMs).not.toBeNull();
  });
});

function strayCall(tenant: TestTenant, lookupId: string): PutRightCall {
  const admission = {
    lookupId,
    keyId: tenant.keyId,
    scope: "scores:read",
    ip: null,
    reference: null,
    cpfReference: "v1:0",
    idempotency: null,
    isSent: true,
  } as const;
  return { lookupId, sent: admission, idempotency: null, outcome: "unknown", transactionId: null };
}

function away(): never {
  throw Object.assign(new Error("the object cannot be reached"), { retryable: true });
}

function busy(): never {
  throw Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
}

describe("a call to Claro whose ledger is away", () => {
  test.each([
    ["overloaded for a while", busy, 3],
    ["unreachable for a while", away, 5],
  ])("is recorded by the request that made it: %s", async (_what, fault, faults) => {
    const tenant = await newTenant();
    withoutWaiting();
    const spy = vi.spyOn(TenantLedger.prototype, "putRight");
    for (let n = 0; n < faults; n += 1) spy.mockImplementationOnce(fault);
    await putRight(services(), { tenantId: tenant.tenantId, mode: "live" }, strayCall(tenant, "lkp_soon")).ended;
    expect(await usageOf(tenant)).toEqual({ requests: 1, unknown: 1 });
    expect(await services().strayCalls.count(tenant.tenantId)).toBe(0);
  });

  test("waits in D1 while its request still tries, so that the end of its isolate loses nothing", async () => {
    const tenant = await newTenant();
    withoutWaiting();
    const call = strayCall(tenant, "lkp_in_two_places");
    const reply = Promise.withResolvers<never>();
    const spy = vi.spyOn(TenantLedger.prototype, "putRight").mockImplementation(() => reply.promise);
    const { isSafe, ended } = putRight(services(), { tenantId: tenant.tenantId, mode: "live" }, call);
    await isSafe;
    // From here on the isolate may be gone: the cron of another delivers, and what this one still does changes nothing.
    expect(await services().strayCalls.count(tenant.tenantId)).toBe(1);
    spy.mockRestore();
    await deliverStrayCalls(services());
    reply.reject(new Error("the object was started again"));
    await ended;
    expect(await usageOf(tenant)).toEqual({ requests: 1, unknown: 1 });
    expect(await services().strayCalls.count(tenant.tenantId)).toBe(0);
  });

  test("is recorded by the sweep where that took too long: 40 calls are 40 events, once", async () => {
    const tenant = await newTenant();
    withoutWaiting();
    const spy = vi.spyOn(TenantLedger.prototype, "putRight").mockImplementation(away);
    const ledger = { tenantId: tenant.tenantId, mode: "live" } as const;
    const calls = Array.from({ length: 40 }, (_, n) => strayCall(tenant, `lkp_stray_${n}`));
    await Promise.all(calls.map((call) => putRight(services(), ledger, call).ended));
    expect(await services().strayCalls.count(tenant.tenantId)).toBe(40);
    expect(healthAnswer.parse(await (await admin("/health")).json()).ledgers.strayCalls).toBe(40);
    await deliverStrayCalls(services());
    expect(await services().strayCalls.count(tenant.tenantId)).toBe(40);
    spy.mockRestore();
    // An object that is overloaded just then is asked once more.
    vi.spyOn(TenantLedger.prototype, "putRight").mockImplementationOnce(busy);
    await deliverStrayCalls(services());
    for (const call of calls) await ledgerOf(tenant.tenantId).putRight(call);
    expect(await usageOf(tenant)).toEqual({ requests: 40, unknown: 40 });
    expect(await services().strayCalls.count(tenant.tenantId)).toBe(0);
  });

  test("with D1 gone too is an error in the log, from which it can be entered", async () => {
    const tenant = await newTenant();
    withoutWaiting();
    vi.spyOn(TenantLedger.prototype, "putRight").mockImplementation(away);
    const log = vi.spyOn(console, "log");
    const DB = {
      prepare() {
        throw new Error("D1_ERROR: Network connection lost.");
      },
    } as unknown as D1Database;
    const call = strayCall(tenant, "lkp_logged");
    await putRight(services({ DB }), { tenantId: tenant.tenantId, mode: "live" }, call).ended;
    const line = log.mock.calls.map(([text]) => String(text)).find((text) => text.includes('"stray_call"'));
    const logged = JSON.parse(line ?? "{}") as { level: string; call: PutRightCall };
    expect(logged).toMatchObject({ level: "error", tenantId: tenant.tenantId, mode: "live", call });
    vi.restoreAllMocks();
    await ledgerOf(tenant.tenantId).putRight(logged.call);
    expect(await usageOf(tenant)).toEqual({ requests: 1, unknown: 1 });
  });
});

test("a charge whose reply was lost is taken back, also when the ledger was away when it should be", async () => {
  const tenant = await newTenant();
  const { settle } = TenantLedger.prototype as {
    settle: (this: TenantLedger, call: SettleCall) => Promise<SettleReply>;
  };
  withoutWaiting();
  vi.spyOn(TenantLedger.prototype, "settle").mockImplementation(async function (this: TenantLedger, call) {
    await settle.call(this, call);
    return away();
  });
  const spy = vi.spyOn(TenantLedger.prototype, "putRight").mockImplementation(away);
  const context = createExecutionContext();
  const request = new Request("https://gateway.test/v1/scores", {
    method: "POST",
    headers: { authorization: `Bearer ${tenant.key}`, "content-type": "application/json" },
    body: JSON.stringify({ cpf: CPF }),
  });
  expect((await worker.fetch(request, env, context)).status).toBe(503);
  await waitOnExecutionContext(context);
  expect(await services().strayCalls.count(tenant.tenantId)).toBe(1);

  spy.mockRestore();
  await deliverStrayCalls(services());
  await deliverStrayCalls(services());
  expect(await services().strayCalls.count(tenant.tenantId)).toBe(0);
  const period = new Date(Date.now() - 3 * 3_600_000).toISOString().slice(0, 7) as never;
  const [month] = await ledgerOf(tenant.tenantId).monthTotals({ from: period, to: period });
  expect(month).toMatchObject({ delivered: 1, adjustments: 1 });
  expect((month?.amountMicros ?? 0) + (month?.adjustmentMicros ?? 0)).toBe(0);
});

test("a month is not let go of while a call of its tenant waits", async () => {
  const tenant = await newTenant();
  const ledger = { tenantId: tenant.tenantId, mode: "live" } as const;
  await services().strayCalls.add({ ...ledger, call: strayCall(tenant, "lkp_waits"), notedAtMs: Date.now() });
  const waiting = services();
  const statement = { tenantId: tenant.tenantId, period: "2026-09", isArchived: true, firstSeq: 1, lastSeq: 0 };
  vi.spyOn(waiting.statements, "unpruned").mockResolvedValue([statement as never]);
  const pruned = vi.spyOn(waiting.statements, "markPruned").mockResolvedValue();
  await archiveStatements(waiting);
  expect(pruned).not.toHaveBeenCalled();
  await waiting.strayCalls.remove("lkp_waits");
  await archiveStatements(waiting);
  expect(pruned).toHaveBeenCalledOnce();
});
