import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findGateway } from "../../src/ctl/api/find_gateway.ts";
import { findLocalGateway, noteLocalGateway } from "../../src/ctl/local/local_gateway.ts";
import { addressOfHolder, holdState, type HeldState } from "../../src/ctl/local/state.ts";
import { printed, run } from "../e2e/support/processes.ts";

let dir: string;
let notes: string;
let held: HeldState[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "claro-score-gateway-ctl-"));
  notes = join(dir, "notes");
  mkdirSync(notes, { mode: 0o700 });
  held = [];
});

afterEach(() => {
  held.forEach((state) => state.release());
  rmSync(dir, { recursive: true, force: true });
});

/** A state that a gateway has. */
function hold(name: string, url = "http://127.0.0.1:9001"): string {
  const stateDir = join(dir, name);
  mkdirSync(stateDir);
  const state = holdState(stateDir, { url });
  if (state === null) throw new Error(`${name} is held`);
  held.push(state);
  return stateDir;
}

function writeNote(name: string, note: unknown): string {
  const path = join(notes, name);
  writeFileSync(path, typeof note === "string" ? note : JSON.stringify(note), { mode: 0o600 });
  return path;
}

describe("a state", () => {
  test("is one gateway's until that one lets it go, and tells whose", () => {
    const stateDir = hold("a");
    expect(holdState(stateDir, { url: "http://127.0.0.1:9002" })).toBeNull();
    expect(addressOfHolder(stateDir)).toBe("http://127.0.0.1:9001");
    held.pop()?.release();
    const again = holdState(stateDir, { url: "http://127.0.0.1:9002" });
    expect(again).not.toBeNull();
    expect(addressOfHolder(stateDir)).toBe("http://127.0.0.1:9002");
    again?.release();
  });

  test("is free again when its gateway was killed, whatever that one left", async () => {
    const code = `
      import { holdState } from "./src/ctl/local/state.ts";
      holdState(${JSON.stringify(dir)}, { url: "http://127.0.0.1:9001" });
      console.log("held");
      setInterval(() => undefined, 1000);`;
    const holder = run(process.execPath, ["--input-type=module", "-e", code]);
    await printed(holder, /held/);
    expect(holdState(dir, { url: "http://127.0.0.1:9002" })).toBeNull();
    holder.child.kill("SIGKILL");
    await holder.exited;
    expect(existsSync(join(dir, "gateway.lock"))).toBe(true);
    const state = holdState(dir, { url: "http://127.0.0.1:9002" });
    expect(state).not.toBeNull();
    state?.release();
  });
});

describe("the note of a local gateway", () => {
  const NOW = Date.UTC(2026, 10, 28);
  const about = (stateDir: string, more: object = {}) => ({
    url: "http://127.0.0.1:9001",
    stateDir,
    startedAtMs: NOW,
    ...more,
  });

  test("is found while its gateway runs, the youngest of several, and taken back by its own gateway alone", () => {
    const first = hold("a");
    writeNote("1.json", about(first));
    const { forget } = noteLocalGateway(
      about(hold("b"), { url: "http://127.0.0.1:9002", startedAtMs: NOW + 1 }),
      notes,
    );
    expect(findLocalGateway(notes)?.url).toBe("http://127.0.0.1:9002");
    forget();
    expect(findLocalGateway(notes)?.url).toBe("http://127.0.0.1:9001");
    held.forEach((state) => state.release());
    held = [];
    expect(findLocalGateway(notes)).toBeNull();
    expect(existsSync(join(notes, "1.json"))).toBe(false);
  });

  test.each([
    ["leads to another machine", { url: "http://192.0.2.1:8787" }],
    ["leads to a name that begins like this machine", { url: "http://127.0.0.1.example.com" }],
    ["hides the machine behind a user", { url: "http://127.0.0.1@example.com" }],
    ["leads to a file", { url: "file:///etc/passwd" }],
    ["has no address", { url: null }],
    ["names a state that is gone", { stateDir: "/nowhere/at/all" }],
  ])("is not believed when it %s", (_, more) => {
    writeNote("1.json", about(hold("a"), more));
    expect(findLocalGateway(notes)).toBeNull();
  });

  test.each([
    ["written only half", '{"url": "http://127.0'],
    ["no object", "null"],
  ])("is not believed when it is %s", (_, text) => {
    writeNote("1.json", text);
    expect(findLocalGateway(notes)).toBeNull();
  });

  test("is not believed when others could have written it", () => {
    const path = writeNote("1.json", about(hold("a")));
    expect(findLocalGateway(notes)).not.toBeNull();
    chmodSync(path, 0o622);
    expect(findLocalGateway(notes)).toBeNull();
    chmodSync(path, 0o600);
    chmodSync(notes, 0o777);
    expect(findLocalGateway(notes)).toBeNull();
    chmodSync(notes, 0o700);
    rmSync(path);
    symlinkSync(join(dir, "elsewhere.json"), path);
    writeFileSync(join(dir, "elsewhere.json"), JSON.stringify(about(join(dir, "a"))), { mode: 0o600 });
    chmodSync(join(dir, "elsewhere.json"), 0o666);
    expect(findLocalGateway(notes)).toBeNull();
  });

  test.skipIf(process.getuid?.() !== 0)("is not believed when it is another user's", async () => {
    const path = writeNote("1.json", about(hold("a")));
    const { chownSync } = await import("node:fs");
    chownSync(path, 12_345, 12_345);
    expect(findLocalGateway(notes)).toBeNull();
  });
});

describe("findGateway", () => {
  const running = { url: "http://127.0.0.1:9001", stateDir: "/state", startedAtMs: 1000 };
  const find = (url?: string, env: Record<string, string> = {}, devVarsChangedAtMs = 500) =>
    findGateway(url, {
      env,
      local: () => running,
      devVars: () => ({ ADMIN_TOKEN: "of-dev-vars" }),
      devVarsChangedAtMs: () => devVarsChangedAtMs,
    });

  test("finds the gateway that runs here, wherever it listens", () => {
    expect(find()).toMatchObject({ url: "http://127.0.0.1:9001", adminToken: "of-dev-vars" });
  });

  test("what is given comes before the environment, and that before what runs here", () => {
    const env = { CLARO_GATEWAY_URL: "https://gateway.example/", CLARO_GATEWAY_ADMIN_TOKEN: "of-env" };
    expect(find(undefined, env)).toMatchObject({ url: "https://gateway.example", adminToken: "of-env" });
    expect(find("http://localhost:1", env)).toMatchObject({ url: "http://localhost:1", adminToken: "of-env" });
    expect(find("http://[::1]:1")).toMatchObject({ url: "http://[::1]:1", adminToken: "of-dev-vars" });
  });

  test("the local token goes to no other machine, and no token goes over plain http", () => {
    expect(() => find("https://gateway.example")).toThrow(/CLARO_GATEWAY_ADMIN_TOKEN/);
    const env = { CLARO_GATEWAY_ADMIN_TOKEN: "of-env" };
    for (const url of ["http://gateway.example", "http://127.0.0.1.example.com", "ftp://gateway.example", "gateway"]) {
      expect(() => find(url, env)).toThrow(/https|no http/);
    }
  });

  test("where none runs nothing is sent anywhere, and it says how to start one", () => {
    const devVars = () => ({ ADMIN_TOKEN: "of-dev-vars" });
    expect(() => findGateway(undefined, { env: {}, local: () => null, devVars })).toThrow(/npm start/);
  });

  test("knows what may be wrong with the token", () => {
    expect(find(undefined, {}, 1500).tokenHint).toMatch(/changed after this gateway was started/);
    expect(find(undefined, {}, 500).tokenHint).toMatch(/another one, log in/);
    expect(find(undefined, { CLARO_GATEWAY_ADMIN_TOKEN: "x" }).tokenHint).toMatch(/CLARO_GATEWAY_ADMIN_TOKEN/);
  });
});
