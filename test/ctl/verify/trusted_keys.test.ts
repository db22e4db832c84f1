import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listedKeys } from "../../../src/ctl/verify/trusted_keys.ts";
import { KEY, OTHER_KEY, publicKey, signedMonths, writeMonths } from "./signed_months.ts";

const project = join(import.meta.dirname, "../../..");
const root = mkdtempSync(join(tmpdir(), "trusted-keys-"));
const months = join(root, "months");
const lists = (...keys: readonly unknown[]) => JSON.stringify({ keys });
const listsKey: RequestListener = (_, response) => response.end(lists(publicKey(KEY)));

let dir = "";
let cases = 0;
let server: Server;
let answer = listsKey;
let url = "";

beforeAll(async () => writeMonths(months, await signedMonths("ten_a", [{ prices: [150_000] }])));
afterAll(() => rmSync(root, { recursive: true }));

beforeEach(async () => {
  dir = join(root, `case-${(cases += 1)}`);
  mkdirSync(dir);
  answer = listsKey;
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => stop());

async function stop(): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

type Ran = { readonly code: number; readonly stderr: string };

function node(...args: readonly string[]): Promise<Ran> {
  const env = {
    PATH: process.env["PATH"],
    XDG_CONFIG_HOME: join(dir, "config"),
    CLARO_GATEWAY_ADMIN_TOKEN: "operator",
  } as unknown as NodeJS.ProcessEnv;
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: project, env }, (error, _, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stderr });
    });
  });
}

const pinFile = () => join(dir, "config/claro-score-gateway/trusted-keys.json");
const file = (name: string, text: string) => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};

/** Gateways that cannot be asked for their keys, and what is said of each. */
const SILENT: readonly (readonly [string, RequestListener | null, string])[] = [
  ["is not there", null, "ECONNREFUSED"],
  ["breaks off", (request) => request.socket.destroy(), "UND_ERR_SOCKET"],
  ["answers an error", (_, response) => response.writeHead(503).end("{}"), "it answered 503"],
  ["sends elsewhere", (_, response) => response.writeHead(302, { location: "/login" }).end(), "unexpected redirect"],
  ["answers a page", (_, response) => response.end("<html>"), "its answer is no list of keys"],
  ["answers null", (_, response) => response.end("null"), "its answer is no list of keys"],
];

async function silence(by: RequestListener | null): Promise<void> {
  if (by === null) await stop();
  else answer = by;
}

describe.each([
  ["verify_statement.mjs", ["docs/verify_statement.mjs"]],
  ["ctl statements verify", ["src/ctl/ctl.ts", "statements", "verify"]],
])("%s", (_tool, tool) => {
  const verify = (...options: readonly string[]) => node(...tool, months, ...options);

  test.each(SILENT)("checks with the pinned keys, and says so, when the gateway %s", async (_, by, why) => {
    expect((await verify("--gateway", url)).code).toBe(0);
    const pins = readFileSync(pinFile(), "utf8");
    await silence(by);
    const { code, stderr } = await verify("--gateway", `${url}/`);
    expect([code, stderr]).toEqual([
      0,
      `${url} cannot be asked whether there are newer keys (${why}): those that are pinned here count.\n`,
    ]);
    expect(readFileSync(pinFile(), "utf8")).toBe(pins);
  });

  test.each(SILENT)("checks nothing without pinned keys, and says what to do, when it %s", async (_, by, why) => {
    await silence(by);
    const { code, stderr } = await verify("--gateway", url);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`${url} cannot be asked for its keys (${why}), and none`),
    ]);
    expect(stderr).toContain("with --keys");
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  test("takes a list without keys for keys that are gone", async () => {
    answer = (_, response) => response.end(lists());
    expect(await verify("--gateway", url)).toMatchObject({ code: 2, stderr: expect.stringContaining("lists no keys") });
    answer = listsKey;
    expect((await verify("--gateway", url)).code).toBe(0);
    answer = (_, response) => response.end(lists());
    expect(await verify("--gateway", url)).toMatchObject({ code: 2, stderr: expect.stringContaining("is gone") });
  });

  test("takes what a gateway lists, and the file of pinned keys, by --keys", async () => {
    expect((await verify("--gateway", url)).code).toBe(0);
    expect(await verify("--keys", pinFile())).toEqual({ code: 0, stderr: "" });
    expect(await verify("--keys", file("export-keys.json", lists(publicKey(KEY))))).toEqual({ code: 0, stderr: "" });
  });

  test.each<[string, () => string, string]>([
    ["is not there", () => join(dir, "nosuch.json"), "There is no file DIR/nosuch.json"],
    ["is a folder", () => dir, "DIR cannot be read (EISDIR)"],
    ["is no JSON", () => file("keys.json", "kid,x"), "DIR/keys.json cannot be read: it is no JSON"],
    ["lists none", () => file("keys.json", lists()), "DIR/keys.json holds no keys"],
    ["lists something else", () => file("keys.json", lists({ kty: "RSA" })), "DIR/keys.json holds no keys"],
    ["has pinned none", () => file("keys.json", '{"gateways":{}}'), "DIR/keys.json holds no keys"],
    [
      "has two gateways that differ",
      () => {
        const other = { ...publicKey(OTHER_KEY), kid: KEY.kid };
        return file("keys.json", `{"gateways":{"a":${lists(publicKey(KEY))},"b":${lists(other)}}}`);
      },
      "export-one is another key at each of several gateways: leave the gateway that you mean in DIR/keys.json.",
    ],
  ])("says what is wrong with a file of keys that %s", async (_, make, message) => {
    const { code, stderr } = await verify("--keys", make());
    expect([code, stderr.replaceAll(dir, "DIR")]).toEqual([2, expect.stringContaining(`${message}\n`)]);
  });

  test.each([
    ["are no JSON", "{"],
    ["are something else", "{}"],
  ])("checks nothing by pins that %s, and leaves them", async (_, text) => {
    mkdirSync(join(dir, "config/claro-score-gateway"), { recursive: true });
    writeFileSync(pinFile(), text);
    for (const options of [[], ["--gateway", url]]) {
      expect(await verify(...options)).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot be read") });
    }
    expect(readFileSync(pinFile(), "utf8")).toBe(text);
  });

  test("says that keys cannot be kept where nothing can be written", async () => {
    file("config", "a file where a folder should be");
    const { code, stderr } = await verify("--gateway", url);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/trusted-keys\.json cannot be (read|written) \(ENOTDIR\)/),
    ]);
  });

  test("does not leave out unasked what a gateway would be asked for", async () => {
    const keys = file("keys.json", lists(publicKey(KEY)));
    const { code, stderr } = await verify("--keys", keys, "--gateway", url);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Give --keys or --gateway, not both.")]);
  });

  test("wants an address that is one", async () => {
    expect(await verify("--gateway", "gateway.example")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--gateway is an address such as https://gateway.example"),
    });
  });
});

test("what nobody expects is not taken for a month that does not hold", async () => {
  const broken = `data:text/javascript,${encodeURIComponent('JSON.stringify = () => { throw Error("no memory") }')}`;
  const keys = file("keys.json", lists(publicKey(KEY)));
  const { code, stderr } = await node(
    "--import",
    broken,
    "docs/verify_statement.mjs",
    months,
    "--keys",
    keys,
    "--json",
  );
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^Nothing was checked: no memory\n/)]);
});

test("a download from a gateway that cannot be asked for its keys says so, and ends as for one that is not reached", async () => {
  answer = (_, response) => response.writeHead(503).end();
  const command = ["statements", "download", "ten_a", "--period", "2026-01", "--dir", dir];
  const { code, stderr } = await node("src/ctl/ctl.ts", "--url", url, ...command);
  expect([code, stderr]).toEqual([
    3,
    expect.stringContaining(`${url} cannot be asked for its keys (it answered 503).`),
  ]);
});

test.each([
  ["says nothing", () => {}],
  ["begins an answer and goes on with none", (_, response) => response.writeHead(200).write("{")],
] satisfies [string, RequestListener][])(
  "a gateway that %s is waited for no longer than is asked",
  async (_, listener) => {
    answer = listener;
    expect(await listedKeys(url, { timeoutMs: 100 })).toEqual({
      ok: false,
      failure: expect.stringMatching(/timeout/i),
    });
  },
);
