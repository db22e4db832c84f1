import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { periodBounds, periodOf, saoPauloDate } from "../../src/domain/period.ts";
import { admin, call, ledgerOf, lookup, newKey, newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
import { failureCode, usageOf } from "../support/shapes.ts";

const CPF = "52998224725";
const NOT_FOUND = "40440440408";
const DAY_MS = 86_400_000;

type Day = { date: string; requests: number; delivered: number; notFound: number; billed: number; amount: string };
type Usage = {
  timeZone: string;
  from: string;
  to: string;
  totals: Omit<Day, "date">;
  days: Day[];
  allowance: { limit: number; used: number; remaining: number; endsAt: string | null } | null;
  asOf: string;
};

beforeEach(async () => {
  await sandbox("reset");
});

afterEach(() => {
  vi.useRealTimers();
});

async function usage(tenant: { key: string }, query = ""): Promise<Usage> {
  const response = await call(`/v1/usage${query}`, { headers: { "x-api-key": tenant.key } });
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return await response.json<Usage>();
}

async function flush(tenant: TestTenant): Promise<void> {
  expect(await ledgerOf(tenant.tenantId).flush()).toMatchObject({ kind: "flushed" });
}

/** Noon in São Paulo, so many days from today's. */
function noon(days: number): number {
  return Date.parse(`${saoPauloDate(Date.now())}T15:00:00Z`) + days * DAY_MS;
}

describe("usage", () => {
  test("includes every lookup that was answered before it was asked for", async () => {
    const tenant = await newTenant();
    for (let answered = 1; answered <= 5; answered += 1) {
      expect((await lookup(tenant.key, CPF)).status).toBe(200);
      expect(await usageOf(tenant)).toEqual({ requests: answered, delivered: answered, billed: answered });
    }
    await Promise.all(Array.from({ length: 50 }, () => lookup(tenant.key, CPF)));
    expect(await usageOf(tenant)).toEqual({ requests: 55, delivered: 55, billed: 55 });
  });

  test("is the same before, between and after the copies to D1", async () => {
    const tenant = await newTenant();
    const expected = { requests: 0, delivered: 0, notFound: 0, billed: 0 };
    for (const cpf of [CPF, NOT_FOUND, CPF, NOT_FOUND, CPF]) {
      await lookup(tenant.key, cpf);
      expected.requests += 1;
      if (cpf === CPF) expected.billed = expected.delivered += 1;
      else expected.notFound += 1;
      expect((await usage(tenant)).totals).toMatchObject(expected);
      if (expected.requests === 2) await flush(tenant);
      if (expected.requests === 4) await runDurableObjectAlarm(ledgerOf(tenant.tenantId));
      expect((await usage(tenant)).totals).toMatchObject(expected);
    }
    await flush(tenant);
    expect((await usage(tenant)).totals).toMatchObject({ ...expected, amount: "0.4500", currency: "BRL" });
  });

  test("stands at each lookup's São Paulo day, and a range counts its days and no other", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const days = [0, 1, 2, 3].map((day) => saoPauloDate(noon(day)));
    const [first = "", second = "", third = "", fourth = ""] = days;
    // São Paulo's midnight is 03:00 in UTC.
    const midnightMs = Date.parse(`${third}T03:00:00Z`);
    vi.setSystemTime(noon(0));
    const tenant = await newTenant();
    for (const atMs of [noon(0), noon(1), midnightMs - 1, midnightMs, noon(2), midnightMs + DAY_MS - 1]) {
      vi.setSystemTime(atMs);
      expect((await lookup(tenant.key, CPF)).status).toBe(200);
      if (atMs === noon(1)) await flush(tenant);
    }
    const range = await usage(tenant, `?from=${first}&to=${fourth}`);
    expect(range.days.map(({ date, delivered }) => [date, delivered])).toEqual([
      [first, 1],
      [second, 2],
      [third, 3],
      [fourth, 0],
    ]);
    expect(range).toMatchObject({ from: first, to: fourth, totals: { delivered: 6, amount: "0.9000" } });
    const counts = [second, third, fourth].map(
      async (date) => (await usage(tenant, `?from=${date}&to=${date}`)).totals,
    );
    expect((await Promise.all(counts)).map((totals) => totals.delivered)).toEqual([2, 3, 0]);
    expect((await usage(tenant, `?from=${second}&to=${third}`)).totals.delivered).toBe(5);
  });

  test("is this São Paulo month's by default, day by day, as of now", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, CPF);
    const { timeZone, from, to, days, asOf } = await usage(tenant);
    const { startMs, endMs } = periodBounds(periodOf(Date.now()));
    expect([timeZone, from, to]).toEqual(["America/Sao_Paulo", saoPauloDate(startMs), saoPauloDate(endMs - 1)]);
    expect(days).toHaveLength(Math.round((endMs - startMs) / DAY_MS));
    expect(days.filter((day) => day.requests > 0).map((day) => day.date)).toEqual([saoPauloDate(Date.now())]);
    expect(Math.abs(Date.parse(asOf) - Date.now())).toBeLessThan(5000);
  });

  test.each([
    "?from=2026-02-30",
    "?to=tomorrow",
    "?from=2026-11-02&to=2026-11-01",
    "?from=2025-01-01&to=2026-01-02",
    "?from=",
    "?from=20261101",
    "?mode=both",
    "?groupBy=day",
    "?tenant=x",
  ])("is refused for the range %s", async (query) => {
    const tenant = await newTenant();
    const response = await call(`/v1/usage${query}`, { headers: { "x-api-key": tenant.key } });
    expect([response.status, await failureCode(response)]).toEqual([400, "invalid_request"]);
  });

  test("spans a year and a day at most", async () => {
    const tenant = await newTenant();
    expect((await usage(tenant, "?from=2025-01-01&to=2026-01-01")).days).toHaveLength(366);
  });
});

describe("what usage comes to", () => {
  test("by key, against the cap, with adjustments, and what is due; Claro's part is told to operators only", async () => {
    const plan = {
      name: "pay-per-use",
      monthlySpendCapMicros: 5_000_000,
      tiers: [{ upTo: null, unitPriceMicros: 150_000 }],
    };
    const tenant = await newTenant({ plan });
    const second = await newKey(tenant.tenantId, { mode: "live" });
    for (const key of [tenant.key, tenant.key, second.key]) await lookup(key, CPF);
    await lookup(second.key, NOT_FOUND);
    const credit = { id: "c1", units: 0, amount: "-0.20", reason: "cortesia", corrects: periodOf(Date.now()) };
    expect((await admin(`/tenants/${tenant.tenantId}/adjustments`, { body: credit })).status).toBe(201);
    const told = await usage(tenant);
    expect(told).toMatchObject({
      keys: [
        { keyId: tenant.keyId, requests: 2, billed: 2, amount: "0.3000" },
        { keyId: second.id, requests: 2, billed: 1, notFound: 1, amount: "0.1500" },
      ].toSorted((left, right) => (left.keyId < right.keyId ? -1 : 1)),
      spendCap: { limit: "5.0000", resetsAt: new Date(periodBounds(periodOf(Date.now())).endMs).toISOString() },
      adjustments: { count: 1, amount: "-0.2000" },
      due: "0.2500",
    });
    expect(told.days.some((day) => "keys" in day)).toBe(false);
    const byKey = await usage(tenant, `?groupBy=key&month=${periodOf(Date.now())}`);
    const today = byKey.days.find(({ date }) => date === saoPauloDate(Date.now()));
    expect(today).toMatchObject({
      keys: expect.arrayContaining([expect.objectContaining({ keyId: second.id, requests: 2 })]) as unknown,
    });
    expect(JSON.stringify(byKey).toLowerCase()).not.toContain("claro");
    const operators = await (await admin(`/tenants/${tenant.tenantId}/usage`)).json();
    expect(operators).toMatchObject({ due: "0.2500", claroPossibleCost: { delivered: 3, unknown: 0, units: 3 } });
  });
});

describe("test and live lookups", () => {
  test("are counted apart, and test ones never cost", async () => {
    const tenant = await newTenant({ plan: { name: "trial" } });
    const testKey = (await newKey(tenant.tenantId, { mode: "test" })).key;
    await lookup(tenant.key, CPF);
    for (const cpf of [CPF, CPF, NOT_FOUND]) await lookup(testKey, cpf);
    // A trial's lookup costs the tenant nothing, so it is not billed.
    const live = { requests: 1, delivered: 1 };
    const inTest = { requests: 3, delivered: 2, notFound: 1 };
    expect(await usageOf(tenant)).toEqual(live);
    expect(await usageOf(tenant, "?mode=live")).toEqual(live);
    expect(await usageOf(tenant, "?mode=test")).toEqual(inTest);
    expect(await usageOf({ ...tenant, key: testKey })).toEqual(inTest);
    expect((await usage({ key: testKey })).totals.amount).toBe("0.0000");
    // A test key is in many hands: it does not see what the tenant pays.
    const refused = await call("/v1/usage?mode=live", { headers: { "x-api-key": testKey } });
    expect([refused.status, await failureCode(refused)]).toEqual([403, "insufficient_scope"]);
    const operators = await admin(`/tenants/${tenant.tenantId}/usage?mode=test`);
    expect((await operators.json<Usage>()).totals).toMatchObject({ requests: 3 });
  });

  test("only live ones use the allowance: what Claro answered, not what failed", async () => {
    const tenant = await newTenant({ plan: { name: "trial", allowance: { requests: 10 } } });
    const testKey = (await newKey(tenant.tenantId, { mode: "test" })).key;
    for (const cpf of [CPF, NOT_FOUND, "40040040046", "50050050052", "40340340339"]) await lookup(tenant.key, cpf);
    await lookup(testKey, CPF);
    const { allowance } = await usage(tenant);
    expect(allowance).toMatchObject({ limit: 10, used: 3, remaining: 7, endsAt: expect.stringMatching(/Z$/) });
    expect((await usage({ key: testKey })).allowance).toBeNull();
    await flush(tenant);
    expect((await usage(tenant)).allowance).toEqual(allowance);
  });

  test("of one tenant are not another's", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    await lookup(one.key, CPF);
    expect(await usageOf(other)).toEqual({});
    await flush(one);
    expect(await usageOf(other)).toEqual({});
    const rows = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE tenant_id = ?")
      .bind(other.tenantId)
      .first("n");
    expect(rows).toBe(0);
  });
});
