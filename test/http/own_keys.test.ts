import { describe, expect, test } from "vitest";
import { adminJson, call, lookup, newKey, newTenant, persons } from "../support/gateway.ts";
import { failureCode } from "../support/shapes.ts";

const CPF = "52998224725";

type Key = {
  id: string;
  scopes: string[];
  allowedIps: string[];
  expiresAt: string | null;
  status: string;
  label: string;
};
type Issued = Key & { key: string };

const MANAGE = { scopes: ["scores:read", "usage:read", "keys:manage"] };

async function own(key: string, path: string, body?: object): Promise<Response> {
  const options = body === undefined ? {} : { body };
  return await call(`/v1/keys${path}`, { headers: { authorization: `Bearer ${key}` }, ...options });
}

async function ownJson<Answer>(key: string, path: string, body?: object): Promise<Answer> {
  const response = await own(key, path, body);
  expect(response.status, await response.clone().text()).toBeLessThan(300);
  return await response.json<Answer>();
}

describe("a tenant's own keys", () => {
  test("are made, listed, rotated and revoked by a key that has the scope, at once, and the audit names it", async () => {
    const tenant = await newTenant({ key: MANAGE });
    const made = await ownJson<Issued>(tenant.key, "", { mode: "live", label: "loja 2" });
    // What is not asked for is as the caller's, but for the right to make keys.
    expect(made.scopes).toEqual(["scores:read", "usage:read"]);
    expect((await lookup(made.key, CPF)).status).toBe(200);
    const next = await ownJson<Issued>(tenant.key, `/${made.id}/rotate`, { overlapSeconds: 0 });
    expect([(await lookup(made.key, CPF)).status, (await lookup(next.key, CPF)).status]).toEqual([401, 200]);
    await ownJson(tenant.key, `/${next.id}/revoke`, {});
    expect((await lookup(next.key, CPF)).status).toBe(401);
    const { data } = await ownJson<{ data: Key[] }>(tenant.key, "");
    expect(data.map(({ id, status }) => [id, status])).toEqual([
      [tenant.keyId, "active"],
      [made.id, "expired"],
      [next.id, "revoked"],
    ]);
    expect(JSON.stringify(data)).not.toContain(made.key);
    const { data: audit } = await adminJson<{ data: { actor: string; action: string; target: string }[] }>(
      "/audit?limit=200",
    );
    const entries = audit
      .filter(({ actor }) => actor === `key:${tenant.keyId}`)
      .map(({ action, target }) => [action, target]);
    expect(entries).toEqual([
      ["key.create", made.id],
      ["key.rotate", made.id],
      ["key.revoke", next.id],
    ]);
  });

  test("ask for a scope that no key has unless it was asked for", async () => {
    const tenant = await newTenant();
    const response = await own(tenant.key, "");
    expect([response.status, await failureCode(response)]).toEqual([403, "insufficient_scope"]);
    const { data } = await adminJson<{ data: Key[] }>(`/tenants/${tenant.tenantId}/keys`);
    expect(data[0]?.scopes).toEqual(["scores:read", "usage:read", "statements:read"]);
  });

  test("never get more than the key that makes them has", async () => {
    const tenant = await newTenant();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const manager = await newKey(tenant.tenantId, { mode: "test", ...MANAGE, expiresAt });
    for (const [body, path] of [
      [{ mode: "live" }, "mode"],
      [{ mode: "test", scopes: ["statements:read"] }, "scopes"],
      [{ mode: "test", expiresAt: new Date(Date.now() + 7_200_000).toISOString() }, "expiresAt"],
    ] as const) {
      const response = await own(manager.key, "", body);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({
        code: "insufficient_scope",
        issues: [{ path, code: "beyond_own_rights" }],
      });
    }
    expect((await ownJson<Issued>(manager.key, "", { mode: "test" })).expiresAt).toBe(expiresAt);
    // Its own successor does not outlive it, a fuller key is not handed out by rotating it, and live keys are not there.
    expect((await ownJson<Issued>(manager.key, `/${manager.id}/rotate`, {})).expiresAt).toBe(expiresAt);
    const fuller = await newKey(tenant.tenantId, { mode: "test", scopes: ["statements:read"] });
    expect((await own(manager.key, `/${fuller.id}/rotate`, {})).status).toBe(403);
    for (const action of ["rotate", "revoke"])
      expect((await own(manager.key, `/${tenant.keyId}/${action}`, {})).status).toBe(404);
    const { data } = await ownJson<{ data: Key[] }>(manager.key, "");
    expect(data.every(({ id }) => id.startsWith("csg_test_"))).toBe(true);
  });
});

describe("limits of a key that a tenant makes itself", () => {
  test("are taken, told, kept over a rotation, and exact", async () => {
    const tenant = await newTenant({ key: MANAGE });
    const limits = { dailyLookups: 2, monthlySpendCapMicros: 1_000_000, ratePerSecond: 1000 };
    const made = await ownJson<Issued>(tenant.key, "", { mode: "live", limits, defaults: { purpose: "collection" } });
    expect(made).toMatchObject({ limits, defaults: { purpose: "collection" } });
    const { data } = await ownJson<{ data: (Key & { limits: unknown })[] }>(tenant.key, "");
    expect(data.map((key) => [key.id, key.limits])).toEqual([
      [tenant.keyId, null],
      [made.id, limits],
    ]);
    const statuses = await Promise.all(persons(6).map(async (cpf) => (await lookup(made.key, cpf)).status));
    expect(statuses.toSorted((one, other) => one - other)).toEqual([200, 200, 429, 429, 429, 429]);
    const next = await ownJson<Issued>(tenant.key, `/${made.id}/rotate`, { overlapSeconds: 0 });
    expect(next).toMatchObject({ limits, defaults: { purpose: "collection" } });
    // The key that made it has none of its own, and goes on.
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test.each([
    [{ dailyLookups: -1 }, "limits.dailyLookups"],
    [{ dailyLookups: 1.5 }, "limits.dailyLookups"],
    [{ dailyLookups: "1e3" }, "limits.dailyLookups"],
    [{ monthlySpendCapMicros: "0x10" }, "limits.monthlySpendCapMicros"],
    [{ monthlySpendCapMicros: 1e300 }, "limits.monthlySpendCapMicros"],
    [{ ratePerSecond: 0 }, "limits.ratePerSecond"],
    [{ ratePerSecond: null }, "limits.ratePerSecond"],
    [{ lookups: 5 }, "limits.lookups"],
  ])("are refused by their field: %j", async (limits, path) => {
    const tenant = await newTenant({ key: MANAGE });
    const response = await own(tenant.key, "", { mode: "live", limits });
    expect(response.status).toBe(400);
    expect((await response.json<{ issues: { path: string }[] }>()).issues.map((one) => one.path)).toEqual([path]);
  });

  test.each([{ dailyLookups: 5 }, { monthlySpendCapMicros: 1_000_000 }, { ratePerSecond: 1 }])(
    "cannot be left behind: a key that has some, %j, makes and rotates none",
    async (limits) => {
      const tenant = await newTenant();
      const manager = await newKey(tenant.tenantId, { mode: "live", ...MANAGE, limits });
      for (const [path, body] of [
        ["", { mode: "live" }],
        ["", { mode: "live", limits }],
        ["", { mode: "test", limits: { ...limits, dailyLookups: 1 } }],
        [`/${manager.id}/rotate`, {}],
        [`/${tenant.keyId}/rotate`, {}],
      ] as const) {
        const response = await own(manager.key, path, body);
        expect([path, response.status]).toEqual([path, 403]);
        const { issues } = await response.json<{ issues: { path: string; code: string }[] }>();
        expect(issues[0]).toMatchObject({ path: "limits", code: "beyond_own_rights" });
      }
      expect((await own(manager.key, `/${tenant.keyId}/revoke`, {})).status).toBe(200);
    },
  );
});

describe("GET /v1/lookups", () => {
  test("finds a lookup of the tenant's own, and nobody else's", async () => {
    const [mine, other] = [await newTenant(), await newTenant()];
    const ask = async (key: string, query: string) => {
      const response = await call(`/v1/lookups?${query}`, { headers: { authorization: `Bearer ${key}` } });
      expect(response.status).toBe(200);
      return (await response.json<{ data: { id: string; outcome: string }[] }>()).data.map(({ id }) => id);
    };
    const body = { cpf: CPF, reference: "pedido 7" };
    const headers = { authorization: `Bearer ${mine.key}`, "x-request-id": "rq-7" };
    const { id } = await (await call("/v1/scores", { headers, body })).json<{ id: string }>();
    for (const query of [`id=${id}`, "requestId=rq-7", "reference=pedido%207"]) {
      expect([query, await ask(mine.key, query)]).toEqual([query, [id]]);
      expect(await ask(other.key, query)).toEqual([]);
    }
    const test = await newKey(mine.tenantId, { mode: "test" });
    expect(await ask(test.key, `id=${id}`)).toEqual([]);
  });

  test.each(["", "?id=x", "?reference=a&requestId=b", "?reference=a&tenant=ten_1"])(
    "is refused for %s",
    async (query) => {
      const { key } = await newTenant();
      const response = await call(`/v1/lookups${query}`, { headers: { authorization: `Bearer ${key}` } });
      expect([response.status, await failureCode(response)]).toEqual([400, "invalid_request"]);
    },
  );
});
