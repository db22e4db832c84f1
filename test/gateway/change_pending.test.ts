import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LONGEST_FLUSH_MS } from "../../src/domain/ledger/times.ts";
import { sweep } from "../../src/gateway/sweep.ts";
import type { Services } from "../../src/platform/services.ts";
import { disturbedGateway, UNREACHABLE_LEDGERS } from "../support/disturbed.ts";
import { admin, adminJson, ledgerOf, lookup, newKey, newTenant, testServices } from "../support/gateway.ts";

const CPF = "52998224725";
const DEAF_KV = { put: () => Promise.reject(new Error("KV takes nothing now")) };

type Problem = { code: string; issues: { code: string; message: string }[] };

afterEach(() => {
  vi.useRealTimers();
});

describe("an admin change whose ledger cannot be reached", () => {
  const broken = () => disturbedGateway({ TENANT_LEDGER: UNREACHABLE_LEDGERS });

  test("is recorded, said to be pending, not effective, and repaired by the sweep", async () => {
    const tenant = await newTenant();
    const answer = await broken().admin(`/keys/${tenant.keyId}/revoke`, { body: {} });
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    const problem = await answer.json<Problem>();
    expect(problem.code).toBe("change_pending");
    expect(problem.issues[0]?.code).toBe("change_recorded");
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    await sweep(services());
    expect((await lookup(tenant.key, CPF)).status).toBe(401);
    expect(await unprojected()).not.toContain(tenant.tenantId);
  });

  test("is repaired by repeating it, once in the audit, and the answer does not back-date what took effect", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-23T12:00:00.000Z") });
    const tenant = await newTenant();
    await broken().admin(`/keys/${tenant.keyId}/revoke`, { body: {} });
    vi.setSystemTime(Date.parse("2026-11-23T12:07:00.000Z"));
    const repeated = await adminJson(`/keys/${tenant.keyId}/revoke`, { body: {} });
    expect(repeated).toEqual({ effectiveAt: "2026-11-23T12:07:00.000Z" });
    expect((await lookup(tenant.key, CPF)).status).toBe(401);
    const suspended = { method: "PATCH", body: { status: "suspended" } };
    expect((await broken().admin(`/tenants/${tenant.tenantId}`, suspended)).status).toBe(503);
    expect((await admin(`/tenants/${tenant.tenantId}`, suspended)).status).toBe(200);
    expect(await actionsOn(tenant.keyId)).toEqual(["key.create", "key.revoke"]);
    expect(await actionsOn(tenant.tenantId)).toEqual(["tenant.create", "tenant.update"]);
  });

  test("names the tenant that was created, which works after the sweep", async () => {
    const body = {
      name: "Nova",
      document: "12ABC34501DE35",
      allowDuplicate: true,
      customerId: "nova",
      plan: "pay-per-use",
    };
    const answer = await broken().admin("/tenants", { body });
    expect(answer.status).toBe(503);
    const [tenantId = ""] = /ten_\w+/.exec((await answer.json<Problem>()).issues[0]?.message ?? "") ?? [];
    expect(await adminJson(`/tenants/${tenantId}`)).toMatchObject({ name: "Nova" });
    await sweep(services());
    const key = await newKey(tenantId, { mode: "live" });
    expect((await lookup(key.key, CPF)).status).toBe(200);
  });

  test("names the key whose secret nobody was shown", async () => {
    const tenant = await newTenant();
    for (const [path, body] of [
      [`/tenants/${tenant.tenantId}/keys`, { mode: "live" }],
      [`/keys/${tenant.keyId}/rotate`, { overlapSeconds: 60 }],
    ] as const) {
      const text = await (await broken().admin(path, { body })).text();
      expect(text).toMatch(/csg_live_\w{10}\b(?!_)/);
      expect(text).not.toMatch(/csg_live_\w{10}_\w/);
    }
  });
});

describe("when KV takes no key", () => {
  test("a new key is pending; the sweep publishes it", async () => {
    const tenant = await newTenant();
    const gateway = disturbedGateway({ KEYS: DEAF_KV });
    const answer = await gateway.admin(`/tenants/${tenant.tenantId}/keys`, { body: { mode: "live" } });
    expect(answer.status).toBe(503);
    expect((await answer.json<Problem>()).code).toBe("change_pending");
    const { results } = await env.DB.prepare(
      "SELECT in_directory FROM api_keys WHERE tenant_id = ? ORDER BY created_at",
    )
      .bind(tenant.tenantId)
      .all();
    expect(results).toEqual([{ in_directory: 1 }, { in_directory: 0 }]);
    expect(await unprojected()).toContain(tenant.tenantId);
    await sweep(services());
    expect(await unprojected()).not.toContain(tenant.tenantId);
  });

  test("what needs no KV takes effect and says so: a revocation, a suspension", async () => {
    const tenant = await newTenant();
    const gateway = disturbedGateway({ KEYS: DEAF_KV });
    await gateway.admin(`/tenants/${tenant.tenantId}/keys`, { body: { mode: "live" } });
    const patch = { method: "PATCH", body: { status: "suspended" } };
    expect((await gateway.admin(`/tenants/${tenant.tenantId}`, patch)).status).toBe(200);
    expect((await lookup(tenant.key, CPF)).status).toBe(403);
    expect((await gateway.admin(`/keys/${tenant.keyId}/revoke`, { body: {} })).status).toBe(200);
    expect(await (await lookup(tenant.key, CPF)).json()).toMatchObject({ code: "revoked_api_key" });
  });
});

describe("changes of one tenant at the same time", () => {
  test("all take effect, and the audit tells each once, from what it found to what it left", async () => {
    const tenant = await newTenant();
    const changes = [{ name: "A" }, { customerId: "b" }, { plan: { ratePerSecond: 7 } }, { name: "D" }];
    const answers = await Promise.all(
      changes.map((body) => admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body })),
    );
    const done = answers.filter((answer) => answer.status === 200).length;
    expect(answers.every((answer) => [200, 409].includes(answer.status))).toBe(true);
    const { results } = await env.DB.prepare("SELECT before, after FROM audit WHERE target = ? ORDER BY n")
      .bind(tenant.tenantId)
      .all<{ before: string | null; after: string }>();
    expect(results).toHaveLength(1 + done);
    for (const [index, entry] of results.entries()) expect(entry.before).toBe(results[index - 1]?.after ?? null);
    const { name, customerId, plan } = await adminJson<Record<string, unknown>>(`/tenants/${tenant.tenantId}`);
    expect(JSON.parse(results.at(-1)?.after ?? "")).toMatchObject({ name, customerId, plan });
  });

  test("a change that changes nothing is no entry", async () => {
    const tenant = await newTenant();
    for (const body of [{}, { status: "active" }, { plan: { burst: 100_000 } }]) {
      expect((await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body })).status).toBe(200);
    }
    expect(await actionsOn(tenant.tenantId)).toEqual(["tenant.create"]);
  });
});

describe("the sweep", () => {
  test("comes round to every tenant, in pieces, and begins again", async () => {
    for (let made = 0; made < 3; made += 1) await newTenant();
    await fillTenants(60);
    const seen = new Map<string, number>();
    const counting = {
      getByName: (name: string) => {
        seen.set(name, (seen.get(name) ?? 0) + 1);
        return { status: () => Promise.resolve({}), configure: () => Promise.resolve() };
      },
    };
    const watched = servicesFor({ TENANT_LEDGER: counting });
    await env.DB.prepare("UPDATE tenants SET projected_version = version").run();
    await watched.sweepPlace.write(null);
    const { results } = await env.DB.prepare("SELECT id FROM tenants").all<{ id: string }>();
    const runs = Math.floor(results.length / 25) + 1;
    for (let run = 1; run <= runs; run += 1) {
      await sweep(watched);
      expect(seen.size).toBe(2 * Math.min(25 * run, results.length));
    }
    expect(new Set(seen.keys())).toEqual(new Set(results.flatMap(({ id }) => [`${id}:live`, `${id}:test`])));
    expect([...seen.values()].every((times) => times === 1)).toBe(true);
    await sweep(watched);
    expect([...seen.values()].filter((times) => times === 2)).toHaveLength(50);
  });

  test("does not let tenants that cannot be projected keep the others waiting", async () => {
    await env.DB.prepare("UPDATE tenants SET projected_version = version").run();
    const { results } = await env.DB.prepare("SELECT id FROM tenants ORDER BY created_at, id LIMIT 60").all<{
      id: string;
    }>();
    const stuck = new Set(results.map(({ id }) => id));
    const last = await newTenant();
    for (const id of [...stuck, last.tenantId]) {
      await env.DB.prepare("UPDATE tenants SET version = version + 1 WHERE id = ?").bind(id).run();
    }
    const told: string[] = [];
    const halfBroken = {
      getByName: (name: string) => {
        const [tenantId = ""] = name.split(":");
        if (stuck.has(tenantId)) throw new Error("cannot be reached");
        return { status: () => Promise.resolve({}), configure: () => Promise.resolve(told.push(tenantId)) };
      },
    };
    for (let run = 0; run < 40 && told.length === 0; run += 1) await sweep(servicesFor({ TENANT_LEDGER: halfBroken }));
    expect(told).toContain(last.tenantId);
  });

  test.each([
    ["and its memory", (ledger: DurableObjectStub) => evictDurableObject(ledger)],
    // It believes that it has one; a while after that was due it must not.
    ["and is in memory still", () => vi.setSystemTime(Date.now() + LONGEST_FLUSH_MS + 120_000)],
  ])("re-arms the alarm of a ledger that lost it %s", async (_what, next) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const tenant = await newTenant();
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const ledger = ledgerOf(tenant.tenantId);
    await runInDurableObject(ledger, (_object, { storage }) => storage.deleteAlarm());
    await next(ledger);
    const { createdAt } = await adminJson<{ createdAt: string }>(`/tenants/${tenant.tenantId}`);
    await services().sweepPlace.write([Date.parse(createdAt) - 1, ""]);
    await sweep(services());
    const alarmAtMs = await runInDurableObject(ledger, (_object, { storage }) => storage.getAlarm());
    expect(alarmAtMs).not.toBeNull();
  });
});

function services(): Services {
  return servicesFor({});
}

function servicesFor(disturbance: Parameters<typeof disturbedGateway>[0]): Services {
  return testServices(disturbedGateway(disturbance).env);
}

async function fillTenants(count: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
     SELECT printf('ten_fill_%05d', i), 'Fill', '12ABC34501DE35', 'fill',
       (SELECT plan FROM tenants LIMIT 1), 'active', 1000 + i / 3 FROM n`,
  )
    .bind(count)
    .run();
}

async function unprojected(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT id FROM tenants WHERE projected_version < version").all<{
    id: string;
  }>();
  return results.map(({ id }) => id);
}

async function actionsOn(target: string): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT action FROM audit WHERE target = ? ORDER BY n")
    .bind(target)
    .all<{ action: string }>();
  return results.map(({ action }) => action);
}
