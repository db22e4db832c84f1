import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GRANT_MS } from "../../src/domain/ledger/times.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import type { AdmitCall, AdmitReply } from "../../src/domain/ledger/commands.ts";
import { admin, adminJson, ledgerOf, lookup, newKey, newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
import { usageOf } from "../support/shapes.ts";

const CPF = "52998224725";

beforeEach(async () => {
  await sandbox("reset");
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A tenant whose ledger has just granted this isolate early calls. */
async function tenantWithGrant(options: Parameters<typeof newTenant>[0] = {}): Promise<TestTenant> {
  const tenant = await newTenant(options);
  expect((await lookup(tenant.key, CPF)).status).toBe(200);
  await sandbox("reset");
  return tenant;
}

async function claroCalls(): Promise<number> {
  return (await sandbox<{ scoreCalls: number }>("counts")).scoreCalls;
}

/** Does something before each admission that reaches a ledger. */
function beforeAdmissions(act: (call: AdmitCall) => void | Promise<void>): void {
  const { admit } = TenantLedger.prototype as { admit: (this: TenantLedger, call: AdmitCall) => Promise<AdmitReply> };
  vi.spyOn(TenantLedger.prototype, "admit").mockImplementation(async function (this: TenantLedger, call) {
    await act(call);
    return await admit.call(this, call);
  });
}

/** Whether each lookup from now on was sent to Claro side by side with its admission. */
function watchAdmissions(): boolean[] {
  const seen: boolean[] = [];
  beforeAdmissions((call) => void seen.push(call.isSent === true));
  return seen;
}

describe("a lookup of a tenant far from its limits", () => {
  test("asks Claro side by side with the ledger once the ledger has granted it", async () => {
    const tenant = await newTenant();
    const sent = watchAdmissions();
    for (let made = 0; made < 5; made += 1) expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect(sent).toEqual([false, true, true, true, true]);
    expect(await usageOf(tenant)).toEqual({ requests: 5, delivered: 5, billed: 5 });
  });

  test("waits for Claro and the ledger at the same time", async () => {
    const tenant = await tenantWithGrant();
    const pauseMs = 300;
    beforeAdmissions(async () => {
      await scheduler.wait(pauseMs);
      expect(await claroCalls()).toBe(1);
    });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test("asks the ledger first when it has an idempotency key, an address to keep to, or an old grant", async () => {
    const tenant = await tenantWithGrant();
    const sent = watchAdmissions();
    expect((await lookup(tenant.key, CPF, { "idempotency-key": "one" })).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + GRANT_MS });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const bound = await newTenant({ key: { allowedIps: ["203.0.113.0/24"] } });
    for (const _ of [1, 2]) {
      expect((await lookup(bound.key, CPF, { "cf-connecting-ip": "203.0.113.9" })).status).toBe(200);
    }
    expect(sent).toEqual([false, false, false, false]);
  });

  test("of which many run at once, none is lost and none is counted twice", async () => {
    const tenant = await tenantWithGrant();
    const sent = watchAdmissions();
    const answers = await Promise.all(Array.from({ length: 100 }, () => lookup(tenant.key, CPF)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(sent.filter(Boolean)).toHaveLength(32);
    expect([await claroCalls(), await usageOf(tenant)]).toEqual([100, { requests: 101, delivered: 101, billed: 101 }]);
  });
});

describe("with little room left", () => {
  test("the path is sequential, and exactly as many reach Claro as are left", async () => {
    const plan = { allowance: { requests: 30 }, ratePerSecond: 50, burst: 200 };
    const tenant = await newTenant({ plan });
    const sent = watchAdmissions();
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 100 }, () => lookup(tenant.key, CPF)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(29);
    expect(sent).not.toContain(true);
    expect([await claroCalls(), await usageOf(tenant)]).toEqual([30, { requests: 30, delivered: 30, billed: 30 }]);
  });

  test("an allowance that runs out is used up exactly, and nothing is sent in vain", async () => {
    // Grants end with room for what the rate lets through in the 45 s for which their places are held: 50 + 90.
    const tenant = await newTenant({ plan: { allowance: { requests: 240 }, ratePerSecond: 2, burst: 50 } });
    const sent = watchAdmissions();
    const statuses: number[] = [];
    let refills = 0;
    while (statuses.at(-1) !== 429 || refills < 6) {
      // The rate's bucket is full again now and then, as if time had passed.
      if (statuses.length % 40 === 0) {
        vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
        refills += 1;
      }
      statuses.push((await lookup(tenant.key, CPF)).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(240);
    expect(sent.filter(Boolean).length).toBeGreaterThan(50);
    expect([await claroCalls(), await usageOf(tenant)]).toEqual([240, { requests: 240, delivered: 240, billed: 240 }]);
  });
});

/** Begins a change that takes the right to look up scores, and waits until the ledger knows of it; its end comes later. */
async function beginRefusal(tenant: TestTenant, how: "revoked" | "suspended"): Promise<{ ended: Promise<unknown> }> {
  const ended =
    how === "revoked"
      ? adminJson(`/keys/${tenant.keyId}/revoke`, { body: {} })
      : adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
  const access = { keyId: tenant.keyId, scope: "scores:read", ip: null } as const;
  await vi.waitFor(async () => {
    expect(await ledgerOf(tenant.tenantId).authorize(access)).toMatchObject({ kind: "refused" });
  });
  return { ended };
}

describe("what was sent to Claro and then not admitted", () => {
  test.each(["revoked", "suspended"] as const)("is unknown, not charged and not answered: %s", async (how) => {
    const tenant = await tenantWithGrant();
    const { ended } = await beginRefusal(tenant, how);
    const response = await lookup(tenant.key, CPF);
    expect(response.status).toBe(how === "revoked" ? 401 : 403);
    expect(await response.json()).not.toHaveProperty("score");
    await vi.waitFor(async () => expect(await claroCalls()).toBe(1));
    await vi.waitFor(async () => expect((await ledgerOf(tenant.tenantId).status()).openIntents).toBe(0));
    await ledgerOf(tenant.tenantId).flush();
    expect(await eventsOf(tenant)).toEqual(["delivered 1", "unknown 0"]);
    // The isolate takes the next one to the ledger first, and once the change is answered every isolate does.
    expect((await lookup(tenant.key, CPF)).status).toBe(response.status);
    await ended;
    expect(await claroCalls()).toBe(1);
  });

  test("is recorded as failed when Claro did nothing for it", async () => {
    const tenant = await tenantWithGrant();
    await sandbox("faults", [{ target: "score", kind: "status", status: 403 }]);
    const { ended } = await beginRefusal(tenant, "revoked");
    expect((await lookup(tenant.key, CPF)).status).toBe(401);
    await vi.waitFor(async () => expect((await ledgerOf(tenant.tenantId).status()).openIntents).toBe(0));
    await ledgerOf(tenant.tenantId).flush();
    expect(await eventsOf(tenant)).toEqual(["delivered 1", "failed 0"]);
    await ended;
  });

  test("can be settled as delivered by nobody, and a repeated admission is refused again", async () => {
    const tenant = await tenantWithGrant();
    await adminJson(`/keys/${tenant.keyId}/revoke`, { body: {} });
    const ledger = ledgerOf(tenant.tenantId);
    const lookupId = `lkp_${crypto.randomUUID()}`;
    const call = { lookupId, keyId: tenant.keyId, scope: "scores:read", ip: null, reference: null } as const;
    const admission = { ...call, cpfReference: "v1:0", idempotency: null, isSent: true };
    for (const _ of [1, 2, 3]) {
      expect(await ledger.admit(admission)).toMatchObject({ kind: "refused", failure: { code: "revoked_api_key" } });
    }
    expect((await ledger.status()).openIntents).toBe(1);
    const settled = await ledger.settle({ lookupId, outcome: "delivered", transactionId: "t", answer: null });
    expect(settled).toEqual({ kind: "ended", outcome: "unknown" });
    await ledger.flush();
    expect(await eventsOf(tenant)).toEqual(["delivered 1", "unknown 0"]);
  });

  test("gets its intent when the ledger answers again", async () => {
    const tenant = await tenantWithGrant();
    let refused = 0;
    beforeAdmissions(() => {
      refused += 1;
      if (refused <= 2) throw new Error("the object is starting again");
    });
    expect((await lookup(tenant.key, CPF)).status).toBe(503);
    const events = async () => {
      await ledgerOf(tenant.tenantId).flush();
      return await eventsOf(tenant);
    };
    await vi.waitFor(async () => expect(await events()).toEqual(["delivered 1", "unknown 0"]), { timeout: 10_000 });
    expect(await claroCalls()).toBe(1);
  });
});

describe("a change of terms is complete when it is answered", () => {
  test("a new customer id is the only one that Claro sees", async () => {
    const tenant = await tenantWithGrant();
    const path = `/tenants/${tenant.tenantId}`;
    expect((await admin(path, { method: "PATCH", body: { customerId: "new name" } })).status).toBe(200);
    await sandbox("reset");
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const { entries } = await sandbox<{ entries: { customerId?: string }[] }>("journal");
    expect(entries.map(({ customerId }) => customerId).filter(Boolean)).toEqual(["new name"]);
  });

  test("what takes nothing away waits for no grant", async () => {
    const tenant = await tenantWithGrant();
    const wait = vi.spyOn(scheduler, "wait");
    await newKey(tenant.tenantId, { mode: "live" });
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { name: "Outro nome" } });
    expect(wait).not.toHaveBeenCalled();
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { plan: { burst: 20 } } });
    expect(wait).toHaveBeenCalledOnce();
    expect(wait.mock.calls[0]?.[0]).toBeLessThanOrEqual(GRANT_MS);
  });
});

async function eventsOf({ tenantId }: TestTenant): Promise<string[]> {
  const events = env.DB.prepare("SELECT outcome, billed FROM events WHERE tenant_id = ? ORDER BY seq").bind(tenantId);
  const { results } = await events.all<{ outcome: string; billed: number }>();
  return results.map(({ outcome, billed }) => `${outcome} ${billed}`);
}
