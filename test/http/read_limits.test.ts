import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app, ENDPOINTS } from "../../src/app.ts";
import { mayAct } from "../../src/domain/roles.ts";
import { periodOf } from "../../src/domain/period.ts";
import { PublishedKeys } from "../../src/platform/published_keys.ts";
import { disturbedGateway } from "../support/disturbed.ts";
import { ADMIN_TOKEN, admin, call, lookup, newTenant } from "../support/gateway.ts";
import { answerWrongTokensAtOnce } from "../support/wrong_credentials.ts";

const CPF = "52998224725";
/** A ledger that gave leave for early calls takes a revoke when that leave is over. */
const EARLY_CALLS_MS = 3500;
const KEYS_PATH = "/.well-known/claro-score-gateway/export-keys.json";

afterEach(() => {
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

describe("who has no credentials", () => {
  test("costs D1 nothing, whatever is called", async () => {
    answerWrongTokensAtOnce();
    const gateway = countedGateway();
    const credentials: Record<string, string>[] = [
      {},
      { authorization: "Bearer x" },
      { "x-api-key": `csg_live_${"a".repeat(10)}` },
    ];
    for (const { method, path, access } of ENDPOINTS) {
      if (access.audience === "public") continue;
      for (const headers of credentials) {
        const response = await gateway.call(path.replaceAll(/:\w+/g, "x"), { method, headers });
        expect(response.status, `${method} ${path}`).toBe(401);
      }
    }
    for (const path of ["/", "/docs", "/docs/errors", "/openapi.json", "/healthz", "/nothing"])
      await gateway.call(path);
    expect(gateway.statements()).toBe(0);
  });

  test("costs D1 one reading of the export keys, however often they are asked for", async () => {
    const gateway = countedGateway();
    for (let n = 0; n < 50; n += 1) expect((await gateway.call(KEYS_PATH)).status).toBe(200);
    expect(gateway.statements()).toBe(1);
  });

  test("has the export keys that are known while D1 is down, and else a 503", async () => {
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
      return isDown ? Promise.reject(new Error("D1_ERROR: Network connection lost.")) : Promise.resolve([key]);
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

describe("a tenant's files", () => {
  test("come two at a time; a revoke among forty takes no longer than ever", async () => {
    const tenant = await newTenant();
    for (let n = 0; n < 3; n += 1) await lookup(tenant.key, CPF);
    const path = `/v1/statements/${periodOf(Date.now())}/events.csv`;
    const headers = { "x-api-key": tenant.key };
    const responses = await Promise.all(Array.from({ length: 40 }, () => call(path, { headers })));
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(2);
    for (const response of responses.filter(({ status }) => status === 429)) {
      expect(response.headers.get("retry-after")).toBe("5");
      expect(response.headers.get("ratelimit")).toContain('"rate"');
      expect(await response.json()).toMatchObject({ code: "rate_limited" });
    }
    // An open month's sum takes as much work as a file.
    expect((await call(`/v1/statements/${periodOf(Date.now())}`, { headers })).status).toBe(429);
    // The operator, and other tenants, go on.
    expect((await admin(`/tenants/${tenant.tenantId}/statements/${periodOf(Date.now())}/events.csv`)).status).toBe(200);
    const other = await newTenant();
    expect((await call(path, { headers: { "x-api-key": other.key } })).status).toBe(200);

    await scheduler.wait(EARLY_CALLS_MS);
    const from = Date.now();
    const more = Promise.all(Array.from({ length: 40 }, () => call(path, { headers })));
    expect((await admin(`/keys/${tenant.keyId}/revoke`, { method: "POST" })).status).toBe(200);
    expect(Date.now() - from).toBeLessThan(1000);
    await more;
    expect((await lookup(tenant.key, CPF)).status).toBe(401);
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
