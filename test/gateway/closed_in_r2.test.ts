import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClosedMonth } from "../../src/domain/closed_month.ts";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import { closeDuePeriods } from "../../src/gateway/close_period.ts";
import { closeStatement } from "../../src/gateway/close_statement.ts";
import { cutEnv } from "../support/cut_env.ts";
import { restoreSnapshot, takeSnapshot } from "../support/d1_snapshot.ts";
import { adminJson, ledgerOf, lookup, newTenant, testServices } from "../support/gateway.ts";
import { bundle, close, manifestOf, month, setClock, verifyDownloaded } from "../support/months.ts";

const CPF = "529.982.247-25";
const HOUR_MS = 3_600_000;
const NOVEMBER = month("2046-11");
const DECEMBER = month("2046-12");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(NOVEMBER.startMs + 12 * HOUR_MS);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function tenantWithLookups(count: number) {
  const tenant = await newTenant();
  for (let made = 0; made < count; made += 1) expect((await lookup(tenant.key, CPF)).status).toBe(200);
  return tenant;
}

async function keysInR2(tenantId: string, period = "2046-11"): Promise<string[]> {
  const { objects } = await env.STATEMENTS.list({ prefix: `statements/${tenantId}/${period}/` });
  return objects.map(({ key }) => key);
}

async function sealOf(tenantId: string, period = "2046-11"): Promise<ClosedMonth | null> {
  return (
    (await (await env.STATEMENTS.get(`statements/${tenantId}/${period}/closed.json`))?.json<ClosedMonth>()) ?? null
  );
}

/** No month has to wait. */
const begin = async () => () => undefined;

describe("a run that dies", () => {
  // More than a close writes: five files or more, closed.json, the manifest, the row.
  const cuts = Array.from({ length: 12 }, (_, index) => index + 1).flatMap((at) => [
    { at, isWritten: false },
    { at, isWritten: true },
  ]);

  test.each(cuts)("at write $at (written: $isWritten) is completed by the next, once and for ever", async (cut) => {
    const { tenantId } = await tenantWithLookups(2);
    const tenant = await testServices().register.tenant(tenantId);
    const signingKey = testServices().settings.exportSigningKey;
    if (tenant === null || signingKey === null) throw new Error("no tenant or no key");
    setClock(NOVEMBER.endMs);
    await testServices().exportKeys.use(signingKey, NOVEMBER.endMs);
    const asked = {
      tenant,
      period: NOVEMBER.period,
      previous: null,
      signingKey,
      actor: "cron",
      begin,
    };
    const dying = cutEnv(cut);
    await closeStatement(testServices(dying.env), asked);
    const sealed = await sealOf(tenantId);

    setClock(NOVEMBER.endMs + HOUR_MS);
    expect(await closeStatement(testServices(), asked)).toMatchObject({ ok: true });
    const files = await bundle(tenantId, "2046-11");
    expect(await verifyDownloaded(files)).toEqual([]);
    const { closedAt } = await manifestOf(tenantId, "2046-11");
    expect(Date.parse(closedAt ?? "")).toBe(NOVEMBER.endMs + (sealed === null ? HOUR_MS : 0));

    // One signed version, in R2 as in D1.
    const keys = await keysInR2(tenantId);
    expect(keys.filter((key) => key.endsWith("/manifest.json"))).toHaveLength(1);
    const standing = await sealOf(tenantId);
    expect(await testServices().statements.statement(tenantId, NOVEMBER.period)).toEqual({
      ...standing,
      isArchived: false,
      isPruned: false,
    });
    if (sealed !== null) expect(standing).toEqual(sealed);
    await archiveStatements(testServices());
    expect(await bundle(tenantId, "2046-11")).toEqual(files);
    expect((await keysInR2(tenantId)).filter((key) => !key.startsWith(standing?.prefix ?? "none"))).toEqual([
      `statements/${tenantId}/2046-11/closed.json`,
    ]);
  });

  test("the table reaches past the last write", async () => {
    const { tenantId } = await tenantWithLookups(1);
    const tenant = await testServices().register.tenant(tenantId);
    const signingKey = testServices().settings.exportSigningKey;
    if (tenant === null || signingKey === null) throw new Error("no tenant or no key");
    setClock(NOVEMBER.endMs);
    const counting = cutEnv({ at: Number.POSITIVE_INFINITY, isWritten: true });
    const asked = { tenant, period: NOVEMBER.period, previous: null, signingKey, actor: "cron", begin };
    await closeStatement(testServices(counting.env), asked);
    expect(counting.writes()).toBeGreaterThan(5);
    expect(counting.writes()).toBeLessThanOrEqual(12);
  });
});

describe("D1 restored", () => {
  test("to before a close gets the same month back, to the byte, and nothing of it is deleted", async () => {
    const { tenantId } = await tenantWithLookups(3);
    const before = await takeSnapshot();
    setClock(NOVEMBER.endMs + 24 * HOUR_MS);
    await closeDuePeriods(testServices());
    const closed = await bundle(tenantId, "2046-11");
    expect(JSON.parse(closed["manifest.json"] ?? "")).toMatchObject({ status: "closed" });

    await restoreSnapshot(before);
    expect(await testServices().statements.statement(tenantId, NOVEMBER.period)).toBeNull();
    // Whoever reads it before it is made again sees the closed month, not an open one.
    expect(await bundle(tenantId, "2046-11")).toEqual(closed);
    setClock(NOVEMBER.endMs + 30 * HOUR_MS);
    await closeDuePeriods(testServices());
    expect(await testServices().statements.statement(tenantId, NOVEMBER.period)).not.toBeNull();
    for (let run = 0; run < 3; run += 1) await archiveStatements(testServices());
    expect(await bundle(tenantId, "2046-11")).toEqual(closed);
    expect(await verifyDownloaded(closed)).toEqual([]);
    const manifests = (await keysInR2(tenantId)).filter((key) => key.endsWith("/manifest.json"));
    expect(manifests).toHaveLength(1);
  });

  test("to the middle of an archived month: that month and the next ones go on, without a gap", async () => {
    const { tenantId, key } = await tenantWithLookups(2);
    await ledgerOf(tenantId).flush();
    const middle = await takeSnapshot();
    await lookup(key, CPF);
    setClock(NOVEMBER.endMs + 24 * HOUR_MS);
    await closeDuePeriods(testServices());
    await archiveStatements(testServices());
    await lookup(key, CPF);
    await lookup(key, CPF);
    await ledgerOf(tenantId).flush();
    const november = await bundle(tenantId, "2046-11");

    await restoreSnapshot(middle);
    // December is open; D1 has nothing of it, and still it is read.
    expect((await manifestOf(tenantId, "2046-12")).seq).toEqual({ first: 4, last: 5, count: 2 });
    setClock(DECEMBER.endMs + 24 * HOUR_MS);
    await closeDuePeriods(testServices());
    await archiveStatements(testServices());
    expect(await bundle(tenantId, "2046-11")).toEqual(november);
    const december = await bundle(tenantId, "2046-12");
    expect(await verifyDownloaded(december, november["manifest.json"])).toEqual([]);
    expect(JSON.parse(december["manifest.json"] ?? "")).toMatchObject({
      status: "closed",
      seq: { first: 4, count: 2 },
    });
    const left = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE tenant_id = ?").bind(tenantId).first();
    expect(left).toEqual({ n: 0 });
  });

  test("a month that was closed before there was a closed.json is known by its signed manifest", async () => {
    const { tenantId } = await tenantWithLookups(2);
    const before = await takeSnapshot();
    setClock(NOVEMBER.endMs);
    await close("2046-11");
    const closed = await bundle(tenantId, "2046-11");
    await env.STATEMENTS.delete(`statements/${tenantId}/2046-11/closed.json`);
    await restoreSnapshot(before);
    setClock(NOVEMBER.endMs + HOUR_MS);
    expect((await close("2046-11")).failures).toEqual([]);
    expect(await bundle(tenantId, "2046-11")).toEqual(closed);
    expect(await sealOf(tenantId)).toMatchObject({ tenantId, closedAtMs: NOVEMBER.endMs });
  });

  test("keys that signed are listed again", async () => {
    const before = await takeSnapshot();
    const { tenantId } = await tenantWithLookups(1);
    setClock(NOVEMBER.endMs);
    await close("2046-11");
    const listed = await testServices().exportKeys.all();
    const cleared = new Map(before).set("export_keys", []);
    await restoreSnapshot(cleared);
    expect(await testServices().exportKeys.all()).toEqual([]);
    await close("2046-11");
    expect(await testServices().exportKeys.all()).toEqual(listed);
    expect(tenantId).not.toBe("");
  });
});

describe("a month closed before there was a closed.json", () => {
  test("gets one while D1 has its row", async () => {
    const { tenantId } = await tenantWithLookups(1);
    setClock(NOVEMBER.endMs);
    await close("2046-11");
    const seal = await sealOf(tenantId);
    await env.STATEMENTS.delete(`statements/${tenantId}/2046-11/closed.json`);
    await env.DB.prepare("UPDATE statements SET sealed_at = NULL WHERE tenant_id = ?").bind(tenantId).run();
    await archiveStatements(testServices());
    expect(await sealOf(tenantId)).toEqual(seal);
  });
});

describe("damaged months", () => {
  test("a folder with a signed manifest is never deleted", async () => {
    const { tenantId } = await tenantWithLookups(1);
    setClock(NOVEMBER.endMs);
    await close("2046-11");
    const seal = await sealOf(tenantId);
    const folder = `statements/${tenantId}/2046-11/another`;
    await env.STATEMENTS.put(`${folder}/manifest.json`, seal?.manifest ?? "");
    await env.STATEMENTS.put(`${folder}/events.csv`, "seq");
    await env.STATEMENTS.put(`statements/${tenantId}/2046-11/unsigned/events.csv`, "seq");
    await archiveStatements(testServices());
    const keys = await keysInR2(tenantId);
    expect(keys.filter((key) => key.startsWith(folder))).toHaveLength(2);
    expect(keys.filter((key) => key.includes("/unsigned/"))).toEqual([]);
  });

  test("of ten tenants, and one whose read throws, hold up nobody's archive, and health names them", async () => {
    setClock(month("2045-02").startMs);
    const damaged: string[] = [];
    for (let made = 0; made < 11; made += 1) damaged.push((await newTenant()).tenantId);
    const { tenantId: intact, key } = await newTenant();
    await lookup(key, CPF);
    setClock(month("2045-02").endMs);
    expect((await close("2045-02")).failures).toEqual([]);
    for (const tenantId of damaged.slice(0, 10)) {
      const spoilt = (await keysInR2(tenantId, "2045-02")).find((name) => name.endsWith("focus.csv")) ?? "";
      await env.STATEMENTS.put(spoilt, "spoilt");
    }
    const get = env.STATEMENTS.get.bind(env.STATEMENTS);
    const broken = new Proxy(env.STATEMENTS, {
      get(target, name) {
        if (name === "get") {
          return async (key: string, ...rest: []) => {
            if (key.includes(damaged[10] ?? "none")) throw new Error("R2 is not to be read now");
            return await get(key, ...rest);
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    setClock(month("2045-02").endMs + HOUR_MS);
    await archiveStatements(testServices({ ...env, STATEMENTS: broken }));
    expect(await testServices().statements.statement(intact, month("2045-02").period)).toMatchObject({
      isPruned: true,
    });

    const health = await adminJson<{ months: { stuck: number; oldest: Record<string, unknown>[] } }>("/health");
    expect(health.months.stuck).toBe(11);
    expect(health.months.oldest).toHaveLength(10);
    expect(health.months.oldest[0]).toMatchObject({ step: "archive", failures: 1 });

    // The same again soon is put off; each failure doubles the wait.
    await archiveStatements(testServices());
    const failures = async () => (await testServices().statements.problems(20)).oldest.map(({ failures: n }) => n);
    expect(await failures()).toEqual(Array.from({ length: 11 }, () => 1));
    setClock(month("2045-02").endMs + HOUR_MS + 600_000);
    await archiveStatements(testServices());
    expect(await failures()).toEqual(Array.from({ length: 10 }, () => 2));
    setClock(month("2045-02").endMs + HOUR_MS + 1_200_000);
    await archiveStatements(testServices());
    expect(await failures()).toEqual(Array.from({ length: 10 }, () => 2));
  });
});
