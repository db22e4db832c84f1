import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AnswerVault } from "../../src/platform/answer_vault.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import { admin, ledgerOf, lookup, newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
import { periodBounds, periodOf } from "../../src/domain/period.ts";
import { failureCode, SHAPES, usageOf } from "../support/shapes.ts";

const CPF = "52998224725";
const OTHER_CPF = "11144477735";
const SCORE = 540;
const KEY = { "idempotency-key": "order-1234" };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const INTENT_TTL_MS = 14_000;
const SECRET = "test-idempotency-secret-0123456789";

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  await sandbox("reset");
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe.each(SHAPES)("an idempotency key in $name", (shape) => {
  test("gives the first answer again, charged once", async () => {
    const tenant = await newTenant();
    const first = await shape.lookup(tenant, CPF, KEY);
    expect(first.status).toBe(200);
    expect(first.headers.has("idempotency-replayed")).toBe(false);
    const answer = await first.text();
    for (const key of ["order-1234", '"order-1234"']) {
      const again = await shape.lookup(tenant, CPF, { "idempotency-key": key });
      expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
      expect(await again.text()).toBe(answer);
    }
    expect(await scoreCalls()).toBe(1);
    expect(await usageOf(tenant)).toEqual({ requests: 1, delivered: 1, billed: 1 });
  });

  test("is refused with another body", async () => {
    const tenant = await newTenant();
    await shape.lookup(tenant, CPF, KEY);
    const other = await shape.lookup(tenant, OTHER_CPF, KEY);
    expect([other.status, await failureCode(other)]).toEqual([422, "idempotency_mismatch"]);
    expect(await scoreCalls()).toBe(1);
  });

  test("is in progress while the first request runs", async () => {
    const tenant = await newTenant();
    await sandbox("faults", [{ target: "score", kind: "delay", delayMs: 700, times: 1 }]);
    const first = shape.lookup(tenant, CPF, KEY);
    await scoreCallCame();
    const second = await shape.lookup(tenant, CPF, KEY);
    expect([second.status, second.headers.get("retry-after")]).toEqual([409, "1"]);
    expect(await failureCode(second)).toBe("idempotency_in_progress");
    expect((await first).status).toBe(200);
    expect((await shape.lookup(tenant, CPF, KEY)).headers.get("idempotency-replayed")).toBe("true");
    expect(await scoreCalls()).toBe(1);
  });

  test("has expired after 24 hours, and is new again after 35 days", async () => {
    const tenant = await newTenant();
    const startMs = Date.now();
    await shape.lookup(tenant, CPF, KEY);
    vi.setSystemTime(startMs + DAY_MS - 1000);
    expect((await shape.lookup(tenant, CPF, KEY)).status).toBe(200);
    for (const laterMs of [DAY_MS + 1000, 35 * DAY_MS - 1000]) {
      vi.setSystemTime(startMs + laterMs);
      const expired = await shape.lookup(tenant, CPF, KEY);
      expect([expired.status, await failureCode(expired)]).toEqual([409, "idempotency_expired"]);
    }
    expect(await scoreCalls()).toBe(1);
    vi.setSystemTime(startMs + 35 * DAY_MS + 1000);
    const anew = await shape.lookup(tenant, CPF, KEY);
    expect([anew.status, anew.headers.get("idempotency-replayed")]).toEqual([200, null]);
    expect(await scoreCalls()).toBe(2);
  });

  test.each([
    ["fails", { kind: "status", status: 500, times: 2 }, 502],
    ["throttles", { kind: "status", status: 429, times: 1 }, 503],
  ])("is free again when Claro %s", async (_, fault, status) => {
    const tenant = await newTenant();
    await sandbox("faults", [{ target: "score", ...fault }]);
    expect((await shape.lookup(tenant, CPF, KEY)).status).toBe(status);
    const next = await shape.lookup(tenant, CPF, KEY);
    expect([next.status, next.headers.has("idempotency-replayed")]).toEqual([200, false]);
  });

  test("is free again when a limit refused the lookup", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 0 } } });
    expect((await shape.lookup(tenant, CPF, KEY)).status).toBe(429);
    await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { plan: { allowance: null } } });
    expect((await shape.lookup(tenant, CPF, KEY)).status).toBe(200);
  });

  test.each([
    ["not found", { kind: "status", status: 404 }, 404, "score_not_found"],
    ["rejected", { kind: "status", status: 400 }, 400, "rejected_by_claro"],
    ["unknown", { kind: "drop" }, 504, "claro_timeout"],
  ])("keeps the answer of what is %s", async (_, fault, status, code) => {
    const tenant = await newTenant();
    await sandbox("faults", [{ target: "score", ...fault, times: 1 }]);
    expect((await shape.lookup(tenant, CPF, KEY)).status).toBe(status);
    const again = await shape.lookup(tenant, CPF, KEY);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([status, "true"]);
    expect(await failureCode(again)).toBe(code);
    expect(await scoreCalls()).toBe(1);
    expect((await usageOf(tenant)).requests).toBe(1);
  });

  test("tells that the end is unknown when the first request never settled", async () => {
    const tenant = await newTenant();
    const settle = vi.spyOn(TenantLedger.prototype, "settle").mockResolvedValue({ kind: "no_intent" });
    const first = await shape.lookup(tenant, CPF, KEY);
    expect([first.status, await failureCode(first)]).toEqual([503, "ledger_unavailable"]);
    settle.mockRestore();
    expect((await shape.lookup(tenant, CPF, KEY)).status).toBe(409);
    vi.setSystemTime(Date.now() + INTENT_TTL_MS);
    const again = await shape.lookup(tenant, CPF, KEY);
    expect([again.status, await failureCode(again)]).toEqual([504, "claro_timeout"]);
    expect(await scoreCalls()).toBe(1);
    expect(await usageOf(tenant)).toEqual({ requests: 1, unknown: 1 });
  });
});

test("a key is a tenant's own, and a test key's own", async () => {
  const tenant = await newTenant();
  const other = await newTenant();
  const sandboxed = await newTenant({ mode: "test" });
  for (const { key } of [tenant, other, sandboxed]) {
    const answer = await lookup(key, CPF, KEY);
    expect([answer.status, answer.headers.has("idempotency-replayed")]).toEqual([200, false]);
  }
  expect((await lookup(sandboxed.key, CPF, KEY)).headers.get("idempotency-replayed")).toBe("true");
});

describe("a kept answer", () => {
  test("is in the object only as bytes that the caller's key opens", async () => {
    const tenant = await newTenant();
    const answer = await (await lookup(tenant.key, CPF, KEY)).json<{ transactionId: string }>();
    const [row] = await rows(tenant);
    const sealed = new Uint8Array(row?.answer as ArrayBuffer);
    const everything = JSON.stringify(await rows(tenant)) + new TextDecoder("latin1").decode(sealed);
    for (const secret of [CPF, KEY["idempotency-key"], answer.transactionId, `"score":${SCORE}`]) {
      expect(everything).not.toContain(secret);
    }
    const vault = new AnswerVault([SECRET]);
    const context = { tenantId: tenant.tenantId, idempotencyKey: KEY["idempotency-key"] };
    await expect(vault.open(context, sealed)).rejects.toThrow();
    // Given again by the ledger it has lost the seal of its hour, and still has the caller's.
    const given = await givenAgain(tenant, row!);
    expect(await vault.open(context, given)).toMatchObject({ kind: "score", score: SCORE });
    const strangers: [AnswerVault, typeof context][] = [
      [vault, { ...context, idempotencyKey: "order-1235" }],
      [vault, { ...context, tenantId: "ten_another" }],
      [new AnswerVault([`${SECRET}x`]), context],
    ];
    for (const [stranger, its] of strangers) await expect(stranger.open(its, given)).rejects.toThrow();
    given[given.length - 1]! ^= 1;
    await expect(vault.open(context, given)).rejects.toThrow();
  });

  test("is erased after 24 hours, and its key forgotten 35 days after its month, by two readings of the clock", async () => {
    const tenant = await newTenant();
    const startMs = Date.now();
    await lookup(tenant.key, CPF, KEY);
    await quiet(tenant);
    const endOfHourMs = (Math.floor(startMs / HOUR_MS) + 1) * HOUR_MS;
    expect(await alarmAtMs(tenant)).toBe(endOfHourMs + DAY_MS);
    await alarmAt(tenant, endOfHourMs + DAY_MS);
    // One reading may be wrong: it is written down, and nothing is erased.
    expect((await rows(tenant)).map(({ isReadable }) => isReadable)).toEqual([true]);
    await alarmAt(tenant, endOfHourMs + DAY_MS + 60_000);
    expect((await rows(tenant)).map(({ isReadable }) => isReadable)).toEqual([false]);
    const monthEndMs = periodBounds(periodOf(startMs)).endMs;
    expect(await alarmAtMs(tenant)).toBe(monthEndMs + 35 * DAY_MS);
    await alarmAt(tenant, monthEndMs + 35 * DAY_MS);
    expect(await rows(tenant)).toHaveLength(1);
    await alarmAt(tenant, monthEndMs + 35 * DAY_MS + 60_000);
    expect(await rows(tenant)).toEqual([]);
    expect(await alarmAtMs(tenant)).toBeNull();
  });

  test("survives one reading of a clock that is a year ahead", async () => {
    const tenant = await newTenant();
    const startMs = Date.now();
    await lookup(tenant.key, CPF, KEY);
    await quiet(tenant);
    await alarmAt(tenant, startMs + 365 * DAY_MS);
    await alarmAt(tenant, startMs + 60_000, { isArmed: false });
    expect((await rows(tenant)).map(({ isReadable }) => isReadable)).toEqual([true]);
    expect((await lookup(tenant.key, CPF, KEY)).headers.get("idempotency-replayed")).toBe("true");
  });

  test("that was erased stays so when the clock jumps back", async () => {
    const tenant = await newTenant();
    const startMs = Date.now();
    await lookup(tenant.key, CPF, KEY);
    await quiet(tenant);
    await alarmAt(tenant, startMs + DAY_MS + HOUR_MS);
    await alarmAt(tenant, startMs + DAY_MS + HOUR_MS + 60_000);
    vi.setSystemTime(startMs + DAY_MS - HOUR_MS);
    const answer = await lookup(tenant.key, CPF, KEY);
    expect([answer.status, await failureCode(answer)]).toEqual([409, "idempotency_expired"]);
    expect(await usageOf(tenant)).toEqual({ requests: 1, delivered: 1, billed: 1 });
  });

  test("that another secret sealed is not given, and its charge not repeated", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, CPF, KEY);
    const replaced = new Uint8Array(80);
    await runInDurableObject(ledgerOf(tenant.tenantId), (_, { storage }) => {
      const { name } = storage.sql
        .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'answered_*'")
        .one();
      storage.sql.exec(`UPDATE ${name} SET answer = ?`, replaced.buffer);
    });
    const answer = await lookup(tenant.key, CPF, KEY);
    expect([answer.status, await failureCode(answer)]).toEqual([409, "idempotency_expired"]);
    expect(await usageOf(tenant)).toEqual({ requests: 1, delivered: 1, billed: 1 });
  });
});

/** `isReadable`: the key of its hour is there still. */
type Row = {
  key_hash: string;
  request_hash: string;
  created_at: number;
  answer: ArrayBuffer | null;
  isReadable: boolean;
};

async function rows(tenant: TestTenant): Promise<Row[]> {
  return await runInDurableObject(ledgerOf(tenant.tenantId), (_, { storage }) => {
    const names = storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'answered_*' ORDER BY name",
      )
      .toArray();
    const found = names.flatMap(({ name }) =>
      storage.sql.exec<Omit<Row, "isReadable">>(`SELECT * FROM ${name} ORDER BY created_at`).toArray(),
    );
    const keys = storage.sql.exec<{ hour: number }>("SELECT hour FROM answer_keys").toArray();
    const hours = new Set(keys.map(({ hour }) => hour));
    return found.map((row) => ({ ...row, isReadable: hours.has(Math.floor(row.created_at / HOUR_MS)) }));
  });
}

/** Flushes the lookup and lets its row go, so that only the kept answer is left to wake the object. */
async function quiet(tenant: TestTenant): Promise<void> {
  await ledgerOf(tenant.tenantId).flush();
  const nowMs = Date.now();
  await alarmAt(tenant, nowMs + INTENT_TTL_MS + 1000);
  vi.setSystemTime(nowMs);
}

async function alarmAt(tenant: TestTenant, atMs: number, { isArmed = true } = {}): Promise<void> {
  vi.setSystemTime(atMs);
  const ran = await runDurableObjectAlarm(ledgerOf(tenant.tenantId));
  if (isArmed) expect(ran).toBe(true);
}

/** The kept answer as the ledger gives it to a repeat. */
async function givenAgain(tenant: TestTenant, row: Row): Promise<Uint8Array> {
  const reply = await ledgerOf(tenant.tenantId).admit({
    lookupId: "lkp_a-repeat",
    keyId: tenant.keyId,
    scope: "scores:read",
    ip: null,
    reference: null,
    cpfReference: "v1:0",
    idempotency: { keyHash: row.key_hash, requestHash: row.request_hash },
  });
  if (reply.kind !== "replay" || reply.answer === null) throw new Error("the answer was not given again");
  return reply.answer;
}

async function alarmAtMs(tenant: TestTenant): Promise<number | null> {
  return await runInDurableObject(ledgerOf(tenant.tenantId), async (_, { storage }) => await storage.getAlarm());
}

async function scoreCalls(): Promise<number> {
  return (await sandbox<{ scoreCalls: number }>("counts")).scoreCalls;
}

async function scoreCallCame(): Promise<void> {
  await vi.waitFor(async () => expect(await scoreCalls()).toBe(1), { timeout: 2000, interval: 10 });
}
