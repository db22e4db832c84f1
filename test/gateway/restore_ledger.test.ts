import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AdmitCall } from "../../src/domain/ledger/commands.ts";
import { countEvents } from "../../src/domain/ledger/day_sums.ts";
import type { StoredEventRow } from "../../src/domain/event_row.ts";
import { newLookupId } from "../../src/domain/lookup_id.ts";
import type { SaoPauloDate } from "../../src/domain/period.ts";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import { deliverStrayCalls } from "../../src/gateway/put_right.ts";
import { rebuildCopy, type RebuildPlace } from "../../src/gateway/rebuild_copy.ts";
import { restoreLedger, type RestorePlace } from "../../src/gateway/restore_ledger.ts";
import { verifyLedger, type VerifyPlace } from "../../src/gateway/verify_ledger.ts";
import { closeDuePeriods } from "../../src/gateway/close_period.ts";
import { copiedBatches, writeEvents } from "../../src/platform/event_copy.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import { restoreSnapshot, takeSnapshot } from "../support/d1_snapshot.ts";
import {
  admin,
  adminJson,
  ledgerOf,
  lookup,
  newKey,
  newTenant,
  persons,
  type TestTenant,
  testServices,
} from "../support/gateway.ts";
import { bundle, manifestOf, month, setClock, usageOf } from "../support/months.ts";
import { loseObject, restoreObjectSnapshot, takeObjectSnapshot } from "../support/object_snapshot.ts";
import { findingsOf, restore, type Restored } from "../support/recovery.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST = month("2049-03");
const SECOND = month("2049-04");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(FIRST.startMs + HOUR_MS);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function lookups(tenant: TestTenant, count: number, from = 0): Promise<number[]> {
  const statuses: number[] = [];
  for (const cpf of persons(count, from)) statuses.push((await lookup(tenant.key, cpf)).status);
  return statuses;
}

async function answered(tenant: TestTenant, count: number, from = 0): Promise<void> {
  expect(await lookups(tenant, count, from)).toEqual(Array.from({ length: count }, () => 200));
}

/** Usage, statement and events say the same of a month, and nothing is missing in its sequence. */
async function expectOneTruth({ tenantId }: TestTenant, period: string, requests: number): Promise<void> {
  const { totals } = await usageOf(tenantId, `${period}-01`, `${period}-${period.endsWith("03") ? 31 : 30}`);
  const manifest = await manifestOf(tenantId, period);
  const lines = ((await bundle(tenantId, period))["events.jsonl"] ?? "").split("\n").filter((line) => line !== "");
  const events = lines.map((line) => JSON.parse(line) as { seq: number; id: string; amountMicros: number });
  expect(totals.requests).toBe(requests);
  expect(events).toHaveLength(requests);
  expect(new Set(events.map(({ id }) => id)).size).toBe(requests);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => (events[0]?.seq ?? 0) + index));
  const amountMicros = events.reduce((sum, event) => sum + event.amountMicros, 0);
  expect(manifest.totals.amountMicros).toBe(amountMicros);
  expect(Math.round(Number(totals.amount) * 1e6)).toBe(amountMicros);
}

const CORRECTION = { units: 0, amountMicros: -50_000, reason: "acordo", corrects: null };

async function adjustment(tenant: TestTenant, body: Record<string, unknown>): Promise<void> {
  await adminJson(`/tenants/${tenant.tenantId}/adjustments`, { body });
}

async function rebuild(): Promise<void> {
  for (let place: RebuildPlace | null | undefined; place !== null;) {
    const step = await rebuildCopy(testServices(), place ?? null);
    if (!step.ok) throw new Error(step.failure.code);
    place = step.value.next;
  }
}

async function lookupsOfMonth({ tenantId }: TestTenant, period: string): Promise<{ id: string }[]> {
  const lines = ((await bundle(tenantId, period))["events.jsonl"] ?? "").split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as { id: string });
}

async function auditOf({ tenantId }: TestTenant): Promise<string[]> {
  const lines = env.DB.prepare("SELECT action FROM audit WHERE target = ? AND actor <> 'gateway'");
  return (await lines.bind(tenantId).all<{ action: string }>()).results.map(({ action }) => action);
}

function admission({ keyId }: TestTenant, lookupId: string): AdmitCall {
  return { lookupId, keyId, scope: "scores:read", ip: null, reference: null, cpfReference: "v1:0", idempotency: null };
}

/** What D1 has of an event that a ledger copied. */
function storedEvent({ keyId }: TestTenant, seq: number, atMs: number): StoredEventRow {
  return {
    seq,
    id: newLookupId(atMs, new Uint8Array(10).fill(seq % 256)),
    occurred_at: atMs,
    admitted_at: atMs,
    key_id: keyId,
    reference: null,
    outcome: "delivered",
    billed: 1,
    units: 1,
    unit_price_micros: 150_000,
    amount_micros: 150_000,
    price_version: 1,
    transaction_id: null,
    cpf_reference: "v1:0",
    kind: "lookup",
    corrects: null,
    period: FIRST.period,
    day: `${FIRST.period}-01` as SaoPauloDate,
  };
}

/** With a cap near enough nothing is granted: no early call leaves while the ledger does not serve. */
const BOUNDED = { plan: { monthlySpendCapMicros: 9_000_000 } };

const RESTORED: Pick<Restored, "status" | "nextCursor"> = { status: "restored", nextCursor: null };

async function d1Rows({ tenantId }: TestTenant) {
  const events = env.DB.prepare("SELECT seq, id, amount_micros FROM events WHERE tenant_id = ? ORDER BY seq");
  return (await events.bind(tenantId).all<{ seq: number; id: string; amount_micros: number }>()).results;
}

const CAPPED = {
  plan: {
    monthlySpendCapMicros: 1_050_000,
    tiers: [
      { upTo: 3, unitPriceMicros: 150_000 },
      { upTo: null, unitPriceMicros: 100_000 },
    ],
  },
};

describe("an object that was lost", () => {
  test("in the middle of a month answers 503 until it is restored, and then goes on where D1 is", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 6, endsAt: null } } });
    await answered(tenant, 4);
    await ledgerOf(tenant.tenantId).flush();
    await loseObject(tenant.tenantId);

    expect(await lookups(tenant, 1, 10)).toEqual([503]);
    expect(await findingsOf(tenant.tenantId)).toMatchObject([
      { code: "not_ready", what: "behind" },
      { code: "ledger_behind", first: 1, last: 4, what: "d1" },
    ]);
    expect(await restore(tenant.tenantId)).toMatchObject({ ...RESTORED, through: 4, lastSeq: 4, ownEvents: 0 });

    // Of six four are used: the allowance is not granted again.
    expect(await lookups(tenant, 3, 20)).toEqual([200, 200, 429]);
    await expectOneTruth(tenant, FIRST.period, 6);
    expect(await findingsOf(tenant.tenantId)).toEqual([]);
    const actions = await auditOf(tenant);
    expect(actions).toContain("ledger.restore");
    expect(actions).toContain("ledger.restored");
  });

  test("keeps caps, places in the tiers, limits of keys and the sequence of prices", async () => {
    const tenant = await newTenant(CAPPED);
    const limited = await newKey(tenant.tenantId, { mode: "live" });
    await answered(tenant, 4);
    expect((await lookup(limited.key, persons(1, 50)[0])).status).toBe(200);
    await ledgerOf(tenant.tenantId).flush();
    const before = await runInDurableObject(ledgerOf(tenant.tenantId), (_, { storage: { sql } }) =>
      sql.exec(`SELECT date, sums FROM day_sums`).toArray(),
    );
    await loseObject(tenant.tenantId);
    await restore(tenant.tenantId);
    const after = await runInDurableObject(ledgerOf(tenant.tenantId), (_, { storage: { sql } }) =>
      sql.exec(`SELECT date, sums FROM day_sums`).toArray(),
    );
    expect(after).toEqual(before);
    // 650,000 are spent; four more at the second tier's price fit under 1,050,000, as they did before.
    expect(await lookups(tenant, 5, 20)).toEqual([200, 200, 200, 200, 429]);
    await ledgerOf(tenant.tenantId).flush();
    expect((await d1Rows(tenant)).map((row) => row.amount_micros)).toEqual([
      150_000, 150_000, 150_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000,
    ]);
    await expectOneTruth(tenant, FIRST.period, 9);
  });

  test.each([
    ["after a month was closed", false],
    ["after a month was closed, archived and let go of", true],
  ])("%s comes back without it changing, and later months can be closed", async (_what, isArchived) => {
    const tenant = await newTenant(BOUNDED);
    await answered(tenant, 3);
    const [first] = await lookupsOfMonth(tenant, FIRST.period);
    const correction = { id: "adj_1", units: 0, amount: "-0.05", reason: "acordo", corrects: first?.id ?? "" };
    await adjustment(tenant, correction);
    setClock(SECOND.startMs + 26 * HOUR_MS);
    await closeDuePeriods(testServices());
    if (isArchived) await archiveStatements(testServices());
    const closed = await bundle(tenant.tenantId, FIRST.period);
    await answered(tenant, 2, 10);
    await ledgerOf(tenant.tenantId).flush();
    await loseObject(tenant.tenantId);
    expect(await lookups(tenant, 1, 20)).toEqual([503]);
    expect(await restore(tenant.tenantId)).toMatchObject({ ...RESTORED, lastSeq: 6 });
    await answered(tenant, 1, 30);
    await expectOneTruth(tenant, SECOND.period, 3);
    expect(await findingsOf(tenant.tenantId)).toEqual([]);
    // The ids of adjustments are known again: one that is repeated by the record is no second event.
    expect(await ledgerOf(tenant.tenantId).adjust({ ...CORRECTION, id: "adj_1" })).toMatchObject({ seq: 4 });
    const { data: months } = await adminJson<{ data: { period: string; requests: number }[] }>(
      `/tenants/${tenant.tenantId}/statements`,
    );
    expect(months.map(({ period, requests }) => [period, requests])).toEqual([
      [SECOND.period, 3],
      [FIRST.period, 3],
    ]);
    setClock(SECOND.endMs + 26 * HOUR_MS);
    await closeDuePeriods(testServices());
    await archiveStatements(testServices());
    expect((await manifestOf(tenant.tenantId, SECOND.period)).status).toBe("closed");
    expect(await bundle(tenant.tenantId, FIRST.period)).toEqual(closed);
    expect(await findingsOf(tenant.tenantId)).toEqual([]);
  });

  test("does not close an empty month, show an empty statement, or take an adjustment meanwhile", async () => {
    const tenant = await newTenant(BOUNDED);
    await answered(tenant, 3);
    await ledgerOf(tenant.tenantId).flush();
    await loseObject(tenant.tenantId);
    const path = `/tenants/${tenant.tenantId}/statements/${FIRST.period}/manifest.json`;
    expect((await admin(path)).status).toBe(503);
    expect((await admin(`/tenants/${tenant.tenantId}/usage?month=${FIRST.period}`)).status).toBe(503);
    const asked = { id: "adj_lost", units: 0, amount: "0.05", reason: "acordo" };
    const adjusted = await admin(`/tenants/${tenant.tenantId}/adjustments`, { body: asked });
    expect(adjusted.status).toBe(503);
    setClock(SECOND.startMs + 26 * HOUR_MS);
    await closeDuePeriods(testServices());
    expect(await testServices().archive.closed(tenant.tenantId, FIRST.period)).toBeNull();
    await restore(tenant.tenantId);
    setClock(SECOND.startMs + 52 * HOUR_MS);
    await closeDuePeriods(testServices());
    expect((await manifestOf(tenant.tenantId, FIRST.period)).seq).toMatchObject({ first: 1, last: 3 });
  });

  test("and D1 restored to before the month was closed: R2 says where the sequence goes on", async () => {
    const tenant = await newTenant(BOUNDED);
    await answered(tenant, 2);
    await ledgerOf(tenant.tenantId).flush();
    const d1 = await takeSnapshot();
    await answered(tenant, 2, 10);
    setClock(SECOND.startMs + 26 * HOUR_MS);
    await closeDuePeriods(testServices());
    const closed = await bundle(tenant.tenantId, FIRST.period);
    await restoreSnapshot(d1);
    await loseObject(tenant.tenantId);
    expect(await lookups(tenant, 1, 20)).toEqual([503]);
    const found = await findingsOf(tenant.tenantId);
    expect(found.map(({ code, what }) => [code, what])).toEqual(
      expect.arrayContaining([
        ["ledger_behind", "d1"],
        ["ledger_behind", "r2"],
        ["month_not_recorded", null],
      ]),
    );
    expect(await restore(tenant.tenantId)).toMatchObject({ ...RESTORED, lastSeq: 4 });
    await answered(tenant, 1, 30);
    await expectOneTruth(tenant, SECOND.period, 1);
    await closeDuePeriods(testServices());
    expect(await bundle(tenant.tenantId, FIRST.period)).toEqual(closed);
    // The days of the closed month are in D1 again after a rebuild.
    expect((await findingsOf(tenant.tenantId)).map(({ code }) => code)).toEqual(["usage_differs"]);
    await rebuild();
    expect(await findingsOf(tenant.tenantId)).toEqual([]);
    setClock(SECOND.endMs + 26 * HOUR_MS);
    await closeDuePeriods(testServices());
    expect((await manifestOf(tenant.tenantId, SECOND.period)).seq).toMatchObject({ first: 5, last: 5 });
  });

  test("is restored by a clock that is wrong, a year ahead or back, into the months of its events", async () => {
    for (const jumpMs of [365 * DAY_MS, -365 * DAY_MS]) {
      setClock(FIRST.startMs + HOUR_MS);
      const tenant = await newTenant(BOUNDED);
      await answered(tenant, 2);
      await ledgerOf(tenant.tenantId).flush();
      await loseObject(tenant.tenantId);
      setClock(FIRST.startMs + HOUR_MS + jumpMs);
      await restore(tenant.tenantId);
      setClock(FIRST.startMs + 2 * HOUR_MS);
      await answered(tenant, 1, 10);
      await expectOneTruth(tenant, FIRST.period, 3);
    }
  });

  test("restored twice is restored once, and a ledger that serves is not touched", async () => {
    const tenant = await newTenant(BOUNDED);
    await answered(tenant, 2);
    await ledgerOf(tenant.tenantId).flush();
    await loseObject(tenant.tenantId);
    await restore(tenant.tenantId);
    await answered(tenant, 1, 10);
    expect(await restore(tenant.tenantId)).toMatchObject({ status: "not_needed", lastSeq: 3 });
    await expectOneTruth(tenant, FIRST.period, 3);
  });

  test("a restore that is left half done, or begun by two at once, is ended by one", async () => {
    const tenant = await newTenant(BOUNDED);
    for (let part = 0; part < 3; part += 1) {
      await answered(tenant, 2, part * 10);
      await ledgerOf(tenant.tenantId).flush();
    }
    await loseObject(tenant.tenantId);
    const ledger = ledgerOf(tenant.tenantId);
    expect(await lookups(tenant, 1, 90)).toEqual([503]);
    const batches = (
      await copiedBatches(env.DB, { tenantId: tenant.tenantId, mode: "live" }, { after: 0, limit: 9 })
    ).map(({ text }) => text);
    expect(await ledger.beginRestore("one")).toMatchObject({ kind: "begun" });
    const part = { name: "one", batches: batches.slice(0, 2), isKept: true };
    expect(await ledger.takeRecorded(part)).toEqual({ kind: "taken", through: 4 });
    await evictDurableObject(ledger);
    // Its reply was lost: the same part again changes nothing.
    expect(await ledger.takeRecorded(part)).toEqual({ kind: "taken", through: 4 });
    expect(await lookups(tenant, 1, 90)).toEqual([503]);

    expect(await ledger.beginRestore("two")).toMatchObject({ kind: "begun" });
    expect(await ledger.takeRecorded(part)).toEqual({ kind: "other_restore" });
    expect(await ledger.finishRestore({ name: "one", lastClosed: null })).toEqual({ kind: "other_restore" });
    expect(await restore(tenant.tenantId)).toMatchObject({ ...RESTORED, lastSeq: 6 });
    expect(await ledger.finishRestore({ name: "two", lastClosed: null })).toEqual({ kind: "other_restore" });
    await answered(tenant, 1, 40);
    await expectOneTruth(tenant, FIRST.period, 7);
    const left = await runInDurableObject(ledger, (_, { storage: { sql } }) =>
      sql.exec(`SELECT name FROM sqlite_master WHERE name LIKE 'restor%'`).toArray(),
    );
    expect(left).toEqual([]);
  });

  test("D1 away in the middle is a failure, after which it begins anew", async () => {
    const tenant = await newTenant(BOUNDED);
    await answered(tenant, 2);
    await ledgerOf(tenant.tenantId).flush();
    await loseObject(tenant.tenantId);
    expect(await lookups(tenant, 1, 90)).toEqual([503]);
    const spy = vi.spyOn(TenantLedger.prototype, "finishRestore").mockImplementation(() => {
      throw new Error("Network connection lost.");
    });
    expect((await admin(`/tenants/${tenant.tenantId}/ledger/restore`, { method: "POST" })).status).toBe(503);
    spy.mockRestore();
    expect(await lookups(tenant, 1, 90)).toEqual([503]);
    expect(await restore(tenant.tenantId)).toMatchObject({ ...RESTORED, lastSeq: 2 });
    await answered(tenant, 1, 10);
    await expectOneTruth(tenant, FIRST.period, 3);
  });

  test("with events that nobody has is not restored with a hole: it says which", async () => {
    const tenant = await newTenant(BOUNDED);
    for (let part = 0; part < 3; part += 1) {
      await answered(tenant, 2, part * 10);
      await ledgerOf(tenant.tenantId).flush();
    }
    await env.DB.prepare("DELETE FROM event_batches WHERE tenant_id = ? AND first_seq = 3").bind(tenant.tenantId).run();
    await loseObject(tenant.tenantId);
    const answer = await admin(`/tenants/${tenant.tenantId}/ledger/restore`, { method: "POST" });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ issues: [{ code: "events_missing" }] });
  });
});

describe("an object that was lost, with R2 damaged", () => {
  const THIRD = month("2049-05");
  const filesOf = async ({ tenantId }: TestTenant, period: string) =>
    (await env.STATEMENTS.list({ prefix: `statements/${tenantId}/${period}/` })).objects.map(({ key }) => key);
  const eventsFileOf = async (tenant: TestTenant, period: string) =>
    (await filesOf(tenant, period)).find((key) => key.endsWith("events.jsonl")) ?? "";
  const rewrite = async (key: string, change: (text: string) => string) => {
    const text = (await (await env.STATEMENTS.get(key))?.text()) ?? "";
    expect(change(text)).not.toBe(text);
    await env.STATEMENTS.put(key, change(text));
  };
  const damaged = { code: "file_damaged", message: expect.stringMatching(/events\.jsonl.*2049-04/) };
  const missing = (first: number, last: number) => ({
    code: "events_missing",
    message: expect.stringMatching(new RegExp(`\\b${first}\\b.*\\b${last}\\b`)),
  });
  const forget = async (tenant: TestTenant, period: string) =>
    await env.STATEMENTS.delete(await filesOf(tenant, period));

  // March has events 1 and 2, April 3 and 4, May 5; March and April have left D1.
  test.each<[string, (tenant: TestTenant) => Promise<void>, unknown]>([
    [
      "an amount of a closed month is another",
      async (tenant) =>
        await rewrite(await eventsFileOf(tenant, SECOND.period), (text) => text.replace("150000", "150001")),
      damaged,
    ],
    [
      "the last line of a closed month is gone",
      async (tenant) =>
        await rewrite(await eventsFileOf(tenant, SECOND.period), (text) => text.replace(/[^\n]+\n$/, "")),
      damaged,
    ],
    [
      "a closed month's events are not there",
      async (tenant) => await env.STATEMENTS.delete(await eventsFileOf(tenant, SECOND.period)),
      damaged,
    ],
    ["the first month is gone", async (tenant) => await forget(tenant, FIRST.period), missing(1, 2)],
    [
      "the last closed month is gone, and D1 goes on after it",
      async (tenant) => await forget(tenant, SECOND.period),
      missing(3, 4),
    ],
  ])("is not restored, and serves nobody, where %s; it is as soon as that is back", async (_, spoil, issue) => {
    const tenant = await newTenant(BOUNDED);
    await answered(tenant, 2);
    for (const [ended, running] of [
      [FIRST, SECOND],
      [SECOND, THIRD],
    ] as const) {
      setClock(running.startMs + 26 * HOUR_MS);
      await closeDuePeriods(testServices());
      await archiveStatements(testServices());
      expect((await manifestOf(tenant.tenantId, ended.period)).seq.count).toBe(2);
      await answered(tenant, running === THIRD ? 1 : 2, running === THIRD ? 20 : 10);
    }
    await ledgerOf(tenant.tenantId).flush();
    expect((await d1Rows(tenant)).map(({ seq }) => seq)).toEqual([5]);
    const kept = new Map<string, ArrayBuffer>();
    for (const key of [...(await filesOf(tenant, FIRST.period)), ...(await filesOf(tenant, SECOND.period))]) {
      kept.set(key, (await (await env.STATEMENTS.get(key))?.arrayBuffer()) ?? new ArrayBuffer());
    }
    await spoil(tenant);
    await loseObject(tenant.tenantId);

    const answer = await admin(`/tenants/${tenant.tenantId}/ledger/restore`, { method: "POST" });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ issues: [issue] });
    expect(await lookups(tenant, 1, 30)).toEqual([503]);

    for (const [key, bytes] of kept) await env.STATEMENTS.put(key, bytes);
    expect(await restore(tenant.tenantId)).toMatchObject({ ...RESTORED, lastSeq: 5 });
    await answered(tenant, 1, 40);
    await expectOneTruth(tenant, FIRST.period, 2);
    expect((await d1Rows(tenant)).map(({ seq }) => seq)).toEqual([5]);
  });
});

describe("an object that was restored to an earlier point", () => {
  test("keeps what it alone knows: its events follow those that D1 has, each lookup once", async () => {
    const tenant = await newTenant(BOUNDED);
    const ledger = ledgerOf(tenant.tenantId);
    await answered(tenant, 3);
    await ledger.flush();
    await answered(tenant, 1, 10);
    const open = admission(tenant, "lkp_open_then");
    const stillOpen = admission(tenant, "lkp_open_still");
    await ledger.admit(open);
    await ledger.admit(stillOpen);
    const earlier = await takeObjectSnapshot(tenant.tenantId);
    await ledger.settle({ lookupId: open.lookupId, outcome: "delivered", transactionId: "tx_1", answer: null });
    await answered(tenant, 1, 20);
    await ledger.flush();
    await restoreObjectSnapshot(tenant.tenantId, earlier);

    // Nobody knows yet: these have the numbers of others in D1.
    await answered(tenant, 2, 30);
    const recorded = await d1Rows(tenant);
    expect((await ledger.flush()).kind).toBe("failed");
    expect(await d1Rows(tenant)).toEqual(recorded);
    expect(await lookups(tenant, 1, 40)).toEqual([503]);
    expect((await findingsOf(tenant.tenantId)).map(({ code }) => code)).toContain("not_ready");

    expect(await restore(tenant.tenantId)).toMatchObject({ ...RESTORED, through: 6, lastSeq: 8, ownEvents: 2 });
    await ledger.flush();
    const rows = await d1Rows(tenant);
    expect(rows.slice(0, 6)).toEqual(recorded);
    // The one that D1 has as ended is open no more; the other one still is.
    expect(await ledger.status()).toMatchObject({ openIntents: 1, notReady: null });
    await ledger.settle({ lookupId: stillOpen.lookupId, outcome: "delivered", transactionId: "tx_2", answer: null });
    await answered(tenant, 1, 50);
    await expectOneTruth(tenant, FIRST.period, 10);
    expect(await findingsOf(tenant.tenantId)).toEqual([]);
  });

  test("to before a month that is closed since: its own events go into the month that is open", async () => {
    const tenant = await newTenant(BOUNDED);
    await answered(tenant, 2);
    const earlier = await takeObjectSnapshot(tenant.tenantId);
    await answered(tenant, 1, 10);
    setClock(SECOND.startMs + 26 * HOUR_MS);
    await closeDuePeriods(testServices());
    await archiveStatements(testServices());
    const closed = await bundle(tenant.tenantId, FIRST.period);
    await restoreObjectSnapshot(tenant.tenantId, earlier);
    setClock(FIRST.endMs - HOUR_MS);
    await answered(tenant, 1, 20);
    setClock(SECOND.startMs + 27 * HOUR_MS);
    await answered(tenant, 1, 30);
    // It serves, for its numbers go further than those of R2; the comparison finds what it lacks.
    expect(await restore(tenant.tenantId)).toMatchObject({ status: "not_needed" });
    const found = await findingsOf(tenant.tenantId);
    expect(found).not.toEqual([]);
    expect(await restore(tenant.tenantId, "?stop=true")).toMatchObject({
      status: "restored",
      through: 3,
      lastSeq: 5,
      ownEvents: 2,
    });
    await expectOneTruth(tenant, SECOND.period, 2);
    expect(await bundle(tenant.tenantId, FIRST.period)).toEqual(closed);
    setClock(SECOND.endMs + 26 * HOUR_MS);
    await closeDuePeriods(testServices());
    expect((await manifestOf(tenant.tenantId, SECOND.period)).seq).toMatchObject({ first: 4, last: 5 });
  });
});

test("12,000 events are put back and compared in bounded steps, each with a cursor", async () => {
  const tenant = await newTenant(BOUNDED);
  const { tenantId } = tenant;
  const count = 12_000;
  for (let first = 1; first <= count; first += 500) {
    const events = Array.from({ length: 500 }, (_, n) => storedEvent(tenant, first + n, FIRST.startMs + first + n));
    const days = countEvents(events, { dayOf: ({ day }) => day ?? "", find: () => undefined });
    const earlier = days.map((sums) => ({ ...sums, lastSeq: 0 }));
    await writeEvents(env.DB, { tenantId, mode: "live" }, { events: JSON.stringify(events), days: earlier });
  }
  await loseObject(tenantId);
  expect(await lookups(tenant, 1)).toEqual([503]);
  let steps = 0;
  for (let place: RestorePlace | null = null; ; steps += 1) {
    const step = await restoreLedger(testServices(), "test", { tenantId, place, stepMs: 0 });
    if (!step.ok) throw new Error(step.failure.code);
    if (step.value.status === "restored") {
      expect(step.value).toMatchObject({ lastSeq: count, ownEvents: 0 });
      break;
    }
    place = step.value.status === "restoring" ? step.value.next : null;
  }
  expect(steps).toBe(3);
  const totals = await ledgerOf(tenantId).monthTotals({ from: FIRST.period, to: FIRST.period });
  expect(totals).toMatchObject([{ delivered: count, amountMicros: count * 150_000 }]);

  steps = 0;
  for (let place: VerifyPlace | null = null; steps === 0 || place !== null; steps += 1) {
    const step = await verifyLedger(testServices(), tenantId, { place, stepMs: 0 });
    if (!step.ok) throw new Error(step.failure.code);
    expect(step.value.findings.filter(({ code }) => code !== "usage_differs")).toEqual([]);
    place = step.value.next;
  }
  expect(steps).toBe(2);
}, 60_000);

test("a call that left for Claro while the ledger did not serve is on record when it serves again", async () => {
  const tenant = await newTenant();
  await answered(tenant, 3);
  await ledgerOf(tenant.tenantId).flush();
  await loseObject(tenant.tenantId);
  expect(await lookups(tenant, 1, 10)).toEqual([503]);
  await restore(tenant.tenantId);
  await vi.waitFor(async () => {
    await deliverStrayCalls(testServices());
    const { totals } = await usageOf(tenant.tenantId, `${FIRST.period}-01`, `${FIRST.period}-31`);
    expect(totals).toMatchObject({ requests: 4, delivered: 3, unknown: 1 });
  });
});
