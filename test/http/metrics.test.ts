import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CLARO_MS_BOUNDS } from "../../src/domain/ledger/day_sums.ts";
import { parseAmountMicros } from "../../src/domain/money.ts";
import { sumUsage } from "../../src/gateway/sum_usage.ts";
import { sweep } from "../../src/gateway/sweep.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";
import { countedEnv } from "../support/counted_env.ts";
import { restoreSnapshot, takeSnapshot } from "../support/d1_snapshot.ts";
import { disturbedGateway, type Disturbance } from "../support/disturbed.ts";
import {
  ADMIN_TOKEN,
  admin,
  adminJson,
  call,
  ledgerOf,
  lookup,
  newTenant,
  sandbox,
  testServices,
} from "../support/gateway.ts";
import { close, manifestOf, month, setClock, textOf } from "../support/months.ts";

const CPF = "52998224725";
const OPERATOR = { authorization: `Bearer ${ADMIN_TOKEN}` };
const JANUARY = month("2044-01");
const FEBRUARY = month("2044-02");
const FLOOR = "metrics/counters.json";

const tenants: string[] = [];

beforeEach(async () => {
  await sandbox("reset");
  await env.STATEMENTS.delete(FLOOR);
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(JANUARY.startMs + 86_400_000);
});

afterEach(() => {
  vi.useRealTimers();
});

async function tenantOf(options: Parameters<typeof newTenant>[0] = {}) {
  const tenant = await newTenant(options);
  tenants.push(tenant.tenantId);
  return tenant;
}

function metered(disturbance: Disturbance = {}) {
  return disturbedGateway({ METRICS_ENABLED: "true", ...disturbance });
}

/** Samples by name and labels, as they are written. */
async function scrape(gateway = metered()): Promise<Map<string, string>> {
  const response = await gateway.call("/metrics", { headers: OPERATOR });
  expect(response.status).toBe(200);
  const text = await textOf(response);
  expect(text.endsWith("\n# EOF\n")).toBe(true);
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]),
  );
}

function valueOf(samples: Map<string, string>, name: string): number {
  const text = samples.get(`claro_gateway_${name}`);
  if (text === undefined) throw new Error(`there is no ${name}`);
  return Number(text);
}

function microsOf(samples: Map<string, string>, name: string): number {
  const micros = parseAmountMicros(samples.get(`claro_gateway_${name}`) ?? "");
  if (!micros.ok) throw new Error(`${name} is no amount`);
  return micros.value;
}

const OUTCOMES = {
  delivered: "delivered",
  not_found: "notFound",
  rejected: "rejected",
  failed: "failed",
  unknown: "unknown",
};

/** What counters say, under the names that a manifest has for it. */
function countedBy(samples: Map<string, string>) {
  const counts = Object.entries(OUTCOMES).map(([outcome, name]) => [
    name,
    valueOf(samples, `lookups_total{outcome="${outcome}"}`),
  ]);
  return {
    ...Object.fromEntries(counts),
    billed: valueOf(samples, "billed_lookups_total"),
    adjustments: valueOf(samples, "adjustments_total"),
    exactMicros: microsOf(samples, "billed_brl_total") + microsOf(samples, "adjustments_brl"),
  };
}

/** The same of every statement that there is. */
async function invoiced(periods: readonly string[]) {
  const sum: Record<string, number> = { exactMicros: 0, adjustments: 0 };
  for (const tenantId of tenants) {
    for (const period of periods) {
      const { counts, totals, adjustments } = await manifestOf(tenantId, period);
      for (const [name, count] of Object.entries(counts)) {
        if (name !== "amountMicros") sum[name] = (sum[name] ?? 0) + count;
      }
      sum["exactMicros"] = (sum["exactMicros"] ?? 0) + totals.amountMicros;
      sum["adjustments"] = (sum["adjustments"] ?? 0) + adjustments;
    }
  }
  return sum;
}

async function flush(): Promise<void> {
  for (const tenantId of tenants) expect(await ledgerOf(tenantId).flush()).toMatchObject({ kind: "flushed" });
}

const R2_ERROR = "We encountered an internal error. Please try again. (10001)";

describe("GET /metrics", () => {
  test("is off until a setting switches it on, and tells strangers nothing", async () => {
    const off = await call("/metrics", { headers: { ...OPERATOR, "accept-language": "en" } });
    expect(off.status).toBe(404);
    expect(await off.json()).toMatchObject({ code: "not_found", issues: [{ code: "metrics_off" }] });
    const tenant = await tenantOf();
    for (const headers of [{}, { authorization: `Bearer ${tenant.key}` }])
      expect((await metered().call("/metrics", { headers })).status).toBe(401);
  });

  test("takes a token of the role read", async () => {
    const { token } = await adminJson<{ token: string }>("/operators", {
      body: { name: "Prometheus", roles: ["read"] },
    });
    const response = await metered().call("/metrics", { headers: { authorization: `Bearer ${token}` } });
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
  });

  test.each([
    [undefined, "application/openmetrics-text; version=1.0.0; charset=utf-8"],
    ["*/*", "application/openmetrics-text; version=1.0.0; charset=utf-8"],
    [
      "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ],
    ["text/plain", "text/plain; version=0.0.4; charset=utf-8"],
    ["Text/Plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"],
  ])("whoever accepts %s gets %s", async (accept, type) => {
    const headers = { ...OPERATOR, ...(accept === undefined ? {} : { accept }) };
    const response = await metered().call("/metrics", { headers });
    expect(response.headers.get("content-type")).toBe(type);
    expect((await textOf(response)).includes("# EOF")).toBe(type.startsWith("application/openmetrics"));
  });
});

describe("the counters", () => {
  test("equal the sum of all statements, over months, tenants, prices, outcomes and adjustments", async () => {
    for (const unitPriceMicros of [150_000, 123_457]) {
      await tenantOf({
        plan: {
          tiers: [
            { upTo: 3, unitPriceMicros },
            { upTo: null, unitPriceMicros: 99_999 },
          ],
        },
      });
    }
    const keys: string[] = [];
    for (const tenantId of tenants.slice(-2)) {
      keys.push((await adminJson<{ key: string }>(`/tenants/${tenantId}/keys`, { body: { mode: "live" } })).key);
    }
    const ends = MAGIC_CPFS.filter(({ name }) => ["not_found", "rejected", "failed", "html"].includes(name));
    const persons = [CPF, CPF, CPF, CPF, ...ends.map(({ cpf }) => cpf)];
    for (const { startMs } of [JANUARY, FEBRUARY]) {
      setClock(startMs + 3 * 86_400_000);
      for (const key of keys) for (const cpf of persons) await lookup(key, cpf);
      await admin(`/tenants/${tenants.at(-1)}/adjustments`, { body: { units: 0, amount: "-0.05", reason: "credito" } });
      await admin(`/tenants/${tenants.at(-2)}/adjustments`, { body: { units: 1, amount: "2.50", reason: "taxa" } });
    }
    // Whoever reads a statement has its ledger copy first; and nothing is left open.
    setClock(FEBRUARY.startMs + 4 * 86_400_000);
    await lookup(keys[0] ?? "", MAGIC_CPFS.find(({ name }) => name === "timeout")?.cpf);
    await flush();
    const periods = [JANUARY.period, FEBRUARY.period];
    const told = await scrape();
    expect(countedBy(told)).toEqual(await invoiced(periods));
    expect(countedBy(told)["delivered"]).toBeGreaterThan(12);
    expect(Object.values(countedBy(told)).every((value) => value !== 0)).toBe(true);
    const january = await scrape();
    for (const period of periods) {
      const sum = await invoiced([period]);
      expect(microsOf(january, `month_amount_brl{period="${period}"}`)).toBe(sum["exactMicros"]);
      expect(valueOf(january, `month_billed_lookups{period="${period}"}`)).toBe(sum["billed"]);
    }

    // The cron takes the sums of the days that are over; twice changes nothing.
    for (let run = 0; run < 2; run += 1) await sumUsage(testServices());
    expect(await env.DB.prepare("SELECT before_date FROM usage_totals").first()).toEqual({ before_date: "2044-02-04" });
    expect(countedBy(await scrape())).toEqual(countedBy(told));
    const isOfLookups = ([name]: [string, string]) => !name.includes("database_size");
    expect([...(await scrape())].filter(isOfLookups)).toEqual([...january].filter(isOfLookups));

    expect((await close(JANUARY.period)).failures).toEqual([]);
    await flush();
    expect(countedBy(await scrape())).toEqual(countedBy(told));
    expect(countedBy(await scrape())).toEqual(await invoiced(periods));
  });

  test("are the same after D1's days were lost and made again", async () => {
    await flush();
    const before = countedBy(await scrape());
    await env.DB.batch([env.DB.prepare("DELETE FROM usage_days"), env.DB.prepare("DELETE FROM event_batches")]);
    await env.STATEMENTS.delete(FLOOR);
    expect(countedBy(await scrape())).toMatchObject({ delivered: 0, billed: 0, exactMicros: 0 });
    for (const tenantId of tenants) await ledgerOf(tenantId).recopy(0);
    expect(countedBy(await scrape())).toEqual(before);
  });

  test("never go back: after D1 was restored they stand until it has caught up", async () => {
    const tenant = await tenantOf();
    await lookup(tenant.key, CPF);
    await flush();
    const restored = await takeSnapshot();
    const early = countedBy(await scrape());
    for (let lookups = 0; lookups < 5; lookups += 1) await lookup(tenant.key, CPF);
    await flush();
    const late = countedBy(await scrape());
    expect(late["delivered"]).toBe(Number(early["delivered"]) + 5);

    await restoreSnapshot(restored);
    expect(countedBy(await scrape())).toEqual(late);
    await lookup(tenant.key, CPF);
    await ledgerOf(tenant.tenantId).recopy(0);
    await flush();
    expect(countedBy(await scrape())["delivered"]).toBe(Number(late["delivered"]) + 1);
  });

  test("go up only, for each of several readers at once, while D1 falls back and catches up", async () => {
    const tenant = await tenantOf();
    const low = await takeSnapshot();
    for (let lookups = 0; lookups < 3; lookups += 1) await lookup(tenant.key, CPF);
    await flush();
    const high = await takeSnapshot();
    const read = async () => {
      const values: number[] = [];
      for (let reading = 0; reading < 4; reading += 1) values.push(Number(countedBy(await scrape())["delivered"]));
      return values;
    };
    const readers = [read(), read(), read()];
    for (const snapshot of [low, high, low]) await restoreSnapshot(snapshot);
    for (const values of await Promise.all(readers))
      expect(values).toEqual(values.toSorted((left, right) => left - right));
    await restoreSnapshot(high);
  });

  test("count Claro's and the admissions' durations: a bucket for each bound, none lost", async () => {
    const tenant = await tenantOf();
    await lookup(tenant.key, CPF);
    await flush();
    const samples = await scrape();
    for (const name of ["claro", "admit"]) {
      const buckets = [...samples].filter(([sample]) =>
        sample.startsWith(`claro_gateway_${name}_duration_seconds_bucket`),
      );
      const counts = buckets.map(([, count]) => Number(count));
      expect(counts).toEqual(counts.toSorted((left, right) => left - right));
      expect(counts.at(-1)).toBe(valueOf(samples, `${name}_duration_seconds_count`));
      expect(counts.at(-1)).toBeGreaterThan(0);
    }
    expect([...samples.keys()].filter((name) => name.includes("claro_duration_seconds_bucket"))).toHaveLength(
      CLARO_MS_BOUNDS.length + 1,
    );
  });
});

describe("what is told beside the counters", () => {
  test("tenants near their cap are counted, and named with how much of it they have used", async () => {
    const plan = { tiers: [{ upTo: null, unitPriceMicros: 1_000_000 }], monthlySpendCapMicros: 5_000_000 };
    const near = await tenantOf({ plan });
    const far = await tenantOf({ plan });
    for (let lookups = 0; lookups < 4; lookups += 1) await lookup(near.key, CPF);
    await lookup(far.key, CPF);
    await flush();
    const samples = await scrape();
    expect(valueOf(samples, "tenants_near_cap")).toBe(1);
    expect(valueOf(samples, `tenant_cap_used_ratio{tenant="${near.tenantId}"}`)).toBe(0.8);
    await sumUsage(testServices());
    expect(valueOf(await scrape(), `tenant_cap_used_ratio{tenant="${near.tenantId}"}`)).toBe(0.8);
    // Caps are a month's.
    setClock(FEBRUARY.startMs + 86_400_000);
    expect(valueOf(await scrape(), "tenants_near_cap")).toBe(0);
  });

  test("costs as many calls with many tenants as with few", async () => {
    const calls = async () => {
      const counted = countedEnv();
      await scrape(metered(counted.env as unknown as Disturbance));
      const first = counted.calls();
      await scrape(metered(counted.env as unknown as Disturbance));
      return counted.calls() - first;
    };
    const few = await calls();
    const insert = `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
      SELECT 'ten_many' || value, 'x', '12ABC34501DE35', 'x', '{"monthlySpendCapMicros":1}', 'active', 1 FROM generate_series(1, 2000)`;
    await env.DB.prepare(
      insert.replace("generate_series(1, 2000)", `json_each('[${Array.from({ length: 2000 }, (_, n) => n).join()}]')`),
    ).run();
    await env.DB.prepare(`INSERT INTO usage_days SELECT '2044-01-02', id, 'live', 1, '{"counts":[1,0,0,0,0],"billed":1,"amountMicros":7}'
      FROM tenants WHERE id LIKE 'ten_many%'`).run();
    const samples = await scrape();
    expect(valueOf(samples, "tenants_near_cap")).toBeGreaterThanOrEqual(2000);
    expect([...samples.keys()].filter((name) => name.includes("tenant_cap_used_ratio"))).toHaveLength(20);
    expect(await calls()).toBe(few);
    expect(few).toBeLessThan(25);
    await env.DB.batch([
      env.DB.prepare("DELETE FROM usage_days WHERE tenant_id LIKE 'ten_many%'"),
      env.DB.prepare("DELETE FROM usage_months WHERE tenant_id LIKE 'ten_many%'"),
      env.DB.prepare("DELETE FROM tenants WHERE id LIKE 'ten_many%'"),
    ]);
  });

  test.each([
    [
      "d1",
      {
        DB: {
          prepare: failing("D1_ERROR: Network connection lost"),
          batch: failing("D1_ERROR: Network connection lost"),
        },
      },
    ],
    ["r2", { STATEMENTS: { get: failing(`get: ${R2_ERROR}`), head: failing(`head: ${R2_ERROR}`) } }],
    ["breaker", { CLARO_BREAKER: { getByName: failing("the object cannot be reached") } }],
    ["token", { ACCESS_TOKEN: { getByName: failing("the object cannot be reached") } }],
  ])("without %s the rest is told, and that it is missing; no counter is told too low", async (source, disturbance) => {
    // Who the operator is stands in KV by now.
    await scrape();
    const samples = await scrape(metered(disturbance));
    expect(samples.get(`claro_gateway_source_up{source="${source}"}`)).toBe("0");
    expect(samples.has('claro_gateway_lookups_total{outcome="delivered"}')).toBe(!["d1", "r2"].includes(source));
    expect(samples.has("claro_gateway_ledgers_behind")).toBe(true);
  });

  test("a ledger that D1 takes nothing from is told with how much waits and for how long", async () => {
    const tenant = await tenantOf();
    const services = testServices();
    await sweep(services);
    const before = await scrape();
    expect([valueOf(before, "ledgers_behind"), valueOf(before, "copy_lag_seconds")]).toEqual([0, 0]);
    await env.KEYS.put(`backlog:${tenant.tenantId}:live`, "", {
      metadata: { oldestUnflushedAtMs: Date.now() - 90_000 },
    });
    const samples = await scrape(metered({ TENANT_LEDGER: behind }));
    expect(valueOf(samples, "ledgers_behind")).toBe(1);
    expect(valueOf(samples, "uncopied_events")).toBe(40);
    expect(valueOf(samples, "copy_lag_seconds")).toBeCloseTo(90, 0);
    await env.KEYS.delete(`backlog:${tenant.tenantId}:live`);
  });
});

const behind = {
  getByName: () => ({
    status: async () => ({
      oldestUnflushedAtMs: Date.now() - 90_000,
      isFailing: true,
      lastSeq: 100,
      flushedThrough: 60,
    }),
  }),
};

function failing(message: string) {
  return () => {
    throw new Error(message);
  };
}
