import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../e2e/support/processes.ts";

/** Moves a cursor, sets a title, clears a screen, by C0 and by C1, and turns text around. */
const HOSTILE = "x\u001b[2J\u001b]0;title\u0007\u009b31m\r\n\u202ey\u0000";
const LINE_ENDS = /\n/g;

const PLAN = {
  name: HOSTILE,
  allowance: { requests: 5, endsAt: HOSTILE },
  tiers: [{ upTo: null, unitPriceMicros: 150_000 }],
  ratePerSecond: 50,
  burst: 50,
  monthlySpendCapMicros: null,
};
const TENANT = Object.fromEntries(
  ["id", "name", "document", "legalName", "email", "customerId", "status", "createdAt"].map((name) => [name, HOSTILE]),
);
const KEY = Object.fromEntries(
  [
    "id",
    "tenantId",
    "mode",
    "label",
    "status",
    "createdAt",
    "expiresAt",
    "lastUsedAt",
    "key",
    "clientId",
    "clientSecret",
  ]
    .map((name): [string, unknown] => [name, HOSTILE])
    .concat([["scopes", [HOSTILE]]], [["allowedIps", [HOSTILE]]], [["effectiveAt", HOSTILE]]),
);
const COUNTS = {
  requests: 1,
  delivered: 1,
  notFound: 0,
  rejected: 0,
  failed: 0,
  unknown: 0,
  billed: 1,
  amount: HOSTILE,
};
const ANSWERS: readonly (readonly [RegExp, unknown])[] = [
  [/\/tenants\/\w+\/keys|\/keys\/\w+\/\w+$/, { ...KEY, data: [KEY], nextCursor: null }],
  [/\/usage/, { from: HOSTILE, to: HOSTILE, totals: COUNTS, days: [], allowance: null, asOf: HOSTILE }],
  [/\/statements/, { data: [{ ...COUNTS, period: HOSTILE, status: HOSTILE, closedAt: HOSTILE }], nextCursor: null }],
  [/\/adjustments/, { id: HOSTILE, period: HOSTILE, seq: 1, amount: HOSTILE }],
  [/\/lookups/, { data: [{ id: HOSTILE, phases: { admittedAt: HOSTILE } }] }],
  [/\/tenants\/\w+$/, { ...TENANT, plan: PLAN, warnings: [{ message: HOSTILE }] }],
  [
    /\/tenants(?:\?|$)/,
    { ...TENANT, plan: PLAN, warnings: [{ message: HOSTILE }], data: [{ ...TENANT, plan: PLAN }], nextCursor: null },
  ],
  [
    /\/audit/,
    {
      data: [
        { n: 1, at: HOSTILE, actor: HOSTILE, action: HOSTILE, target: HOSTILE, before: { a: HOSTILE }, after: {} },
      ],
      nextCursor: null,
    },
  ],
  [
    /\/health/,
    {
      claro: { breaker: { state: HOSTILE, since: HOSTILE, openings: 1 }, token: null },
      ledgers: { behind: 1, oldestUnflushed: { tenantId: HOSTILE, mode: HOSTILE, occurredAt: HOSTILE, ageSeconds: 1 } },
    },
  ],
];

let server: Server;
let url = "";
let refuses = false;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    const [, answer = {}] = ANSWERS.find(([path]) => path.test(request.url ?? "")) ?? [];
    const problem = {
      title: HOSTILE,
      detail: HOSTILE,
      code: HOSTILE,
      requestId: HOSTILE,
      issues: [{ path: HOSTILE, message: HOSTILE }],
    };
    response
      .writeHead(refuses ? 400 : 200, { "content-type": "application/json" })
      .end(JSON.stringify(refuses ? problem : answer));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

async function ctl(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { CLARO_GATEWAY_URL: url, CLARO_GATEWAY_ADMIN_TOKEN: "a-token" };
  const running = run(process.execPath, ["src/ctl/ctl.ts", ...args], env);
  const code = await running.exited;
  return { code, ...running.output };
}

const COMMANDS = [
  ["tenants", "list"],
  ["tenants", "show", "ten_1"],
  ["tenants", "create", "--name", "x", "--document", "DEM00000000124", "--customer-id", "x", "--plan", "trial"],
  ["tenants", "suspend", "ten_1"],
  ["keys", "list", "ten_1"],
  ["keys", "create", "ten_1", "--mode", "test"],
  ["keys", "rotate", "k1"],
  ["keys", "revoke", "k1", "--yes"],
  ["plans", "show", "ten_1"],
  ["usage", "ten_1"],
  ["statements", "list", "ten_1"],
  ["adjust", "ten_1", "--amount", "1", "--reason", "x"],
  ["lookups", "show", "lkp_1"],
  ["audit"],
  ["health"],
];

describe("whatever a gateway answers, nothing of it steers the operator's terminal", () => {
  test.each(COMMANDS)("%s %s", async (...args) => {
    refuses = false;
    for (const more of [[], ["--json"]]) {
      const { stdout, stderr } = await ctl(...args.filter((arg) => arg !== undefined), ...more);
      expect(`${stdout}${stderr}`).toContain("x");
      expect(`${stdout}${stderr}`.replaceAll(LINE_ENDS, "")).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(stderr).not.toMatch(/^ +at /m);
      if (more.length > 0 && stdout !== "") expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    }
  });

  test("nor when it refuses", async () => {
    refuses = true;
    for (const more of [[], ["--json"]]) {
      const { code, stderr } = await ctl("tenants", "list", ...more);
      expect(code).toBe(1);
      expect(stderr.replaceAll(LINE_ENDS, "")).not.toMatch(/[\p{Cc}\u202e]/u);
    }
  });
});
