import { describe, expect, test, vi, afterEach } from "vitest";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";
import { admin, adminJson, call, lookup, newKey, newTenant, sandbox, sendRequest } from "../support/gateway.ts";
import { claroLookup, SHAPES, tokenFor } from "../support/shapes.ts";

const CPF = "52998224725";

type Issue = { path: string; code: string; message: string };
type Told = {
  status: number;
  code: string;
  detail: string;
  lookupId?: string;
  issues?: Issue[];
  retryAfter: string | null;
  text: string;
};

afterEach(() => vi.useRealTimers());

/** A failure in whichever shape it came. */
async function told(response: Response): Promise<Told> {
  const text = await response.text();
  const body = JSON.parse(text) as Record<string, unknown> & { error?: Record<string, unknown> };
  const { error } = body;
  const flat = error === undefined ? body : { ...error, detail: error["detailedMessage"] };
  return { ...flat, status: response.status, retryAfter: response.headers.get("retry-after"), text } as unknown as Told;
}

describe("issues", () => {
  test.each([
    ["pt-BR", "pt-BR", "este campo não existe; seria `cpf`?"],
    ["nothing", undefined, "este campo não existe; seria `cpf`?"],
    ["en", "en", "there is no such field; did you mean `cpf`?"],
  ])("speak the reader's language (%s) and name what was meant", async (_, language, message) => {
    const tenant = await newTenant();
    const headers = {
      authorization: `Bearer ${tenant.key}`,
      ...(language === undefined ? {} : { "accept-language": language }),
    };
    const answer = await told(await call("/v1/scores", { headers, body: { CPF } }));
    expect([answer.status, answer.code]).toEqual([400, "invalid_request"]);
    expect(answer.issues).toContainEqual({ path: "CPF", code: "unknown_field", message });
    expect(answer.issues).toContainEqual(expect.objectContaining({ path: "cpf", code: "required" }));
    expect(answer.detail).toContain(message);
    expect(answer.text).not.toContain(CPF);
  });

  test.each([
    [{ cpf: CPF, Reference: "x" }, "Reference:unknown_field", "reference"],
    [{ cpf: CPF, legal_basis: "consent" }, "legal_basis:unknown_field", "legalBasis"],
    [{ cpf: CPF, referense: "x" }, "referense:unknown_field", "reference"],
    [{ cpf: CPF, purpose: "curiosity" }, "purpose:not_one_of", "credit_granting"],
    [{ cpf: CPF, reference: "" }, "reference:printable", "64"],
    [{ cpf: CPF, reference: "\u200b\u3164" }, "reference:printable", "64"],
    [{ cpf: CPF, reference: 7 }, "reference:wrong_type", "text"],
    [{ cpf: CPF, reference: `nf-${CPF}` }, "reference:looks_like_cpf", "CPF"],
    [{ cpf: CPF, reference: `1${CPF}1` }, "reference:looks_like_cpf", "CPF"],
    [{ cpf: CPF, consentId: "٥٢٩٩٨٢٢٤٧٢٥" }, "consentId:looks_like_cpf", "CPF"],
    [{ cpf: CPF, requestedBy: "x".repeat(65) }, "requestedBy:printable", "64"],
    [{ cpf: {} }, "cpf:wrong_type", "a text or a number"],
    [[], ":wrong_type", "a JSON object"],
  ])("of %j say %s", async (body, issue, words) => {
    const tenant = await newTenant();
    const headers = { authorization: `Bearer ${tenant.key}`, "accept-language": "en" };
    const answer = await told(await call("/v1/scores", { headers, body }));
    expect(answer.status).toBe(400);
    const found = answer.issues?.find(({ path, code }) => `${path}:${code}` === issue);
    expect(found?.message, JSON.stringify(answer.issues)).toContain(words);
    expect(answer.text.replaceAll(answer.text.match(/"requestId":"[^"]*"/)?.[0] ?? "", "")).not.toMatch(/[0-9٠-٩]{11}/);
  });

  test("of a CPF alone have the CPF's own code", async () => {
    const tenant = await newTenant();
    for (const shape of SHAPES) {
      const answer = await told(await shape.lookup(tenant, "52998224724"));
      expect([answer.code, answer.issues?.map(({ code }) => code)]).toEqual(["invalid_cpf", ["cpf"]]);
    }
  });

  test.each([
    [{ data: { customer: { idcpf: CPF } } }, "data.customer.idCpf", "data.customer.idcpf"],
    [{ data: { customer: { cpf: CPF, name: "x" } } }, "data.customer.idCpf", "data.customer.cpf"],
    [{ data: { Customer: { idCpf: CPF } } }, "data.customer", "data.Customer"],
    [{ Data: { customer: { idCpf: CPF } }, other: 1 }, "data", "Data"],
  ])("stand in Claro's shape too, with the code: %j", async (body, missing, misspelt) => {
    const token = await tokenFor(await newTenant());
    const answer = await told(await claroLookup(token, body, { "accept-language": "en" }));
    expect([answer.status, answer.code]).toEqual([400, "invalid_request"]);
    const meant = missing.split(".").at(-1);
    expect(answer.issues).toEqual([
      { path: missing, code: "required", message: "is required" },
      { path: misspelt, code: "unknown_field", message: `there is no such field; did you mean \`${meant}\`?` },
    ]);
    expect(answer.detail).toContain("is required");
    expect(answer.text).not.toContain(CPF);
  });
});

describe("a refusal says what to do:", () => {
  test.each(SHAPES)("the header that is missing, in $name", async (shape) => {
    const tenant = await newTenant();
    const response = await sendRequest(shape.path, {
      method: "POST",
      headers: { ...(await shape.credentials(tenant)), "accept-language": "en" },
      body: shape.body(`"${CPF}"`),
    });
    const answer = await told(response);
    expect([answer.status, answer.issues]).toMatchObject([415, [{ path: "Content-Type" }]]);
    expect(answer.detail).toContain("Content-Type: application/json");
    expect(response.headers.get("ratelimit")).toContain('"rate"');
  });

  test.each(SHAPES)("the address that was seen, in $name", async (shape) => {
    const { tenantId } = await newTenant();
    const key = await newKey(tenantId, { mode: "live", allowedIps: ["203.0.113.0/24"] });
    const tenant = { tenantId, keyId: key.id, key: key.key };
    const from = (ip: string) => ({ "cf-connecting-ip": ip, "accept-language": "en" });
    const credentials =
      shape.path === "/v1/scores"
        ? await shape.credentials(tenant)
        : { authorization: `Bearer ${await tokenFrom(tenant)}` };
    const response = await sendRequest(shape.path, {
      method: "POST",
      headers: { ...credentials, ...from("198.51.100.7"), "content-type": "application/json" },
      body: shape.body(`"${CPF}"`),
    });
    const answer = await told(response);
    expect([answer.status, answer.code]).toEqual([403, "ip_not_allowed"]);
    expect(answer.detail).toContain("198.51.100.7");
  });

  test.each([
    ["/v1/usage", { authorization: "Basic eDp5" }, "missing_credentials", "Authorization", "credential_form"],
    ["/v1/usage", { authorization: "csg_live_x" }, "missing_credentials", "Authorization", "credential_form"],
    ["/v1/usage", { authorization: "Bearer a, Bearer a" }, "missing_credentials", "Authorization", "given_twice"],
    ["/v1/usage", { "x-api-key": "a, a" }, "invalid_api_key", "x-api-key", "given_twice"],
    [
      "/oauth2/v1/token",
      { "x-client-auth": "Basic eA==, Basic eA==" },
      "invalid_api_key",
      "x-client-auth",
      "given_twice",
    ],
    [
      "/customers/v1/scores",
      { "x-client-auth": "Basic eDp5" },
      "missing_credentials",
      "x-client-auth",
      "credential_form",
    ],
    [
      "/customers/v1/scores",
      { authorization: "Bearer a, Bearer b" },
      "missing_credentials",
      "Authorization",
      "given_twice",
    ],
  ])("the header that holds no credential: %s %j", async (path, headers, code, header, issue) => {
    const response = await call(path, { method: path === "/v1/usage" ? "GET" : "POST", headers });
    const { error, ...problem } = await response.json<{ error?: object }>();
    expect(response.status).toBe(401);
    expect(error ?? problem).toMatchObject({ code, issues: [{ path: header, code: issue }] });
  });

  test("the lookup's id, when it is on record", async () => {
    const tenant = await newTenant({ mode: "test" });
    for (const { name, cpf } of MAGIC_CPFS) {
      for (const shape of SHAPES) {
        const response = await shape.lookup(tenant, cpf);
        if (response.ok) continue;
        expect((await told(response)).lookupId, `${name} in ${shape.name}`).toMatch(/^lkp_[0-9a-f-]{36}$/);
      }
    }
    const refused = await told(await lookup(tenant.key, "1"));
    expect(refused.lookupId).toBeUndefined();
  });

  test("when a cap begins anew, and no Retry-After of days", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-01-20T12:00:00.000Z") });
    const tiers = [{ upTo: null, unitPriceMicros: 150_000 }];
    const tenant = await newTenant({ plan: { tiers, monthlySpendCapMicros: 150_000 } });
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    for (const shape of SHAPES) {
      const answer = await told(await shape.lookup(tenant, CPF, { "accept-language": "en" }));
      expect([answer.status, answer.code, answer.retryAfter]).toEqual([429, "spend_cap_reached", null]);
      expect(answer.issues).toMatchObject([{ code: "renews_at" }]);
      // A day that a Brazilian writes `01/02/2027` would be another one to some who read English.
      expect(answer.detail).toMatch(/1 February 2027 at 00:00 \(São Paulo time\)/);
      expect((await told(await shape.lookup(tenant, CPF))).detail).toMatch(/01\/02\/2027,? 00:00 \(horário de São/);
    }
    vi.setSystemTime(Date.parse("2027-02-01T02:30:00.000Z"));
    const last = await told(await lookup(tenant.key, CPF));
    expect(last.retryAfter).toBe("1800");
    vi.setSystemTime(Date.parse("2027-02-01T03:00:01.000Z"));
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
  });

  test("that an allowance does not renew", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 0 } } });
    const answer = await told(await lookup(tenant.key, CPF));
    expect([answer.code, answer.retryAfter]).toEqual(["quota_exceeded", null]);
    expect(answer.issues).toMatchObject([{ code: "does_not_renew" }]);
  });
});

async function tokenFrom(tenant: { keyId: string; key: string }): Promise<string> {
  const response = await call("/oauth2/v1/token", {
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      authorization: `Basic ${btoa(`${tenant.keyId}:${tenant.key.slice(tenant.keyId.length + 1)}`)}`,
      "cf-connecting-ip": "203.0.113.9",
    },
    body: "grant_type=client_credentials",
  });
  return (await response.json<{ access_token: string }>()).access_token;
}

describe("the token call", () => {
  test.each([
    ["in the body", "", "grant_type=client_credentials", 200],
    ["in the query", "?grant_type=client_credentials", undefined, 200],
    ["in both", "?grant_type=client_credentials", "grant_type=client_credentials", 200],
    ["nowhere", "", "scope=x", 400],
    ["another one", "?grant_type=password", undefined, 400],
  ])("takes the grant %s", async (_, query, body, status) => {
    const tenant = await newTenant();
    const type = body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
    const response = await call(`/oauth2/v1/token${query}`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(`${tenant.keyId}:${tenant.key.slice(tenant.keyId.length + 1)}`)}`,
        ...type,
      },
      ...(body === undefined ? {} : { body }),
    });
    expect(response.status).toBe(status);
    if (status === 400) expect((await told(response)).issues?.[0]?.path).toBe("grant_type");
  });
});

describe("what a lookup is made for", () => {
  test("is taken, and the reference comes back", async () => {
    const tenant = await newTenant();
    const grounds = { purpose: "credit_review", legalBasis: "contract", consentId: "c-1", requestedBy: "ana" };
    await sandbox("reset");
    const headers = { authorization: `Bearer ${tenant.key}` };
    const response = await call("/v1/scores", { headers, body: { cpf: CPF, reference: "pedido 7", ...grounds } });
    expect([response.status, await response.json()]).toMatchObject([200, { reference: "pedido 7", mode: "live" }]);
    const keyed = { ...headers, "idempotency-key": crypto.randomUUID() };
    expect((await call("/v1/scores", { headers: keyed, body: { cpf: CPF, ...grounds } })).status).toBe(200);
    const again = await call("/v1/scores", { headers: keyed, body: { cpf: CPF, ...grounds } });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const others = await call("/v1/scores", { headers: keyed, body: { cpf: CPF, ...grounds, purpose: "collection" } });
    expect([others.status, (await told(others)).code]).toEqual([422, "idempotency_mismatch"]);
    const plain = await call("/v1/scores", { headers, body: { cpf: CPF } });
    expect(await plain.json()).toMatchObject({ reference: null });
  });
});

describe("free texts of an operator", () => {
  /** Every field that is kept and exported, with a call that holds it. */
  const FIELDS: [string, (text: string, tenantId: string) => Promise<Response>][] = [
    ["tenant name", async (text) => await admin("/tenants", { body: { ...TENANT, name: text } })],
    ["customer id", async (text) => await admin("/tenants", { body: { ...TENANT, customerId: text } })],
    ["changed name", async (text, id) => await admin(`/tenants/${id}`, { method: "PATCH", body: { name: text } })],
    ["key label", async (text, id) => await admin(`/tenants/${id}/keys`, { body: { mode: "live", label: text } })],
    ["reason", async (text, id) => await admin(`/tenants/${id}/adjustments`, { body: { ...CREDIT, reason: text } })],
    [
      "what it corrects",
      async (text, id) => await admin(`/tenants/${id}/adjustments`, { body: { ...CREDIT, corrects: text } }),
    ],
  ];
  const TENANT = {
    name: "Loja",
    document: "12ABC34501DE35",
    allowDuplicate: true,
    customerId: "loja",
    plan: "trial",
  };
  const CREDIT = { units: -1, amount: "-1.00", reason: "ajuste" };
  const WRITTEN = [
    CPF,
    "529.982.247-25",
    "529 982 247 25",
    "cliente 52998224725",
    "٥٢٩٩٨٢٢٤٧٢٥",
    "５２９９８２２４７２５",
    "๕๒๙๙๘๒๒๔๗๒๕",
    "529\u200b982\u200b247\u200b25",
  ];

  test.each(FIELDS)("hold no CPF: %s", async (_, send) => {
    const { id } = await adminJson<{ id: string }>("/tenants", { body: TENANT });
    for (const text of WRITTEN) {
      const response = await send(text, id);
      expect(response.status, text).toBe(400);
      expect(await response.text()).not.toContain(text);
    }
  });
});
