import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { GatewayLog, lineForPeople } from "../../src/ctl/local/gateway_log.ts";

const dir = mkdtempSync(join(tmpdir(), "claro-score-gateway-log-"));
const now = new Date(2026, 10, 28, 21, 4, 5);

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe("a line of the log for people", () => {
  test("begins with the time and says what happened; the rest follows by name", () => {
    const fields = { level: "info", time: "2026-11-28T00:00:00Z", event: "request", requestId: "a-1", method: "POST" };
    expect(lineForPeople({ ...fields, route: "/v1/scores", status: 200, durationMs: 66, code: null }, now)).toBe(
      "21:04:05  200  POST /v1/scores  66 ms  requestId=a-1",
    );
    expect(lineForPeople({ level: "info", event: "copied", settings: ["A", "B"] }, now)).toBe(
      '21:04:05  copied  settings=["A","B"]',
    );
  });

  test("cannot steer the terminal", () => {
    const hostile = "x\u001b[2J\u009b31m\r\n\u202ey";
    const line = lineForPeople({ level: "info", event: hostile, [`n`]: hostile, list: [hostile] }, now);
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe("the log's file", () => {
  test("keeps every line for its owner alone, over starts", () => {
    const state = join(dir, "a");
    mkdirSync(state);
    for (const line of ['{"n":1}', '{"n":2}']) new GatewayLog(state, { warn: () => undefined }).append(line);
    expect(readFileSync(join(state, "gateway.log"), "utf8")).toBe('{"n":1}\n{"n":2}\n');
    expect(statSync(join(state, "gateway.log")).mode & 0o077).toBe(0);
  });

  test("is put aside when it has grown large", () => {
    const state = join(dir, "b");
    mkdirSync(state);
    writeFileSync(join(state, "gateway.log"), "x".repeat(20 * 1024 * 1024 + 1));
    new GatewayLog(state, { warn: () => undefined }).append("{}");
    expect(readFileSync(join(state, "gateway.log"), "utf8")).toBe("{}\n");
    expect(statSync(join(state, "gateway.log.1")).size).toBe(20 * 1024 * 1024 + 1);
  });

  test("tells once that it cannot be written, in a sentence, and lets the gateway go on", () => {
    const state = join(dir, "c");
    mkdirSync(join(state, "gateway.log"), { recursive: true });
    const told: string[] = [];
    const log = new GatewayLog(state, { warn: (text) => told.push(text) });
    log.append("{}");
    log.append("{}");
    expect(told).toEqual([expect.stringMatching(/gateway\.log .+\.$/)]);
  });
});
