import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "../e2e/support/processes.ts";

const TENANT = "ten_0123456789abcdef0123";
const FINDING = { code: "events_missing", period: "2026-11", first: 101, last: 150, what: "d1" };
const AGREES = { findings: [], months: 2, events: 1000, nextCursor: null };
const RESTORED = { status: "restored", through: 150, lastSeq: 153, ownEvents: 3, nextCursor: null };

let asked: string[] = [];
let answers: Readonly<Record<string, readonly object[]>> = {};
let server: Server;
let url = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const call = `${request.method ?? ""} ${decodeURIComponent(request.url ?? "").replace("/admin/v1", "")}`;
    asked.push(call);
    const [path = ""] = call.split("?");
    const nth = asked.filter((each) => each.startsWith(path)).length - 1;
    const answer = answers[path]?.[nth];
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  asked = [];
  answers = {};
});

afterAll(() => {
  server.close();
});

async function ledger(...args: string[]) {
  const env = { CLARO_GATEWAY_URL: url, CLARO_GATEWAY_ADMIN_TOKEN: "a-token" };
  const running = run(process.execPath, ["src/ctl/ctl.ts", "ledger", ...args], env);
  return { code: await running.exited, ...running.output };
}

const VERIFY = `GET /tenants/${TENANT}/ledger/verify`;
const RESTORE = `POST /tenants/${TENANT}/ledger/restore`;

test("verify goes on to the last step, and says in words and by its exit code what does not agree", async () => {
  answers = {
    [VERIFY]: [
      { ...AGREES, nextCursor: "a" },
      { ...AGREES, findings: [FINDING] },
    ],
  };
  const { code, stderr } = await ledger("verify", TENANT);
  expect(code).toBe(4);
  expect(asked).toEqual([VERIFY, `${VERIFY}?cursor=a`]);
  expect(stderr).toMatch(/events_missing: events are missing \(2026-11, events 101 to 150, d1\)/);
});

test("verify --all asks for every tenant, and JSON is all that is printed", async () => {
  const other = "ten_another";
  answers = {
    "GET /tenants": [{ data: [{ id: TENANT }, { id: other }], nextCursor: null }],
    [VERIFY]: [AGREES],
    [`GET /tenants/${other}/ledger/verify`]: [AGREES],
  };
  const { code, stdout } = await ledger("verify", "--all", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ data: [{ tenantId: TENANT, events: 1000 }, { tenantId: other }] });
});

test("verify wants a tenant or --all, not neither and not both", async () => {
  expect((await ledger("verify")).code).toBe(2);
  expect((await ledger("verify", TENANT, "--all")).code).toBe(2);
  expect(asked).toEqual([]);
});

test("restore shows what it found, and does nothing where nobody can be asked", async () => {
  answers = { [VERIFY]: [{ ...AGREES, findings: [FINDING] }] };
  const { code, stderr } = await ledger("restore", TENANT);
  expect(code).toBe(2);
  expect(stderr).toMatch(/events 101 to 150/);
  expect(asked).toEqual([VERIFY]);
});

test("restore goes on to the last step, and says what it put back", async () => {
  answers = {
    [VERIFY]: [{ ...AGREES, findings: [FINDING] }],
    [RESTORE]: [{ ...RESTORED, status: "restoring", lastSeq: null, nextCursor: "b" }, RESTORED],
  };
  const { code, stdout } = await ledger("restore", TENANT, "--yes");
  expect(code).toBe(0);
  expect(asked).toEqual([VERIFY, `${RESTORE}?stop=false`, `${RESTORE}?cursor=b`]);
  expect(stdout).toMatch(/from event 154 on: 150 were recorded, 3 only the object had/);
});
