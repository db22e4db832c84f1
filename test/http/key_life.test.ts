import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { makeApiKey } from "../../src/domain/api_key.ts";
import { disturbedGateway } from "../support/disturbed.ts";
import { admin, adminJson, call, ledgerOf, lookup, newKey, newTenant } from "../support/gateway.ts";

const CPF = "52998224725";
const DAY_MS = 86_400_000;

type Key = { id: string; key: string; clientSecret: string; expiresAt: string | null };
type Listed = { id: string; status: string; label: string | null; lastUsedAt: string | null; expiresAt: string | null };

afterEach(() => {
  vi.useRealTimers();
});

describe("an API key", () => {
  test("is shown once, and only its hash is kept", async () => {
    const tenant = await newTenant();
    const made = await newKey(tenant.tenantId, { mode: "live", label: "checkout" });
    expect(made.key).toMatch(/^csg_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{32}$/);
    expect(made.key).toBe(`${made.id}_${made.clientSecret}`);
    const listed = JSON.stringify(await adminJson(`/tenants/${tenant.tenantId}/keys`));
    expect(listed).not.toContain(made.clientSecret);
    for (const table of ["tenants", "api_keys", "audit"]) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      expect(JSON.stringify(results)).not.toContain(made.clientSecret);
    }
    for (const { name } of (await env.KEYS.list()).keys) {
      expect(`${name} ${await env.KEYS.get(name)}`).not.toContain(made.clientSecret);
    }
  });

  test("has a name for each reason why it is refused", async () => {
    const tenant = await newTenant();
    const reasonOf = async (key: string, headers: Record<string, string> = {}) => {
      const response = await lookup(key, CPF, headers);
      const { code } = await response.json<{ code?: string }>();
      return `${response.status} ${code}`;
    };
    const make = async (body: Record<string, unknown>) => await newKey(tenant.tenantId, { mode: "live", ...body });

    expect(await reasonOf(unknownKey())).toBe("401 invalid_api_key");
    expect(await reasonOf((await make({ scopes: ["usage:read"] })).key)).toBe("403 insufficient_scope");
    const bound = await make({ allowedIps: ["203.0.113.0/24", "2001:db8::/32"] });
    expect(await reasonOf(bound.key)).toBe("403 ip_not_allowed");
    expect(await reasonOf(bound.key, { "cf-connecting-ip": "198.51.100.1" })).toBe("403 ip_not_allowed");
    for (const ip of ["203.0.113.250", "2001:db8::7"]) {
      expect((await lookup(bound.key, CPF, { "cf-connecting-ip": ip })).status).toBe(200);
    }
    // Whatever a caller writes into other headers: only the platform's own word counts.
    expect(await reasonOf(bound.key, { "x-forwarded-for": "203.0.113.250", "x-real-ip": "203.0.113.250" })).toBe(
      "403 ip_not_allowed",
    );
    const revoked = await make({});
    await adminJson(`/keys/${revoked.id}/revoke`, { body: {} });
    expect(await reasonOf(revoked.key)).toBe("401 revoked_api_key");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const mortal = await make({ expiresAt: new Date(Date.now() + 60_000).toISOString() });
    vi.setSystemTime(Date.now() + 59_999);
    expect((await lookup(mortal.key, CPF)).status).toBe(200);
    vi.setSystemTime(Date.now() + 1);
    expect(await reasonOf(mortal.key)).toBe("401 expired_api_key");
    await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    expect(await reasonOf(tenant.key)).toBe("403 tenant_suspended");
    await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "active" } });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    const { data } = await adminJson<{ data: Listed[] }>(`/tenants/${tenant.tenantId}/keys`);
    const statusOf = Object.fromEntries(data.map((key) => [key.id, key.status]));
    expect([statusOf[tenant.keyId], statusOf[revoked.id], statusOf[mortal.id]]).toEqual([
      "active",
      "revoked",
      "expired",
    ]);
  });

  test("with a wrong check costs no read of KV, nor any other I/O", async () => {
    const reads = vi.fn<(name: string) => void>();
    const counted = {
      get: async (name: string, type: "json") => {
        reads(name);
        return await env.KEYS.get(name, type);
      },
    };
    const gateway = disturbedGateway({ KEYS: counted, DB: null, TENANT_LEDGER: null, ACCESS_TOKEN: null });
    const status = async (key: string) => {
      const response = await gateway.call("/v1/usage", { headers: { authorization: `Bearer ${key}` } });
      return response.status;
    };
    const real = makeApiKey("live", (count) => crypto.getRandomValues(new Uint8Array(count))).text;
    await fc.assert(
      fc.asyncProperty(fc.nat(real.length - 1), fc.constantFrom(..."aZ09_-"), async (place, letter) => {
        fc.pre(real[place] !== letter);
        expect(await status(`${real.slice(0, place)}${letter}${real.slice(place + 1)}`)).toBe(401);
      }),
    );
    for (const text of ["x", "csg_live_", `${real}0`, real.slice(0, -1), real.toUpperCase()]) {
      expect(await status(text)).toBe(401);
    }
    expect(reads).not.toHaveBeenCalled();
    expect(await status(real)).toBe(401);
    expect(reads).toHaveBeenCalledTimes(1);
  });

  test("that is revoked is refused as soon as the call has returned, by lookups under way included", async () => {
    const tenant = await newTenant();
    for (let round = 0; round < 5; round += 1) {
      const key = await newKey(tenant.tenantId, { mode: "live" });
      expect((await lookup(key.key, CPF)).status).toBe(200);
      const [revocation] = await Promise.all([
        admin(`/keys/${key.id}/revoke`, { body: {} }),
        ...Array.from({ length: 5 }, () => lookup(key.key, CPF)),
      ]);
      expect(revocation.status).toBe(200);
      const after = await Promise.all(Array.from({ length: 20 }, () => lookup(key.key, CPF)));
      expect(new Set(after.map((answer) => answer.status))).toEqual(new Set([401]));
    }
    const { keys } = await env.KEYS.list();
    expect(keys.length).toBeGreaterThan(5);
  });

  test("cannot be brought back", async () => {
    const tenant = await newTenant();
    const first = await adminJson<{ effectiveAt: string }>(`/keys/${tenant.keyId}/revoke`, { body: {} });
    const audited = await auditOf(tenant.keyId);
    expect(await adminJson(`/keys/${tenant.keyId}/revoke`, { body: {} })).toEqual(first);
    expect(await auditOf(tenant.keyId)).toEqual(audited);
    expect((await admin(`/keys/${tenant.keyId}/rotate`, { body: {} })).status).toBe(409);
    expect((await lookup(tenant.key, CPF)).status).toBe(401);
    expect((await admin("/keys/csg_live_0000000000/revoke", { body: {} })).status).toBe(404);
  });

  test.each([
    [{ mode: "production" }],
    [{ mode: "live", scopes: [] }],
    [{ mode: "live", scopes: ["scores:write"] }],
    [{ mode: "live", expiresAt: "2020-01-01T00:00:00Z" }],
    [{ mode: "live", expiresAt: "tomorrow" }],
    [{ mode: "live", allowedIps: ["10/8"] }],
    [{ mode: "live", allowedIps: ["203.0.113.0/33"] }],
    [{ mode: "live", label: "" }],
    [{ mode: "live", label: "a\u202eb" }],
    [{ mode: "live", label: `cliente ${[111, 444, 777].join(".")}-35` }],
    [{ mode: "live", secret: "mine" }],
    [{}],
  ])("is not made of what is wrong (case %#)", async (body) => {
    const tenant = await newTenant();
    const response = await admin(`/tenants/${tenant.tenantId}/keys`, { body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  test("is one of at most a hundred that work", async () => {
    const tenant = await newTenant();
    const statuses = [];
    for (let n = 0; n < 100; n += 1) {
      statuses.push((await admin(`/tenants/${tenant.tenantId}/keys`, { body: { mode: "test" } })).status);
    }
    expect(statuses.filter((status) => status === 201)).toHaveLength(99);
    expect(statuses.at(-1)).toBe(409);
    await adminJson(`/keys/${tenant.keyId}/revoke`, { body: {} });
    expect((await admin(`/tenants/${tenant.tenantId}/keys`, { body: { mode: "test" } })).status).toBe(201);
  });

  test("that has ended is told to the ledger for a while only, and never more than some hundred of them", async () => {
    const tenant = await newTenant();
    const { tenantId, keyId } = tenant;
    const nowMs = Date.now();
    const end = (name: string, count: number, firstEndMs: number) =>
      env.DB.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?4)
         INSERT INTO api_keys (id, tenant_id, mode, secret_hash, scopes, allowed_ips, created_at, revoked_at, in_directory)
         SELECT ?1 || i, tenant_id, mode, ?1 || i, scopes, allowed_ips, ?5 + i, ?3 + i, 1 FROM n, api_keys WHERE id = ?2`,
      )
        .bind(`${name}_${tenantId}_`, keyId, firstEndMs, count, nowMs - 200 * DAY_MS)
        .run();
    await end("long_ago", 20, nowMs - 91 * DAY_MS);
    await end("lately", 600, nowMs - DAY_MS);
    await adminJson(`/tenants/${tenantId}`, { method: "PATCH", body: { name: "renamed" } });
    const told = (await ledgerOf(tenantId).terms())?.keys.map((key) => key.keyId) ?? [];
    const lately = Array.from({ length: 500 }, (_, n) => `lately_${tenantId}_${101 + n}`);
    expect(told.toSorted()).toEqual([keyId, ...lately].toSorted());
  });
});

describe("rotation", () => {
  test("gives a key that works at once, the old one until the overlap is over; both share the tenant's limits", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const tenant = await newTenant({
      plan: { allowance: { requests: 4 } },
      key: { label: "pos", scopes: ["scores:read"] },
    });
    const next = await adminJson<Key & Listed>(`/keys/${tenant.keyId}/rotate`, { body: { overlapSeconds: 60 } });
    expect(next).toMatchObject({
      label: "pos",
      scopes: ["scores:read"],
      mode: "live",
      expiresAt: null,
      status: "active",
    });
    expect(next.id).not.toBe(tenant.keyId);
    expect((await lookup(next.key, CPF)).status).toBe(200);
    vi.setSystemTime(Date.now() + 59_999);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    vi.setSystemTime(Date.now() + 1);
    const over = await lookup(tenant.key, CPF);
    expect(await over.json()).toMatchObject({ code: "expired_api_key" });
    expect((await lookup(next.key, CPF)).status).toBe(200);
    expect((await lookup(next.key, CPF)).status).toBe(200);
    expect(await (await lookup(next.key, CPF)).json()).toMatchObject({ code: "quota_exceeded" });
    expect((await admin(`/keys/${tenant.keyId}/rotate`, { body: {} })).status).toBe(409);
  });

  test("lets nothing live longer than it was made to: neither the old key nor its successor", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-23T12:00:00Z") });
    const tenant = await newTenant();
    const mortal = await newKey(tenant.tenantId, { mode: "live", expiresAt: "2026-11-24T12:00:00Z" });
    vi.setSystemTime(Date.parse("2026-11-24T00:00:00Z"));
    const next = await adminJson<Key>(`/keys/${mortal.id}/rotate`, { body: { overlapSeconds: 604_800 } });
    expect(next.expiresAt).toBe("2026-11-25T00:00:00.000Z");
    const { data } = await adminJson<{ data: Listed[] }>(`/tenants/${tenant.tenantId}/keys`);
    expect(data.find((key) => key.id === mortal.id)?.expiresAt).toBe("2026-11-24T12:00:00.000Z");
    // The successor's life is a day too, not the rest of its predecessor's.
    const third = await adminJson<Key>(`/keys/${next.id}/rotate`, { body: { overlapSeconds: 0 } });
    expect(third.expiresAt).toBe("2026-11-25T00:00:00.000Z");
    expect((await lookup(next.key, CPF)).status).toBe(401);
  });

  test("at the same time as a revocation leaves either a revoked key without a successor, or both as told", async () => {
    for (let round = 0; round < 8; round += 1) {
      const tenant = await newTenant();
      const [rotated, revoked] = await Promise.all([
        admin(`/keys/${tenant.keyId}/rotate`, { body: { overlapSeconds: 60 } }),
        admin(`/keys/${tenant.keyId}/revoke`, { body: {} }),
      ]);
      expect(revoked.status).toBe(200);
      expect([201, 409]).toContain(rotated.status);
      expect((await lookup(tenant.key, CPF)).status).toBe(401);
      const actions = (await auditOf(tenant.keyId)).map((entry) => entry.action);
      expect(actions).toEqual(["key.create", ...(rotated.status === 201 ? ["key.rotate"] : []), "key.revoke"]);
    }
  });
});

describe("a token that we issued", () => {
  test("dies with its key at the next request, and at once with the tenant's suspension", async () => {
    const tenant = await newTenant();
    const key = await newKey(tenant.tenantId, { mode: "live" });
    const issued = await call("/oauth2/v1/token", {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(`${key.id}:${key.clientSecret}`)}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "grant_type=client_credentials",
    });
    const { access_token: token } = await issued.json<{ access_token: string }>();
    const ask = async () =>
      (
        await call("/customers/v1/scores", {
          headers: { authorization: `Bearer ${token}` },
          body: { data: { customer: { idCpf: CPF } } },
        })
      ).status;
    expect(await ask()).toBe(200);
    await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    expect(await ask()).toBe(403);
    await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "active" } });
    expect(await ask()).toBe(200);
    await adminJson(`/keys/${key.id}/revoke`, { body: {} });
    expect(await ask()).toBe(401);
    // It is no API key, and grants nothing else.
    expect((await call("/v1/usage", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    expect((await call("/admin/v1/tenants", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
  });
});

function unknownKey(): string {
  return makeApiKey("live", (count) => crypto.getRandomValues(new Uint8Array(count))).text;
}

async function auditOf(target: string): Promise<{ action: string; target: string }[]> {
  const { results } = await env.DB.prepare(
    "SELECT action, target, before, after FROM audit WHERE target = ? ORDER BY n",
  )
    .bind(target)
    .all<{ action: string; target: string }>();
  return results;
}
