import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { closeDuePeriods } from "../../src/gateway/close_period.ts";
import {
  admin,
  adminJson,
  ledgerOf,
  lookup,
  newTenant,
  persons,
  type TestTenant,
  testServices,
} from "../support/gateway.ts";
import { month, setClock } from "../support/months.ts";
import { loseObject, restoreObjectSnapshot, takeObjectSnapshot } from "../support/object_snapshot.ts";
import { findingsOf } from "../support/recovery.ts";

const HOUR_MS = 3_600_000;
const FIRST = month("2050-03");
const SECOND = month("2050-04");

let tenant: TestTenant;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(FIRST.startMs + HOUR_MS);
  tenant = await newTenant({ plan: { monthlySpendCapMicros: 9_000_000 } });
  await answered(2, 0);
  setClock(SECOND.startMs + 26 * HOUR_MS);
  await closeDuePeriods(testServices());
  for (const from of [10, 20, 30]) await answered(2, from);
});

afterEach(() => {
  vi.useRealTimers();
});

async function answered(count: number, from: number): Promise<void> {
  for (const cpf of persons(count, from)) expect((await lookup(tenant.key, cpf)).status).toBe(200);
  await ledgerOf(tenant.tenantId).flush();
}

async function run(sql: string, ...values: (string | number)[]): Promise<void> {
  await env.DB.prepare(sql)
    .bind(tenant.tenantId, ...values)
    .run();
}

async function damage(name: string): Promise<void> {
  const closed = await testServices().archive.closed(tenant.tenantId, FIRST.period);
  const key = `${closed?.prefix ?? ""}${name}`;
  const text = await (await env.STATEMENTS.get(key))?.text();
  await env.STATEMENTS.put(key, (text ?? "").replace("delivered", "not_found"));
}

test("what agrees has no findings, for whoever may read, and nothing is changed by looking", async () => {
  const before = await takeObjectSnapshot(tenant.tenantId);
  expect(await findingsOf(tenant.tenantId)).toEqual([]);
  expect(await takeObjectSnapshot(tenant.tenantId)).toEqual(before);
  const audit = env.DB.prepare("SELECT count(*) AS n FROM audit WHERE target = ? AND action LIKE 'ledger.%'");
  expect(await audit.bind(tenant.tenantId).first("n")).toBe(0);
  const { token } = await adminJson<{ token: string }>("/operators", { body: { name: "Rita", roles: ["read"] } });
  const headers = { authorization: `Bearer ${token}` };
  expect((await admin(`/tenants/${tenant.tenantId}/ledger/verify`, { headers })).status).toBe(200);
  const restored = await admin(`/tenants/${tenant.tenantId}/ledger/restore`, { method: "POST", headers });
  expect(restored.status).toBe(403);
  expect((await admin("/tenants/ten_unknown/ledger/verify")).status).toBe(404);
});

const EVENT = { period: SECOND.period, first: 5, last: 6 };

test.each<[string, () => Promise<void>, readonly object[]]>([
  [
    "a row missing in D1, between others",
    () => run("DELETE FROM event_batches WHERE tenant_id = ? AND first_seq = 5"),
    [
      { ...EVENT, code: "events_missing", what: "d1" },
      { code: "sums_differ", period: SECOND.period, what: "ledger" },
    ],
  ],
  [
    "the last row missing in D1",
    () => run("DELETE FROM event_batches WHERE tenant_id = ? AND first_seq = 7"),
    [
      { code: "events_missing", first: 7, last: 8, what: "d1" },
      { code: "sums_differ", what: "ledger" },
    ],
  ],
  [
    "a changed amount in D1",
    () =>
      run(
        `UPDATE event_batches SET events = json_set(events, '$[1].amount_micros', 1) WHERE tenant_id = ? AND first_seq = 5`,
      ),
    [
      { code: "events_differ", first: 6, last: 6 },
      { code: "sums_differ", what: "ledger" },
    ],
  ],
  [
    "another field of an event changed in D1, which no sum shows",
    () =>
      run(
        `UPDATE event_batches SET events = json_set(events, '$[0].customer_id', 'x') WHERE tenant_id = ? AND first_seq = 5`,
      ),
    [{ code: "events_differ", first: 5, last: 5 }],
  ],
  [
    "usage in D1 that is not the ledger's",
    () =>
      run(
        `UPDATE usage_days SET sums = json_set(sums, '$.billed', 99) WHERE tenant_id = ? AND date > ?`,
        SECOND.period,
      ),
    [{ code: "usage_differs", what: `${SECOND.period}-02` }],
  ],
  [
    "a damaged file in R2",
    () => damage("events.jsonl"),
    [{ code: "file_damaged", period: FIRST.period, what: "events.jsonl" }],
  ],
  ["a closed month that D1 has lost", () => forgetMonth(), [{ code: "month_not_recorded", period: FIRST.period }]],
  [
    "a closed month that R2 has lost",
    async () => env.STATEMENTS.delete(`statements/${tenant.tenantId}/${FIRST.period}/closed.json`),
    [{ code: "month_not_in_archive", period: FIRST.period }],
  ],
  [
    "an object that is lost",
    async () => {
      await loseObject(tenant.tenantId);
      await lookup(tenant.key, persons(1, 90)[0]);
    },
    [
      { code: "not_ready", what: "behind" },
      { code: "ledger_behind", first: 1, last: 8, what: "d1" },
      { code: "ledger_behind", first: 1, last: 2, what: "r2" },
    ],
  ],
  [
    "terms that the register does not have",
    () => run("UPDATE tenants SET customer_id = 'another' WHERE id = ?"),
    [
      { code: "terms_differ", what: "live" },
      { code: "terms_differ", what: "test" },
    ],
  ],
])("finds %s", async (_what, harm, found) => {
  await harm();
  expect(await findingsOf(tenant.tenantId)).toMatchObject(found);
});

async function forgetMonth(): Promise<void> {
  const trigger = env.DB.prepare("SELECT sql FROM sqlite_master WHERE name = 'statements_are_kept'");
  const sql = (await trigger.first<string>("sql")) ?? "";
  await env.DB.batch([
    env.DB.prepare("DROP TRIGGER statements_are_kept"),
    env.DB.prepare("DELETE FROM statements WHERE tenant_id = ?").bind(tenant.tenantId),
    env.DB.prepare(sql),
  ]);
}

test("finds an object that is behind what D1 has, and serves", async () => {
  const earlier = await takeObjectSnapshot(tenant.tenantId);
  await answered(2, 40);
  await restoreObjectSnapshot(tenant.tenantId, earlier);
  expect(await findingsOf(tenant.tenantId)).toMatchObject([
    { code: "ledger_behind", first: 9, last: 10, what: "d1" },
    { code: "usage_differs", what: `${SECOND.period}-02` },
  ]);
});

test("agrees while lookups go on that D1 does not have yet", async () => {
  expect((await lookup(tenant.key, persons(1, 50)[0])).status).toBe(200);
  expect(await findingsOf(tenant.tenantId)).toEqual([]);
});
