import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ENDPOINTS } from "../../../src/app.ts";
import { makeOperatorToken } from "../../../src/domain/operator_token.ts";
import { mayAct, ROLES, type Role } from "../../../src/domain/roles.ts";
import { parameterNames } from "../../../src/http/path_parameters.ts";
import { disturbedGateway, type Disturbance } from "../../support/disturbed.ts";
import { ADMIN_TOKEN, admin, adminJson, call, newTenant } from "../../support/gateway.ts";

const TEAM = "padaria.cloudflareaccess.com";
const AUDIENCE = "aud-of-the-admin-api";
const ACCESS = { ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUDIENCE };
const HOUR_MS = 3_600_000;

type Made = { readonly id: string; readonly token: string; readonly status: string };

let keys: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  keys = await generateKeyPair("RS256");
});

beforeEach(async () => {
  await env.DB.exec("DELETE FROM operators");
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "current", alg: "RS256", use: "sig" };
  const { fetch } = globalThis;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    return url.hostname === TEAM ? Response.json({ keys: [jwk] }) : await fetch(input, init);
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function make(roles: readonly Role[], more: Record<string, unknown> = {}): Promise<Made> {
  return await adminJson<Made>("/operators", { body: { name: "Ana Souza", roles, ...more } });
}

async function assertionOf(email: string): Promise<Record<string, string>> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const claims = { iss: `https://${TEAM}`, aud: [AUDIENCE], iat: nowSeconds, exp: nowSeconds + 60, email };
  const signed = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "current" });
  return { "cf-access-jwt-assertion": await signed.sign(keys.privateKey) };
}

async function statusOf(headers: Record<string, string>, vars: Disturbance = {}): Promise<number> {
  return (await disturbedGateway(vars).call("/admin/v1/tenants?limit=1", { headers })).status;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function auditOf(action: string): Promise<{ actor: string; target: string }[]> {
  const found = env.DB.prepare("SELECT actor, target FROM audit WHERE action = ? ORDER BY n").bind(action);
  return (await found.all<{ actor: string; target: string }>()).results;
}

describe("an operator's token", () => {
  test("is shown once, and only its hash is kept", async () => {
    const { id, token } = await make(["read"]);
    expect(token).toMatch(/^csg_op_[0-9A-Za-z]{10}_[0-9A-Za-z]{32}$/);
    expect(token.startsWith(`${id}_`)).toBe(true);
    expect(await statusOf(bearer(token))).toBe(200);
    const listed = await (await admin("/operators")).text();
    const stored = JSON.stringify((await env.DB.prepare("SELECT * FROM operators, audit").all()).results);
    const { keys: names } = await env.KEYS.list();
    const values = await Promise.all(names.map(({ name }) => env.KEYS.get(name)));
    for (const place of [listed, stored, JSON.stringify(names), values.join()])
      expect(place).not.toContain(token.slice(-32));
  });

  test("names its operator in the audit, by e-mail or id", async () => {
    const [named, nameless] = [await make(["operate"], { email: "Ana@Example.com" }), await make(["operate"])];
    const { tenantId } = await newTenant();
    for (const { token } of [named, nameless]) {
      const made = await call(`/admin/v1/tenants/${tenantId}/keys`, { headers: bearer(token), body: { mode: "test" } });
      expect(made.status).toBe(201);
    }
    const actors = (await auditOf("key.create")).slice(-2).map(({ actor }) => actor);
    expect(actors).toEqual(["ana@example.com", nameless.id]);
    expect((await auditOf("operator.create")).at(-1)?.target).toBe(nameless.id);
  });

  test("is over at once when it is revoked, and when its time is", async () => {
    const { id, token } = await make(["admin"]);
    expect(await statusOf(bearer(token))).toBe(200);
    const revoked = await adminJson<Made>(`/operators/${id}/revoke`, { body: {} });
    expect(revoked.status).toBe("revoked");
    expect(await statusOf(bearer(token))).toBe(401);
    await adminJson(`/operators/${id}/revoke`, { body: {} });
    expect((await auditOf("operator.revoke")).filter(({ target }) => target === id).length).toBe(1);
    expect((await admin("/operators/csg_op_0000000000/revoke", { body: {} })).status).toBe(404);
    const expiring = await make(["read"], { expiresAt: new Date(Date.now() + HOUR_MS).toISOString() });
    expect(await statusOf(bearer(expiring.token))).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 1000 });
    expect(await statusOf(bearer(expiring.token))).toBe(401);
  });

  test("does what other roles say at once, and the audit tells both", async () => {
    const { id, token } = await make(["read"], { email: "bia@example.com" });
    const makesTenants = async () =>
      (await call("/admin/v1/tenants", { headers: bearer(token), body: {} })).status !== 403;
    const listsOperators = async () => (await call("/admin/v1/operators", { headers: bearer(token) })).status === 200;
    const change = (roles: readonly string[]) => admin(`/operators/${id}`, { method: "PATCH", body: { roles } });
    expect([await makesTenants(), await listsOperators()]).toEqual([false, false]);
    expect((await (await change(["operate"])).json<{ roles: string[] }>()).roles).toEqual(["operate"]);
    expect([await makesTenants(), await listsOperators()]).toEqual([true, false]);
    await change(["admin", "operate"]);
    expect(await listsOperators()).toBe(true);
    const { keys: copies } = await env.KEYS.list();
    const kept = await Promise.all(
      copies.map(({ name }) => env.KEYS.get<{ id?: string; roles?: string[] }>(name, "json")),
    );
    expect(kept.filter((copy) => copy?.id === id).map((copy) => copy?.roles)).toEqual([
      ["operate", "admin"],
      ["operate", "admin"],
    ]);
    await change(["operate", "admin"]);
    const found = env.DB.prepare("SELECT before, after FROM audit WHERE action = 'operator.change' AND target = ?");
    const { results } = await found.bind(id).all<{ before: string; after: string }>();
    expect(results.map(({ before, after }) => [before, after])).toEqual([
      ['{"roles":["read"]}', '{"roles":["operate"]}'],
      ['{"roles":["operate"]}', '{"roles":["operate","admin"]}'],
    ]);
    expect((await change([])).status).toBe(400);
    expect((await change(["king"])).status).toBe(400);
  });

  test("stays an admin's while its operator is the last one with an e-mail, so that Access alone opens nothing", async () => {
    const [last, nameless] = [await make(["admin"], { email: "ana@example.com" }), await make(["admin"])];
    const change = (id: string) => admin(`/operators/${id}`, { method: "PATCH", body: { roles: ["read"] } });
    expect((await change(nameless.id)).status).toBe(200);
    const refused = await change(last.id);
    expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining("admin")]);
    const stranger = await assertionOf("nobody@example.com");
    expect(await statusOf(stranger, ACCESS)).toBe(403);
    const other = await make(["admin"], { email: "bia@example.com" });
    const [one, two] = await Promise.all([change(last.id), change(other.id)]);
    expect([one.status, two.status].toSorted((left, right) => left - right)).toEqual([200, 409]);
    expect(await statusOf(stranger, ACCESS)).toBe(403);
  });

  test("is told to KV by a repeat, when the call that changed the roles did not reach it", async () => {
    const { id } = await make(["operate"]);
    const change = () => admin(`/operators/${id}`, { method: "PATCH", body: { roles: ["read"] } });
    const put = vi.spyOn(env.KEYS, "put").mockRejectedValue(new Error("KV PUT failed: 500"));
    expect((await change()).status).toBeGreaterThanOrEqual(500);
    put.mockRestore();
    expect((await change()).status).toBe(200);
    const { keys: names } = await env.KEYS.list();
    const copies = await Promise.all(
      names.map(({ name }) => env.KEYS.get(name, "text").then((text) => (text?.includes(id) === true ? text : ""))),
    );
    const kept = copies.filter((text) => text !== "").map((text) => (JSON.parse(text) as { roles: string[] }).roles);
    expect(kept).toEqual([["read"]]);
  });

  test("that is revoked gets no roles any more", async () => {
    const { id } = await make(["read"]);
    await adminJson(`/operators/${id}/revoke`, { body: {} });
    const change = { method: "PATCH", body: { roles: ["admin"] } };
    expect((await admin(`/operators/${id}`, change)).status).toBe(404);
    expect((await admin("/operators/csg_op_0000000000", change)).status).toBe(404);
  });

  test("that is made up costs no D1, and no KV when its check digits are wrong", async () => {
    const { token } = await make(["admin"]);
    const gets = vi.spyOn(env.KEYS, "get");
    const queries = vi.spyOn(env.DB, "prepare");
    const wrongCheck = `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`;
    for (const typo of [wrongCheck, `${token}x`, token.slice(0, -1), "csg_op_", "csg_op_x"]) {
      expect(await statusOf(bearer(typo))).toBe(401);
    }
    expect([gets.mock.calls.length, queries.mock.calls.length]).toEqual([0, 0]);
    const unknown = makeOperatorToken((count) => crypto.getRandomValues(new Uint8Array(count))).text;
    expect(await statusOf(bearer(unknown))).toBe(401);
    expect([gets.mock.calls.length, queries.mock.calls.length]).toEqual([1, 0]);
  });

  test("works while D1 is down, unless it was revoked before", async () => {
    const [working, revoked] = [await make(["read"]), await make(["read"])];
    await adminJson(`/operators/${revoked.id}/revoke`, { body: {} });
    const down = {
      prepare: () => {
        throw new Error("D1_ERROR: Network connection lost");
      },
    };
    const health = async (token: string) =>
      (await disturbedGateway({ DB: down }).call("/admin/v1/health", { headers: bearer(token) })).status;
    expect([await health(working.token), await health(revoked.token)]).toEqual([200, 401]);
  });

  test("shows when it was last used, to the hour", async () => {
    const { id, token } = await make(["read"]);
    const lastUse = async () =>
      (await adminJson<{ data: { id: string; lastUsedAt: string | null }[] }>("/operators")).data.find(
        (one) => one.id === id,
      )?.lastUsedAt;
    expect(await lastUse()).toBeNull();
    await statusOf(bearer(token));
    const first = await lastUse();
    expect(Date.parse(first ?? "")).toBeGreaterThan(Date.now() - 60_000);
    await statusOf(bearer(token));
    expect(await lastUse()).toBe(first);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * HOUR_MS });
    await statusOf(bearer(token));
    expect(Date.parse((await lastUse()) ?? "")).toBeGreaterThan(Date.parse(first ?? "") + HOUR_MS);
  });

  test.each([
    { name: "", roles: ["read"] },
    { name: "A", roles: [] },
    { name: "A", roles: ["root"] },
    { name: "A", roles: ["read"], email: "no-mail" },
    { name: "A", roles: ["read"], email: "a@b\n" },
    { name: "A", roles: ["read"], expiresAt: "2020-01-01T00:00:00Z" },
    { name: "A\u0000", roles: ["read"] },
    { roles: ["read"] },
  ])("is not made of %j", async (body) => {
    expect((await admin("/operators", { body })).status).toBe(400);
  });

  test("is not made for an e-mail that a working operator has; a revoked one's is free", async () => {
    const { id } = await make(["read"], { email: "bia@example.com" });
    const again = await admin("/operators", { body: { name: "B", roles: ["read"], email: "BIA@example.com" } });
    expect(again.status).toBe(409);
    await adminJson(`/operators/${id}/revoke`, { body: {} });
    await make(["operate"], { email: "bia@example.com" });
  });
});

describe("roles", () => {
  const OPERATIONS = ENDPOINTS.flatMap((endpoint) =>
    endpoint.access.audience === "operator"
      ? [[`${endpoint.method} ${endpoint.path}`, endpoint, endpoint.access.role] as const]
      : [],
  );

  test.each(OPERATIONS)(
    "%s is for who has the role that it declares, and for no other",
    async (_name, endpoint, needed) => {
      const values: Record<string, string> = {
        tenantId: "ten_none",
        keyId: "csg_live_0000000000",
        operatorId: "csg_op_0000000000",
        period: "2020-01",
        file: "events.csv",
      };
      const path = parameterNames(endpoint.path).reduce(
        (filled, name) => filled.replace(`:${name}`, values[name] ?? "x"),
        endpoint.path,
      );
      for (const role of ROLES) {
        const { token } = await make([role]);
        // A query that nobody declares: whoever is let in is refused for it, so nothing is done.
        const response = await call(`${path}?never=1`, { method: endpoint.method, headers: bearer(token) });
        const { code, issues } = await response.json<{ code: string; issues?: unknown }>();
        if (mayAct([role], needed)) expect([role, code]).not.toEqual([role, "role_required"]);
        else
          expect([role, response.status, code, issues]).toMatchObject([
            role,
            403,
            "role_required",
            [{ message: expect.stringContaining(needed) as string }],
          ]);
      }
    },
  );

  test("every role reads what `read` reads, and only `admin` sees operators", () => {
    const reading = OPERATIONS.filter(
      ([, { method, path }]) => method === "GET" && !path.includes("operators") && !path.includes("subjects"),
    );
    expect(reading.filter(([, , role]) => role !== "read").map(([name]) => name)).toEqual([]);
    const operators = OPERATIONS.filter(([, { path }]) => path.includes("operators"));
    expect(operators.map(([, , role]) => role)).toEqual(["admin", "admin", "admin", "admin"]);
    expect(
      OPERATIONS.filter(([, { method }, role]) => method !== "GET" && role === "read").map(([name]) => name),
    ).toEqual([]);
    for (const role of ROLES)
      expect(ROLES.filter((other) => mayAct([role], other))).toEqual(
        role === "admin" ? ROLES : role === "read" ? ["read"] : ["read", role],
      );
    expect(mayAct([], "read")).toBe(false);
  });
});

describe("the audit", () => {
  const OPERATOR_CALLS = ENDPOINTS.filter(({ access }) => access.audience === "operator");

  test("has a line for every call that changes anything", () => {
    const silent = OPERATOR_CALLS.filter(({ method, audit }) => method !== "GET" && audit === undefined);
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  test("has a line for every call that reads personal or financial data in bulk", () => {
    const bulk = OPERATOR_CALLS.filter(({ method, path }) => method === "GET" && /:file|jsonl|csv|subjects/.test(path));
    expect(bulk.length).toBeGreaterThan(1);
    expect(bulk.filter(({ audit }) => audit === undefined).map(({ id }) => id)).toEqual([]);
  });
});

describe("who comes by Cloudflare Access", () => {
  test("is an admin until there is an admin with an e-mail, which health says; then has the roles of the e-mail, or none", async () => {
    const warns = async () => {
      const health = await disturbedGateway(ACCESS).call("/admin/v1/health", { headers: bearer(ADMIN_TOKEN) });
      return (await health.json<{ operators: { everyAccessIdentityIsAdmin: boolean } }>()).operators
        .everyAccessIdentityIsAdmin;
    };
    const stranger = await assertionOf("stranger@example.com");
    expect([await statusOf(stranger, ACCESS), await warns()]).toEqual([200, true]);
    await make(["admin"]);
    await make(["read"], { email: "leo@example.com" });
    expect([await statusOf(stranger, ACCESS), await warns()]).toEqual([200, true]);
    const { id } = await make(["admin"], { email: "ana@example.com" });
    expect([await statusOf(stranger, ACCESS), await warns()]).toEqual([403, false]);
    const gateway = disturbedGateway(ACCESS);
    const codeOf = async (headers: Record<string, string>, path: string) =>
      (await gateway.call(path, { headers })).status;
    expect(await codeOf(await assertionOf("Leo@Example.com"), "/admin/v1/tenants?limit=1")).toBe(200);
    expect(await codeOf(await assertionOf("leo@example.com"), "/admin/v1/operators")).toBe(403);
    expect(await codeOf(await assertionOf("ana@example.com"), "/admin/v1/operators")).toBe(200);
    await adminJson(`/operators/${id}/revoke`, { body: {} });
    expect(await statusOf(await assertionOf("ana@example.com"), ACCESS)).toBe(403);
    // The doors do not open again.
    expect([await statusOf(stranger, ACCESS), await warns()]).toEqual([403, false]);
  });

  test("is let in while D1 is down only when KV knows the e-mail", async () => {
    await make(["admin"], { email: "ana@example.com" });
    const down = {
      prepare: () => {
        throw new Error("D1_ERROR: Network connection lost");
      },
    };
    const status = async (email: string) =>
      (await disturbedGateway({ ...ACCESS, DB: down }).call("/admin/v1/health", { headers: await assertionOf(email) }))
        .status;
    expect([await status("ana@example.com"), await status("eva@example.com")]).toEqual([200, 503]);
  });
});

describe("the break-glass token", () => {
  test("leaves a line an hour and shows in health once operators have tokens of their own", async () => {
    const used = async () =>
      (await adminJson<{ operators: { breakGlassUsedAt: string | null } }>("/health")).operators.breakGlassUsedAt;
    const lines = async () => (await auditOf("break_glass.use")).length;
    // Tests before this one have used it too.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * HOUR_MS });
    const before = await lines();
    await disturbedGateway({}).admin("/health");
    expect(await lines()).toBe(before);
    await make(["admin"], { email: "ana@example.com" });
    for (let n = 0; n < 3; n += 1) await disturbedGateway({}).admin("/health");
    expect(await lines()).toBe(before + 1);
    expect(Date.parse((await used()) ?? "")).toBeGreaterThan(Date.now() - 60_000);
    vi.setSystemTime(Date.now() + HOUR_MS + 1000);
    await disturbedGateway({}).admin("/health");
    expect(await lines()).toBe(before + 2);
  });

  test("comes in while D1 is down", async () => {
    const down = {
      prepare: () => {
        throw new Error("D1_ERROR: Network connection lost");
      },
    };
    const response = await disturbedGateway({ DB: down }).call("/admin/v1/health", { headers: bearer(ADMIN_TOKEN) });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ operators: null });
  });
});

test("an API key is no operator's token, nor the other way about", async () => {
  const tenant = await newTenant();
  const { token } = await make(["admin"]);
  expect(await statusOf(bearer(tenant.key))).toBe(401);
  expect((await call("/v1/usage", { headers: bearer(token) })).status).toBe(401);
});
