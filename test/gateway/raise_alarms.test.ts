import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { raiseAlarms } from "../../src/gateway/raise_alarms.ts";
import {
  admin,
  adminJson,
  call,
  ledgerOf,
  lookup,
  newTenant,
  persons,
  type TestTenant,
  testServices,
} from "../support/gateway.ts";
import { setClock } from "../support/months.ts";

const HOUR_MS = 3_600_000;
const NOON_MS = Date.parse("2046-11-20T12:00:00-03:00");

/** With more of them a slow machine takes longer than Claro may. */
const AT_ONCE = 10;

type Alarm = { kind: string; tenantId: string | null; since: string; observed: number; usual: number };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function alarmsOf(tenantId: string | null): Promise<Alarm[]> {
  const { alarms } = await adminJson<{ alarms: Alarm[] }>("/health");
  return alarms.filter((alarm) => alarm.tenantId === tenantId);
}

async function lookUpAll({ key, tenantId }: TestTenant, cpfs: readonly string[]): Promise<void> {
  for (let from = 0; from < cpfs.length; from += AT_ONCE) {
    const some = cpfs.slice(from, from + AT_ONCE);
    const answers = await Promise.all(some.map((cpf) => lookup(key, cpf)));
    expect(answers.map(({ status }) => status)).toEqual(some.map(() => 200));
  }
  await ledgerOf(tenantId).flush();
}

test("many persons never seen before raise an alarm once; as many who are known do not", async () => {
  const known = persons(110, 20_000);
  const [suspicious, usual] = [await newTenant(), await newTenant()];
  for (let hour = 0; hour < 4; hour += 1) {
    setClock(NOON_MS - (24 - hour) * HOUR_MS);
    for (const tenant of [suspicious, usual]) await lookUpAll(tenant, known.slice(0, hour === 0 ? 110 : 5));
  }
  setClock(NOON_MS + 60_000);
  await lookUpAll(usual, known);
  await lookUpAll(suspicious, persons(150, 30_000));
  const lines = vi.spyOn(console, "log").mockImplementation(() => {});
  await raiseAlarms(testServices());
  await raiseAlarms(testServices());
  expect(await alarmsOf(suspicious.tenantId)).toMatchObject([
    { kind: "enumeration", since: new Date(NOON_MS).toISOString(), observed: 150, usual: 28 },
  ]);
  expect(await alarmsOf(usual.tenantId)).toEqual([]);
  const told = lines.mock.calls.flat().filter((line) => String(line).includes('"event":"alarm"'));
  expect(told).toHaveLength(1);
  expect(String(told[0])).toContain('"level":"error"');
  setClock(NOON_MS + 25 * HOUR_MS);
  expect(await alarmsOf(suspicious.tenantId)).toEqual([]);
});

test("persons of an hour that has just ended raise an alarm too: their copy comes late", async () => {
  const tenant = await newTenant();
  for (let hour = 4; hour > 1; hour -= 1) {
    setClock(NOON_MS + 48 * HOUR_MS - hour * HOUR_MS);
    await lookUpAll(tenant, persons(5, 60_000));
  }
  setClock(NOON_MS + 48 * HOUR_MS - 60_000);
  await lookUpAll(tenant, persons(150, 70_000));
  setClock(NOON_MS + 48 * HOUR_MS + 60_000);
  await raiseAlarms(testServices());
  expect(await alarmsOf(tenant.tenantId)).toMatchObject([{ kind: "enumeration" }]);
});

test("alarms are forgotten after ninety days, and not before", async () => {
  const count = async () => await env.DB.prepare("SELECT count(*) AS n FROM alarms").first<number>("n");
  const raisedAtMs = NOON_MS + 4 * 24 * HOUR_MS;
  setClock(raisedAtMs);
  await env.DB.prepare("DELETE FROM alarms").run();
  await testServices().alarms.raise(
    { kind: "spend", tenantId: "ten_1", since: "2046-11-24", observed: 2, usual: 1 },
    raisedAtMs,
  );
  setClock(raisedAtMs + 90 * 24 * HOUR_MS);
  await raiseAlarms(testServices());
  expect(await count()).toBe(1);
  setClock(raisedAtMs + 90 * 24 * HOUR_MS + HOUR_MS);
  await raiseAlarms(testServices());
  expect(await count()).toBe(0);
});

test("a day that costs five times the usual raises an alarm, before it is over", async () => {
  const plan = { tiers: [{ upTo: null, unitPriceMicros: 20_000_000 }] };
  const [spender, usual] = [await newTenant({ plan }), await newTenant({ plan })];
  const cpfs = persons(20, 40_000);
  for (let day = 5; day > 0; day -= 1) {
    setClock(NOON_MS - day * 24 * HOUR_MS);
    await lookUpAll(spender, cpfs.slice(0, 1));
    await lookUpAll(usual, cpfs.slice(0, 2));
  }
  setClock(NOON_MS);
  await lookUpAll(spender, cpfs.slice(0, 6));
  await lookUpAll(usual, cpfs.slice(0, 6));
  await raiseAlarms(testServices());
  expect(await alarmsOf(spender.tenantId)).toMatchObject([
    { kind: "spend", since: "2046-11-20", observed: 120_000_000, usual: 20_000_000 },
  ]);
  expect(await alarmsOf(usual.tenantId)).toEqual([]);
});

test("failed logins of operators raise an alarm without costing D1 anything, and one KV write", async () => {
  setClock(NOON_MS + 30 * 24 * HOUR_MS);
  vi.spyOn(scheduler, "wait").mockResolvedValue();
  const queries = vi.spyOn(env.DB, "prepare");
  const writes = vi.spyOn(env.KEYS, "put");
  for (let n = 0; n < 30; n += 1) {
    const headers = { authorization: `Bearer wrong-${n}`, "cf-connecting-ip": `2001:db8:${n}::1` };
    expect((await call("/admin/v1/health", { headers })).status).toBe(401);
  }
  expect([queries.mock.calls.length, writes.mock.calls.length]).toEqual([0, 1]);
  await raiseAlarms(testServices());
  expect(await alarmsOf(null)).toMatchObject([{ kind: "failed_logins", observed: 20 }]);
});

test("health names the settings without which documents do not say who bills", async () => {
  const { issuer } = await (await admin("/health")).json<{ issuer: { missing: string[] } }>();
  expect(issuer.missing).toEqual(["ISSUER_LEGAL_NAME", "ISSUER_DOCUMENT", "ISSUER_ADDRESS"]);
});
