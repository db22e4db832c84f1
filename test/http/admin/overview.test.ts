import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CLARO_MS_BOUNDS, emptyDay, type DaySums } from "../../../src/domain/ledger/day_sums.ts";
import { latencyOf } from "../../../src/domain/latency.ts";
import { saoPauloDate } from "../../../src/domain/period.ts";
import { sumUsage } from "../../../src/gateway/sum_usage.ts";
import { readOverview } from "../../../src/gateway/read_overview.ts";
import { MAGIC_CPFS } from "../../../src/sandbox/magic_cpfs.ts";
import { countedEnv } from "../../support/counted_env.ts";
import { disturbedGateway } from "../../support/disturbed.ts";
import { admin, adminJson, ledgerOf, lookup, newKey, newTenant, testServices } from "../../support/gateway.ts";

const CPF = "52998224725";
const DAY_MS = 86_400_000;
// A Thursday noon in São Paulo, far from every other test's months.
const NOON_MS = Date.parse("2051-03-16T15:00:00Z");
const TODAY = saoPauloDate(NOON_MS);

type Day = {
  date: string;
  requests: number;
  delivered: number;
  amount: string;
  latency: object | null;
  hours: Record<string, { delivered: number }>;
};
type Overview = {
  today: Day;
  sameWeekday: Day;
  claroCost: string | null;
  margin: string | null;
  completeThrough: string;
  nearLimit: { tenantId: string; limit: string; share: number }[];
  failing: { tenantId: string; failures: number; requests: number }[];
  failures: { code: string; failures: number; tenants: number }[];
  endingKeys: { keyId: string }[];
  alarms: { code: string }[];
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(NOON_MS);
});

afterEach(() => {
  vi.useRealTimers();
});

async function lookUp(key: string, cpfs: readonly string[]): Promise<void> {
  for (const cpf of cpfs) await lookup(key, cpf);
}

async function saveDay(tenantId: string, sums: Partial<DaySums> & { date: string }): Promise<void> {
  const whole = { ...emptyDay(sums.date, 1), lastSeq: 1, ...sums };
  await env.DB.prepare(`INSERT INTO usage_days (date, tenant_id, mode, last_seq, sums) VALUES (?, ?, 'live', 1, ?)`)
    .bind(sums.date, tenantId, JSON.stringify(whole))
    .run();
}

describe("GET /admin/v1/overview", () => {
  test("shows today beside the same weekday, what it costs, and who needs a look", async () => {
    await adminJson("/upstream-prices/2051-03", {
      method: "PUT",
      body: {
        tiers: [
          { upTo: 791, unitPriceMicros: 100_000 },
          { upTo: null, unitPriceMicros: 50_000 },
        ],
      },
    });
    vi.setSystemTime(NOON_MS - 7 * DAY_MS);
    const plan = { tiers: [{ upTo: null, unitPriceMicros: 200_000 }], monthlySpendCapMicros: 1_200_000 };
    const near = await newTenant({ plan });
    await lookUp(near.key, [CPF, CPF]);
    vi.setSystemTime(NOON_MS);
    await lookUp(near.key, [CPF, CPF, CPF]);
    const failing = await newTenant();
    const ending = await newKey(failing.tenantId, {
      mode: "live",
      expiresAt: new Date(NOON_MS + 13 * DAY_MS).toISOString(),
    });
    const later = await newKey(failing.tenantId, {
      mode: "live",
      expiresAt: new Date(NOON_MS + 15 * DAY_MS).toISOString(),
    });
    const rotated = await newKey(failing.tenantId, {
      mode: "live",
      expiresAt: new Date(NOON_MS + DAY_MS).toISOString(),
    });
    // Its successor lives as short.
    const successor = await adminJson<{ id: string }>(`/keys/${rotated.id}/rotate`, { body: { overlapSeconds: 3600 } });
    const failed = MAGIC_CPFS.find(({ name }) => name === "failed");
    if (failed === undefined) throw new Error("no magic CPF fails");
    await lookUp(failing.key, [failed.cpf, failed.cpf, failed.cpf, CPF]);
    const trial = await newTenant({ plan: { name: "trial" } });
    await saveDay(trial.tenantId, { date: saoPauloDate(NOON_MS - DAY_MS), counts: [790, 10, 0, 500, 0] });
    // Whose allowance is over, and who is suspended, are near nothing.
    const over = await newTenant({ plan: { name: "trial" } });
    const suspended = await newTenant({ plan });
    for (const [{ tenantId }, counts] of [
      [over, { counts: [0, 990, 0, 0, 0] }],
      [suspended, { amountMicros: 1_100_000 }],
    ] as const)
      await saveDay(tenantId, { date: saoPauloDate(NOON_MS - DAY_MS), ...counts } as never);
    await env.DB.prepare("UPDATE tenants SET plan = json_set(plan, '$.allowance.endsAt', ?) WHERE id = ?")
      .bind(new Date(NOON_MS - DAY_MS).toISOString(), over.tenantId)
      .run();
    await adminJson(`/tenants/${suspended.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    for (const { tenantId } of [near, failing]) await ledgerOf(tenantId).flush();

    const response = await admin("/overview");
    expect(response.status, await response.clone().text()).toBe(200);
    const overview = await response.json<Overview>();
    expect(overview.today).toMatchObject({
      date: TODAY,
      requests: 7,
      delivered: 4,
      amount: "0.7500",
      hours: { "12": { delivered: 4 } },
    });
    expect(overview.sameWeekday).toMatchObject({
      date: saoPauloDate(NOON_MS - 7 * DAY_MS),
      delivered: 2,
      amount: "0.4000",
    });
    expect(overview.today.latency).not.toBeNull();
    // 792 of the month's lookups before today fill the first tier.
    expect([overview.claroCost, overview.margin]).toEqual(["0.2000", "0.5500"]);
    expect(overview.nearLimit).toEqual([
      { tenantId: near.tenantId, name: "Loja São João", limit: "spend_cap", share: 0.833 },
      { tenantId: trial.tenantId, name: "Loja São João", limit: "allowance", share: 0.8 },
    ]);
    expect(overview.failing).toMatchObject([{ tenantId: failing.tenantId, failures: 3, requests: 4 }]);
    expect(overview.failures).toMatchObject([{ code: "claro_failed", failures: 3, tenants: 1 }]);
    expect(overview.endingKeys.map(({ keyId }) => keyId)).toEqual([successor.id, ending.id]);
    expect(overview.endingKeys.map(({ keyId }) => keyId)).not.toContain(later.id);
    expect(Date.parse(overview.completeThrough)).toBeLessThanOrEqual(NOON_MS);

    // The cron takes the sums of the days that are over.
    const services = testServices();
    await sumUsage(services);
    const again = await adminJson<Overview>("/overview");
    expect({ ...again, completeThrough: null }).toEqual({ ...overview, completeThrough: null });
  });

  test("has today's failures of a tenant that asks little, whose batch began long ago", async () => {
    vi.setSystemTime(NOON_MS + 20 * DAY_MS);
    const { tenantId } = await newTenant();
    const event = {
      reference: null,
      billed: 0,
      units: 1,
      amount_micros: 0,
      kind: "lookup",
      failure_code: "claro_forbidden",
    };
    const ages = [12 * DAY_MS, 2 * DAY_MS, DAY_MS / 24];
    const events = ages.map((ageMs, index) => {
      return { ...event, seq: index + 1, id: `lkp_${index}`, outcome: "failed", occurred_at: Date.now() - ageMs };
    });
    await env.DB.prepare("INSERT INTO event_batches VALUES (?, 'live', 1, 3, ?)")
      .bind(tenantId, JSON.stringify(events))
      .run();
    const { failures } = await (await admin("/overview")).json<Overview>();
    expect(failures).toMatchObject([{ code: "claro_forbidden", failures: 1, tenants: 1 }]);
  });

  test("names R2 among the alarms when it does not answer, and so does health", async () => {
    const away = { ...env.STATEMENTS, head: () => Promise.reject(new Error("head: internal error (10001)")) };
    const gateway = disturbedGateway({ STATEMENTS: away });
    const { alarms } = await (await gateway.admin("/overview")).json<Overview>();
    expect(alarms).toContainEqual({ code: "archive_not_asked", count: 1 });
    expect(await (await gateway.admin("/health")).json()).toMatchObject({ archive: { reachable: false } });
    expect(await (await admin("/health")).json()).toMatchObject({ archive: { reachable: true } });
  });

  test("takes as many calls with a thousand tenants as with ten", async () => {
    vi.setSystemTime(NOON_MS + 40 * DAY_MS);
    const callsWith = async (count: number) => {
      await env.DB.prepare(
        `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
         SELECT 'ten_calls' || value, 'Loja', '12ABC34501DE35', 'loja', ?1, 'active', ?2 FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING`,
      )
        .bind(
          JSON.stringify({ monthlySpendCapMicros: 1, tiers: [] }),
          NOON_MS,
          JSON.stringify(Array.from({ length: count }, (_, n) => n)),
        )
        .run();
      await env.DB.prepare(
        `INSERT INTO usage_days (date, tenant_id, mode, last_seq, sums)
         SELECT ?1, 'ten_calls' || value, 'live', 1, ?2 FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING`,
      )
        .bind(
          saoPauloDate(Date.now()),
          JSON.stringify({ ...emptyDay("", 1), counts: [1, 0, 0, 9, 0], amountMicros: 5 }),
          JSON.stringify(Array.from({ length: count }, (_, n) => n)),
        )
        .run();
      const counted = countedEnv();
      const services = testServices(counted.env);
      const overview = await readOverview(services);
      expect(overview.today.counts.delivered).toBe(count);
      expect([overview.nearCap.length, overview.failing.length]).toEqual([Math.min(count, 20), Math.min(count, 20)]);
      return counted.calls();
    };
    const few = await callsWith(10);
    expect(few).toBeGreaterThan(0);
    expect(await callsWith(1000)).toBe(few);
  });
});

describe("Claro's latency", () => {
  test("is read from the histogram, even within a bucket, and nothing without lookups", () => {
    const buckets = CLARO_MS_BOUNDS.map(() => 0);
    expect(latencyOf(buckets)).toBeNull();
    expect(latencyOf([100, ...buckets.slice(1)])).toEqual({ p50: 25, p95: 48, p99: 50 });
    expect(latencyOf([90, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toEqual({ p50: 28, p95: 178, p99: 200 });
    expect(latencyOf([...buckets, 5])).toEqual({ p50: 10_000, p95: 10_000, p99: 10_000 });
  });
});
