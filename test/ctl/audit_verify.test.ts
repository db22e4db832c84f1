import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { auditLine, chainEntry, signHead } from "../../src/domain/audit_chain.ts";

const CTL = fileURLToPath(new URL("../../src/ctl/ctl.ts", import.meta.url).href);
const dir = mkdtempSync(join(tmpdir(), "claro-score-gateway-audit-"));
const files = { audit: join(dir, "audit.jsonl"), heads: join(dir, "heads"), keys: join(dir, "keys.json") };
/** The key pair of RFC 8037, appendix A. */
const KEY = {
  kty: "OKP",
  crv: "Ed25519",
  kid: "export-test",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
} as const;

let lines: string[] = [];

beforeEach(async () => {
  lines = [];
  mkdirSync(files.heads, { recursive: true });
  let prev: string | null = null;
  for (let n = 1; n <= 3; n += 1) {
    const at = new Date(Date.UTC(2026, 10, 28, n)).toISOString();
    const entry = await chainEntry(
      { n, at, actor: "ana", action: "key.create", target: `k${n}`, before: null, after: { n } },
      prev,
    );
    lines.push(`${auditLine(entry)}\n`);
    prev = entry.hash;
    const head = await signHead({ version: 1, hour: at.slice(0, 13), n, hash: entry.hash, at }, KEY);
    writeFileSync(join(files.heads, `${head.hour}.json`), JSON.stringify(head));
  }
  const { d: _d, ...publicKey } = KEY;
  writeFileSync(files.keys, JSON.stringify({ keys: [publicKey] }));
  writeFileSync(files.audit, lines.join(""));
});

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function verify(...args: string[]): { status: number | null; out: string; err: string } {
  // A gateway that nobody can reach: the command asks none.
  const env = { ...process.env, CLARO_GATEWAY_URL: "http://127.0.0.1:1", FORCE_COLOR: "0" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [CTL, "audit", "verify", ...args], {
    env,
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}

const WITH_HEADS = ["--heads", files.heads, "--keys", files.keys];

describe("audit verify", () => {
  test("says how much is right, and that without heads it cannot know all", () => {
    const whole = verify(files.audit, ...WITH_HEADS);
    expect([whole.status, whole.out]).toEqual([
      0,
      "3 entries are chained, and none is missing. 3 signed heads agree with them.\n",
    ]);
    expect(verify(files.audit, "--keys", files.keys).out).toContain("No heads were given");
    const json = verify(files.audit, ...WITH_HEADS, "--json");
    expect(JSON.parse(json.out)).toEqual({ entries: 3, heads: 3, problems: [] });
  });

  test("says what is wrong, and ends with 1", () => {
    writeFileSync(files.audit, lines.slice(0, 2).join(""));
    const cut = verify(files.audit, ...WITH_HEADS);
    expect([cut.status, cut.err]).toEqual([
      1,
      expect.stringContaining("entry 3 was there at 2026-11-28T03 and is missing"),
    ]);
    writeFileSync(files.audit, lines.join("").replace('"actor":"ana"', '"actor":"eva"'));
    const changed = verify(files.audit, ...WITH_HEADS, "--json");
    expect(changed.status).toBe(1);
    expect(JSON.parse(changed.err)).toMatchObject({ error: { problems: [{ where: "entry 1" }] } });
  });

  test.each([
    [["nowhere.jsonl", ...WITH_HEADS], /There is no file/],
    [[files.audit], /--keys/],
    [[files.audit, "--keys", files.audit], /is no JSON/],
    [[files.audit, "--keys", join(dir, "nosuch.json")], /There is no file .*nosuch.json/],
    [[files.audit, "--keys", files.keys, "--heads", join(dir, "none")], /no heads in/],
  ])("refuses %j as wrong usage", (args, told) => {
    const { status, err } = verify(...args);
    expect([status, err]).toEqual([2, expect.stringMatching(told)]);
  });
});
