import { beforeAll, describe, expect, test } from "vitest";
import { ENDPOINTS } from "../../src/app.ts";
import { SCOPES, type Scope } from "../../src/domain/api_key.ts";
import { periodOf } from "../../src/domain/period.ts";
import type { Endpoint } from "../../src/http/endpoint.ts";
import { parameterNames } from "../../src/http/path_parameters.ts";
import { ADMIN_TOKEN, call, newKey, newTenant, type TestTenant, testServices } from "../support/gateway.ts";
import { tokenFor } from "../support/shapes.ts";
import { answerWrongTokensAtOnce } from "../support/wrong_credentials.ts";

/**
 * Every endpoint against its own declaration: what it says of credentials, scope, query, type, size and body is what
 * happens, in the order of the contract. `call` also checks each answer against the document.
 */
type Told = {
  readonly status: number;
  readonly code: string;
  readonly issues: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  readonly headers: Headers;
};

type Sent = {
  readonly credentials?: Record<string, string>;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | undefined;
  readonly method?: string;
};

const OTHER_SCOPES = {
  "scores:read": "usage:read",
  "usage:read": "scores:read",
  "statements:read": "scores:read",
  "keys:manage": "scores:read",
} as const satisfies Record<Scope, Scope>;
const CASES = ENDPOINTS.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const);
const only = (wanted: (endpoint: Endpoint) => boolean) => CASES.filter(([, endpoint]) => wanted(endpoint));
const hasAudience = (...audiences: string[]) => only(({ access }) => audiences.includes(access.audience));
const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };
const TAKES_BODY = only(({ method }) => method !== "GET");

let tenant: TestTenant;
/** Keys that lack the scope in question. */
const lacking: Record<string, TestTenant> = {};

beforeAll(async () => {
  answerWrongTokensAtOnce();
  tenant = await newTenant({ plan: { readsPerMinute: 10_000 }, key: { scopes: [...SCOPES] } });
  for (const [scope, other] of Object.entries(OTHER_SCOPES)) {
    const key = await newKey(tenant.tenantId, { mode: "live", scopes: [other] });
    lacking[scope] = { tenantId: tenant.tenantId, keyId: key.id, key: key.key };
  }
});

async function send(endpoint: Endpoint, { credentials, query = "", headers = {}, body, method }: Sent): Promise<Told> {
  const values: Record<string, string> = {
    tenantId: tenant.tenantId,
    keyId: tenant.keyId,
    kid: "nobody",
    periodFile: "2026-11.csv",
    reconciliationId: "rec_0123456789abcdef0123",
    differencesFile: "differences.csv",
    restrictionId: "rst_0123456789abcdef0123",
    operatorId: "csg_op_0000000000",
    period: periodOf(Date.now()),
    file: "events.csv",
  };
  const path = parameterNames(endpoint.path).reduce(
    (filled, name) => filled.replace(`:${name}`, values[name] ?? ""),
    endpoint.path,
  );
  const response = await call(`${path}${query}`, {
    method: method ?? endpoint.method,
    headers: { ...(credentials ?? (await rightCredentials(endpoint, tenant))), "accept-language": "en", ...headers },
    ...(body === undefined ? {} : { body }),
  });
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  const text = await response.text();
  const { error, ...problem } = JSON.parse(text) as { error?: object };
  return { issues: [], ...(error ?? problem), status: response.status, headers: response.headers } as unknown as Told;
}

async function rightCredentials({ access }: Endpoint, party: TestTenant): Promise<Record<string, string>> {
  if (access.audience === "public") return {};
  if (access.audience === "operator") return { authorization: `Bearer ${ADMIN_TOKEN}` };
  if (access.credential === "api-key") return { authorization: `Bearer ${party.key}` };
  if (access.credential === "issued-token") return { authorization: `Bearer ${await tokenFor(party)}` };
  return { authorization: `Basic ${btoa(`${party.keyId}:${party.key.slice(party.keyId.length + 1)}`)}` };
}

const typeOf = ({ body }: Endpoint) => ({ "content-type": body?.types?.[0] ?? "application/json" });
/** A body that fits nothing, of the right type. */
const BAD_BODY = '{"surely_not_a_field":1}';

describe("credentials", () => {
  test.each(hasAudience("tenant", "operator"))("%s wants some, before anything else", async (_, endpoint) => {
    const wrong = { query: "?surely_not=1", headers: { "content-type": "text/x-nothing" }, body: bodyFor(endpoint) };
    const missing = await send(endpoint, { credentials: {}, ...wrong });
    expect(missing.status).toBe(401);
    expect(missing.headers.get("www-authenticate")).toMatch(/^(?:Bearer|Basic) realm=/);
    for (const value of ["Bearer x", `Bearer ${tenant.keyId}`, "Basic eA==", `Bearer ${"x".repeat(60)}`, "Nothing x"]) {
      expect((await send(endpoint, { credentials: { authorization: value }, ...wrong })).status, value).toBe(401);
    }
  });

  test.each(hasAudience("operator"))("%s takes no tenant's key", async (_, endpoint) => {
    const told = await send(endpoint, { credentials: { authorization: `Bearer ${tenant.key}` } });
    expect([told.status, told.code]).toEqual([401, "invalid_admin_credentials"]);
  });

  test.each(hasAudience("tenant"))("%s names the scope that a key lacks, before anything else", async (_, endpoint) => {
    const { access } = endpoint;
    const { scope } = access as { scope: string };
    // A token cannot be had with a key that has no scope for it: it is issued first.
    const credentials = await credentialsWithout(endpoint, scope);
    const told = await send(endpoint, {
      credentials,
      query: "?surely_not=1",
      headers: { "content-type": "text/x-nothing" },
      body: bodyFor(endpoint),
    });
    expect([told.status, told.code]).toEqual([403, "insufficient_scope"]);
    expect(told.issues).toMatchObject([{ code: "scope_required", message: `the key needs the scope \`${scope}\`` }]);
    expect(told.headers.get("ratelimit"), "RateLimit on a 403 to a known key").toContain('"rate"');
  });
});

async function credentialsWithout(endpoint: Endpoint, scope: string): Promise<Record<string, string>> {
  const party = lacking[scope] as TestTenant;
  const { access } = endpoint;
  if (access.audience !== "tenant" || access.credential !== "issued-token")
    return await rightCredentials(endpoint, party);
  const { issueToken } = await import("../../src/gateway/issued_token.ts");
  const services = testServices();
  return { authorization: `Bearer ${await issueToken(services, { ...party, mode: "live" })}` };
}

function bodyFor({ method }: Endpoint): string | undefined {
  return method === "GET" ? undefined : BAD_BODY;
}

describe("the query", () => {
  test.each(CASES)("%s refuses a name that is not declared, before type and body", async (_, endpoint) => {
    const told = await send(endpoint, {
      query: "?surely_not=1",
      headers: { "content-type": "text/x-nothing" },
      ...(endpoint.method === "GET" ? {} : { body: BAD_BODY }),
    });
    expect([told.status, told.code]).toEqual([400, "invalid_request"]);
    expect(told.issues.map(({ path, code }) => `${path}:${code}`)).toContain("surely_not:unknown_parameter");
    if (endpoint.access.audience === "tenant") expect(told.headers.get("ratelimit-policy")).toContain('"rate"');
  });

  test.each(CASES)("%s tells no CPF, key or other text that stands where a name should", async (_, endpoint) => {
    for (const name of ["52998224725", "x".repeat(70), "id0052998224725", "a b<script>", tenant.key]) {
      const told = await send(endpoint, { query: `?${encodeURIComponent(name)}=1` });
      expect(told.status).toBe(400);
      expect(JSON.stringify(told.issues)).not.toContain(name);
    }
  });

  test.each(only(({ query }) => query !== undefined))("%s refuses a name that is given twice", async (_, endpoint) => {
    const [name = ""] = Object.keys(endpoint.query?.shape ?? {});
    const told = await send(endpoint, { query: `?${name}=1&${name}=1` });
    expect([told.status, told.issues]).toMatchObject([400, [{ path: name, code: "given_twice" }]]);
  });

  test.each(only(({ query }) => query !== undefined && "cursor" in query.shape))(
    "%s refuses what is no cursor of it, as the caller's mistake",
    async (_, endpoint) => {
      const texts = [
        "x",
        "",
        "%",
        "null",
        "[]",
        '[-1,""]',
        '[1e999,"x"]',
        '[0,"\\u0000"]',
        '[0,"not-a-month-nor-id;"]',
      ];
      const cursors = [...texts, ...texts.map((text) => btoa(text)), btoa('{"after":null,"mode":"all","seq":0}')];
      for (const cursor of cursors) {
        const query = `?${FOUND_BY[endpoint.id] ?? ""}cursor=${encodeURIComponent(cursor)}`;
        const told = await send(endpoint, { query });
        expect([told.status, told.code], cursor).toEqual([400, "invalid_request"]);
        expect(told.issues).toMatchObject([{ path: "cursor", code: "cursor" }]);
      }
    },
  );
});

describe("a cursor", () => {
  const LISTS = only(({ query }) => query !== undefined && "cursor" in query.shape && "limit" in query.shape);
  const cursors: Record<string, string> = {};

  beforeAll(async () => {
    await newTenant();
    for (const name of ["one", "two"])
      await call("/admin/v1/operators", { body: { name, roles: ["read"] }, headers: ADMIN });
    for (const [name, endpoint] of LISTS) {
      const { nextCursor } = (await send(endpoint, { query: "?limit=1" })) as unknown as { nextCursor?: string | null };
      if (typeof nextCursor === "string") cursors[name] = nextCursor;
    }
  });

  test("goes on with its own list", async () => {
    expect(Object.keys(cursors).length).toBeGreaterThanOrEqual(5);
    for (const [name, cursor] of Object.entries(cursors)) {
      const [, endpoint] = LISTS.find(([one]) => one === name) as (typeof LISTS)[number];
      const query = `?limit=1&cursor=${encodeURIComponent(cursor)}`;
      expect((await send(endpoint, { query })).status, name).toBe(200);
    }
  });

  test.each(only(({ query }) => query !== undefined && "cursor" in query.shape))(
    "of another list is none of %s",
    async (name, endpoint) => {
      for (const [of, cursor] of Object.entries(cursors)) {
        if (of === name) continue;
        const query = `?${FOUND_BY[endpoint.id] ?? ""}cursor=${encodeURIComponent(cursor)}`;
        const told = await send(endpoint, { query });
        expect([told.status, told.issues.map(({ code }) => code)], of).toEqual([400, ["cursor"]]);
      }
    },
  );

  test("of another tenant's list is none of one's own", async () => {
    const other = await newTenant({ key: { scopes: [...SCOPES] } });
    for (const path of [`/admin/v1/tenants/${other.tenantId}/keys`, "/v1/keys"]) {
      const name = path === "/v1/keys" ? "GET /v1/keys" : "GET /admin/v1/tenants/:tenantId/keys";
      const credentials = path === "/v1/keys" ? { authorization: `Bearer ${other.key}` } : ADMIN;
      const response = await call(`${path}?cursor=${encodeURIComponent(cursors[name] ?? "")}`, {
        headers: credentials,
      });
      expect(response.status, path).toBe(400);
      expect(await response.json()).toMatchObject({ issues: [{ path: "cursor", code: "cursor" }] });
    }
  });
});

describe("a number in a query", () => {
  test("is told as whole in the document, and is read in plain digits only", async () => {
    const document = await (await call("/openapi.json")).json<Document>();
    const numbers = CASES.flatMap(([name, endpoint]) => {
      const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}");
      const { parameters = [] } = document.paths[path]?.[endpoint.method.toLowerCase()] ?? {};
      const whole = parameters.filter(({ in: place, schema }) => place === "query" && schema?.type === "integer");
      return whole.map(({ name: parameter = "" }) => ({ name, endpoint, parameter }));
    });
    expect(new Set(numbers.map(({ parameter }) => parameter))).toEqual(new Set(["limit", "after"]));
    for (const { name, endpoint, parameter } of numbers) {
      for (const text of HOSTILE_NUMBERS) {
        const told = await send(endpoint, { query: `?${parameter}=${encodeURIComponent(text)}` });
        expect([told.status, told.issues.map(({ path }) => path)], `${name} ${text}`).toEqual([400, [parameter]]);
      }
    }
  });
});

type Document = {
  readonly paths: Record<
    string,
    Record<string, { parameters?: { in?: string; name?: string; schema?: { type?: string } }[] }>
  >;
};

/** What `Number` reads, or people write, and is not a whole number in digits. */
const HOSTILE_NUMBERS = [
  "",
  " ",
  " 5",
  "5 ",
  "+5",
  "-5",
  "-0",
  "05",
  "5.0",
  "5,0",
  "1e1",
  "1E1",
  "0x10",
  "0b1",
  "0o7",
  "1_0",
  "1.000",
  "٥",
  "５",
  "五",
  "NaN",
  "Infinity",
  "null",
  "true",
  "[]",
  "99999999999999999999",
  "9".repeat(400),
];

/** What a list asks for beside its cursor. */
const FOUND_BY: Record<string, string> = { findLookups: "id=lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e&" };

describe("the body", () => {
  test.each(TAKES_BODY)("%s names the header that its body lacks", async (_, endpoint) => {
    const types = endpoint.body?.types ?? ["application/json"];
    for (const type of ["text/plain", "application/jsonx", "multipart/form-data; boundary=x", ""]) {
      const told = await send(endpoint, { ...withQuery(endpoint), headers: { "content-type": type }, body: "x" });
      expect([told.status, told.code], type).toEqual([415, "unsupported_media_type"]);
      expect(told.issues).toMatchObject([{ path: "Content-Type", code: "content_type" }]);
      expect(told.issues[0]?.message).toContain(types[0]);
    }
    const encoded = { ...typeOf(endpoint), "content-encoding": "gzip" };
    const told = await send(endpoint, { ...withQuery(endpoint), headers: encoded, body: "x" });
    expect([told.status, told.issues]).toMatchObject([415, [{ path: "Content-Encoding" }]]);
  });

  test.each(TAKES_BODY)("%s takes its type in any case, with parameters", async (_, endpoint) => {
    const type = typeOf(endpoint)["content-type"].toUpperCase();
    const headers = { "content-type": `${type} ; charset=UTF-8`, "content-encoding": "IDENTITY" };
    const told = await send(endpoint, { ...withQuery(endpoint), headers, body: '{"surely_not":' });
    expect(told.status, told.code).toBe(400);
  });

  test.each(TAKES_BODY)("%s says how large a body may be", async (_, endpoint) => {
    const most = endpoint.body?.maxBytes ?? 4096;
    const told = await send(endpoint, {
      ...withQuery(endpoint),
      headers: typeOf(endpoint),
      body: "x".repeat(most + 1),
    });
    expect([told.status, told.code]).toEqual([413, "payload_too_large"]);
    expect(told.issues[0]?.message).toContain(most === 4096 ? "4 KiB" : "100 MiB");
  });

  test.each(
    only(({ method, body }) => method !== "GET" && (body?.types ?? ["application/json"])[0] === "application/json"),
  )("%s names a field that it does not know", async (_, endpoint) => {
    if (endpoint.id === "lookUpScoreInClarosShape") return; // Claro's clients may send more than we read.
    const told = await send(endpoint, { headers: typeOf(endpoint), body: BAD_BODY });
    expect([told.status, told.code]).toEqual([400, "invalid_request"]);
    expect(told.issues.map(({ path, code }) => `${path}:${code}`)).toContain("surely_not_a_field:unknown_field");
    const broken = await send(endpoint, { headers: typeOf(endpoint), body: "{" });
    expect([broken.status, broken.code]).toEqual([400, "invalid_json"]);
  });
});

/** What a query needs for the body to be looked at. */
function withQuery({ id }: Endpoint): { query?: string } {
  return id === "reconcile" ? { query: `?period=${periodOf(Date.now())}` } : {};
}

describe("other methods", () => {
  test.each(CASES)("%s", async (_, endpoint) => {
    const atPath = ENDPOINTS.filter(({ path }) => path === endpoint.path).map(({ method }) => method);
    for (const method of ["GET", "PUT", "DELETE", "PATCH", "POST"]) {
      if (atPath.includes(method as Endpoint["method"])) continue;
      const told = await send(endpoint, { method });
      expect([told.status, told.code], method).toEqual([405, "method_not_allowed"]);
      for (const allowed of atPath) expect(told.headers.get("allow")).toContain(allowed);
    }
  });
});

describe("a change that a browser marks as coming from elsewhere", () => {
  const CHANGES = hasAudience("operator").filter(([, { method }]) => method !== "GET");

  test.each(CHANGES)("%s is refused", async (_, endpoint) => {
    const marks: Record<string, string>[] = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "http://gateway.test" },
      { origin: "https://gateway.test.evil.example" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "Cross-Site", origin: "https://gateway.test" },
    ];
    for (const headers of marks) {
      const told = await send(endpoint, { headers });
      expect([told.status, told.code], JSON.stringify(headers)).toEqual([403, "cross_site_request"]);
    }
  });

  test.each(CHANGES)("%s goes on when it comes from here, or from no page", async (_, endpoint) => {
    const marks: Record<string, string>[] = [
      { origin: "https://gateway.test", "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
      { origin: "HTTPS://GATEWAY.TEST" },
    ];
    for (const headers of marks) {
      const told = await send(endpoint, { query: "?surely_not=1", headers });
      expect(
        told.issues.map(({ code }) => code),
        JSON.stringify(headers),
      ).toContain("unknown_parameter");
    }
  });
});

describe("declarations", () => {
  test("have a name and a place of their own", () => {
    for (const key of ["id", "summary"] as const) {
      const values = ENDPOINTS.map((endpoint) => JSON.stringify(endpoint[key]));
      expect(new Set(values).size).toBe(ENDPOINTS.length);
    }
    expect(new Set(CASES.map(([name]) => name)).size).toBe(ENDPOINTS.length);
  });

  test("of what an operator changes say what it leaves in the audit", () => {
    const silent = hasAudience("operator").filter(([, { method, audit }]) => method !== "GET" && audit === undefined);
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  test("stand below the path of their audience", () => {
    for (const [name, { access, path }] of CASES) {
      // Monitoring systems look for it there.
      const isOperators = path.startsWith("/admin/") || path === "/metrics";
      expect(isOperators, name).toBe(access.audience === "operator");
    }
  });
});
