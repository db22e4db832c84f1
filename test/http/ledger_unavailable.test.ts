import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { callLedger } from "../../src/platform/ledger/ledger_client.ts";
import type { AdmitCall, SettleCall } from "../../src/domain/ledger/commands.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import { ledgerOf, newTenant, sandbox } from "../support/gateway.ts";
import { failureCode, SHAPES, usageOf } from "../support/shapes.ts";

const CPF = "52998224725";
const INTENT_TTL_MS = 14_000;
/** The methods as they are, before they are spied on. */
const REAL: Pick<TenantLedger, "admit" | "settle"> = Object.fromEntries(
  (["admit", "settle"] as const).map((name) => [name, TenantLedger.prototype[name]]),
) as never;

beforeEach(async () => {
  await sandbox("reset");
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe.each(SHAPES)("a lookup in $name", (shape) => {
  test("is not sent to Claro when the ledger cannot be asked", async () => {
    const tenant = await newTenant();
    vi.spyOn(TenantLedger.prototype, "admit").mockImplementation(unreachable);
    const answer = await shape.lookup(tenant, CPF);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await failureCode(answer)).toBe("ledger_unavailable");
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 0 });
    expect(await usageOf(tenant)).toEqual({});
  });

  test("gives its intent back when the ledger's reply was lost", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 1 } } });
    vi.spyOn(TenantLedger.prototype, "admit").mockImplementation(admitAndLose);
    expect((await shape.lookup(tenant, CPF)).status).toBe(503);
    vi.restoreAllMocks();
    await vi.waitFor(async () => expect(await usageOf(tenant)).toEqual({ requests: 1, failed: 1 }));
    expect((await shape.lookup(tenant, CPF)).status).toBe(200);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 1 });
  });

  test("is one lookup when the ledger's reply was lost once", async () => {
    const tenant = await newTenant();
    vi.spyOn(TenantLedger.prototype, "admit").mockImplementationOnce(admitAndLose);
    expect((await shape.lookup(tenant, CPF)).status).toBe(200);
    expect(await usageOf(tenant)).toEqual({ requests: 1, delivered: 1, billed: 1 });
  });

  test.each([
    ["is not reached", unreachable],
    ["settles and its reply is lost", settleAndLose],
  ])("gives its score when the ledger %s three times after Claro", async (_, trouble) => {
    const tenant = await newTenant();
    const settle = vi.spyOn(TenantLedger.prototype, "settle");
    for (let n = 0; n < 3; n += 1) settle.mockImplementationOnce(trouble);
    expect((await shape.lookup(tenant, CPF)).status).toBe(200);
    expect(settle).toHaveBeenCalledTimes(4);
    expect(await usageOf(tenant)).toEqual({ requests: 1, delivered: 1, billed: 1 });
  });

  test("gives no score when the ledger cannot be told of it, and ends as unknown", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const settle = vi.spyOn(TenantLedger.prototype, "settle").mockImplementation(unreachable);
    vi.spyOn(TenantLedger.prototype, "withdraw").mockImplementation(() => {
      throw new Error("Network connection lost.");
    });
    const lookup = shape.lookup(tenant, CPF);
    await vi.waitFor(() => expect(settle.mock.calls.length).toBeGreaterThan(2));
    vi.setSystemTime(Date.now() + 5000);
    const answer = await lookup;
    expect([answer.status, await failureCode(answer)]).toEqual([503, "ledger_unavailable"]);
    vi.setSystemTime(Date.now() + INTENT_TTL_MS);
    expect(await usageOf(tenant)).toEqual({ requests: 1, unknown: 1 });
  });

  test("takes its charge back when no reply told that the ledger has it", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const settle = vi.spyOn(TenantLedger.prototype, "settle").mockImplementation(settleAndLose);
    const lookup = shape.lookup(tenant, CPF);
    await vi.waitFor(() => expect(settle.mock.calls.length).toBeGreaterThan(2));
    vi.setSystemTime(Date.now() + 5000);
    expect((await lookup).status).toBe(503);
    await vi.waitFor(async () => {
      await ledgerOf(tenant.tenantId).flush();
      expect(await eventsOf(tenant.tenantId)).toHaveLength(2);
    });
    const [event, correction] = await eventsOf(tenant.tenantId);
    expect(event).toMatchObject({ outcome: "delivered", units: 1, amount_micros: 150_000 });
    expect(correction).toMatchObject({
      kind: "adjustment",
      units: -1,
      amount_micros: -150_000,
      corrects: event?.["id"],
    });
  });

  test("is not charged when the ledger decides after nobody waits any more", async () => {
    const tenant = await newTenant();
    vi.spyOn(TenantLedger.prototype, "settle").mockImplementation(async function (this: TenantLedger, call) {
      expect(call.withinMs).toBeGreaterThan(0);
      expect(call.withinMs).toBeLessThan(7000);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + (call.withinMs ?? 0) + 1 });
      return await REAL.settle.call(this, call);
    });
    const answer = await shape.lookup(tenant, CPF);
    expect([answer.status, await failureCode(answer)]).toEqual([503, "ledger_unavailable"]);
    expect(await usageOf(tenant)).toEqual({ requests: 1, unknown: 1 });
  });
});

describe("the time of a lookup", () => {
  test("that the ledger spent is not there for Claro: nothing is sent", async () => {
    const tenant = await newTenant();
    vi.spyOn(TenantLedger.prototype, "admit").mockImplementation(async function (this: TenantLedger, call) {
      const reply = await REAL.admit.call(this, call);
      await scheduler.wait(2100);
      return reply;
    });
    const answer = await SHAPES[0]!.lookup(tenant, CPF);
    expect([answer.status, await failureCode(answer)]).toEqual([503, "claro_unreachable"]);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 0 });
    expect(await usageOf(tenant)).toEqual({ requests: 1, failed: 1 });
  });
});

describe("a call of a ledger", () => {
  test("is not repeated when the object is overloaded", async () => {
    const call = vi.fn(async () => {
      throw Object.assign(new Error("too many requests"), { overloaded: true });
    });
    const reply = await callLedger(env.TENANT_LEDGER, { tenantId: "ten_x", mode: "live" }, call, { tries: 5 });
    expect(reply).toMatchObject({ ok: false, failure: { code: "ledger_unavailable" } });
    expect(call).toHaveBeenCalledTimes(1);
  });

  test("that hangs is made again, and all of it ends in its time", async () => {
    const call = vi.fn(async () => await scheduler.wait(60_000));
    const startedAtMs = Date.now();
    const times = { timeoutMs: 600, tryMs: 200, tries: 9 };
    const reply = await callLedger(env.TENANT_LEDGER, { tenantId: "ten_x", mode: "live" }, call, times);
    expect(reply.ok).toBe(false);
    expect(call.mock.calls.length).toBeGreaterThanOrEqual(2);
    expect(Date.now() - startedAtMs).toBeLessThan(5000);
  });
});

async function unreachable(): Promise<never> {
  throw new Error("Network connection lost.");
}

async function admitAndLose(this: TenantLedger, call: AdmitCall): Promise<never> {
  await REAL.admit.call(this, call);
  throw new Error("Network connection lost.");
}

async function settleAndLose(this: TenantLedger, call: SettleCall): Promise<never> {
  await REAL.settle.call(this, call);
  throw new Error("Network connection lost.");
}

async function eventsOf(tenantId: string): Promise<Record<string, unknown>[]> {
  const rows = env.DB.prepare("SELECT * FROM events WHERE tenant_id = ? ORDER BY seq").bind(tenantId);
  return (await rows.all()).results;
}
