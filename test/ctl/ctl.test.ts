import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../e2e/support/processes.ts";

/** What a gateway was asked; it has nothing to say. */
const asked: { url: string | undefined; body: string }[] = [];
let server: Server;
let url = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      asked.push({ url: request.url, body });
      response
        .writeHead(200, { "content-type": "application/json" })
        .end('{"id":"adj_1","status":"closed","remaining":0}');
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

function ctl(...args: string[]) {
  return run(process.execPath, ["src/ctl/ctl.ts", "--json", ...args], {
    CLARO_GATEWAY_URL: url,
    CLARO_GATEWAY_ADMIN_TOKEN: "a-token",
  });
}

const ADJUST = ["adjust", "ten_1", "--reason", "Cobrança em dobro"];

test.each([
  ["a closing", ["statements", "close", "--period", "2026-11"], "/admin/v1/periods/2026-11/close"],
  ["a credit", [...ADJUST, "--amount=-0.15"], "/admin/v1/tenants/ten_1/adjustments"],
])("%s without a terminal is refused unless it is meant", async (_, args, path) => {
  asked.length = 0;
  const refused = ctl(...args);
  expect(await refused.exited).toBe(2);
  expect(refused.output.stderr).toContain("--yes");
  expect(asked).toEqual([]);
  expect(await ctl(...args, "--yes").exited).toBe(0);
  expect(asked.map((call) => call.url)).toEqual([path]);
  expect(asked[0]?.body).not.toContain("yes");
});

test("a charge needs no confirmation", async () => {
  expect(await ctl(...ADJUST, "--amount=0.15").exited).toBe(0);
});

test("an operator's roles are sent as one list, which replaces the old one", async () => {
  asked.length = 0;
  const set = ctl("operators", "set-roles", "csg_op_0123456789", "--role", "operate", "--role", "finance");
  expect(await set.exited).toBe(0);
  expect(asked).toEqual([{ url: "/admin/v1/operators/csg_op_0123456789", body: '{"roles":["operate","finance"]}' }]);
});

test("a reader that closes the pipe ends a command quietly", async () => {
  const running = ctl("statements", "new-key");
  running.child.stdout?.destroy();
  expect(await running.exited).toBe(0);
  expect(running.output.stderr).toBe("");
});

test.each([
  ["npx ctl", "npx", ["ctl"]],
  ["with a Node that reads TypeScript", process.execPath, ["src/ctl/bin.js"]],
  ["with one that does not", process.execPath, ["--no-strip-types", "src/ctl/bin.js"]],
])("the bin prints JSON alone and keeps the exit code: %s", async (_, command, args) => {
  const listed = run(command, [...args, "plans", "list", "--json"]);
  expect(await listed.exited).toBe(0);
  expect(JSON.parse(listed.output.stdout)).toMatchObject({ data: [{ name: "trial" }, { name: "pay-per-use" }] });
  const wrong = run(command, [...args, "plans", "set", "ten_1", "--spend-cap", "5.000"]);
  expect(await wrong.exited).toBe(2);
  expect(wrong.output.stderr).toMatch(/5000 \(thousands\) or 5,00 \(decimals\)/);
});
