import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Manifest } from "../../../src/domain/statement.ts";
import { KEY, OTHER_KEY, publicKey, type SignedMonth, signedMonths } from "./signed_months.ts";

/** A gateway that serves what a test has made, hostile or not, as `statements download` asks for it. */
let dir = "";
let url = "";
let server: Server;
let month: SignedMonth;
let keys = [publicKey(KEY)];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "download-"));
  keys = [publicKey(KEY)];
  month = await oneMonth();
  server = createServer((request, response) => {
    if (request.url?.endsWith("/export-keys.json") === true) return response.end(JSON.stringify({ keys }));
    const [, name = ""] = /\/statements\/2026-01\/(.*)$/.exec(decodeURIComponent(request.url ?? "")) ?? [];
    const text = month.files.get(name);
    response.writeHead(text === undefined ? 404 : 200, { "statement-status": "closed" });
    return response.end(text);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

async function oneMonth(options: Parameters<typeof signedMonths>[2] = {}, tenantId = "ten_a"): Promise<SignedMonth> {
  const [made] = await signedMonths(tenantId, [{ prices: [150_000] }], options);
  if (made === undefined) throw new Error("no month");
  return made;
}

function download(...more: readonly string[]): Promise<{ code: number; stderr: string }> {
  const command = ["src/ctl/ctl.ts", "--url", url, "statements", "download", "ten_a", "--period", "2026-01"];
  const env = {
    PATH: process.env["PATH"],
    XDG_CONFIG_HOME: join(dir, "config"),
    CLARO_GATEWAY_ADMIN_TOKEN: "operator",
  } as unknown as NodeJS.ProcessEnv;
  const cwd = join(import.meta.dirname, "../../..");
  return new Promise((done) => {
    execFile(process.execPath, [...command, "--dir", join(dir, "a/b/c"), ...more], { cwd, env }, (error, _, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stderr });
    });
  });
}

const written = () => (existsSync(join(dir, "a")) ? readdirSync(join(dir, "a"), { recursive: true }) : []);

test("a month is brought when its manifest is signed by a key that was pinned at first use", async () => {
  const first = await download();
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining("export-one SHA256:")]);
  expect(readdirSync(join(dir, "a/b/c/ten_a/2026-01")).toSorted()).toEqual([...month.files.keys()].toSorted());
  // No keys travel with the months: nobody can be led to trust them.
  expect(existsSync(join(dir, "a/b/c/export-keys.json"))).toBe(false);
  expect((await download()).code).toBe(0);
});

const named = (name: string) => ({
  change: (manifest: Manifest) => ({
    ...manifest,
    files: manifest.files.map((file, index) => (index === 0 ? { ...file, name } : file)),
  }),
});

test.each([
  ["a name that leads elsewhere", () => oneMonth(named("../../../../stolen")), "no month holds"],
  ["an absolute name", () => oneMonth(named("/tmp/stolen-by-a-test")), "no month holds"],
  ["a name of Windows that leads elsewhere", () => oneMonth(named(String.raw`..\..\stolen`)), "no month holds"],
  ["a name that no month holds", () => oneMonth(named(".bashrc")), "no month holds"],
  ["the manifest as a file of its own", () => oneMonth(named("manifest.json")), "no month holds"],
  ["another tenant's month", () => oneMonth({}, "ten_b"), "another tenant"],
  ["another month", () => oneMonth({ first: "2025-12" }), "another month"],
  ["a signature of nobody known", () => oneMonth({ keyOf: () => OTHER_KEY }), "unknown_key"],
  ["a forged signature", () => oneMonth({ keyOf: () => ({ ...OTHER_KEY, kid: KEY.kid }) }), "bad_signature"],
])("%s is refused before anything is written", async (_, make, message) => {
  month = await make();
  const { code, stderr } = await download();
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(written()).toEqual([]);
  expect(existsSync("/tmp/stolen-by-a-test")).toBe(false);
});

test("keys that are not those of the first time are refused before anything is asked for", async () => {
  expect((await download()).code).toBe(0);
  keys = [{ ...publicKey(OTHER_KEY), kid: KEY.kid }];
  month = await oneMonth({ keyOf: () => ({ ...OTHER_KEY, kid: KEY.kid }) });
  rmSync(join(dir, "a"), { recursive: true });
  const { code, stderr } = await download();
  expect([code, stderr]).toEqual([2, expect.stringContaining("HAVE CHANGED")]);
  expect(written()).toEqual([]);
});

test("what is there and is something else is not overwritten unasked, and another manifest never", async () => {
  const folder = join(dir, "a/b/c/ten_a/2026-01");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "events.csv"), "mine");
  expect(await download()).toMatchObject({ code: 1, stderr: expect.stringContaining("--overwrite") });
  expect(readFileSync(join(folder, "events.csv"), "utf8")).toBe("mine");
  expect((await download("--overwrite")).code).toBe(0);

  const before = readFileSync(join(folder, "manifest.json"), "utf8");
  month = await oneMonth({ change: (manifest) => ({ ...manifest, closedAt: "2026-02-09T03:00:00.000Z" }) });
  expect(await download("--overwrite")).toMatchObject({ code: 1, stderr: expect.stringContaining("another manifest") });
  expect(readFileSync(join(folder, "manifest.json"), "utf8")).toBe(before);
});
