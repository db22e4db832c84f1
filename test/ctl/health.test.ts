import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { HEALTH_ALARMS, problemsOf, type Health } from "../../src/ctl/commands/health.ts";
import { run } from "../e2e/support/processes.ts";

const WELL: Health = {
  gateway: { version: "0.1.0", commit: "dev", environment: "local", ledgerSchema: 2, deployedAt: null },
  database: { sizeBytes: 0, limitBytes: 10_000_000_000, state: "ample" },
  months: { stuck: 0, oldest: [] },
  reconciliations: { months: [], lostAtEdges: 0 },
  alarms: [],
  issuer: { missing: [] },
  operators: { working: 0, everyAccessIdentityIsAdmin: false, breakGlassUsedAt: null },
  claro: {
    breaker: { state: "closed", since: null, openings: 0 },
    token: { ageSeconds: 4, expiresAt: "2026-11-28T03:00:00.000Z", failures: 0 },
  },
  ledgers: { behind: 0, oldestUnflushed: null },
};
const FULL = { sizeBytes: 9_900_000_000, limitBytes: 10_000_000_000 };
const OPEN = { state: "open", since: "2026-11-28T02:00:00.000Z", openings: 2 };
const OLDEST = { tenantId: "ten_1", mode: "live", occurredAt: "2026-11-28T02:00:00.000Z", ageSeconds: 60 };

test.each<[string, Health, RegExp | null]>([
  ["all is well", WELL, null],
  [
    "no live lookup was made yet",
    { ...WELL, claro: { ...WELL.claro, token: { ageSeconds: null, expiresAt: null, failures: 0 } } },
    null,
  ],
  ["the breaker is open", { ...WELL, claro: { ...WELL.claro, breaker: OPEN } }, /breaker/],
  [
    "the breaker is half open",
    { ...WELL, claro: { ...WELL.claro, breaker: { ...OPEN, state: "half_open" } } },
    /breaker/,
  ],
  ["the breaker does not answer", { ...WELL, claro: { ...WELL.claro, breaker: null } }, /breaker/],
  ["the token does not answer", { ...WELL, claro: { ...WELL.claro, token: null } }, /token/],
  [
    "Claro gives no token",
    { ...WELL, claro: { ...WELL.claro, token: { ageSeconds: null, expiresAt: null, failures: 3 } } },
    /token/,
  ],
  [
    "an alarm was raised",
    { ...WELL, alarms: [{ kind: "spend", tenantId: "ten_1", since: "2026-11-27", observed: 9, usual: 1 }] },
    /alarm/,
  ],
  ["nobody said who bills", { ...WELL, issuer: { missing: ["ISSUER_ADDRESS"] } }, null],
  ["D1 is behind", { ...WELL, ledgers: { behind: 1, oldestUnflushed: OLDEST } }, /D1/],
  ["D1 is nearly full", { ...WELL, database: { ...FULL, state: "nearly_full" } }, /nearly full/],
  ["a month is stuck", { ...WELL, months: { stuck: 1, oldest: [] } }, /month/],
  [
    "Claro's report differs",
    { ...WELL, reconciliations: { months: [{ period: "2026-10", id: "rec_1", unexplained: 3 }], lostAtEdges: 0 } },
    /reconciliation/,
  ],
  ["R2 is away", { ...WELL, archive: { reachable: false } }, /R2/],
  ["a report lacks edges", { ...WELL, reconciliations: { months: [], lostAtEdges: 2 } }, /edge/],
])("health says so when %s", (_, health, said) => {
  const problems = problemsOf(health);
  if (said === null) expect(problems).toEqual([]);
  else expect(problems.join()).toMatch(said);
});

test("a gateway that is well raises none of the alarms", () => {
  expect(HEALTH_ALARMS.length).toBeGreaterThan(8);
  expect(problemsOf(WELL)).toEqual([]);
});

test.each<[string, number, object, number]>([
  ["well", 200, WELL, 0],
  ["not well", 200, { ...WELL, claro: { ...WELL.claro, breaker: OPEN } }, 4],
  ["misconfigured", 500, { code: "misconfigured", title: "Misconfigured" }, 4],
  ["not to be asked", 401, { code: "invalid_admin_credentials", title: "Invalid operator credentials" }, 1],
])("a gateway that is %s has its exit code, with --json too", async (_, status, answer, exitCode) => {
  const server = createServer((_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    for (const more of [[], ["--json"]]) {
      const env = { CLARO_GATEWAY_URL: url, CLARO_GATEWAY_ADMIN_TOKEN: "a-token" };
      const running = run(process.execPath, ["src/ctl/ctl.ts", "health", ...more], env);
      expect(await running.exited).toBe(exitCode);
      if (status === 200 && more.length > 0) expect(JSON.parse(running.output.stdout)).toEqual(answer);
    }
  } finally {
    server.close();
  }
});
