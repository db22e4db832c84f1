import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newSigningKey } from "../../src/ctl/local/dev_vars.ts";
import { nextPeriod, type Period, periodBounds, periodOf } from "../../src/domain/period.ts";
import {
  ADMIN_TOKEN,
  endAll,
  leaksInOutput,
  startGateway,
  startSandbox,
  stateDirs,
} from "./support/gateway_process.ts";
import { newLiveTenant, type Key } from "./support/operator.ts";
import { end, run, type RunningProcess } from "./support/processes.ts";

/** Months are closed by a gateway that was started again with its clock ahead, as an operator tries it out. */
const dirs = stateDirs();
const started: RunningProcess[] = [];
const servers: Server[] = [];
const stateDir = dirs.make();
const downloads = dirs.make();
const configDir = dirs.make();
const signingKey = newSigningKey();
const first: Period = periodOf(Date.now());
const second = nextPeriod(first);
let tenants: Key[] = [];
let url = "";

beforeAll(async () => {
  const sandbox = await startSandbox();
  started.push(sandbox);
  const vars = { CLARO_BASE_URL: sandbox.url, EXPORT_SIGNING_KEY: signingKey };
  let gateway = await startGateway({ stateDir, as: "node", vars });
  started.push(gateway);
  const plan = { name: "pay-per-use", tiers: [{ upTo: null, unitPriceMicros: 123_456 }] };
  tenants = [
    await newLiveTenant(gateway.url, { plan, customerId: "cliente 1" }),
    await newLiveTenant(gateway.url, { plan, customerId: "cliente 2" }),
  ];
  for (const { key } of [...tenants, ...tenants.slice(0, 1)]) await lookup(gateway.url, key);
  await end(gateway);
  const offsetMs = periodBounds(second).endMs + 60_000 - Date.now();
  gateway = await startGateway({ stateDir, as: "node", vars: { ...vars, CLOCK_OFFSET_MS: String(offsetMs) } });
  started.push(gateway);
  ({ url } = gateway);
});

afterAll(async () => {
  for (const server of servers) server.close();
  await endAll(started);
  dirs.remove();
});

async function lookup(gatewayUrl: string, key: string): Promise<void> {
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const response = await fetch(`${gatewayUrl}/v1/scores`, {
    method: "POST",
    headers,
    body: '{"cpf":"111.444.777-35"}',
  });
  expect(response.status).toBe(200);
}

async function ctl(args: readonly string[], gatewayUrl = url) {
  const running = run(process.execPath, ["src/ctl/ctl.ts", "--json", "--url", gatewayUrl, ...args], {
    CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN,
    XDG_CONFIG_HOME: configDir,
  });
  const code = await running.exited;
  const { stdout, stderr } = running.output;
  return { code, answer: stdout === "" ? null : JSON.parse(stdout), error: stderr };
}

/** A way to the gateway that breaks the first download of `file` after some bytes, and notes the ranges asked for. */
async function brokenWay(file: string, afterBytes: number): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const headers = new Headers(request.headers as Record<string, string>);
      const upstream = await fetch(`${url}${request.url}`, { method: request.method ?? "GET", headers });
      const body = Buffer.from(await upstream.arrayBuffer());
      const answer: Record<string, string> = { "content-length": String(body.length) };
      for (const name of ["content-type", "content-range"]) {
        const value = upstream.headers.get(name);
        if (value !== null) answer[name] = value;
      }
      response.writeHead(upstream.status, answer);
      if (request.url?.endsWith(file) !== true) return response.end(body);
      ranges.push(request.headers.range);
      if (ranges.length > 1) return response.end(body);
      response.write(body.subarray(0, afterBytes), () => setTimeout(() => response.destroy(), 200));
    })();
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ranges };
}

test("an operator closes a month, downloads every tenant's bundle and verifies it offline", async () => {
  const early = await ctl(["statements", "close", "--period", nextPeriod(second), "--yes"]);
  expect([early.code, early.error]).toEqual([1, expect.stringContaining("period_open")]);
  const closed = await ctl(["statements", "close", "--period", second, "--yes"]);
  // The demo tenant has months too.
  expect([closed.code, closed.answer]).toEqual([0, expect.objectContaining({ status: "closed", closed: 3 })]);

  const [tenant] = tenants as [Key];
  const listed = await ctl(["statements", "list", tenant.tenantId]);
  expect(listed.answer.data.map(({ period, status }: { period: string; status: string }) => [period, status])).toEqual([
    [nextPeriod(second), "open"],
    [second, "closed"],
    [first, "closed"],
  ]);
  const shown = await ctl(["statements", "show", tenant.tenantId, "--period", first]);
  expect(shown.answer).toMatchObject({ status: "closed", amount: "0.25", exactAmount: "0.246912", seq: { count: 2 } });

  for (const period of [first, second]) {
    const downloaded = await ctl(["statements", "download", "--period", period, "--all", "--dir", downloads]);
    expect([downloaded.code, downloaded.answer.downloaded.length, downloaded.answer.notClosed]).toEqual([0, 3, []]);
  }
  // Nobody is asked: the gateway's address leads nowhere.
  const verified = await ctl(["statements", "verify", downloads], "http://127.0.0.1:9");
  expect(verified.code).toBe(0);
  expect(verified.answer.months.map(({ chain }: { chain: string }) => chain).toSorted()).toEqual([
    ...Array.from({ length: 3 }, () => "checked"),
    ...Array.from({ length: 3 }, () => "first"),
  ]);
});

test("a download goes on where it stopped, and what was spoilt is brought anew", async () => {
  const [tenant] = tenants as [Key];
  const folder = join(downloads, tenant.tenantId, first);
  const intact = readFileSync(join(folder, "focus.csv"));
  rmSync(join(folder, "focus.csv"));
  const way = await brokenWay("focus.csv", 100);
  const args = ["statements", "download", tenant.tenantId, "--period", first, "--dir", downloads];
  expect((await ctl(args, way.url)).code).toBe(0);
  expect(way.ranges).toEqual([undefined, "bytes=100-"]);
  expect(readFileSync(join(folder, "focus.csv"))).toEqual(intact);

  writeFileSync(join(folder, "focus.csv"), "spoilt");
  writeFileSync(join(folder, "focus.csv.part"), "spoilt as well");
  const refused = await ctl(args);
  expect([refused.code, refused.error]).toEqual([1, expect.stringContaining("--overwrite")]);
  expect(readFileSync(join(folder, "focus.csv"), "utf8")).toBe("spoilt");
  expect((await ctl([...args, "--overwrite"])).code).toBe(0);
  expect(readFileSync(join(folder, "focus.csv"))).toEqual(intact);
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("a bundle that was changed, cut or signed by another is named, and the exit code says so", async () => {
  const [tenant] = tenants as [Key];
  const folder = join(downloads, tenant.tenantId, first);
  const verify = async (...more: string[]) => await ctl(["statements", "verify", downloads, ...more]);
  const spoil = async (name: string, how: (path: string) => void) => {
    const intact = readFileSync(join(folder, name));
    how(join(folder, name));
    const { code, error } = await verify();
    writeFileSync(join(folder, name), intact);
    return [code, error];
  };
  expect(await spoil("events.csv", (path) => truncateSync(path, 10))).toEqual([
    1,
    expect.stringContaining("file_size_mismatch"),
  ]);
  expect(
    await spoil("events.jsonl", (path) => writeFileSync(path, readFileSync(path, "utf8").replace("123456", "123457"))),
  ).toEqual([1, expect.stringContaining("file_hash_mismatch")]);
  expect(
    await spoil("manifest.json", (path) => writeFileSync(path, readFileSync(path, "utf8").replace('"0.25"', '"0.24"'))),
  ).toEqual([1, expect.stringContaining("bad_signature")]);
  const { d: _, ...stranger } = JSON.parse(newSigningKey()) as Record<string, string>;
  const keys = join(dirs.make(), "keys.json");
  writeFileSync(keys, JSON.stringify({ keys: [{ ...stranger, kid: JSON.parse(signingKey).kid }] }));
  expect((await verify("--keys", keys)).code).toBe(1);
  expect((await verify()).code).toBe(0);
  expect((await ctl(["statements", "verify", dirs.make()])).code).toBe(2);
});

test("nothing personal was printed", () => {
  expect(leaksInOutput()).toEqual([]);
});
