import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { admin, adminJson, call, ledgerOf, lookup, newKey, newTenant, type TestTenant } from "../../support/gateway.ts";
import { tokenFor } from "../../support/shapes.ts";

const CPF = "52998224725";
const NOON_MS = Date.parse("2046-11-20T12:00:00-03:00");

type Key = { readonly limits: unknown; readonly defaults: unknown };

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const statusOf = async (key: string) => (await lookup(key, CPF)).status;

async function change(keyId: string, body: unknown): Promise<Key> {
  return await adminJson<Key>(`/keys/${keyId}`, { method: "PATCH", body });
}

async function lastEvent({ tenantId }: TestTenant): Promise<Record<string, unknown>> {
  await ledgerOf(tenantId).flush();
  const events = env.DB.prepare("SELECT * FROM events WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1").bind(tenantId);
  return (await events.first()) ?? {};
}

describe("a key's own limits", () => {
  test("hold for that key alone, are shown, go to its successor, and can be changed and taken away", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
    const tenant = await newTenant();
    const limited = await newKey(tenant.tenantId, { mode: "live", limits: { dailyLookups: 2 } });
    expect([await statusOf(limited.key), await statusOf(limited.key)]).toEqual([200, 200]);
    const refused = await lookup(limited.key, CPF);
    expect([refused.status, await refused.json()]).toMatchObject([429, { code: "key_limit_reached" }]);
    expect(await statusOf(tenant.key)).toBe(200);
    const { data } = await adminJson<{ data: (Key & { id: string })[] }>(`/tenants/${tenant.tenantId}/keys`);
    expect(data.find(({ id }) => id === limited.id)).toMatchObject({ limits: { dailyLookups: 2 }, defaults: null });
    expect(await change(limited.id, { limits: { dailyLookups: 3 } })).toMatchObject({ limits: { dailyLookups: 3 } });
    expect([await statusOf(limited.key), await statusOf(limited.key)]).toEqual([200, 429]);
    const rotated = await adminJson<Key>(`/keys/${limited.id}/rotate`, { body: {} });
    expect(rotated.limits).toEqual({ dailyLookups: 3 });
    expect(await change(limited.id, { limits: null })).toMatchObject({ limits: null });
    expect(await statusOf(limited.key)).toBe(200);
    vi.setSystemTime(NOON_MS + 86_400_000);
    const { results } = await env.DB.prepare(
      "SELECT before->>'limits' AS was, after->>'limits' AS is_now FROM audit WHERE action = 'key.update' AND target = ? ORDER BY n",
    )
      .bind(limited.id)
      .all();
    expect(results).toEqual([
      { was: '{"dailyLookups":2}', is_now: '{"dailyLookups":3}' },
      { was: '{"dailyLookups":3}', is_now: null },
    ]);
  });

  test("of money and of rate hold too", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
    const { tenantId } = await newTenant();
    const poor = await newKey(tenantId, { mode: "live", limits: { monthlySpendCapMicros: 300_000 } });
    const slow = await newKey(tenantId, { mode: "live", limits: { ratePerSecond: 0.5 } });
    expect([await statusOf(poor.key), await statusOf(poor.key), await statusOf(poor.key)]).toEqual([200, 200, 429]);
    expect([await statusOf(slow.key), await statusOf(slow.key)]).toEqual([200, 429]);
    vi.setSystemTime(NOON_MS + 2000);
    expect(await statusOf(slow.key)).toBe(200);
  });

  test("are there again for a key that a restored register had lost", async () => {
    const tenant = await newTenant();
    const terms = { limits: { dailyLookups: 1 }, defaults: { purpose: "collection" } };
    const lost = await newKey(tenant.tenantId, { mode: "live", ...terms });
    await env.DB.batch([
      env.DB.prepare("DELETE FROM api_keys WHERE id = ?").bind(lost.id),
      env.DB.prepare("UPDATE tenants SET version = version - 1 WHERE id = ?").bind(tenant.tenantId),
    ]);
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { name: "Depois" } });
    expect([await statusOf(lost.key), await statusOf(lost.key)]).toEqual([200, 429]);
    const row = await env.DB.prepare("SELECT limits, defaults FROM api_keys WHERE id = ?").bind(lost.id).first();
    expect(row).toEqual({ limits: JSON.stringify(terms.limits), defaults: JSON.stringify(terms.defaults) });
  });

  test.each([
    [{ limits: { dailyLookups: -1 } }],
    [{ limits: { dailyLookups: 1.5 } }],
    [{ limits: { monthlySpendCapMicros: "5" } }],
    [{ limits: { ratePerSecond: 0 } }],
    [{ limits: { lookups: 5 } }],
    [{ defaults: { purpose: "curiosity" } }],
    [{ defaults: { legalBasis: null } }],
    [{ label: "outro" }],
  ])("are not made of %j", async (body) => {
    const { keyId, tenantId } = await newTenant();
    expect((await admin(`/keys/${keyId}`, { method: "PATCH", body })).status).toBe(400);
    if (!("label" in body))
      expect((await admin(`/tenants/${tenantId}/keys`, { body: { mode: "live", ...body } })).status).toBe(400);
  });

  test("of an unknown or a revoked key cannot be changed", async () => {
    const { keyId } = await newTenant();
    await adminJson(`/keys/${keyId}/revoke`, { body: {} });
    const patch = { method: "PATCH", body: { limits: null } };
    expect((await admin(`/keys/${keyId}`, patch)).status).toBe(409);
    expect((await admin("/keys/csg_live_0000000000", patch)).status).toBe(404);
  });
});

describe("what a lookup is for", () => {
  const grounds = { purpose: "credit_granting", legalBasis: "credit_protection" };

  test("comes from the key's defaults in both shapes, and from the lookup where that says it", async () => {
    const tenant = await newTenant({ key: { defaults: grounds } });
    expect(await statusOf(tenant.key)).toBe(200);
    expect(await lastEvent(tenant)).toMatchObject({ purpose: grounds.purpose, legal_basis: grounds.legalBasis });
    const headers = { authorization: `Bearer ${tenant.key}` };
    expect((await call("/v1/scores", { headers, body: { cpf: CPF, purpose: "collection" } })).status).toBe(200);
    expect(await lastEvent(tenant)).toMatchObject({ purpose: "collection", legal_basis: grounds.legalBasis });
    const token = await tokenFor(tenant);
    const claro = await call("/customers/v1/scores", {
      headers: { authorization: `Bearer ${token}`, "x-consent-id": "consentimento-1", "x-requested-by": "analista-42" },
      body: { data: { customer: { idCpf: CPF } } },
    });
    expect(claro.status).toBe(200);
    expect(await lastEvent(tenant)).toMatchObject({
      purpose: grounds.purpose,
      legal_basis: grounds.legalBasis,
      consent_id: "consentimento-1",
      requested_by: "analista-42",
    });
  });

  test("can be mandatory by the tenant's policy: a lookup without it is refused and named, in both shapes", async () => {
    const body = {
      name: "Loja",
      document: "12ABC34501DE35",
      allowDuplicate: true,
      customerId: "loja",
      plan: "pay-per-use",
      requires: ["purpose", "legalBasis", "purpose"],
    };
    const { id, requires } = await adminJson<{ id: string; requires: string[] }>("/tenants", { body });
    expect(requires).toEqual(["purpose", "legalBasis"]);
    const bare = await newKey(id, { mode: "live" });
    const refused = await lookup(bare.key, CPF);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { code: "purpose_required", issues: [{ path: "purpose" }, { path: "legalBasis" }] },
    ]);
    const claro = await call("/customers/v1/scores", {
      headers: { authorization: `Bearer ${await tokenFor({ tenantId: id, keyId: bare.id, key: bare.key })}` },
      body: { data: { customer: { idCpf: CPF } } },
    });
    expect([claro.status, await claro.json()]).toMatchObject([400, { error: { code: "purpose_required" } }]);
    await change(bare.id, { defaults: grounds });
    expect(await statusOf(bare.key)).toBe(200);
    expect(await adminJson(`/tenants/${id}`, { method: "PATCH", body: { requires: [] } })).toMatchObject({
      requires: [],
    });
    await change(bare.id, { defaults: null });
    expect(await statusOf(bare.key)).toBe(200);
    expect((await admin(`/tenants/${id}`, { method: "PATCH", body: { requires: ["cpf"] } })).status).toBe(400);
  });
});
