import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { disturbedGateway } from "../../support/disturbed.ts";
import { ADMIN_TOKEN } from "../../support/gateway.ts";

const TEAM = "padaria.cloudflareaccess.com";
const AUDIENCE = "aud-of-the-admin-api";
const PERSON = "operadora@example.com";

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let ours: Keys;
let foreign: Keys;
const certs: { fetched: number; status: number; body: string | null } = { fetched: 0, status: 200, body: null };

// Cloudflare's own endpoint of keys is all that is simulated here.
beforeAll(async () => {
  [ours, foreign] = await Promise.all([generateKeyPair("RS256"), generateKeyPair("RS256")]);
});

beforeEach(async () => {
  Object.assign(certs, { fetched: 0, status: 200, body: null });
  const jwk = { ...(await exportJWK(ours.publicKey)), kid: "current", alg: "RS256", use: "sig" };
  const { fetch } = globalThis;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.href !== `https://${TEAM}/cdn-cgi/access/certs`) return await fetch(input, init);
    certs.fetched += 1;
    if (certs.status === 0) throw new TypeError("network");
    return new Response(certs.body ?? JSON.stringify({ keys: [jwk] }), { status: certs.status });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

function assertion(claims: Record<string, unknown> = {}, { signer = ours, kid = "current" } = {}): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const payload = {
    iss: `https://${TEAM}`,
    aud: [AUDIENCE],
    iat: nowSeconds,
    exp: nowSeconds + 60,
    email: PERSON,
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid }).sign(signer.privateKey);
}

function gatewayBehindAccess() {
  return disturbedGateway({ ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUDIENCE });
}

async function ask(headers: Record<string, string>, gateway = gatewayBehindAccess()): Promise<number> {
  return (await gateway.call("/admin/v1/tenants?limit=1", { headers })).status;
}

describe("Cloudflare Access in front of the admin API", () => {
  test("lets in whom it vouches for, and names that person in the audit", async () => {
    const gateway = gatewayBehindAccess();
    const headers = { "cf-access-jwt-assertion": await assertion(), "content-type": "application/json" };
    const body = JSON.stringify({
      name: "Via Access",
      document: "12ABC34501DE35",
      allowDuplicate: true,
      customerId: "a",
      plan: "trial",
    });
    const made = await gateway.call("/admin/v1/tenants", { method: "POST", headers, body });
    expect(made.status).toBe(201);
    const { id } = await made.json<{ id: string }>();
    const audit = await env.DB.prepare("SELECT actor FROM audit WHERE target = ?").bind(id).first();
    expect(audit).toEqual({ actor: PERSON });
    for (let n = 0; n < 3; n += 1) expect(await ask(headers, gateway)).toBe(200);
    expect(certs.fetched).toBe(1);
  });

  test("an assertion counts beside the token when both come; the token alone goes on to work", async () => {
    const gateway = gatewayBehindAccess();
    const token = { authorization: `Bearer ${ADMIN_TOKEN}` };
    expect(await ask(token, gateway)).toBe(200);
    expect(await ask({ ...token, "cf-access-jwt-assertion": "forged" }, gateway)).toBe(200);
    expect(certs.fetched).toBe(0);
  });

  test("a service token is named as one", async () => {
    const gateway = gatewayBehindAccess();
    const headers = { "cf-access-jwt-assertion": await assertion({ email: undefined, common_name: "ci.access" }) };
    const body = JSON.stringify({
      name: "By CI",
      document: "12ABC34501DE35",
      allowDuplicate: true,
      customerId: "a",
      plan: "trial",
    });
    const init = { method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
    expect((await gateway.call("/admin/v1/tenants", init)).status).toBe(201);
    const last = await env.DB.prepare("SELECT actor FROM audit ORDER BY n DESC LIMIT 1").first();
    expect(last).toEqual({ actor: "service:ci.access" });
  });

  test.each<[string, () => Promise<string>]>([
    ["no token at all", () => Promise.resolve("x.y.z")],
    ["another's signature", () => assertion({}, { signer: foreign })],
    ["a key that is not published", () => assertion({}, { kid: "other" })],
    ["another application", () => assertion({ aud: ["another"] })],
    ["another team", () => assertion({ iss: "https://other.cloudflareaccess.com" })],
    ["past its end", () => assertion({ exp: Math.floor(Date.now() / 1000) - 31 })],
    ["no end", () => assertion({ exp: undefined })],
    ["not yet", () => assertion({ nbf: Math.floor(Date.now() / 1000) + 60 })],
    ["of a time that has not come", () => assertion({ iat: Math.floor(Date.now() / 1000) + 3600 })],
    ["a name with a line end", () => assertion({ email: "operadora@example.com\nroot" })],
    ["nobody's name", () => assertion({ email: undefined })],
    [
      "a signature by a secret that everybody knows",
      () =>
        new SignJWT({ iss: `https://${TEAM}`, aud: AUDIENCE, email: PERSON, exp: 4_000_000_000, iat: 1 })
          .setProtectedHeader({ alg: "HS256", kid: "current" })
          .sign(new TextEncoder().encode(AUDIENCE)),
    ],
    [
      "no signature",
      async () => {
        const [, payload] = (await assertion()).split(".");
        return `${btoa('{"alg":"none"}').replaceAll("=", "")}.${payload}.`;
      },
    ],
  ])("refuses %s", async (_case, forge) => {
    expect(await ask({ "cf-access-jwt-assertion": await forge() })).toBe(401);
  });

  test.each<[string, Record<string, unknown>]>([
    ["some seconds ahead", { iat: 2, nbf: 2, exp: 62 }],
    ["some seconds behind", { iat: -62, nbf: -62, exp: -2 }],
  ])("goes by a clock that is %s of the gateway's", async (_case, offsets) => {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = Object.entries(offsets).map(([name, offset]) => [name, nowSeconds + (offset as number)] as const);
    expect(await ask({ "cf-access-jwt-assertion": await assertion(Object.fromEntries(claims)) })).toBe(200);
  });

  test.each<[string, () => void]>([
    ["answer 503", () => (certs.status = 503)],
    ["are no JSON", () => (certs.body = "<html>")],
    ["are no keys", () => (certs.body = "{}")],
    ["cannot be reached", () => (certs.status = 0)],
  ])("whose keys %s is 503, never wrong credentials; the token still works", async (_case, fail) => {
    fail();
    const gateway = gatewayBehindAccess();
    const headers = { "cf-access-jwt-assertion": await assertion() };
    const response = await gateway.call("/admin/v1/tenants?limit=1", { headers });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await response.json()).toMatchObject({ code: "access_unavailable" });
    expect(await ask({ ...headers, authorization: `Bearer ${ADMIN_TOKEN}` }, gateway)).toBe(200);
  });

  test.each<[string, Record<string, unknown>]>([
    ["crit", { alg: "RS256", kid: "current", crit: ["HOSTILE"], HOSTILE: true }],
    ["alg", { alg: "HOSTILE", kid: "current" }],
    ["kid", { alg: "RS256", kid: "HOSTILE" }],
    ["typ", { alg: "RS256", kid: "current", typ: "HOSTILE" }],
    ["jwk", { alg: "RS256", jwk: { kty: "HOSTILE" } }],
    ["jku", { alg: "RS256", jku: "https://HOSTILE.example" }],
    ["b64", { alg: "RS256", kid: "current", b64: false, crit: ["b64"], HOSTILE: "HOSTILE" }],
  ])("never writes what stands in a header's %s to the log", async (_case, header) => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const encode = (value: unknown) =>
      new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
    const [, payload, signature] = (await assertion()).split(".");
    const forged = [encode(header), payload, signature].join(".");
    expect(await ask({ "cf-access-jwt-assertion": forged })).toBe(401);
    expect(await ask({ "cf-access-jwt-assertion": `${forged}\u007fHOSTILE` })).toBe(401);
    expect(lines.mock.calls.join("\n")).not.toContain("HOSTILE");
  });

  test("where it is required, no token is taken", async () => {
    const gateway = disturbedGateway({ ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUDIENCE, ACCESS_REQUIRED: "true" });
    expect(await ask({ authorization: `Bearer ${ADMIN_TOKEN}` }, gateway)).toBe(401);
    const withAssertion = { "cf-access-jwt-assertion": await assertion() };
    expect(await ask(withAssertion, gateway)).toBe(200);
    expect(await ask({ ...withAssertion, authorization: `Bearer ${ADMIN_TOKEN}` }, gateway)).toBe(200);
    const none = { ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUDIENCE, ACCESS_REQUIRED: true, ADMIN_TOKEN: undefined };
    expect(await ask(withAssertion, disturbedGateway(none))).toBe(200);
    expect(await ask({ authorization: "Bearer undefined" }, disturbedGateway(none))).toBe(401);
  });

  test("counts for nothing where Access is not configured", async () => {
    const headers = { "cf-access-jwt-assertion": await assertion() };
    expect(await ask(headers, disturbedGateway({}))).toBe(401);
    expect(certs.fetched).toBe(0);
  });

  // The last one: from then on nobody is an admin by Access alone.
  test("a service token that nobody made an operator lets an operator's own token through, who is named", async () => {
    const gateway = gatewayBehindAccess();
    const machine = { "cf-access-jwt-assertion": await assertion({ email: undefined, common_name: "ctl.access" }) };
    const as = (token: string | null) => ({
      "content-type": "application/json",
      ...machine,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    });
    const make = async (token: string | null, body: object) =>
      await gateway.call("/admin/v1/operators", { method: "POST", headers: as(token), body: JSON.stringify(body) });
    const admin = { name: "Admin", email: `admin-${crypto.randomUUID()}@example.com`, roles: ["admin"] };
    const { token } = await (await make(ADMIN_TOKEN, admin)).json<{ token: string }>();
    const made = await make(token, { name: "By a named one", roles: ["read"] });
    expect(made.status).toBe(201);
    const lines = env.DB.prepare("SELECT actor FROM audit WHERE action = 'operator.create' ORDER BY n DESC LIMIT 2");
    const actors = (await lines.all<{ actor: string }>()).results.map(({ actor }) => actor);
    expect(actors).toEqual([admin.email, "service:ctl.access"]);
    // The machine alone may nothing, now that there is an admin with an e-mail.
    expect((await make(null, { name: "x", roles: ["read"] })).status).toBe(403);
  });
});
