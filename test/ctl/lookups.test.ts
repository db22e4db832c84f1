import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "../e2e/support/processes.ts";

const ID = "lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20";
const FOUND = {
  id: ID,
  admittedAt: "2026-11-24T01:24:20.000Z",
  outcome: "unknown",
  failureCode: "claro_timeout",
  upstreamStatus: null,
  charge: { billed: false, reason: "no_answer_in_time", amount: "0.0000" },
};

let asked: string[] = [];
let pages: readonly object[] = [];
let server: Server;
let url = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const page = pages[asked.length] ?? { data: [], nextCursor: null };
    asked.push(decodeURIComponent(request.url ?? "").replace("/admin/v1/lookups?", ""));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  asked = [];
  pages = [];
});

afterAll(() => {
  server.close();
});

async function show(...args: string[]) {
  const env = { CLARO_GATEWAY_URL: url, CLARO_GATEWAY_ADMIN_TOKEN: "a-token" };
  const running = run(process.execPath, ["src/ctl/ctl.ts", "lookups", "show", ...args], env);
  return { code: await running.exited, ...running.output };
}

test("a lookup is shown by its id, with every field that the gateway tells, and São Paulo's time", async () => {
  pages = [{ data: [FOUND], nextCursor: null }];
  const { code, stdout } = await show(ID);
  expect(code).toBe(0);
  expect(asked).toEqual([`id=${ID}`]);
  expect(stdout).toMatch(/^Admitted at +2026-11-24 01:24:20Z \(São Paulo 2026-11-23 22:24:20\)$/m);
  expect(stdout).toMatch(/^Failure code +claro_timeout$/m);
  expect(stdout).toMatch(/^Charge reason +no_answer_in_time$/m);
  expect(stdout).toMatch(/^Upstream status +-$/m);
});

test("a search goes on over empty pages", async () => {
  pages = [
    { data: [], nextCursor: "a" },
    { data: [FOUND], nextCursor: null },
  ];
  const { stdout } = await show(ID, "--json");
  expect(asked).toEqual([`id=${ID}`, `id=${ID}&cursor=a`]);
  expect(JSON.parse(stdout)).toEqual({ data: [FOUND], hasMore: false });
});

test.each<[string, string[], string[]]>([
  ["order-1", [], ["requestId=order-1&tenant=ten_1", "reference=order-1&tenant=ten_1"]],
  ["pedido do João", [], ["reference=pedido+do+João&tenant=ten_1"]],
  ["order-1", ["--by", "request-id"], ["requestId=order-1&tenant=ten_1"]],
  ["lkp_x", ["--by", "reference"], ["reference=lkp_x&tenant=ten_1"]],
  [
    "order-1",
    ["--by", "reference", "--from", "2026-11-01", "--to", "2026-11-30"],
    ["reference=order-1&tenant=ten_1&from=2026-11-01&to=2026-11-30"],
  ],
])("%s with %j asks for what it can be", async (what, more, queries) => {
  const { code, stdout } = await show(what, "--tenant", "ten_1", ...more);
  expect(code).toBe(0);
  expect(stdout).toBe("There is no such lookup.\n");
  expect(asked.toSorted((left, right) => left.localeCompare(right))).toEqual(
    queries.toSorted((left, right) => left.localeCompare(right)),
  );
});

test.each([
  ["order-1", "There is no such lookup. Test lookups, those of the last minutes and of archived months are found with"],
  [ID, "There is no such lookup. Those of archived months are found with"],
])("%s that no tenant is named for and nothing is found of tells where it may be still", async (what, text) => {
  const { code, stdout } = await show(what);
  expect(code).toBe(0);
  expect(stdout.replaceAll(/\s+/g, " ")).toBe(`${text} --tenant <tenant-id> only. `);
});

test("a reference is looked for without saying whose it is", async () => {
  pages = [{ data: [FOUND], nextCursor: null }];
  const { code, stdout } = await show("order-1", "--by", "reference");
  expect(code).toBe(0);
  expect(asked).toEqual(["reference=order-1"]);
  expect(stdout).toContain(ID);
});
