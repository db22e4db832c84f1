import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import { closeDuePeriods } from "../../src/gateway/close_period.ts";
import { ledgerOf, lookup, newKey, newTenant, testServices } from "../support/gateway.ts";
import { bundle, close, manifestOf, month, setClock, usageOf, verifyDownloaded } from "../support/months.ts";

const CPF = "529.982.247-25";
const HOUR_MS = 3_600_000;
/** When a month that could not be archived has its turn again, the first time. */
const RETRY_MS = 600_000;
const TIERS = [
  { upTo: 2, unitPriceMicros: 150_000 },
  { upTo: null, unitPriceMicros: 99_999 },
];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function eventsInD1(tenantId: string, mode = "live"): Promise<number> {
  const counted = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE tenant_id = ? AND mode = ?")
    .bind(tenantId, mode)
    .first<{ n: number }>();
  return counted?.n ?? 0;
}

describe("a year", () => {
  test("closed by the cron a day after each month's end, archived, and verified link by link", async () => {
    const months = Array.from({ length: 12 }, (_, index) => month(`2047-${String(index + 1).padStart(2, "0")}`));
    setClock(months[0]?.startMs ?? 0);
    const tenant = await newTenant({ plan: { tiers: TIERS } });
    const forTests = await newKey(tenant.tenantId, { mode: "test" });
    let made = 0;
    for (const [index, { startMs, endMs }] of months.entries()) {
      const count = index % 4 === 3 ? 0 : (index % 3) + 1;
      for (let n = 0; n < count; n += 1) {
        setClock(n === 0 ? startMs : endMs - (count - n));
        expect((await lookup(tenant.key, CPF)).status).toBe(200);
        made += 1;
      }
      expect((await lookup(forTests.key, CPF)).status).toBe(200);
      setClock(endMs + 24 * HOUR_MS - 1);
      await closeDuePeriods(testServices());
      expect((await manifestOf(tenant.tenantId, months[index]?.period ?? "")).status).toBe("open");
      setClock(endMs + 24 * HOUR_MS);
      await closeDuePeriods(testServices());
      await archiveStatements(testServices());
      expect(await eventsInD1(tenant.tenantId)).toBe(0);
      expect(await eventsInD1(tenant.tenantId, "test")).toBe(0);
    }

    const bundles = await Promise.all(months.map(({ period }) => bundle(tenant.tenantId, period)));
    let events = 0;
    for (const [index, files] of bundles.entries()) {
      const { period } = months[index] ?? month("2047-01");
      expect(await verifyDownloaded(files, bundles[index - 1]?.["manifest.json"])).toEqual([]);
      const manifest = await manifestOf(tenant.tenantId, period);
      const { totals } = await usageOf(tenant.tenantId, `${period}-01`, lastDayOf(period));
      expect(manifest.seq.count).toBe(totals.requests);
      expect(manifest.totals.exactAmount).toBe(totals.amount);
      expect(manifest.totals.amountCentavos).toBe(manifest.lines.reduce((sum, line) => sum + line.amountCentavos, 0));
      events += manifest.seq.count;
    }
    expect(events).toBe(made);
    expect((await manifestOf(tenant.tenantId, "2047-03")).lines.map(({ quantity }) => quantity)).toEqual([2, 1]);
    // The next lookup goes on where the year ended.
    await lookup(tenant.key, CPF);
    expect((await manifestOf(tenant.tenantId, "2048-01")).seq).toEqual({ first: made + 1, last: made + 1, count: 1 });
  });
});

describe("events of closed months", () => {
  async function closedMonth() {
    setClock(month("2046-11").startMs);
    const tenant = await newTenant();
    for (let n = 0; n < 3; n += 1) await lookup(tenant.key, CPF);
    await ledgerOf(tenant.tenantId).flush();
    setClock(month("2046-11").endMs);
    await lookup(tenant.key, CPF);
    await ledgerOf(tenant.tenantId).flush();
    expect((await close("2046-11")).failures).toEqual([]);
    return tenant;
  }

  test("leave D1 when the archive was read back, and only they; the statement answers as before", async () => {
    const { tenantId } = await closedMonth();
    const before = await bundle(tenantId, "2046-11");
    const usage = await usageOf(tenantId, "2046-11-01", "2046-11-30");
    const orphan = `statements/${tenantId}/2046-11/died-half-way/events.csv`;
    await env.STATEMENTS.put(orphan, "seq");
    expect(await eventsInD1(tenantId)).toBe(4);
    await archiveStatements(testServices());
    expect(await eventsInD1(tenantId)).toBe(1);
    expect(await bundle(tenantId, "2046-11")).toEqual(before);
    expect(await usageOf(tenantId, "2046-11-01", "2046-11-30")).toMatchObject({ totals: usage.totals });
    expect(await env.STATEMENTS.head(orphan)).toBeNull();
    // Nor does the ledger keep them for a rebuild of D1.
    await ledgerOf(tenantId).recopy(0);
    expect(await eventsInD1(tenantId)).toBe(1);
    expect((await manifestOf(tenantId, "2046-12")).seq).toEqual({ first: 4, last: 4, count: 1 });
  });

  test.each([
    ["is not there", async (key: string) => await env.STATEMENTS.delete(key)],
    ["has another byte", async (key: string) => void (await env.STATEMENTS.put(key, "another"))],
  ])("stay when a file in R2 %s", async (_, spoil) => {
    const { tenantId } = await closedMonth();
    const { objects } = await env.STATEMENTS.list({ prefix: `statements/${tenantId}/2046-11/` });
    const key = objects.find((object) => object.key.endsWith("focus.csv"))?.key ?? "";
    const intact = await (await env.STATEMENTS.get(key))?.text();
    await spoil(key);
    await archiveStatements(testServices());
    expect(await eventsInD1(tenantId)).toBe(4);
    await env.STATEMENTS.put(key, intact ?? "");
    await archiveStatements(testServices());
    expect(await eventsInD1(tenantId)).toBe(4);
    setClock(Date.now() + RETRY_MS);
    await archiveStatements(testServices());
    expect(await eventsInD1(tenantId)).toBe(1);
  });

  test("go in several pieces when D1 fails between them", async () => {
    const { tenantId } = await closedMonth();
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.startsWith("DELETE FROM event_batches")) throw new Error("D1_ERROR: Network connection lost");
      return prepare(sql);
    });
    await archiveStatements(testServices());
    expect(await eventsInD1(tenantId)).toBe(4);
    vi.restoreAllMocks();
    setClock(Date.now() + RETRY_MS);
    await archiveStatements(testServices());
    expect(await eventsInD1(tenantId)).toBe(1);
  });

  test("leave the ledger, too", async () => {
    const { tenantId } = await closedMonth();
    const kept = async () =>
      await runInDurableObject(ledgerOf(tenantId), (_, { storage }) =>
        storage.sql.exec("SELECT min(first_seq) AS first, max(last_seq) AS last FROM event_batches").one(),
      );
    expect(await kept()).toEqual({ first: 1, last: 4 });
    await archiveStatements(testServices());
    expect(await kept()).toEqual({ first: 4, last: 4 });
  });

  test("leave, whole flushes at a time, for a flush ends with its month", async () => {
    const { startMs, endMs } = month("2045-03");
    setClock(startMs);
    const tenant = await newTenant();
    for (const atMs of [endMs - 2, endMs - 1, endMs, endMs + 1]) {
      setClock(atMs);
      expect((await lookup(tenant.key, CPF)).status).toBe(200);
    }
    await ledgerOf(tenant.tenantId).flush();
    const sql = "SELECT first_seq, last_seq FROM event_batches WHERE tenant_id = ? ORDER BY first_seq";
    const batches = await env.DB.prepare(sql).bind(tenant.tenantId).all();
    expect(batches.results).toEqual([
      { first_seq: 1, last_seq: 2 },
      { first_seq: 3, last_seq: 4 },
    ]);
  });

  test("a closed statement cannot be changed or deleted, not even in D1", async () => {
    const { tenantId } = await closedMonth();
    for (const sql of [
      "UPDATE statements SET manifest = '{}' WHERE tenant_id = ?",
      "UPDATE statements SET prefix = 'x' WHERE tenant_id = ?",
      "DELETE FROM statements WHERE tenant_id = ?",
    ]) {
      await expect(env.DB.prepare(sql).bind(tenantId).run()).rejects.toThrow("does not change");
    }
  });
});

function lastDayOf(period: string): string {
  return new Date(month(period).endMs - 12 * HOUR_MS).toISOString().slice(0, 10);
}
