import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeApiKey } from "../../src/domain/api_key.ts";
import { sha256Hex } from "../../src/platform/keyed_hash.ts";
import { admin, adminJson, call, lookup, newKey, newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
import {
  claroLookup,
  failureCode,
  fetchWith,
  requestToken,
  scoreRequest,
  SHAPES,
  tokenFor,
} from "../support/shapes.ts";

const CPF = "52998224725";
const ASKED = { data: { customer: { idCpf: CPF } } };
const SIGNING_SECRET = "test-access-token-secret-0123456789";

beforeEach(async () => {
  await sandbox("reset");
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function claroCalls(): Promise<number> {
  return (await sandbox<{ scoreCalls: number }>("counts")).scoreCalls;
}

/** The status and the code of an answer; with a 401, that it says how to authenticate. */
async function refusal(response: Response): Promise<string> {
  const challenge = response.headers.get("www-authenticate");
  expect(challenge !== null, "a 401 has a challenge, nothing else has").toBe(response.status === 401);
  return `${response.status} ${await failureCode(response)}`;
}

async function refusedEverywhere(tenant: TestTenant, token: string): Promise<string[]> {
  const credentials = `${tenant.keyId}:${tenant.key.slice(tenant.keyId.length + 1)}`;
  const responses = [await lookup(tenant.key, CPF), await claroLookup(token, ASKED), await requestToken(credentials)];
  return await Promise.all(responses.map(refusal));
}

describe("the very next request fails, by key, by token and for a new token,", () => {
  async function warm(options: Parameters<typeof newTenant>[0] = {}): Promise<{ tenant: TestTenant; token: string }> {
    const tenant = await newTenant(options);
    const token = await tokenFor(tenant);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await claroLookup(token, ASKED)).status).toBe(200);
    await sandbox("reset");
    return { tenant, token };
  }

  test.each(["live", "test"] as const)("once a %s key is revoked, although KV still holds it", async (mode) => {
    const { tenant, token } = await warm({ mode });
    const other = await newKey(tenant.tenantId, { mode });
    await adminJson(`/keys/${tenant.keyId}/revoke`, { method: "POST" });
    expect(await refusedEverywhere(tenant, token)).toEqual(Array(3).fill("401 revoked_api_key"));
    expect(await env.KEYS.get(`key:${await sha256Hex(tenant.key)}`)).toContain(tenant.keyId);
    expect(await claroCalls()).toBe(0);
    expect((await lookup(other.key, CPF)).status).toBe(200);
  });

  test("once the tenant is suspended, until it is active again", async () => {
    const { tenant, token } = await warm();
    await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    expect(await refusedEverywhere(tenant, token)).toEqual(Array(3).fill("403 tenant_suspended"));
    expect(await refusal(await call("/v1/usage", { headers: { "x-api-key": tenant.key } }))).toBe(
      "403 tenant_suspended",
    );
    expect(await claroCalls()).toBe(0);
    await admin(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "active" } });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await claroLookup(token, ASKED)).status).toBe(200);
  });

  test("once the key has expired", async () => {
    const expiresAtMs = Date.now() + 600_000;
    const { tenant, token } = await warm({ key: { expiresAt: new Date(expiresAtMs).toISOString() } });
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(expiresAtMs - 1);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    vi.setSystemTime(expiresAtMs);
    await sandbox("reset");
    expect(await refusedEverywhere(tenant, token)).toEqual(Array(3).fill("401 expired_api_key"));
    expect(await claroCalls()).toBe(0);
  });
});

describe("a key that may do less", () => {
  test("has its scopes and no other", async () => {
    const tenant = await newTenant({ key: { scopes: ["usage:read"] } });
    const token = "eyJ.none";
    const [byKey, , forToken] = await refusedEverywhere(tenant, token);
    expect([byKey, forToken]).toEqual(Array(2).fill("403 insufficient_scope"));
    expect((await call("/v1/usage", { headers: { "x-api-key": tenant.key } })).status).toBe(200);
    const scores = await newKey(tenant.tenantId, { mode: "live", scopes: ["scores:read"] });
    expect((await lookup(scores.key, CPF)).status).toBe(200);
    expect(await refusal(await call("/v1/usage", { headers: { "x-api-key": scores.key } }))).toBe(
      "403 insufficient_scope",
    );
  });

  test.each([
    ["203.0.113.7", 200],
    ["203.0.114.7", 403],
    ["2001:db8::7", 200],
    ["2001:db9::7", 403],
    ["::ffff:203.0.113.7", 200],
    ["not an address", 403],
    [undefined, 403],
  ])("is good from its addresses only: %s gives %i", async (ip, status) => {
    const tenant = await newTenant({ key: { allowedIps: ["203.0.113.0/24", "2001:db8::/32"] } });
    // What a caller says of itself does not count.
    const headers = { "x-forwarded-for": "203.0.113.7", ...(ip === undefined ? {} : { "cf-connecting-ip": ip }) };
    const response = await lookup(tenant.key, CPF, headers);
    expect(response.status).toBe(status);
    if (status === 403) expect(await refusal(response)).toBe("403 ip_not_allowed");
  });
});

describe("a key that nobody has", () => {
  const made = () => makeApiKey("live", (count) => crypto.getRandomValues(new Uint8Array(count)));

  test("costs no I/O when its check is wrong, and one look into KV when it is right", async () => {
    const get = vi.spyOn(env.KEYS, "get");
    const misspelled = made().text.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    expect(await refusal(await lookup(misspelled, CPF))).toBe("401 invalid_api_key");
    expect(get).not.toHaveBeenCalled();
    expect(await refusal(await lookup(made().text, CPF))).toBe("401 invalid_api_key");
    expect(get).toHaveBeenCalledOnce();
  });

  test("gets no token", async () => {
    const { keyId, clientSecret } = made();
    expect(await refusal(await requestToken(`${keyId}:${clientSecret}`))).toBe("401 invalid_api_key");
    for (const credentials of ["", ":", keyId, `${keyId}:`, `:${clientSecret}`, `${keyId}_${clientSecret}`]) {
      expect(await refusal(await requestToken(credentials))).toBe("401 invalid_api_key");
    }
  });
});

describe("an Authorization that is odd", () => {
  test("is no credential, in either shape", async () => {
    const tenant = await newTenant();
    const token = await tokenFor(tenant);
    for (const shape of SHAPES) {
      const secret = shape.path === "/v1/scores" ? tenant.key : token;
      const odd = ["", "Bearer", "Bearer ", secret, `Basic ${secret}`, `Token ${secret}`, `Bearer: ${secret}`];
      const mixed = [
        `Bearer ${secret}, Bearer ${secret}`,
        `Bearer "${secret}"`,
        `Bearer\t${secret}`,
        `Bearer ${secret} x`,
      ];
      for (const authorization of [
        ...odd,
        ...mixed,
        `Bearer ${secret}${"x".repeat(20_000)}`,
        `Bearer ${secret},${secret}`,
      ]) {
        const headers = { authorization, "content-type": "application/json" };
        const response = await call(shape.path, { headers, body: shape.body(`"${CPF}"`) });
        expect(await refusal(response)).toMatch(/^401 (missing_credentials|invalid_api_key|invalid_token)$/);
      }
      for (const authorization of [`bearer ${secret}`, `BEARER   ${secret} `]) {
        const headers = { authorization, "content-type": "application/json" };
        expect((await call(shape.path, { headers, body: shape.body(`"${CPF}"`) })).status).toBe(200);
      }
    }
  });

  test("beside x-api-key is what counts when it is a Bearer", async () => {
    const tenant = await newTenant();
    const both = (authorization: string) => lookup("", CPF, { authorization, "x-api-key": tenant.key });
    expect((await both(`Bearer ${tenant.key}`)).status).toBe(200);
    expect(await refusal(await both("Bearer x"))).toBe("401 invalid_api_key");
    // What a proxy of the caller's adds for itself is not for us.
    expect((await both("Basic eDp5")).status).toBe(200);
    expect(await refusal(await call("/v1/scores", { body: { cpf: CPF } }))).toBe("401 missing_credentials");
  });

  test("to the token call may come in either header, and is Basic", async () => {
    const tenant = await newTenant();
    const basic = btoa(`${tenant.keyId}:${tenant.key.slice(tenant.keyId.length + 1)}`);
    const ask = (headers: Record<string, string>, body = "grant_type=client_credentials") =>
      call("/oauth2/v1/token", { headers: { "content-type": "application/x-www-form-urlencoded", ...headers }, body });
    expect((await ask({ authorization: `Basic ${basic}` })).status).toBe(200);
    expect((await ask({ "x-client-auth": `basic ${basic}` })).status).toBe(200);
    expect(await refusal(await ask({}))).toBe("401 missing_credentials");
    for (const odd of [
      `Bearer ${basic}`,
      basic,
      "Basic",
      "Basic !!!",
      `Basic ${basic} ${basic}`,
      `Basic ${"A".repeat(5000)}`,
    ]) {
      expect(await refusal(await ask({ authorization: odd }))).toBe("401 invalid_api_key");
    }
    const good = { "x-client-auth": `Basic ${basic}` };
    for (const body of ["", "grant_type=password", "grant_type", "{}"]) {
      expect(await refusal(await ask(good, body))).toBe("400 invalid_request");
    }
    expect(await refusal(await ask({ ...good, "content-type": "application/json" }))).toBe(
      "415 unsupported_media_type",
    );
    expect(await refusal(await ask(good, "x".repeat(5000)))).toBe("413 payload_too_large");
  });
});

describe("an issued token", () => {
  async function claims(tenant: TestTenant): Promise<[string, string, string]> {
    return (await tokenFor(tenant)).split(".") as [string, string, string];
  }

  function encoded(value: unknown): string {
    return btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  test("is the first member of its answer and says how long it lives", async () => {
    const tenant = await newTenant();
    const response = await requestToken(`${tenant.keyId}:${tenant.key.slice(tenant.keyId.length + 1)}`);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const text = await response.text();
    expect(text.split('"')[1]).toBe("access_token");
    expect(text.split('"')[3]?.split(".")).toHaveLength(3);
    expect(JSON.parse(text)).toMatchObject({ token_type: "Bearer", expires_in: 3600, client_id: tenant.keyId });
  });

  test("is good for an hour, to the second", async () => {
    const tenant = await newTenant();
    vi.useFakeTimers({ toFake: ["Date"] });
    const issuedAtMs = Date.now() - (Date.now() % 1000);
    vi.setSystemTime(issuedAtMs);
    const token = await tokenFor(tenant);
    vi.setSystemTime(issuedAtMs + 3_599_999);
    expect((await claroLookup(token, ASKED)).status).toBe(200);
    await sandbox("reset");
    vi.setSystemTime(issuedAtMs + 3_600_000);
    expect(await refusal(await claroLookup(token, ASKED))).toBe("401 invalid_token");
    expect(await claroCalls()).toBe(0);
  });

  test("that was changed, or signed by somebody else, is none", async () => {
    const tenant = await newTenant();
    const stranger = await newTenant();
    const [header, payload, signature] = await claims(tenant);
    const [, strangersPayload] = await claims(stranger);
    const content = JSON.parse(atob(payload)) as Record<string, unknown>;
    const none = encoded({ alg: "none", typ: "JWT" });
    const forged = [
      `${header}.${strangersPayload}.${signature}`,
      `${header}.${encoded({ ...content, tenantId: stranger.tenantId })}.${signature}`,
      `${header}.${encoded({ ...content, exp: 4e9 })}.${signature}`,
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -2)}AA`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      tenant.key,
      "x",
    ];
    const sign = async (secret: string, claimed: Record<string, unknown>, alg = "HS256") =>
      await new SignJWT(claimed).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
    forged.push(await sign("another-secret-of-the-same-size-012", content));
    // Even with our secret: another algorithm, another issuer, no end, no key id.
    forged.push(await sign(SIGNING_SECRET.padEnd(64, "0"), content, "HS512"));
    forged.push(await sign(SIGNING_SECRET, { ...content, iss: "somebody" }));
    forged.push(await sign(SIGNING_SECRET, { ...content, exp: undefined }));
    forged.push(await sign(SIGNING_SECRET, { ...content, sub: "csg_prod_0123456789" }));
    expect((await claroLookup(await sign(SIGNING_SECRET, content), ASKED)).status).toBe(200);
    await sandbox("reset");
    for (const token of forged) expect(await refusal(await claroLookup(token, ASKED))).toBe("401 invalid_token");
    expect(await claroCalls()).toBe(0);
  });

  test("is no API key, and an API key is no token", async () => {
    const tenant = await newTenant();
    expect(await refusal(await lookup(await tokenFor(tenant), CPF))).toBe("401 invalid_api_key");
    expect(await refusal(await claroLookup(tenant.key, ASKED))).toBe("401 invalid_token");
  });
});

describe("settings that are wrong", () => {
  test.each([
    [{ CLOCK_OFFSET_MS: "5", LOCAL: undefined }, ["CLOCK_OFFSET_MS"]],
    [{ CLOCK_OFFSET_MS: "5", LOCAL: "false" }, ["CLOCK_OFFSET_MS"]],
    [{ CLARO_TIMEOUT_MS: "soon", ADMIN_TOKEN: undefined }, ["CLARO_TIMEOUT_MS", "ADMIN_TOKEN"]],
    [{ IDEMPOTENCY_SECRET: "" }, ["IDEMPOTENCY_SECRET"]],
  ])(
    "answer 500 and are named in the log line only: %j",
    async (settings: Record<string, string | undefined>, names) => {
      const lines: string[] = [];
      vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
      const response = await fetchWith(settings, scoreRequest("csg_live_none"));
      expect(response.status).toBe(500);
      const body = await response.text();
      expect(JSON.parse(body)).toMatchObject({ code: "misconfigured" });
      for (const name of names) expect(body).not.toContain(name);
      const settingsTold = names.map((name) => expect.stringMatching(`^${name} .+; it must be .+`) as string);
      expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { event: "request", status: 500, code: "misconfigured", settings: settingsTold },
      ]);
    },
  );

  test("a shifted clock is right where it is local", async () => {
    const tenant = await newTenant();
    const response = await fetchWith({ CLOCK_OFFSET_MS: "5", LOCAL: "true" }, scoreRequest(tenant.key));
    expect(response.status).toBe(200);
  });
});
