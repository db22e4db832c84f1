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
const unwaited = (work: Promise<unknown>) => void work;
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
      const overview = await readOverview(services, unwaited);
      expect(overview.today.counts.delivered).toBe(count);
      expect([overview.nearCap.length, overview.failing.length]).toEqual([Math.min(count, 20), Math.min(count, 20)]);
      return counted.calls();
    };
    const few = await callsWith(10);
    expect(few).toBeGreaterThan(0);
    expect(await callsWith(1000)).toBe(few);
  });
});

describe("the days that are over", () => {
  /** So far from every other test's days that no other has any among those that an overview tells of. */
  const LATER_MS = NOON_MS + 400 * DAY_MS;

  test("cost a row each, however many tenants had lookups on them and however long ago they began", async () => {
    vi.setSystemTime(LATER_MS);
    const readWith = async (tenants: number, days: number) => {
      await env.DB.prepare("DELETE FROM usage_days").run();
      const ids = JSON.stringify(Array.from({ length: tenants }, (_, n) => n));
      for (let day = 0; day < days; day += 1)
        await env.DB.prepare(
          `INSERT INTO usage_days (date, tenant_id, mode, last_seq, sums)
           SELECT ?1, 'ten_over' || value, 'live', 1, ?2 FROM json_each(?3)`,
        )
          .bind(saoPauloDate(LATER_MS - day * DAY_MS), JSON.stringify(emptyDay("", 1)), ids)
          .run();
      await env.DB.prepare("UPDATE usage_totals SET before_date = ''").run();
      await sumUsage(testServices());
      const counted = countedEnv();
      await readOverview(testServices(counted.env), unwaited);
      return counted.rowsRead();
    };
    const few = await readWith(50, 10);
    expect(await readWith(50, 40)).toBeLessThan(few + 50);
    // Today and yesterday, for the days, the hours, who fails, the month and who is near a cap; eight days of each were 30.
    expect((await readWith(150, 40)) - few).toBeLessThan(100 * 14);
  });

  test("are right at once when a late copy changes one, and when nobody has taken their sums", async () => {
    vi.setSystemTime(LATER_MS + 40 * DAY_MS);
    const [first, second] = [await newTenant(), await newTenant()];
    const date = (daysAgo: number) => saoPauloDate(Date.now() - daysAgo * DAY_MS);
    const hours = { "09": [2, 0, 0, 1, 0] as DaySums["counts"] };
    const day = (daysAgo: number) => ({ date: date(daysAgo), counts: [2, 0, 0, 1, 0] as DaySums["counts"], hours });
    await saveDay(first.tenantId, day(7));
    await saveDay(second.tenantId, day(7));
    await saveDay(first.tenantId, day(3));
    const weekday = async () => (await adminJson<Overview>("/overview")).sameWeekday;
    const both = { requests: 6, delivered: 4, hours: { "09": { delivered: 4 } } };
    expect(await weekday()).toMatchObject(both);
    await sumUsage(testServices());
    const kept = async () =>
      (await env.DB.prepare("SELECT date FROM usage_of_all WHERE date >= ? ORDER BY date").bind(date(7)).all()).results;
    expect(await kept()).toEqual([{ date: date(7) }, { date: date(3) }]);
    expect(await weekday()).toMatchObject(both);
    await env.DB.prepare("UPDATE usage_days SET sums = ? WHERE date = ? AND tenant_id = ?")
      .bind(JSON.stringify({ ...emptyDay(date(7), 1), counts: [5, 0, 0, 0, 0], hours }), date(7), second.tenantId)
      .run();
    expect(await kept()).toEqual([{ date: date(3) }]);
    expect(await weekday()).toMatchObject({ requests: 8, delivered: 7 });
    await sumUsage(testServices());
    expect(await weekday()).toMatchObject({ requests: 8, delivered: 7 });
    await env.DB.prepare("DELETE FROM usage_days WHERE date = ? AND tenant_id = ?").bind(date(7), first.tenantId).run();
    expect(await weekday()).toMatchObject({ requests: 5, delivered: 5 });
  });

  test("count for an allowance as often as they changed, before their sums were taken and after", async () => {
    vi.setSystemTime(LATER_MS + 80 * DAY_MS);
    const trial = await newTenant({ plan: { name: "trial" } });
    const date = (daysAgo: number) => saoPauloDate(Date.now() - daysAgo * DAY_MS);
    // It was made long before its first day.
    await env.DB.prepare("UPDATE tenants SET created_at = ? WHERE id = ?")
      .bind(Date.now() - 60 * DAY_MS, trial.tenantId)
      .run();
    const share = async () =>
      (await adminJson<Overview>("/overview")).nearLimit.find(({ tenantId }) => tenantId === trial.tenantId)?.share;
    await saveDay(trial.tenantId, { date: date(50), counts: [500, 100, 50, 70, 50] });
    await saveDay(trial.tenantId, { date: date(0), counts: [100, 0, 0, 0, 0] });
    expect(await share()).toBe(0.8);
    await env.DB.prepare("UPDATE usage_totals SET before_date = ''").run();
    await sumUsage(testServices());
    const taken = env.DB.prepare("SELECT through_date, used FROM usage_allowances WHERE tenant_id = ?");
    expect(await taken.bind(trial.tenantId).first()).toEqual({ through_date: date(2), used: 700 });
    expect(await share()).toBe(0.8);
    await saveDay(trial.tenantId, { date: date(40), counts: [50, 0, 0, 9, 0] });
    expect(await share()).toBe(0.85);
    await env.DB.prepare("UPDATE usage_days SET sums = ? WHERE date = ? AND tenant_id = ?")
      .bind(JSON.stringify({ ...emptyDay(date(50), 1), counts: [600, 100, 50, 70, 50] }), date(50), trial.tenantId)
      .run();
    expect(await share()).toBe(0.95);
    await env.DB.prepare("DELETE FROM usage_days WHERE date = ? AND tenant_id = ?")
      .bind(date(40), trial.tenantId)
      .run();
    vi.setSystemTime(LATER_MS + 81 * DAY_MS);
    await sumUsage(testServices());
    expect(await taken.bind(trial.tenantId).first()).toEqual({ through_date: date(2), used: 800 });
    expect(await share()).toBe(0.9);
  });
});

describe("the failures", () => {
  test("are looked for in no more than the last 5,000 lookups, of whichever batches", async () => {
    vi.setSystemTime(NOON_MS + 700 * DAY_MS);
    const { tenantId } = await newTenant();
    const { tenantId: other } = await newTenant();
    const save = async (id: string, first: number, count: number, agoMs: number) => {
      const events = Array.from({ length: count }, (_, index) => ({
        seq: first + index,
        id: `lkp_${index}`,
        outcome: "failed",
        failure_code: "claro_timeout",
        reference: '"outcome":"delivered"',
        occurred_at: Date.now() - agoMs,
      }));
      await env.DB.prepare("INSERT INTO event_batches VALUES (?, 'live', ?, ?, ?)")
        .bind(id, first, first + count - 1, JSON.stringify(events))
        .run();
    };
    for (let batch = 0; batch < 15; batch += 1) await save(tenantId, 1 + batch * 400, 400, (20 - batch) * 60_000);
    await save(other, 1, 7, 3_600_000);
    const failures = async () => (await adminJson<Overview>("/overview")).failures;
    // Batches are whole: the thirteenth has the 5,000th.
    expect(await failures()).toMatchObject([{ failures: 5200, tenants: 1 }]);
    await env.DB.prepare("DELETE FROM event_batches WHERE tenant_id = ?").bind(tenantId).run();
    for (let batch = 0; batch < 15; batch += 1) await save(tenantId, 1 + batch * 4, 4, (20 - batch) * 60_000);
    expect(await failures()).toMatchObject([{ failures: 67, tenants: 2 }]);
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
