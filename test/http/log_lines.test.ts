import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ENDPOINTS } from "../../src/app.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";
import { disturbedGateway } from "../support/disturbed.ts";
import { ADMIN_TOKEN, newTenant } from "../support/gateway.ts";
import { findPersonalData } from "../support/personal_data.ts";
import { answerWrongTokensAtOnce } from "../support/wrong_credentials.ts";

const CPF = "52998224725";
const ADDRESS = "198.51.100.23";
/** What a caller can put anywhere, and what must stay out of the log. */
const MARK = "hostile-mark";

type Line = Record<string, unknown>;

let lines: string[] = [];

beforeEach(() => {
  answerWrongTokensAtOnce();
  lines = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
});

afterEach(() => {
  vi.restoreAllMocks();
});

const gateway = disturbedGateway({});
const parsed = () => lines.map((line) => JSON.parse(line) as Line);
const requests = () => parsed().filter(({ event }) => event === "request");

async function lineOf(path: string, init: RequestInit = {}): Promise<Line> {
  lines = [];
  const response = await gateway.call(path, init);
  await response.arrayBuffer();
  const [line, ...more] = requests();
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    time: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    method: init.method ?? "GET",
    status: response.status,
    requestId: response.headers.get("x-request-id"),
    durationMs: expect.any(Number),
    route: expect.any(String),
  });
  return line as Line;
}

describe("a request's one line", () => {
  test.each(ENDPOINTS.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
    "of %s names the route, and holds nothing of what a hostile caller sent",
    async (_, { method, path, access }) => {
      const filled = path.replaceAll(/:\w+/g, `${MARK}${CPF}`);
      const tenant = await newTenant();
      const credentials: Record<string, string>[] = [
        {},
        { authorization: `Bearer ${MARK}.${CPF}` },
        { authorization: `Bearer ${access.audience === "operator" ? ADMIN_TOKEN : tenant.key}` },
        { "x-client-auth": `Basic ${btoa(`${CPF}:${MARK}`)}` },
        { "cf-access-jwt-assertion": hostileJwt() },
      ];
      for (const held of credentials) {
        const line = await lineOf(`${filled}?${MARK}=${CPF}&cpf=${CPF}`, {
          method,
          headers: {
            ...held,
            "content-type": `application/${MARK}`,
            "user-agent": `${MARK} ${CPF}`,
            "x-request-id": `id00${CPF}`,
            "idempotency-key": `${MARK}-${CPF}`,
            origin: `https://${MARK}.example`,
            referer: `https://${MARK}.example/?cpf=${CPF}`,
          },
          ...(method === "GET" ? {} : { body: JSON.stringify({ cpf: CPF, reference: MARK, [MARK]: CPF }) }),
        });
        expect(line["route"]).toBe(path);
        // A name that nobody declared is told by its name, to the caller and here: it is no value.
        const issues = (line["issues"] ?? []) as string[];
        expect(issues.join()).not.toContain(CPF);
        const rest = lines
          .join("\n")
          .replaceAll(`"${MARK}:unknown_parameter"`, "")
          .replaceAll(`"${MARK}:unknown_field"`, "");
        expect(rest).not.toContain(MARK);
        expect(rest).not.toContain(CPF);
      }
      expect(findPersonalData(lines.join("\n"))).toEqual([]);
    },
  );

  test("of what nobody serves names no path", async () => {
    const line = await lineOf(`/${MARK}/${CPF}`);
    expect(JSON.stringify(line)).not.toMatch(new RegExp(`${MARK}|${CPF}`));
    expect(line).toMatchObject({ status: 404, code: "not_found" });
  });

  test("tells why a call was refused", async () => {
    const tenant = await newTenant();
    const headers = { authorization: `Bearer ${tenant.key}`, "content-type": "application/json" };
    const line = await lineOf("/v1/scores", { method: "POST", headers, body: JSON.stringify({ CPF }) });
    expect(line).toMatchObject({
      level: "info",
      code: "invalid_request",
      issues: expect.arrayContaining(["cpf:required", "CPF:unknown_field"]),
      tenantId: tenant.tenantId,
      keyId: tenant.keyId,
      mode: "live",
    });
  });

  test("names a refused caller's address by a reference, always the same", async () => {
    const from = (ip: string) => ({ headers: { "cf-connecting-ip": ip } });
    const first = await lineOf("/v1/usage", from(ADDRESS));
    const again = await lineOf("/v1/usage", from(ADDRESS));
    const other = await lineOf("/v1/usage", from("198.51.100.24"));
    expect(first["address"]).toMatch(/^[0-9a-f]{16}$/);
    expect(again["address"]).toBe(first["address"]);
    expect(other["address"]).not.toBe(first["address"]);
    expect(JSON.stringify([first, again])).not.toContain(ADDRESS);
  });

  test("names who the operator was and what the call was about", async () => {
    const { tenantId } = await newTenant();
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    const body = JSON.stringify({ status: "suspended" });
    const line = await lineOf(`/admin/v1/tenants/${tenantId}`, { method: "PATCH", headers, body });
    expect(line).toMatchObject({ actor: "admin-token", target: { tenantId }, status: 200 });
  });

  test("tells how each lookup ended, and its id", async () => {
    const tenant = await newTenant({ mode: "test" });
    for (const { cpf } of MAGIC_CPFS) {
      const headers = { authorization: `Bearer ${tenant.key}`, "content-type": "application/json" };
      const line = await lineOf("/v1/scores", { method: "POST", headers, body: JSON.stringify({ cpf }) });
      expect(line).toMatchObject({
        lookupId: expect.stringMatching(/^lkp_/),
        outcome: expect.any(String),
        durationsMs: { auth: expect.any(Number), admit: expect.any(Number) },
      });
      if (line["status"] !== 200) expect(line["code"]).toEqual(expect.any(String));
      expect(findPersonalData(lines.join("\n"))).toEqual([]);
    }
  });

  test("of an outage says what could not be asked", async () => {
    const down = disturbedGateway({
      DB: {
        prepare() {
          throw new Error("D1_ERROR: Network connection lost.");
        },
      },
    });
    const response = await down.admin("/tenants");
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await response.json()).toMatchObject({ code: "ledger_unavailable" });
    expect(requests().at(-1)).toMatchObject({ level: "error", error: expect.stringContaining("D1_ERROR") });
  });
});

function hostileJwt(): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
  return `${part({ alg: MARK, kid: `${MARK}${CPF}`, crit: [MARK], [MARK]: 1 })}.${part({ sub: CPF })}.${part(MARK)}`;
}
