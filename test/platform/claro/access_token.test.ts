import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ClaroBreaker } from "../../../src/platform/claro/claro_breaker.ts";
import type { AccessTokenGrant, AccessTokenReply } from "../../../src/platform/claro/access_token.ts";
import { admin, forgetRenewals, lookup, newTenant, persons, sandbox } from "../../support/gateway.ts";
import { failureCode, usageOf } from "../../support/shapes.ts";

const token = () => env.ACCESS_TOKEN.getByName("live");
const HOUR_MS = 3_600_000;
/** Claro says 3599 seconds. */
const LIFE_MS = 3_599_000;

beforeEach(async () => {
  await sandbox("reset");
  await forgetRenewals();
});

afterEach(async () => {
  vi.useRealTimers();
  await sandbox("reset");
});

async function granted(reply: Promise<AccessTokenReply>): Promise<AccessTokenGrant> {
  const answer = await reply;
  if (answer.kind !== "granted") throw new Error(`refused: ${answer.failure.code}`);
  return answer.grant;
}

async function get(): Promise<AccessTokenGrant> {
  return await granted(token().get("live"));
}

async function tokenCalls(): Promise<number> {
  return (await sandbox<{ tokenCalls: number }>("counts")).tokenCalls;
}

async function alarmAtMs(): Promise<number | null> {
  return await runInDurableObject(token(), (_object, state) => state.storage.getAlarm());
}

async function pause(ms: number): Promise<void> {
  await new Promise((done) => setTimeout(done, ms));
}

describe("the token that is kept", () => {
  test("outlives the object's eviction", async () => {
    const before = await get();
    await evictDurableObject(token());
    await sandbox("reset");
    expect(await get()).toEqual(before);
    expect(await tokenCalls()).toBe(0);
  });

  test("is renewed by the alarm, five minutes ahead of its end, while the old one still serves", async () => {
    const before = await get();
    expect(await alarmAtMs()).toBeLessThanOrEqual(Date.now() + LIFE_MS - 300_000);
    expect(await alarmAtMs()).toBeGreaterThan(Date.now() + LIFE_MS - 300_000 - 60_000);
    expect(before.usableUntilMs).toBeGreaterThan(((await alarmAtMs()) ?? 0) + 200_000);
    await sandbox("reset");
    await sandbox("faults", [{ target: "token", kind: "delay", delayMs: 300 }]);
    const renewal = runDurableObjectAlarm(token());
    await pause(50);
    expect(await get()).toEqual(before);
    expect(await renewal).toBe(true);
    const after = await get();
    expect(after.generation).toBe(before.generation + 1);
    expect(after.accessToken === before.accessToken, "another token").toBe(false);
    expect(await tokenCalls()).toBe(1);
    expect(await alarmAtMs()).toBeGreaterThan(Date.now() + LIFE_MS - 300_000 - 60_000);
  });

  test("is renewed by the alarm after an eviction too", async () => {
    const before = await get();
    await evictDurableObject(token());
    await sandbox("reset");
    expect(await runDurableObjectAlarm(token())).toBe(true);
    expect((await get()).generation).toBe(before.generation + 1);
    expect(await tokenCalls()).toBe(1);
  });

  test("serves on when its renewal fails, which is tried again in a second, not before", async () => {
    const before = await get();
    await sandbox("reset");
    await sandbox("faults", [{ target: "token", kind: "status", status: 500, times: 1 }]);
    await runDurableObjectAlarm(token());
    expect(await tokenCalls()).toBe(1);
    expect(await get()).toEqual(before);
    expect(await tokenCalls()).toBe(1);
    const againAtMs = await alarmAtMs();
    expect(againAtMs).toBeGreaterThan(Date.now());
    expect(againAtMs).toBeLessThanOrEqual(Date.now() + 1000);
    await vi.waitUntil(async () => (await tokenCalls()) === 2, { timeout: 5000 });
    await vi.waitUntil(async () => (await get()).generation === before.generation + 1, { timeout: 5000 });
  });

  test("is not used in the last minute of its life, nor after it", async () => {
    const before = await get();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(before.usableUntilMs - 1000);
    await sandbox("reset");
    expect(await get()).toEqual(before);
    expect(await tokenCalls()).toBe(0);
    vi.setSystemTime(before.usableUntilMs);
    expect((await get()).generation).toBe(before.generation + 1);
    expect(await tokenCalls()).toBe(1);
    vi.useRealTimers();
    // What was obtained by a clock that ran ahead has no end that can be known.
    expect((await get()).generation).toBe(before.generation + 2);
  });

  test("is replaced when Claro refuses exactly it", async () => {
    const before = await get();
    await sandbox("reset");
    expect(await granted(token().replace("live", before.generation - 1))).toEqual(before);
    expect(await tokenCalls()).toBe(0);
    const replaced = await Promise.all(
      Array.from({ length: 50 }, () => granted(token().replace("live", before.generation))),
    );
    expect(new Set(replaced.map((grant) => grant.generation))).toEqual(new Set([before.generation + 1]));
    expect(await tokenCalls()).toBe(1);
  });
});

type TokenRow = { claro: string; fault: Record<string, unknown>; status: number; code: string };
const REFUSALS: readonly TokenRow[] = [
  { claro: "401", fault: { kind: "status", status: 401 }, status: 502, code: "claro_unauthorized" },
  { claro: "400", fault: { kind: "status", status: 400 }, status: 502, code: "claro_unauthorized" },
  { claro: "403", fault: { kind: "status", status: 403 }, status: 502, code: "claro_forbidden" },
  { claro: "429", fault: { kind: "status", status: 429 }, status: 503, code: "claro_throttled" },
  { claro: "500", fault: { kind: "status", status: 500 }, status: 502, code: "claro_failed" },
  { claro: "HTML", fault: { kind: "html" }, status: 502, code: "claro_contract" },
  { claro: "no token", fault: { kind: "body", body: '{"expires_in":"3599"}' }, status: 502, code: "claro_contract" },
  {
    claro: "a token that is no header",
    fault: { kind: "body", body: '{"access_token":"a b\\n"}' },
    status: 502,
    code: "claro_contract",
  },
  { claro: "nothing", fault: { kind: "drop" }, status: 503, code: "claro_unreachable" },
  { claro: "half an answer", fault: { kind: "reset_mid_body" }, status: 503, code: "claro_unreachable" },
];

describe("when the token call gives", () => {
  test.each(REFUSALS)(
    "$claro, all are told so and Claro is left alone for a second",
    async ({ fault, status, code }) => {
      const tenant = await newTenant();
      await get();
      await sandbox("reset");
      await sandbox("revoke-tokens");
      await sandbox("faults", [{ target: "token", times: 1, ...fault }]);
      const responses = await Promise.all(Array.from({ length: 20 }, () => lookup(tenant.key, "52998224725")));
      expect(new Set(responses.map((response) => response.status))).toEqual(new Set([status]));
      expect(new Set(responses.map((response) => response.headers.get("retry-after")))).toEqual(new Set(["1"]));
      expect(new Set(await Promise.all(responses.map(failureCode)))).toEqual(new Set([code]));
      expect((await lookup(tenant.key, "52998224725")).status).toBe(status);
      expect(await tokenCalls()).toBe(1);
      expect(await usageOf(tenant)).toEqual({ requests: 21, failed: 21 });
      await pause(1050);
      expect((await lookup(tenant.key, "52998224725")).status).toBe(200);
      expect(await tokenCalls()).toBe(2);
    },
  );

  test("no answer in time, the lookup ends in time and costs nothing", async () => {
    const tenant = await newTenant();
    await get();
    await sandbox("reset");
    await sandbox("revoke-tokens");
    await sandbox("faults", [{ target: "token", kind: "delay", delayMs: 5000, times: 1 }]);
    const startMs = Date.now();
    const response = await lookup(tenant.key, "52998224725");
    expect(response.status).toBe(503);
    expect(await failureCode(response)).toBe("claro_unreachable");
    expect(Date.now() - startMs).toBeLessThan(3500);
    expect(await usageOf(tenant)).toEqual({ requests: 1, failed: 1 });
    await pause(1500);
    expect((await lookup(tenant.key, "52998224725")).status).toBe(200);
  });

  test("one failure after the other, the pauses double up to half a minute", async () => {
    const before = await get();
    await sandbox("reset");
    await sandbox("faults", [{ target: "token", kind: "status", status: 503 }]);
    vi.useFakeTimers({ toFake: ["Date"] });
    let nowMs = before.usableUntilMs + HOUR_MS;
    const pauses: number[] = [];
    for (let failures = 1; failures <= 7; failures += 1) {
      vi.setSystemTime(nowMs);
      const reply = (await token().get("live")) as AccessTokenReply;
      if (reply.kind !== "refused") throw new Error("a token in spite of the fault");
      const seconds = reply.failure.retryAfterSeconds ?? 0;
      pauses.push(seconds);
      vi.setSystemTime(nowMs + seconds * 1000 - 1);
      await token().get("live");
      expect(await tokenCalls()).toBe(failures);
      nowMs += seconds * 1000;
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
    await sandbox("faults", []);
    vi.setSystemTime(nowMs);
    expect((await get()).generation).toBe(before.generation + 1);
    vi.useRealTimers();
    // The pauses start anew after a success.
    await sandbox("faults", [{ target: "token", kind: "status", status: 503, times: 1 }]);
    const again = (await token().get("live")) as AccessTokenReply;
    expect(again).toMatchObject({ kind: "refused", failure: { code: "claro_failed", retryAfterSeconds: 1 } });
    await pause(1050);
    await get();
  });
});

describe("a token with the lifetime", () => {
  test.each([
    ["1e400", 86_400],
    ["99999999999999999999", 86_400],
    ['"99999999999999999999"', 86_400],
    ["1e15", 86_400],
    ["86401", 86_400],
    ['"3599"', 3599],
    ["3599.9", 3599],
    ['" 3599.5 "', 3599],
    ["0", 3600],
    ["-1", 3600],
    ['"-3599"', 3600],
    ['"soon"', 3600],
    ['"1e9"', 3600],
    ["null", 3600],
    ["[7]", 3600],
    ["{}", 3600],
  ])("%s is good for %i seconds, and so is the operator's health", async (expiresIn, seconds) => {
    const before = await get();
    await sandbox("faults", [
      { target: "token", kind: "body", body: `{"access_token":"t","expires_in":${expiresIn}}` },
    ]);
    const grant = await granted(token().replace("live", before.generation));
    expect(grant.accessToken).toBe("t");
    const { obtainedAtMs, expiresAtMs } = await token().status();
    expect((expiresAtMs ?? 0) - (obtainedAtMs ?? 0)).toBe(seconds * 1000);
    expect(await alarmAtMs()).toBeLessThanOrEqual(Date.now() + seconds * 1000);
    const health = await (await admin("/health")).json<{ claro: { token: { expiresAt: string } } }>();
    expect(Date.parse(health.claro.token.expiresAt)).toBe(expiresAtMs);
    await sandbox("faults", []);
    await token().replace("live", grant.generation);
  });

  test("of a second is not renewed by the alarm, again and again for nobody", async () => {
    const before = await get();
    await runInDurableObject(token(), (_object, state) => state.storage.deleteAlarm());
    await sandbox("faults", [{ target: "token", kind: "body", body: '{"access_token":"t","expires_in":1}', times: 1 }]);
    const grant = await granted(token().replace("live", before.generation));
    expect(grant.usableUntilMs).toBeLessThanOrEqual(Date.now() + 1000);
    expect(await alarmAtMs()).toBeNull();
    await pause(1000);
    expect((await get()).generation).toBe(grant.generation + 1);
  });

  test("is told of with when calls for it began to fail, why, when the next may be, and when they worked again", async () => {
    const before = await get();
    const known = (await token().status()).changes.length;
    await sandbox("faults", [{ target: "token", kind: "status", status: 500 }]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    expect((await token().replace("live", before.generation)).kind).toBe("refused");
    const failedAtMs = Date.now();
    const failing = await token().status();
    expect(failing).toMatchObject({ failures: 1, nextTryAtMs: failedAtMs + 1000 });
    expect(failing.changes[0]).toEqual({ atMs: failedAtMs, code: "claro_failed" });
    // Another failure of the same kind is nothing new.
    vi.setSystemTime(failedAtMs + 2000);
    await token().replace("live", before.generation);
    expect((await token().status()).changes.length).toBe(known + 1);
    await sandbox("reset");
    vi.setSystemTime(failedAtMs + 60_000);
    await granted(token().replace("live", before.generation));
    const well = await token().status();
    expect(well).toMatchObject({ failures: 0, nextTryAtMs: null });
    expect(well.changes[0]).toEqual({ atMs: failedAtMs + 60_000, code: null });
    expect(JSON.stringify(well)).not.toContain(before.accessToken);
  });

  test("that an earlier version kept without a bound ends within a day, and is shown", async () => {
    await get();
    await runInDurableObject(token(), (_object, state) => {
      state.storage.sql.exec("UPDATE token SET expires_at = 9007199254740991");
    });
    await evictDurableObject(token());
    const { usableUntilMs } = await get();
    expect(usableUntilMs).toBeLessThanOrEqual(Date.now() + 86_400_000);
    expect((await admin("/health")).status).toBe(200);
  });
});

describe("when Claro answers 401", () => {
  const [HIS = "", OTHER = ""] = persons(2, 900);
  const refusing = (more: Record<string, unknown> = {}) => ({ target: "score", kind: "status", status: 401, ...more });

  test("to one tenant however often, the token is renewed once at most", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, OTHER);
    await sandbox("reset");
    await sandbox("faults", [refusing()]);
    for (let n = 0; n < 10; n += 1) expect((await lookup(tenant.key, HIS)).status).toBe(502);
    const together = await Promise.all(Array.from({ length: 10 }, () => lookup(tenant.key, HIS)));
    expect(new Set(await Promise.all(together.map(failureCode)))).toEqual(new Set(["claro_unauthorized"]));
    expect(await tokenCalls()).toBeLessThanOrEqual(1);
    await sandbox("faults", []);
    expect((await lookup(tenant.key, HIS)).status).toBe(200);
  });

  test("to one tenant after the other, the token is renewed ten times a minute", async () => {
    const tenants = await Promise.all(Array.from({ length: 15 }, () => newTenant()));
    await lookup(tenants[0]?.key ?? "", OTHER);
    await sandbox("reset");
    await sandbox("faults", [refusing()]);
    for (const { key } of tenants) expect(await failureCode(await lookup(key, HIS))).toBe("claro_unauthorized");
    expect(await tokenCalls()).toBe(10);
  });

  test.each([
    ["is throttled", { kind: "status", status: 429, headers: { "Retry-After": "20" } }, "claro_throttled", "20"],
    ["fails", { kind: "status", status: 500 }, "claro_failed", "1"],
    ["sends a page", { kind: "html" }, "claro_contract", "1"],
  ])(
    "and the token call %s, all others are served with the token that there is",
    async (_, fault, code, retryAfter) => {
      const [tenant, victim] = await Promise.all([newTenant(), newTenant()]);
      await lookup(victim.key, OTHER);
      await pause(1050);
      await sandbox("reset");
      await sandbox("faults", [refusing({ cpf: HIS }), { target: "token", ...fault }]);
      const refused = await lookup(tenant.key, HIS);
      expect(refused.headers.get("retry-after")).toBe(retryAfter);
      expect(await failureCode(refused)).toBe(code);
      await evictDurableObject(token());
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_call, n) => await lookup(n % 2 === 0 ? tenant.key : victim.key, OTHER)),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect((await lookup(tenant.key, HIS)).status).toBeGreaterThanOrEqual(500);
      expect((await lookup(victim.key, OTHER)).status).toBe(200);
      await sandbox("faults", []);
      await vi.waitUntil(async () => (await token().get("live")).kind === "granted");
      // The pause that Claro asked for would meet the next test.
      await runInDurableObject(token(), (_object, state) => {
        state.storage.sql.exec("UPDATE token SET retry_at = 0, failures = 0, failure = NULL");
      });
    },
  );

  test("the failed call for a token is told to the breaker once, however many wait for it", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, OTHER);
    await sandbox("reset");
    await sandbox("revoke-tokens");
    await sandbox("faults", [{ target: "token", kind: "status", status: 500 }]);
    const tokenFailure = vi.spyOn(ClaroBreaker.prototype, "reportTokenFailure");
    const calls = vi.spyOn(ClaroBreaker.prototype, "reportCalls");
    const answers = await Promise.all(persons(20).map((cpf) => lookup(tenant.key, cpf)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502]));
    await vi.waitUntil(() => tokenFailure.mock.calls.length > 0);
    expect(tokenFailure).toHaveBeenCalledTimes(1);
    expect(calls).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    await pause(1050);
  });
});
