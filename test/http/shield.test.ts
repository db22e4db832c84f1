import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { makeApiKey } from "../../src/domain/api_key.ts";
import { countedAddress } from "../../src/domain/caller_address.ts";
import { disturbedGateway } from "../support/disturbed.ts";
import { ADMIN_TOKEN, admin, call, newTenant, type TestTenant } from "../support/gateway.ts";
import { waitForRoomInWindow } from "../support/limiter_window.ts";

/** As many failures of callers, and of operators, as wrangler.toml lets an address have in a minute. */
const CALLER_FAILURES = 300;
const OPERATOR_FAILURES = 20;

const WINDOW_MS = 60_000;

let lastAddress = 0;

beforeEach(async () => {
  await waitForRoomInWindow(12_000);
}, WINDOW_MS);

/** Each test floods from an address of its own. */
function newAddress(): string {
  lastAddress += 1;
  return `198.51.100.${lastAddress}`;
}

function madeUpKey(): string {
  return makeApiKey("live", (count) => crypto.getRandomValues(new Uint8Array(count))).text;
}

async function usage(key: string | null, ip: string): Promise<Response> {
  return await call("/v1/usage", {
    headers: { "cf-connecting-ip": ip, ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
  });
}

async function warmTenant(ip: string): Promise<TestTenant> {
  const tenant = await newTenant();
  expect((await usage(tenant.key, ip)).status).toBe(200);
  return tenant;
}

async function countStatuses(times: number, run: () => Promise<Response>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let n = 0; n < times; n += 1) {
    const { status } = await run();
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

describe("a flood from one address", () => {
  test.each<[string, () => string | null]>([
    ["without a key", () => null],
    ["of keys with a wrong check", () => `${madeUpKey().slice(0, -6)}000000`],
    ["of well-formed keys that nobody has", madeUpKey],
  ])("%s is turned away with Retry-After; who is known there goes on, and so do others", async (_case, keyOf) => {
    const ip = newAddress();
    const tenant = await warmTenant(ip);
    const counts = await countStatuses(CALLER_FAILURES + 40, () => usage(keyOf(), ip));
    expect(counts).toEqual({ 401: CALLER_FAILURES, 429: 40 });
    const refused = await usage(keyOf(), ip);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(refused.headers.get("www-authenticate")).toBeNull();
    expect(await refused.json()).toMatchObject({ code: "rate_limited" });
    for (let n = 0; n < 5; n += 1) expect((await usage(tenant.key, ip)).status).toBe(200);
    expect((await usage(keyOf(), newAddress())).status).toBe(401);
  });

  test("of noise does not shut out a key that the isolate has not seen yet", async () => {
    const ip = newAddress();
    await countStatuses(CALLER_FAILURES + 40, () => usage(null, ip));
    expect((await usage(null, ip)).status).toBe(429);
    const tenant = await newTenant();
    expect((await usage(tenant.key, ip)).status).toBe(200);
  });

  test("of made-up keys costs no read of KV once it is shut; a new key of a tenant waits there, for a minute", async () => {
    const reads = vi.fn<() => void>();
    const counted = {
      get: async (name: string, type: "json") => {
        reads();
        return await env.KEYS.get(name, type);
      },
    };
    const gateway = disturbedGateway({ KEYS: counted });
    const ip = newAddress();
    const ask = async (key: string) =>
      (await gateway.call("/v1/usage", { headers: { "cf-connecting-ip": ip, "x-api-key": key } })).status;
    while ((await ask(madeUpKey())) === 401);
    reads.mockClear();
    for (let n = 0; n < 50; n += 1) expect(await ask(madeUpKey())).toBe(429);
    const tenant = await newTenant();
    expect(await ask(tenant.key)).toBe(429);
    expect(reads).not.toHaveBeenCalled();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    try {
      expect(await ask(tenant.key)).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test("holds for both shapes, each in its own words", async () => {
    const ip = newAddress();
    await countStatuses(CALLER_FAILURES + 40, () => usage(null, ip));
    const form = { "content-type": "application/x-www-form-urlencoded", "cf-connecting-ip": ip };
    const token = await call("/oauth2/v1/token", {
      method: "POST",
      headers: form,
      body: "grant_type=client_credentials",
    });
    expect(token.status).toBe(429);
    expect(await token.json()).toMatchObject({ error: { errorCode: "API-SCORES-429" } });
    const headers = { "cf-connecting-ip": ip, authorization: "Bearer forged" };
    const scores = await call("/customers/v1/scores", { headers, body: { data: { customer: { idCpf: "0" } } } });
    expect(scores.status).toBe(429);
  });

  test("an IPv6 caller is its /64, an IPv4 address written as IPv6 is itself, and what is no address is nobody", () => {
    expect(countedAddress("2001:db8:1:2:3:4:5:6")).toBe(countedAddress("2001:db8:1:2:ffff::1"));
    expect(countedAddress("2001:db8:1:2::1")).not.toBe(countedAddress("2001:db8:1:3::1"));
    expect(countedAddress("::ffff:198.51.100.1")).toBe("198.51.100.1");
    expect([countedAddress(null), countedAddress(""), countedAddress("x")]).toEqual([null, null, null]);
  });

  test("does not stop logins when the limiter itself fails", async () => {
    const broken = { limit: () => Promise.reject(new Error("no limiter")) };
    const gateway = disturbedGateway({ FAILED_CALLERS: broken });
    const response = await gateway.call("/v1/usage", { headers: { "cf-connecting-ip": newAddress() } });
    expect(response.status).toBe(401);
  });
});

describe("wrong operator's tokens", () => {
  test("wait for their answer, and are turned away after too many; the right one neither waits nor is turned away", async () => {
    const ip = newAddress();
    const ask = async (token: string) =>
      await call("/admin/v1/tenants?limit=1", {
        headers: { authorization: `Bearer ${token}`, "cf-connecting-ip": ip },
      });
    const startMs = performance.now();
    const tries = await Promise.all(Array.from({ length: 3 * OPERATOR_FAILURES }, () => ask("wrong-token-0123456789")));
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(490);
    const counts = Object.groupBy(tries, (answer) => answer.status);
    expect(counts[401]?.length).toBeGreaterThanOrEqual(OPERATOR_FAILURES);
    expect(counts[429]?.length).toBeGreaterThanOrEqual(OPERATOR_FAILURES);
    expect(counts[429]?.[0]?.headers.get("retry-after")).toBe("60");
    const rightMs = performance.now();
    expect((await ask(ADMIN_TOKEN)).status).toBe(200);
    expect(performance.now() - rightMs).toBeLessThan(490);
    expect((await admin("/tenants?limit=1")).status).toBe(200);
  });

  test("are never cheaper than the right one: each waits as long, whichever it is of how many", async () => {
    const ip = newAddress();
    const timed = async (headers: Record<string, string>) => {
      const startMs = performance.now();
      const { status } = await call("/admin/v1/tenants?limit=1", { headers });
      return [status, performance.now() - startMs] as const;
    };
    const wrong = { authorization: "Bearer wrong-token-0123456789", "cf-connecting-ip": ip };
    const bursts = [1, 2 * OPERATOR_FAILURES, 1, 1].map((count) => Array.from({ length: count }, () => wrong));
    for (const burst of bursts) {
      for (const [status, durationMs] of await Promise.all(burst.map(timed))) {
        expect([401, 429]).toContain(status);
        expect(durationMs).toBeGreaterThanOrEqual(490);
      }
    }
    const nowhere = await timed({ authorization: "Bearer wrong-token-0123456789" });
    expect(nowhere[1]).toBeGreaterThanOrEqual(490);
    const typo = await timed({ authorization: `Bearer csg_op_${"a".repeat(10)}_${"b".repeat(32)}` });
    expect(typo[1]).toBeGreaterThanOrEqual(490);
  });

  test.each(["", "x", ADMIN_TOKEN.slice(0, -1), `${ADMIN_TOKEN}x`, ADMIN_TOKEN.toUpperCase()])(
    "case %#: what is nearly right is wrong",
    async (token) => {
      const response = await call("/admin/v1/tenants", { headers: { authorization: `Bearer ${token}` } });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /);
    },
  );
});
