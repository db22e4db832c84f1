import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AccessTokenGrant, AccessTokenReply } from "../../../src/platform/claro/access_token.ts";
import { lookup, newTenant, sandbox } from "../../support/gateway.ts";
import { failureCode, usageOf } from "../../support/shapes.ts";

const token = () => env.ACCESS_TOKEN.getByName("live");
const HOUR_MS = 3_600_000;
/** Claro says 3599 seconds. */
const LIFE_MS = 3_599_000;

beforeEach(async () => {
  await sandbox("reset");
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

  test("is dropped when Claro refuses exactly it", async () => {
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
