import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findGateway } from "../../src/ctl/api/find_gateway.ts";

const dir = mkdtempSync(join(tmpdir(), "claro-score-gateway-ctl-"));
const note = join(dir, "local-gateway.json");
const devVars = () => ({ ADMIN_TOKEN: "of-dev-vars" });
/** No process has it: the kernel gives ids below this only. */
const DEAD_PID = 4_194_305;

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function find(url: string | undefined, env: Record<string, string> = {}) {
  return findGateway(url, { env, note, devVars });
}

describe("findGateway", () => {
  test("finds the gateway that runs here, wherever it listens", () => {
    writeFileSync(note, JSON.stringify({ url: "http://127.0.0.1:9001", pid: process.pid }));
    expect(find(undefined)).toEqual({ url: "http://127.0.0.1:9001", adminToken: "of-dev-vars" });
  });

  test.each([
    ["of a gateway that is gone", JSON.stringify({ url: "http://127.0.0.1:9001", pid: DEAD_PID })],
    ["written only half", '{"url": "http://127.0'],
  ])("a note %s is not believed", (_case, text) => {
    writeFileSync(note, text);
    expect(find(undefined).url).toBe("http://127.0.0.1:8787");
  });

  test("what is given comes before the environment, and that before what runs here", () => {
    writeFileSync(note, JSON.stringify({ url: "http://127.0.0.1:9001", pid: process.pid }));
    const env = { CLARO_GATEWAY_URL: "https://gateway.example/", CLARO_GATEWAY_ADMIN_TOKEN: "of-env" };
    expect(find(undefined, env)).toEqual({ url: "https://gateway.example", adminToken: "of-env" });
    expect(find("http://localhost:1", env)).toEqual({ url: "http://localhost:1", adminToken: "of-env" });
    expect(find("http://[::1]:1")).toEqual({ url: "http://[::1]:1", adminToken: "of-dev-vars" });
  });

  test("the local token goes to no other machine, and no token goes over plain http", () => {
    expect(() => find("https://gateway.example")).toThrow(/CLARO_GATEWAY_ADMIN_TOKEN/);
    const env = { CLARO_GATEWAY_ADMIN_TOKEN: "of-env" };
    for (const url of ["http://gateway.example", "http://127.0.0.1.example.com", "ftp://gateway.example", "gateway"]) {
      expect(() => find(url, env)).toThrow(/https|no http/);
    }
  });

  test("where nothing was ever started it says how to", () => {
    expect(() => findGateway(undefined, { env: {}, note: join(dir, "none"), devVars: () => ({}) })).toThrow(
      /npm start/,
    );
  });
});
