import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app } from "../../src/app.ts";
import { forgetPageSessions } from "../../src/gateway/page_sessions.ts";
import { admin, ADMIN_TOKEN, adminJson, newKey, newTenant, testServices } from "../support/gateway.ts";
import { openSessions, Visit } from "./visit.ts";

type NewOperator = { id: string; token: string };

const HOUR_MS = 3_600_000;

async function newOperator(roles: readonly string[] = ["read"]): Promise<NewOperator> {
  return await adminJson<NewOperator>("/operators", { body: { name: "Ana", roles } });
}

async function signedIn(place: "console" | "portal", credential: string): Promise<Visit> {
  const visit = new Visit();
  const response = await visit.signIn(place, credential);
  expect([response.status, response.headers.get("location")]).toEqual([303, `/${place}`]);
  expect(await visit.isIn(place)).toBe(true);
  return visit;
}

afterEach(() => {
  vi.useRealTimers();
});

function later(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
}

describe("a session of the console", () => {
  test("is kept in a cookie that no script reads and that goes to nobody else", async () => {
    const visit = new Visit();
    const response = await visit.signIn("console", ADMIN_TOKEN);
    const [cookie = ""] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-console=[\w-]{32}\.[0-9a-f]{64}; /);
    for (const part of ["Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=28800"])
      expect(cookie).toContain(part);
    expect(cookie).not.toContain("Domain");
    expect(cookie).not.toContain(ADMIN_TOKEN);
    const rows = await env.DB.prepare("SELECT * FROM page_sessions").all();
    expect(JSON.stringify(rows.results)).not.toContain(ADMIN_TOKEN);
    for (const value of visit.cookies.values()) expect(JSON.stringify(rows.results)).not.toContain(value.split(".")[0]);
  });

  test("on a machine of one's own it has another name, for there is no https there", async () => {
    const sent = await app.request("http://127.0.0.1:8787/console/sign-in", {}, env);
    const token = /name="token" value="(\w+)"/.exec(await sent.text())?.[1] ?? "";
    const response = await app.request(
      "http://127.0.0.1:8787/console/sign-in",
      {
        method: "POST",
        headers: { origin: "http://127.0.0.1:8787", "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ token, credential: ADMIN_TOKEN }).toString(),
      },
      env,
      { waitUntil: () => undefined, passThroughOnException: () => undefined } as unknown as ExecutionContext,
    );
    const [cookie = ""] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^console-session=/);
    expect(cookie).not.toContain("Secure");
  });

  test("ends with signing out, for every copy of its cookie", async () => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    const copy = visit.copy();
    const left = await visit.post("/console/sign-out");
    expect(left.headers.get("location")).toBe("/console/sign-in?done=signed-out");
    expect(visit.cookies.size).toBe(0);
    expect(await copy.isIn("console")).toBe(false);
  });

  test("ends when its operator is revoked, at once", async () => {
    const operator = await newOperator();
    const visit = await signedIn("console", operator.token);
    await adminJson(`/operators/${operator.id}/revoke`, { method: "POST" });
    expect(await visit.isIn("console")).toBe(false);
    // And for good: the row is over too.
    const before = await openSessions();
    expect(await visit.isIn("console")).toBe(false);
    expect(await openSessions()).toBe(before);
  });

  test("ends when the operator's own time is over", async () => {
    const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
    const operator = await adminJson<NewOperator>("/operators", { body: { name: "Ana", roles: ["read"], expiresAt } });
    const visit = await signedIn("console", operator.token);
    later(HOUR_MS + 1);
    expect(await visit.isIn("console")).toBe(false);
  });

  test("shows as its operator's last use, and of the break-glass token in health", async () => {
    const operator = await newOperator();
    const visit = await signedIn("console", operator.token);
    later(HOUR_MS);
    const visitedAtMs = Date.now();
    expect(await visit.isIn("console")).toBe(true);
    const { data } = await adminJson<{ data: { id: string; lastUsedAt: string | null }[] }>("/operators?limit=200");
    const lastUsedAt = data.find(({ id }) => id === operator.id)?.lastUsedAt ?? "";
    expect(Math.abs(Date.parse(lastUsedAt) - visitedAtMs)).toBeLessThan(60_000);
  });

  test("lasts eight hours", async () => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    later(8 * HOUR_MS - 60_000);
    expect(await visit.isIn("console")).toBe(true);
    later(61_000);
    expect(await visit.isIn("console")).toBe(false);
  });

  test("of the break-glass token ends when the token is replaced", async () => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    const headers = { cookie: [...visit.cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
    const replaced = { ...env, ADMIN_TOKEN: "another-admin-token-0123456789-abcdef" };
    const response = await app.request("https://gateway.test/console", { headers }, replaced);
    expect(response.status).toBe(303);
  });

  test.each(["x", "x.y", `${"a".repeat(32)}.${"0".repeat(64)}`, "", "a.b.c"])(
    "that somebody made up (%j) opens nothing and costs D1 nothing",
    async (cookie) => {
      const broken = {
        ...env,
        DB: {
          prepare: () => {
            throw new Error("D1 was asked");
          },
        },
      };
      for (const place of ["console", "portal"]) {
        const headers = { cookie: `__Host-${place}=${cookie}` };
        const response = await app.request(`https://gateway.test/${place}`, { headers }, broken);
        expect([response.status, response.headers.get("location")]).toEqual([303, `/${place}/sign-in`]);
      }
    },
  );

  test("of one place opens nothing in the other", async () => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    visit.cookies.set("__Host-portal", visit.cookies.get("__Host-console")!);
    expect(await visit.isIn("portal")).toBe(false);
  });

  test("does not begin with what is no operator's, and a partner's key is none", async () => {
    const { key } = await newTenant();
    for (const credential of ["", "csg_op_x", "wrong", key]) {
      const visit = new Visit();
      expect((await visit.signIn("console", credential)).status, credential).toBe(401);
      expect(visit.cookies.size).toBe(0);
    }
  });

  test("begins again where one wanted to go, and never elsewhere", async () => {
    const asked = await new Visit().get("/console?range=7d");
    expect(asked.headers.get("location")).toBe("/console/sign-in?to=%2Fconsole%3Frange%3D7d");
    for (const [to, location] of [
      ["/console?range=7d", "/console?range=7d"],
      ["/console/tenants", "/console/tenants"],
      ["https://evil.test/console", "/console"],
      ["//evil.test", "/console"],
      ["/console/\\evil.test", "/console"],
      ["/portal", "/console"],
      ["/consolevil", "/console"],
    ] as const) {
      const response = await new Visit().post("/console/sign-in", { credential: ADMIN_TOKEN, to });
      expect(response.headers.get("location"), to).toBe(location);
    }
  });
});

describe("a session of the portal", () => {
  test("ends when its key is revoked, also by break-glass, which D1 hears of later", async () => {
    const tenant = await newTenant();
    const second = await newKey(tenant.tenantId, { mode: "live" });
    const [one, other] = [await signedIn("portal", tenant.key), await signedIn("portal", second.key)];
    await adminJson(`/keys/${tenant.keyId}/revoke`, { method: "POST" });
    expect([await one.isIn("portal"), await other.isIn("portal")]).toEqual([false, true]);
    await adminJson(`/tenants/${tenant.tenantId}/keys/${second.id}/revoke-now`, { method: "POST" });
    expect(await other.isIn("portal")).toBe(false);
  });

  test("ends when its tenant is suspended, by key and by link", async () => {
    const tenant = await newTenant();
    const byKey = await signedIn("portal", tenant.key);
    const byLink = await signedInByLink(tenant.tenantId);
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    expect([await byKey.isIn("portal"), await byLink.isIn("portal")]).toEqual([false, false]);
    expect((await new Visit().signIn("portal", tenant.key)).status).toBe(403);
    expect((await admin(`/tenants/${tenant.tenantId}/portal-links`, { body: {} })).status).toBe(403);
    // For good: only a new session follows when the tenant is active again.
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "active" } });
    expect([await byKey.isIn("portal"), await byLink.isIn("portal")]).toEqual([false, false]);
    await signedIn("portal", tenant.key);
  });

  test("comes from where its key may be used only", async () => {
    const tenant = await newTenant({ key: { allowedIps: ["203.0.113.7"] } });
    const visit = new Visit({ "cf-connecting-ip": "203.0.113.7" });
    expect((await visit.signIn("portal", tenant.key)).status).toBe(303);
    expect((await visit.get("/portal", { "cf-connecting-ip": "198.51.100.1" })).status).toBe(303);
    expect((await new Visit({ "cf-connecting-ip": "198.51.100.1" }).signIn("portal", tenant.key)).status).toBe(403);
  });

  test("counts to the tenant's reads as the API does", async () => {
    const tenant = await newTenant({ plan: { readsPerMinute: 3 } });
    const visit = await signedIn("portal", tenant.key);
    const statuses: number[] = [];
    for (let read = 0; read < 5; read += 1) statuses.push((await visit.get("/portal")).status);
    expect(statuses).toContain(429);
    // Being busy ends nobody's session.
    later(60_000);
    expect(await visit.isIn("portal")).toBe(true);
  });

  test("shows its own tenant and no other", async () => {
    const [mine, theirs] = [await newTenant(), await newTenant()];
    const page = await (await (await signedIn("portal", mine.key)).get("/portal")).text();
    expect(page).toContain(mine.keyId);
    expect(page).not.toContain(theirs.keyId);
    expect(page).not.toContain(mine.key);
  });
});

async function linkFor(tenantId: string): Promise<string> {
  const { url } = await adminJson<{ url: string }>(`/tenants/${tenantId}/portal-links`, { body: {} });
  return new URL(url).pathname;
}

async function signedInByLink(tenantId: string): Promise<Visit> {
  const visit = new Visit();
  const link = (await linkFor(tenantId)).split("/").at(-1)!;
  expect((await visit.post("/portal/link", { link })).status).toBe(303);
  expect(await visit.isIn("portal")).toBe(true);
  return visit;
}

describe("a link to the portal", () => {
  test("is looked at as often as one likes, and signs in once, however many try at once", async () => {
    const { tenantId } = await newTenant();
    const path = await linkFor(tenantId);
    for (let look = 0; look < 3; look += 1) expect((await new Visit().get(path)).status).toBe(200);
    const link = path.split("/").at(-1)!;
    const tries = await Promise.all(
      [1, 2, 3].map(async () => (await new Visit().post("/portal/link", { link })).status),
    );
    expect(tries.toSorted((a, b) => a - b)).toEqual([303, 404, 404]);
    expect((await new Visit().get(path)).status).toBe(404);
  });

  test("is good for a quarter of an hour, its session for a day", async () => {
    const { tenantId } = await newTenant();
    const path = await linkFor(tenantId);
    const visit = await signedInByLink(tenantId);
    later(15 * 60_000 + 1);
    expect((await new Visit().get(path)).status).toBe(404);
    later(23 * HOUR_MS);
    expect(await visit.isIn("portal")).toBe(true);
    later(HOUR_MS);
    expect(await visit.isIn("portal")).toBe(false);
  });

  test("of a tenant that was suspended since opens nothing", async () => {
    const { tenantId } = await newTenant();
    const path = await linkFor(tenantId);
    await adminJson(`/tenants/${tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    const visit = new Visit();
    expect((await visit.post("/portal/link", { link: path.split("/").at(-1)! })).status).toBe(404);
    expect(visit.cookies.size).toBe(0);
  });

  test("is revoked together with what it opened, and the audit tells of both", async () => {
    const { tenantId } = await newTenant();
    const unused = await linkFor(tenantId);
    const visit = await signedInByLink(tenantId);
    await adminJson(`/tenants/${tenantId}/portal-links/revoke`, { body: {} });
    await adminJson(`/tenants/${tenantId}/portal-links/revoke`, { body: {} });
    expect(await visit.isIn("portal")).toBe(false);
    expect((await new Visit().get(unused)).status).toBe(404);
    const lines = await env.DB.prepare("SELECT action, after FROM audit WHERE target = ? AND action LIKE 'portal%'")
      .bind(tenantId)
      .all<{ action: string; after: string }>();
    expect(lines.results.map(({ action }) => action)).toEqual([
      "portal_link.create",
      "portal_link.create",
      "portal_link.revoke",
    ]);
    for (const { after } of lines.results) expect(after).not.toContain(unused.split("/").at(-1));
  });

  test("that nobody made is not found", async () => {
    expect((await new Visit().get(`/portal/link/${"a".repeat(32)}`)).status).toBe(404);
    expect((await new Visit().get("/portal/link/short")).status).toBe(404);
    expect((await new Visit().post("/portal/link", { link: "" })).status).toBe(404);
  });
});

describe("a form", () => {
  test.each([
    ["another origin", { origin: "https://evil.test" }],
    ["an origin that is hidden", { origin: "null" }],
    ["another site by the browser's word", { "sec-fetch-site": "cross-site" }],
    ["another host of the same site", { "sec-fetch-site": "same-site" }],
  ])("from %s is refused, signed in or not", async (_, headers) => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    expect((await visit.post("/console/sign-out", {}, headers)).status).toBe(403);
    expect(await visit.isIn("console")).toBe(true);
    expect((await new Visit().post("/console/sign-in", { credential: ADMIN_TOKEN }, headers)).status).toBe(403);
  });

  test("without an origin is refused: a browser always names it", async () => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    const response = await app.request(
      "https://gateway.test/console/sign-out",
      {
        method: "POST",
        headers: {
          cookie: [...visit.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
          "content-type": "application/x-www-form-urlencoded",
        },
        body: new URLSearchParams({ token: await visit.token("/console") }).toString(),
      },
      env,
    );
    expect(response.status).toBe(403);
    expect(await visit.isIn("console")).toBe(true);
  });

  test.each([
    ["none", ""],
    ["a stranger's", "stranger"],
    ["another session's", "other"],
  ])("with %s token is refused", async (_, which) => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    const other = which === "other" ? await signedIn("console", ADMIN_TOKEN) : new Visit();
    const token = which === "" ? "" : await other.token("/console");
    expect((await visit.post("/console/sign-out", { token })).status).toBe(403);
    expect(await visit.isIn("console")).toBe(true);
  });

  test("that is no form, or is too long, is refused", async () => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    expect((await visit.post("/console/sign-out", {}, { "content-type": "application/json" })).status).toBe(415);
    expect((await visit.post("/console/sign-out", { text: "x".repeat(40_000) })).status).toBe(413);
  });
});

describe("what is not there", () => {
  test.each(["console", "portal"] as const)("is told in %s to who is in, and to nobody else", async (place) => {
    const tenant = await newTenant();
    const visit = await signedIn(place, place === "console" ? ADMIN_TOKEN : tenant.key);
    const response = await visit.get(`/${place}/nothing`);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect((await new Visit().get(`/${place}/nothing`)).status).toBe(303);
    expect((await visit.get(`/${place}/`)).headers.get("location")).toMatch(new RegExp(`/${place}$`));
  });

  test("a page that D1 cannot answer says so, and ends no session", async () => {
    const visit = await signedIn("console", ADMIN_TOKEN);
    const down = {
      ...env,
      DB: {
        prepare: () => {
          throw new Error("D1_ERROR: Network connection lost.");
        },
      },
    };
    const headers = { cookie: [...visit.cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
    const response = await app.request("https://gateway.test/console", { headers }, down);
    expect(response.status).toBe(503);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(await visit.isIn("console")).toBe(true);
  });
});

test("sessions and links that are long over leave D1", async () => {
  const services = testServices();
  const visit = await signedIn("console", ADMIN_TOKEN);
  const byLink = await signedInByLink((await newTenant()).tenantId);
  await forgetPageSessions(services);
  expect(await visit.isIn("console")).toBe(true);
  later(20 * HOUR_MS);
  await forgetPageSessions(services);
  expect(await byLink.isIn("portal")).toBe(true);
  later(72 * HOUR_MS);
  await forgetPageSessions(services);
  const counts = await env.DB.prepare(
    "SELECT (SELECT count(*) FROM page_sessions) + (SELECT count(*) FROM portal_links) AS n",
  ).first<{ n: number }>();
  expect(counts?.n).toBe(0);
});
