import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { expectExactQuota, inWaves, usageOf } from "../support/quotas.ts";
import { admin, adminJson, call, ledgerOf, lookup, newKey, newTenant, sandbox } from "../support/gateway.ts";

const CPF = "52998224725";

afterEach(async () => {
  vi.useRealTimers();
  await sandbox("reset");
});

describe("with N left and ten times as many at once", () => {
  test("exactly N reach Claro, of 1,000 lookups through the whole gateway, 100 at a time", async () => {
    await expectExactQuota({ allowed: 100, waves: 10 });
  });

  test("exactly N are admitted by the object, whatever is open, in 6,000 calls", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 600 } } });
    const ledger = ledgerOf(tenant.tenantId);
    const replies = await Promise.all(Array.from({ length: 6000 }, (_, n) => ledger.admit(admission(tenant.keyId, n))));
    expect(replies.filter((reply) => reply.kind === "admitted")).toHaveLength(600);
  });

  test("a spend cap lets through what fits under it, tier by tier, and not one more", async () => {
    const tiers = [
      { upTo: 10, unitPriceMicros: 100_000 },
      { upTo: 20, unitPriceMicros: 50_000 },
      { upTo: null, unitPriceMicros: 10_000 },
    ];
    // 10 * 0.10 + 10 * 0.05 + 25 * 0.01, and 0.005 that is too little for one more.
    const tenant = await newTenant({ plan: { tiers, monthlySpendCapMicros: 1_755_000 } });
    const answers = await inWaves({ waves: 5, of: 90 }, () => lookup(tenant.key, CPF));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(45);
    const refused = answers.find((answer) => answer.status !== 200);
    expect(await refused?.json()).toMatchObject({ code: "spend_cap_reached" });
    expect(await usageOf(tenant.key)).toMatchObject({ totals: { delivered: 45, amount: "1.7500" } });
  });

  test("a burst is as many as it says", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const tenant = await newTenant({ plan: { ratePerSecond: 1, burst: 20 } });
    const answers = await Promise.all(Array.from({ length: 100 }, () => lookup(tenant.key, CPF)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(20);
    const refused = answers.filter((answer) => answer.status === 429);
    expect(refused).toHaveLength(80);
    expect(new Set(refused.map((answer) => answer.headers.get("retry-after")))).toEqual(new Set(["1"]));
  });
});

describe("what a lookup takes", () => {
  test("what failed is given back; not found, rejected and unknown are not; a refusal takes nothing", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 4 } } });
    await sandbox("faults", [{ target: "score", kind: "status", status: 500 }]);
    expect((await lookup(tenant.key, CPF)).status).toBe(502);
    await sandbox("reset");
    expect((await usageOf(tenant.key)).allowance).toMatchObject({ used: 0, remaining: 4 });
    const ledger = ledgerOf(tenant.tenantId);
    for (const [n, outcome] of (["delivered", "not_found", "rejected", "unknown", "failed"] as const).entries()) {
      const admitted = await ledger.admit(admission(tenant.keyId, n));
      if (outcome === "failed")
        expect(admitted).toMatchObject({ kind: "refused", failure: { code: "quota_exceeded" } });
      else await ledger.settle({ lookupId: `lkp_${n}`, outcome, transactionId: null, answer: null });
    }
    expect((await usageOf(tenant.key)).allowance).toMatchObject({ used: 4, remaining: 0 });
  });

  test("an open lookup is held, and free again when it failed", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 1 } } });
    const ledger = ledgerOf(tenant.tenantId);
    expect((await ledger.admit(admission(tenant.keyId, 1))).kind).toBe("admitted");
    expect((await ledger.admit(admission(tenant.keyId, 2))).kind).toBe("refused");
    await ledger.settle({ lookupId: "lkp_1", outcome: "failed", transactionId: null, answer: null });
    expect((await ledger.admit(admission(tenant.keyId, 3))).kind).toBe("admitted");
  });

  test("a second key of the tenant shares its allowance", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 2 } } });
    const second = await newKey(tenant.tenantId, { mode: "live" });
    const statuses = [];
    for (const key of [tenant.key, second.key, tenant.key, second.key]) statuses.push((await lookup(key, CPF)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  test("test lookups use up nothing", async () => {
    const tenant = await newTenant({ mode: "test", plan: { name: "trial", allowance: { requests: 1 } } });
    for (let n = 0; n < 3; n += 1) expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });
});

describe("a change of plan", () => {
  test("holds from the next lookup on", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 1 } } });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await lookup(tenant.key, CPF)).status).toBe(429);
    await change(tenant.tenantId, { allowance: { requests: 2 } });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    await change(tenant.tenantId, { allowance: null, monthlySpendCapMicros: 300_000 });
    expect(await (await lookup(tenant.key, CPF)).json()).toMatchObject({ code: "spend_cap_reached" });
    await change(tenant.tenantId, { monthlySpendCapMicros: null, ratePerSecond: 0.01, burst: 1 });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const limited = await lookup(tenant.key, CPF);
    expect(await limited.json()).toMatchObject({ code: "rate_limited" });
    expect(limited.headers.get("retry-after")).toBe("100");
  });

  test("prices what is admitted after it, not what was open", async () => {
    const tenant = await newTenant({ plan: { tiers: [{ upTo: null, unitPriceMicros: 100_000 }] } });
    const ledger = ledgerOf(tenant.tenantId);
    await ledger.admit(admission(tenant.keyId, 1));
    await change(tenant.tenantId, { tiers: [{ upTo: null, unitPriceMicros: 7_000_000 }] });
    await ledger.settle({ lookupId: "lkp_1", outcome: "delivered", transactionId: null, answer: null });
    expect((await usageOf(tenant.key)).totals.amount).toBe("0.1000");
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await usageOf(tenant.key)).totals.amount).toBe("7.1000");
  });
});

describe("the trial, in the object", () => {
  test("ends at its millisecond with 403, for all keys, whatever is left", async () => {
    const startMs = Date.parse("2026-11-30T15:30:00.000-03:00");
    vi.useFakeTimers({ toFake: ["Date"], now: startMs });
    const tenant = await newTenant({ plan: { name: "trial" } });
    const { plan } = await adminJson<{ plan: { allowance: { endsAt: string } } }>(`/tenants/${tenant.tenantId}`);
    expect(plan.allowance.endsAt).toBe("2027-02-28T18:30:00.000Z");
    const endMs = Date.parse(plan.allowance.endsAt);
    vi.setSystemTime(endMs - 1);
    const last = await lookup(tenant.key, CPF);
    expect(last.status).toBe(200);
    expect(last.headers.get("ratelimit")).toMatch(/^"rate";r=\d+;t=\d+, "allowance";r=999$/);
    vi.setSystemTime(endMs);
    const ended = await lookup(tenant.key, CPF);
    expect(ended.status).toBe(403);
    expect(ended.headers.get("retry-after")).toBeNull();
    expect(await ended.json()).toMatchObject({ code: "trial_ended" });
    // Moved to the paid plan it goes on at once.
    await change(tenant.tenantId, { name: "pay-per-use" });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test("a spend cap begins anew with the month of São Paulo, not of UTC", async () => {
    const monthEndMs = Date.parse("2026-12-01T00:00:00.000-03:00");
    vi.useFakeTimers({ toFake: ["Date"], now: monthEndMs - 5000 });
    const tenant = await newTenant({ plan: { monthlySpendCapMicros: 150_000 } });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    vi.setSystemTime(monthEndMs - 1);
    const capped = await lookup(tenant.key, CPF);
    expect(capped.status).toBe(429);
    expect(capped.headers.get("retry-after")).toBe("1");
    vi.setSystemTime(monthEndMs);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await lookup(tenant.key, CPF)).status).toBe(429);
  });
});

describe("the headers", () => {
  test("count down a burst and the allowance, and tell when there is more", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const tenant = await newTenant({ plan: { ratePerSecond: 0.5, burst: 3, allowance: { requests: 10 } } });
    const told = [];
    for (let n = 0; n < 4; n += 1) {
      const answer = await lookup(tenant.key, CPF);
      expect(answer.headers.get("ratelimit-policy")).toBe('"rate";q=3;w=6, "allowance";q=10');
      told.push([answer.status, answer.headers.get("ratelimit"), answer.headers.get("retry-after")]);
    }
    expect(told).toEqual([
      [200, '"rate";r=2;t=2, "allowance";r=9', null],
      [200, '"rate";r=1;t=4, "allowance";r=8', null],
      [200, '"rate";r=0;t=2, "allowance";r=7', null],
      [429, '"rate";r=0;t=2, "allowance";r=7', "2"],
    ]);
    vi.setSystemTime(Date.now() + 2000);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });
});

describe("what the object remembers when it has been evicted", () => {
  test("an emptied bucket, even when the lookups that emptied it have left for D1", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const tenant = await newTenant({ plan: { ratePerSecond: 0.01, burst: 5 } });
    for (let n = 0; n < 5; n += 1) expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const ledger = ledgerOf(tenant.tenantId);
    await evictDurableObject(ledger);
    expect((await lookup(tenant.key, CPF)).headers.get("ratelimit")).toMatch(/^"rate";r=0;/);
    // Three of the five tokens are back, and the events are in a batch.
    vi.setSystemTime(Date.now() + 300_000);
    await runDurableObjectAlarm(ledger);
    await evictDurableObject(ledger);
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await lookup(tenant.key, CPF)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  test("a bucket that was kept empty for longer than it takes to fill", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const tenant = await newTenant({ plan: { ratePerSecond: 1, burst: 10 } });
    for (let n = 0; n < 10; n += 1) expect((await lookup(tenant.key, CPF)).status).toBe(200);
    for (let second = 0; second < 20; second += 1) {
      vi.setSystemTime(Date.now() + 1000);
      expect((await lookup(tenant.key, CPF)).status).toBe(200);
    }
    expect((await lookup(tenant.key, CPF)).status).toBe(429);
    await evictDurableObject(ledgerOf(tenant.tenantId));
    expect((await lookup(tenant.key, CPF)).status).toBe(429);
  });

  test("when a key was last used, to the minute, whatever it was used for", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-23T12:34:56.789Z") });
    const tenant = await newTenant();
    const reader = await newKey(tenant.tenantId, { mode: "live", label: "reader", scopes: ["usage:read"] });
    const idle = await newKey(tenant.tenantId, { mode: "live", label: "idle" });
    const ledger = ledgerOf(tenant.tenantId);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await call("/v1/usage", { headers: { "x-api-key": reader.key } })).status).toBe(200);
    // What a lookup's own row tells survives even a crash; what a reading did, the next alarm.
    expect(await runDurableObjectAlarm(ledger)).toBe(true);
    await evictDurableObject(ledger);
    vi.setSystemTime(Date.parse("2026-11-23T12:40:01.000Z"));
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    await evictDurableObject(ledger);
    expect(await lastUses(tenant.tenantId)).toEqual({
      [tenant.keyId]: "2026-11-23T12:40:00.000Z",
      [reader.id]: "2026-11-23T12:34:00.000Z",
      [idle.id]: null,
    });
    vi.setSystemTime(Date.parse("2026-11-23T13:40:01.000Z"));
    await runDurableObjectAlarm(ledger);
    await runDurableObjectAlarm(ledger);
    await evictDurableObject(ledger);
    expect((await lastUses(tenant.tenantId))[tenant.keyId]).toBe("2026-11-23T12:40:00.000Z");
  });
});

function admission(keyId: string, n: number) {
  const lookupId = `lkp_${n}`;
  return {
    lookupId,
    keyId,
    scope: "scores:read",
    ip: null,
    reference: null,
    cpfReference: "v1:0",
    idempotency: null,
  } as const;
}

async function change(tenantId: string, plan: Record<string, unknown>): Promise<void> {
  expect((await admin(`/tenants/${tenantId}`, { method: "PATCH", body: { plan } })).status).toBe(200);
}

async function lastUses(tenantId: string): Promise<Record<string, string | null>> {
  const { data } = await adminJson<{ data: { id: string; lastUsedAt: string | null }[] }>(`/tenants/${tenantId}/keys`);
  return Object.fromEntries(data.map((key) => [key.id, key.lastUsedAt]));
}
