import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ENDPOINTS } from "../../src/app.ts";
import { EXPORT_FILES } from "../../src/domain/export/export_files.ts";
import { adminJson, call, lookup, newKey, newTenant } from "../support/gateway.ts";
import { close, month, setClock } from "../support/months.ts";

const CPF = "52998224725";
/** No answer comes: Claro may have charged it. */
const TIMEOUT_CPF = "50450450406";
const OCTOBER = month("2046-10");
const NOVEMBER = month("2046-11");
/** What Claro charges the operator: no other price here has these digits. */
const UPSTREAM_PRICE = "77.77";
const OPERATORS = [
  UPSTREAM_PRICE,
  "77,77",
  "77770000",
  // Of the two lookups, one of which Claro may have charged.
  "155.54",
  "155,54",
  "155540000",
  /claro_?(?:possible_?)?cost/i,
  /possible_?cost|upstream_?(?:price|cost)/i,
  /"margin|margem|custo (?:da|na|poss)/i,
];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** What a tenant can send to each of its calls; a call without an example fails the test. */
const QUERIES: Readonly<Record<string, readonly string[]>> = {
  "/v1/usage": ["", "?month=2046-10", "?month=2046-11"],
};
const BODIES: Readonly<Record<string, [body: string, type: string]>> = {
  "/v1/scores": [JSON.stringify({ cpf: CPF }), "application/json"],
  "/oauth2/v1/token": ["grant_type=client_credentials", "application/x-www-form-urlencoded"],
  "/customers/v1/scores": [JSON.stringify({ data: { customer: { idCpf: CPF } } }), "application/json"],
};

test("what Claro costs the operator is in nothing that a tenant is shown: no call, no file, no page", async () => {
  setClock(OCTOBER.startMs);
  const tenant = await newTenant();
  const { id: testKeyId, key: testKey } = await newKey(tenant.tenantId, { mode: "test" });
  await adminJson("/upstream-prices/2046-10", {
    method: "PUT",
    body: { tiers: [{ upTo: null, unitPriceMicros: 77_770_000 }] },
  });
  for (const { startMs } of [OCTOBER, NOVEMBER]) {
    setClock(startMs + 1000);
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    expect((await lookup(tenant.key, TIMEOUT_CPF)).status).toBe(504);
  }
  setClock(NOVEMBER.startMs + 2 * 86_400_000);
  expect((await close("2046-10")).failures).toEqual([]);
  // The operator does see it, so the price is known and the marks are right.
  const shown = await adminJson(`/tenants/${tenant.tenantId}/statements/2046-10`);
  expect(JSON.stringify(shown)).toMatch(/claroPossibleCost/);
  expect(JSON.stringify(await adminJson("/periods/2046-10"))).toContain(UPSTREAM_PRICE);

  const secretOf = (key: string) => key.split("_").slice(3).join("_");
  const credentials = (access: (typeof ENDPOINTS)[number]["access"], keyId: string, key: string, token: string) => {
    const basic = `Basic ${btoa(`${keyId}:${secretOf(key)}`)}`;
    if (access.audience !== "tenant") return {};
    if (access.credential === "client-credentials") return { "x-client-auth": basic };
    return { authorization: `Bearer ${access.credential === "issued-token" ? token : key}` };
  };
  const tokenOf = async (keyId: string, key: string) => {
    const headers = {
      "x-client-auth": `Basic ${btoa(`${keyId}:${secretOf(key)}`)}`,
      "content-type": "application/x-www-form-urlencoded",
    };
    const answer = await call("/oauth2/v1/token", { method: "POST", headers, body: "grant_type=client_credentials" });
    return (await answer.json<{ access_token: string }>()).access_token;
  };

  let answers = 0;
  const look = async (path: string, init: Parameters<typeof call>[1]) => {
    const response = await call(path, init);
    const bytes = await response.arrayBuffer();
    const text = new TextDecoder("latin1").decode(bytes) + new TextDecoder().decode(bytes);
    const headers = JSON.stringify([...response.headers]);
    for (const mark of OPERATORS) {
      const isThere = typeof mark === "string" ? text.includes(mark) : mark.test(text) || mark.test(headers);
      expect(isThere, `${init?.method ?? "GET"} ${path} shows ${String(mark)}`).toBe(false);
    }
    answers += response.ok ? 1 : 0;
    return response.status;
  };

  const files = [...EXPORT_FILES.map(({ name }) => name), "manifest.json"];
  for (const [keyId, key] of [
    [tenant.keyId, tenant.key],
    [testKeyId, testKey],
  ] as const) {
    const token = await tokenOf(keyId, key);
    for (const { method, path, access } of ENDPOINTS) {
      if (access.audience === "operator") continue;
      const [body, type] = BODIES[path] ?? [];
      const headers = {
        ...credentials(access, keyId, key, token),
        ...(type === undefined ? {} : { "content-type": type }),
      };
      const paths = path.includes(":period")
        ? ["2046-10", "2046-11"].flatMap((period) =>
            path.includes(":file")
              ? files.map((file) => path.replace(":period", period).replace(":file", file))
              : [path.replace(":period", period)],
          )
        : (QUERIES[path] ?? [""]).map((query) => `${path}${query}`);
      for (const filled of paths) await look(filled, { method, headers, ...(body === undefined ? {} : { body }) });
    }
  }
  // Two months of files for the live key, and every other call for both.
  expect(answers).toBeGreaterThan(2 * files.length + 10);
  const partners = ["/", "/docs/errors", "/openapi.json?audience=partner"];
  for (const path of partners)
    for (const language of ["pt-BR", "en"])
      expect(await look(path, { headers: { "accept-language": language } }), path).toBe(200);
}, 120_000);
