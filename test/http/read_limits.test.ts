import { createExecutionContext, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app, ENDPOINTS } from "../../src/app.ts";
import { makeApiKey } from "../../src/domain/api_key.ts";
import { LONGEST_STREAM_LEASE_MS } from "../../src/domain/ledger/times.ts";
import { makeOperatorToken } from "../../src/domain/operator_token.ts";
import { mayAct } from "../../src/domain/roles.ts";
import { periodOf } from "../../src/domain/period.ts";
import { PublishedKeys } from "../../src/platform/published_keys.ts";
import { disturbedGateway } from "../support/disturbed.ts";
import { ADMIN_TOKEN, admin, call, ledgerOf, lookup, newTenant, type TestTenant } from "../support/gateway.ts";
import { waitForRoomInWindow } from "../support/limiter_window.ts";

const CPF = "52998224725";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A gateway whose D1 counts its statements. */
function countedGateway() {
  let statements = 0;
  const DB = {
    prepare: (sql: string) => {
      statements += 1;
      return env.DB.prepare(sql);
    },
    batch: (prepared: D1PreparedStatement[]) => env.DB.batch(prepared),
  };
  return { ...disturbedGateway({ DB }), statements: () => statements };
}

/** What a stranger can make up, with the right check characters too. */
function madeUpCredentials(): Record<string, string>[] {
  const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  const key = makeApiKey("live", random);
  const basic = `Basic ${btoa(`${key.keyId}:${key.clientSecret}`)}`;
  return [
    {},
    { authorization: "Bearer x" },
    { authorization: `Bearer ${key.text}` },
    { authorization: basic },
    { "x-api-key": key.text },
    { "x-client-auth": basic },
    { "x-client-auth": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x" },
    { authorization: `Bearer ${makeOperatorToken(random).text}` },
    { authorization: `Bearer ${"x".repeat(32)}` },
    { "cf-access-jwt-assertion": "eyJhbGciOiJSUzI1NiJ9.e30.x" },
  ];
}

const VERIFIER_PATH = "/.well-known/claro-score-gateway/verify_statement.mjs";
const PUBLIC_PAGES = [
  "/",
  "/docs",
  "/docs/errors",
  "/docs/style.css",
  "/docs/icon.svg",
  "/openapi.json",
  VERIFIER_PATH,
  "/.well-known/security.txt",
];
const isPublic = ({ access }: (typeof ENDPOINTS)[number]) => access.audience === "public";

describe("who has no credentials", () => {
  const paths = [...new Set([...app.routes.map(({ path }) => path), "/nothing", "/admin/v1/nothing"])]
    .filter((path) => !path.includes("*"))
    .map((path) => path.replace(/:period\b/, "2026-11").replaceAll(/:\w+/g, "x"));
  const openPaths = new Set([...PUBLIC_PAGES, ...ENDPOINTS.filter(isPublic).map(({ path }) => path)]);
  const isOpen = (path: string) => openPaths.has(path) || path.startsWith("/assets/") || path.endsWith("/sign-in");

  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "costs D1 nothing, with %s at every path",
    async (method) => {
      const gateway = countedGateway();
      const calls = paths.flatMap((path) =>
        madeUpCredentials().map(async (headers, n) => {
          const ip = `203.0.113.${n}`;
          const response = await gateway.call(path, { method, headers: { ...headers, "cf-connecting-ip": ip } });
          await response.arrayBuffer();
          if (!isOpen(path)) expect(response.ok, `${method} ${path}`).toBe(false);
          expect(response.status, `${method} ${path}`).toBeLessThan(500);
        }),
      );
      await Promise.all(calls);
      expect(calls.length).toBeGreaterThan(400);
      expect(gateway.statements()).toBe(0);
    },
  );

  test("has the export keys that are known while R2 is down, and else a 503", async () => {
    let nowMs = 0;
    let isDown = true;
    let reads = 0;
    const key = {
      kty: "OKP",
      crv: "Ed25519",
      x: "x",
      kid: "k",
      validFrom: null,
      validUntil: null,
      revokedAt: null,
    } as const;
    const read = () => {
      reads += 1;
      return isDown
        ? Promise.reject(new Error("get: We encountered an internal error. Please try again. (10001)"))
        : Promise.resolve([key]);
    };
    const keys = new PublishedKeys(read, { nowMs: () => nowMs });
    expect(await keys.used()).toBeNull();
    expect(await keys.used()).toBeNull();
    expect(reads).toBe(1);
    [isDown, nowMs] = [false, 5000];
    expect(await keys.used()).toEqual([key]);
    [isDown, nowMs] = [true, 5000 + 300_000];
    expect(await keys.used()).toEqual([key]);
    expect(await keys.used()).toEqual([key]);
    expect(reads).toBe(3);
    const mistaken = new PublishedKeys(() => Promise.reject(new TypeError("ours")), { nowMs: () => 0 });
    await expect(mistaken.used()).rejects.toThrow("ours");
  });

  test("waits for each wrong operator's token, and no shorter after many", async () => {
    await waitForRoomInWindow(12_000);
    const ip = "203.0.113.77";
    const durations: number[] = [];
    const statuses = new Set<number>();
    for (let n = 0; n < 24; n += 6) {
      const from = Date.now();
      const responses = await Promise.all(
        Array.from({ length: 6 }, () =>
          call("/admin/v1/audit", { headers: { authorization: `Bearer ${"x".repeat(32)}`, "cf-connecting-ip": ip } }),
        ),
      );
      for (const { status } of responses) statuses.add(status);
      durations.push(Date.now() - from);
    }
    expect(statuses).toEqual(new Set([401, 429]));
    for (const duration of durations) expect(duration).toBeGreaterThanOrEqual(490);
    const right = await call("/admin/v1/audit", {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "cf-connecting-ip": ip },
    });
    expect(right.status).toBe(200);
  });
});

/** A gateway in an isolate of its own: it shares the ledgers with others, and nothing else. */
function anIsolate(): (path: string, init?: RequestInit) => Promise<Response> {
  const own = { ...env } as Env;
  // Straight from the Worker: whatever stands between would read small files to their end.
  return async (path, init) =>
    await app.fetch(new Request(`https://gateway.test${path}`, init), own, createExecutionContext());
}

/** A live tenant with a month of so many events. */
async function tenantWithEvents(count: number) {
  const tenant = await newTenant({ plan: { readsPerMinute: 10_000 } });
  const ledger = ledgerOf(tenant.tenantId);
  for (let first = 0; first < count; first += 500) {
    const ids = Array.from({ length: Math.min(500, count - first) }, () => `lkp_${crypto.randomUUID()}`);
    const asked = { keyId: tenant.keyId, scope: "scores:read", ip: null, reference: null, idempotency: null } as const;
    await ledger.lookupCalls(
      ids.map((lookupId) => ({ kind: "admit", call: { ...asked, lookupId, cpfReference: "2026:0" } })),
    );
    await ledger.lookupCalls(
      ids.map((lookupId) => ({
        kind: "settle",
        call: { lookupId, outcome: "delivered", transactionId: null, answer: null },
      })),
    );
  }
  await ledger.flush();
  return tenant;
}

describe("a tenant's files", () => {
  const path = `/v1/statements/${periodOf(Date.now())}/events.csv`;

  test("come two at a time, however many isolates are asked", async () => {
    const tenant = await tenantWithEvents(3);
    const headers = { "x-api-key": tenant.key };
    const isolates = Array.from({ length: 8 }, anIsolate);
    const responses = await Promise.all(Array.from({ length: 40 }, (_, n) => isolates[n % 8]!(path, { headers })));
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(2);
    for (const response of responses.filter(({ status }) => status === 429)) {
      expect(response.headers.get("retry-after")).toBe("5");
      expect(response.headers.get("ratelimit")).toContain('"rate"');
      expect(await response.json()).toMatchObject({ code: "rate_limited" });
    }
    // An open month's sum takes as much work as a file; other reads go on.
    expect((await call(`/v1/statements/${periodOf(Date.now())}`, { headers })).status).toBe(429);
    expect((await call("/v1/statements", { headers })).status).toBe(200);
    expect((await call("/v1/usage", { headers })).status).toBe(200);
    // The operator, and other tenants, go on.
    expect((await admin(`/tenants/${tenant.tenantId}/statements/${periodOf(Date.now())}/events.csv`)).status).toBe(200);
    const other = await newTenant();
    expect((await call(path, { headers: { "x-api-key": other.key } })).status).toBe(200);
    for (const response of responses.filter(({ status }) => status === 200)) await response.text();
  });

  test("are counted after an eviction of the ledger, and no longer than their lease when an isolate dies", async () => {
    const tenant = await tenantWithEvents(1);
    const ledger = ledgerOf(tenant.tenantId);
    const lease = (id: string) => ledger.holdStream({ id, leaseMs: LONGEST_STREAM_LEASE_MS });
    expect([await lease("dies"), await lease("dies too")]).toEqual([{ isHeld: true }, { isHeld: true }]);
    const headers = { "x-api-key": tenant.key };
    expect((await call(path, { headers })).status).toBe(429);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    await evictDurableObject(ledger);
    expect((await call(path, { headers })).status).toBe(429);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + LONGEST_STREAM_LEASE_MS });
    expect((await call(path, { headers })).status).toBe(200);
  });

  test.each<[string, (tenant: TestTenant) => Promise<Response>, number]>([
    ["revoke", ({ keyId }) => admin(`/keys/${keyId}/revoke`, { method: "POST" }), 401],
    [
      "revoke-now",
      ({ tenantId, keyId }) => admin(`/tenants/${tenantId}/keys/${keyId}/revoke-now`, { method: "POST" }),
      401,
    ],
    [
      "suspension",
      ({ tenantId }) => admin(`/tenants/${tenantId}`, { method: "PATCH", body: { status: "suspended" } }),
      403,
    ],
  ])("keep no %s waiting, forty at once of a month of 2,000", async (_, stop, refused) => {
    const tenant = await tenantWithEvents(2000);
    const headers = { "x-api-key": tenant.key };
    const isolates = Array.from({ length: 8 }, anIsolate);
    const stopping = new AbortController();
    // As each ends, another begins: forty are under way all the time.
    const readers = Array.from({ length: 40 }, async (_none, n) => {
      let files = 0;
      while (!stopping.signal.aborted) {
        const response = await isolates[n % 8]!(path, { headers });
        if (response.ok) files += (await response.text()).split("\r\n").length > 2000 ? 1 : 0;
        else await response.body?.cancel();
        await scheduler.wait(20);
      }
      return files;
    });
    await scheduler.wait(300);
    const from = Date.now();
    const stopped = await stop(tenant);
    const tookMs = Date.now() - from;
    stopping.abort();
    const files = (await Promise.all(readers)).reduce((sum, count) => sum + count, 0);
    expect(stopped.status).toBe(200);
    expect((await lookup(tenant.key, CPF)).status).toBe(refused);
    expect(files).toBeGreaterThan(0);
    expect(tookMs).toBeLessThan(1000);
  });

  test.each([
    ["read to its end", async (response: Response) => void (await response.arrayBuffer())],
    ["given up by its reader", async (response: Response) => await response.body?.cancel()],
  ])("free their place when one is %s", async (_, end) => {
    const tenant = await newTenant();
    await lookup(tenant.key, CPF);
    const path = `/v1/statements/${periodOf(Date.now())}/events.jsonl`;
    const headers = { "x-api-key": tenant.key };
    // Straight from the Worker: whatever stands between would read small files to their end.
    const open = async () =>
      await app.fetch(new Request(`https://gateway.test${path}`, { headers }), env, createExecutionContext());
    const first = await open();
    const second = await open();
    expect([first.status, second.status, (await open()).status]).toEqual([200, 200, 429]);
    await end(first);
    await vi.waitFor(async () => {
      const third = await open();
      expect(third.status).toBe(200);
      await third.arrayBuffer();
    });
    await second.arrayBuffer();
    expect((await call(path, { method: "HEAD", headers })).status).toBe(200);
    expect((await call(path.replace("events", "nothing"), { headers })).status).toBe(404);
  });
});

test("replays at three times the plan's rate are limited, and cost D1 nothing", async () => {
  const tenant = await newTenant({ plan: { ratePerSecond: 5, burst: 5 } });
  const headers = { "x-api-key": tenant.key, "content-type": "application/json", "idempotency-key": "order-1" };
  const gateway = countedGateway();
  const init = { method: "POST", headers, body: JSON.stringify({ cpf: CPF }) };
  expect((await gateway.call("/v1/scores", init)).status).toBe(200);
  const counted = gateway.statements();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
  const statuses: number[] = [];
  for (let n = 0; n < 60; n += 1) {
    vi.setSystemTime(Date.now() + 1000 / 15);
    const response = await gateway.call("/v1/scores", init);
    statuses.push(response.status);
    if (response.status === 429) expect(response.headers.get("retry-after")).toBe("1");
    else expect(response.headers.get("idempotency-replayed")).toBe("true");
  }
  // Four seconds at five a second, and the bucket that was full.
  const replayed = statuses.filter((status) => status === 200).length;
  expect(replayed).toBeGreaterThanOrEqual(23);
  expect(replayed).toBeLessThanOrEqual(25);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect(gateway.statements()).toBe(counted);
});

describe("roles", () => {
  test.each([
    [["admin"], ["read", "operate", "finance", "privacy", "admin"]],
    [["read"], ["read"]],
    [["operate"], ["read", "operate"]],
    [["finance"], ["read", "finance"]],
    [["privacy"], ["read", "privacy"]],
    [
      ["operate", "finance"],
      ["read", "operate", "finance"],
    ],
    [[], []],
  ] as const)("%j may what needs %j, and nothing else", (roles, allowed) => {
    const all = ["read", "operate", "finance", "privacy", "admin"] as const;
    expect(all.filter((role) => mayAct(roles, role))).toEqual(allowed);
  });
});
