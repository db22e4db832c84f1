import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { PROJECT_ROOT } from "../../src/ctl/local/wrangler.ts";

const BUILT = join(PROJECT_ROOT, ".tmp/deploy");
const TOML = readFileSync(join(PROJECT_ROOT, "wrangler.toml"), "utf8");
const IN_AN_ACCOUNT = {
  'database_id = "claro-score-gateway"': 'database_id = "01234567-89ab-4cde-8f01-23456789abcd"',
  'id = "keys"': 'id = "0123456789abcdef0123456789abcdef"',
};

mkdirSync(join(PROJECT_ROOT, ".tmp"), { recursive: true });
const dir = mkdtempSync(join(PROJECT_ROOT, ".tmp", "deploy-test-"));

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** wrangler.toml with something replaced, in another folder. */
function configWith(replaced: Readonly<Record<string, string>>): string {
  const moved = { '"src/': '"../../src/', ...replaced };
  let text = TOML;
  for (const [from, to] of Object.entries(moved)) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  const path = join(dir, "wrangler.toml");
  writeFileSync(path, text);
  return path;
}

function deploy(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, CLOUDFLARE_API_TOKEN: undefined, NO_COLOR: "1" };
  const {
    status: code,
    stdout,
    stderr,
  } = spawnSync(process.execPath, ["src/ctl/deploy.ts", ...args], {
    cwd: PROJECT_ROOT,
    encoding: "utf8",
    env,
  });
  return { code, stdout, stderr };
}

describe("npm run deploy", () => {
  test("--dry-run builds the Worker, reaches nobody, and says what an account lacks", () => {
    rmSync(BUILT, { recursive: true, force: true });
    const { code, stdout } = deploy("--dry-run");
    expect(stdout).toMatch(/npx wrangler d1 create claro-score-gateway/);
    expect(stdout).toMatch(/npx wrangler kv namespace create KEYS/);
    expect(code).toBe(0);
    expect(existsSync(join(BUILT, "main.js"))).toBe(true);
    expect(readFileSync(join(BUILT, "main.js"), "utf8")).toContain("TenantLedger");
  });

  test("with what is in an account, the dry run lacks nothing", () => {
    const { code, stdout } = deploy("--dry-run", "--config", configWith(IN_AN_ACCOUNT));
    expect(stdout).not.toMatch(/Before a deployment/);
    expect(code).toBe(0);
  });

  test.each(["LOCAL", "CLOCK_OFFSET_MS"])("refuses a configuration with %s, dry or not", (name) => {
    const config = configWith({ ...IN_AN_ACCOUNT, "[vars]": `[vars]\n${name} = "1"` });
    for (const args of [["--dry-run"], []]) {
      const { code, stderr } = deploy(...args, "--config", config);
      expect(stderr).toContain(`${name} of`);
      expect(code).toBe(1);
    }
  });

  test("touches no account while it would have to create something there", () => {
    const { code, stdout, stderr } = deploy();
    expect(stderr).toMatch(/not in your account/);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  test("says what it does", () => {
    const { code, stdout } = deploy("--help");
    expect(stdout).toMatch(/npm run deploy/);
    expect(code).toBe(0);
  });
});
