import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textWidth } from "../../src/ctl/terminal/text_width.ts";
import { ADMIN_TOKEN, endAll, startGateway, stateDirs, type RunningGateway } from "./support/gateway_process.ts";
import { PROJECT_ROOT, run } from "./support/processes.ts";

type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Tenant = { readonly id: string; readonly name: string; readonly status: string };
type Key = { readonly id: string; readonly key: string };

const TERMINAL_TIMEOUT_MS = 20_000;
const dirs = stateDirs();
const hasPty = spawnSync("script", ["--version"]).status === 0;
let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway({ stateDir: dirs.make(), as: "node" });
});

afterAll(async () => {
  await endAll([gateway]);
  dirs.remove();
});

async function ctl(...args: string[]): Promise<Ran> {
  const env = { CLARO_GATEWAY_URL: gateway.url, CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN };
  const running = run(process.execPath, ["src/ctl/ctl.ts", ...args], env);
  const code = await running.exited;
  return { code, ...running.output };
}

async function ctlJson<Answer>(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await ctl(...args, "--json");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Answer;
}

async function newTenant(name: string): Promise<Tenant> {
  const document = "12ABC34501DE35";
  return await ctlJson(
    "tenants",
    "create",
    "--name",
    name,
    "--document",
    document,
    "--customer-id",
    "x",
    "--plan",
    "trial",
  );
}

async function lookup(key: string): Promise<{ status: number; code?: string }> {
  const response = await fetch(`${gateway.url}/v1/scores`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ cpf: "52998224725" }),
  });
  const { code } = await response.json<{ code?: string }>();
  return { status: response.status, ...(code === undefined ? {} : { code }) };
}

/** Runs a command in a terminal of its own, of `columns`; `typed` is typed once it has asked. */
async function inTerminal(
  args: readonly string[],
  { typed = null, columns = 100 }: { typed?: string | null; columns?: number } = {},
): Promise<{ code: number | null; shown: string }> {
  const words = [process.execPath, "src/ctl/ctl.ts", ...args].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qec", `stty cols ${columns}; ${words}`, "/dev/null"], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, CLARO_GATEWAY_URL: gateway.url, CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN, TERM: "xterm" },
  });
  let shown = "";
  let hasTyped = typed === null;
  child.stdout.on("data", (chunk: Buffer) => {
    shown += stripVTControlCharacters(chunk.toString());
    if (hasTyped || !/Yes.*No/s.test(shown)) return;
    hasTyped = true;
    child.stdin.write(typed);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), TERMINAL_TIMEOUT_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, shown };
}

describe("a tenant's life from the command line", () => {
  test("created, given a key, used, suspended, resumed; each step effective at once", async () => {
    const tenant = await newTenant("Padaria São João");
    expect(tenant).toMatchObject({ name: "Padaria São João", status: "active", plan: { name: "trial" } });
    const made = await ctl("keys", "create", tenant.id, "--mode", "test", "--label", "caixa 1");
    expect(made.code).toBe(0);
    expect(made.stderr).toMatch(/shown only now/);
    const [key = ""] = /csg_test_\w{10}_\w{32}/.exec(made.stdout) ?? [];
    expect(await lookup(key)).toEqual({ status: 200 });

    expect((await ctl("tenants", "suspend", tenant.id, "--yes")).code).toBe(0);
    expect(await lookup(key)).toEqual({ status: 403, code: "tenant_suspended" });
    expect((await ctl("tenants", "resume", tenant.id)).code).toBe(0);
    expect(await lookup(key)).toEqual({ status: 200 });

    const usage = await ctl("usage", tenant.id, "--mode", "test");
    expect(usage.stdout).toMatch(/total +2 +2 +0/);
    const listed = await ctl("keys", "list", tenant.id);
    expect(listed.stdout).toMatch(/caixa 1 +active/);
    expect(listed.stdout).not.toContain(key);
  });

  test("a key is rotated and revoked", async () => {
    const tenant = await newTenant("Rotação");
    const first = await ctlJson<Key>("keys", "create", tenant.id, "--mode", "test");
    const second = await ctlJson<Key>("keys", "rotate", first.id, "--overlap", "1h");
    expect([(await lookup(first.key)).status, (await lookup(second.key)).status]).toEqual([200, 200]);
    const revoked = await ctl("keys", "revoke", first.id, "--yes");
    expect(revoked).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${first.id} is revoked since 20`) as string,
    });
    expect(await lookup(first.key)).toEqual({ status: 401, code: "revoked_api_key" });
    expect((await lookup(second.key)).status).toBe(200);
  });

  test("a plan is changed in words of money, and the audit tells of it", async () => {
    const tenant = await newTenant("Planos");
    const changed = await ctl(
      "plans",
      "set",
      tenant.id,
      "--plan",
      "pay-per-use",
      "--price",
      "10000:0.15,rest:0.12",
      "--spend-cap",
      "5000",
    );
    expect(changed.stdout).toMatch(/0\.1500 up to 10,000, then 0\.1200/);
    expect(changed.stdout).toMatch(/BRL 5000\.0000 a month/);
    const { data } = await ctlJson<{ data: { target: string; action: string }[] }>("audit");
    const ours = data.filter((entry) => entry.target === tenant.id).map((entry) => entry.action);
    expect(ours).toEqual(["tenant.create", "tenant.update"]);
    expect((await ctl("audit")).stdout).toMatch(/plan\.name: trial → pay-per-use/);
  });
});

describe("what scripts rely on", () => {
  test("0 done, 1 refused by the gateway, 2 wrong usage, 3 not reached", async () => {
    expect((await ctl("tenants", "list")).code).toBe(0);
    const refused = await ctl("tenants", "show", "ten_nobody");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/Not found.*not_found, status 404, request /s);
    for (const wrong of [["tenants"], ["tenants", "frobnicate"], ["tenants", "create"], ["audit", "--limit", "many"]]) {
      expect([wrong, (await ctl(...wrong)).code]).toEqual([wrong, 2]);
    }
    const gone = await ctl("tenants", "list", "--url", "http://127.0.0.1:1");
    expect(gone).toMatchObject({ code: 3, stdout: "" });
    expect(gone.stderr).toMatch(/cannot be reached.*npm start/);
  });

  test("with --json, JSON alone on standard output, errors as JSON on standard error", async () => {
    for (const args of [["tenants", "list"], ["plans", "list"], ["audit"], ["health"]]) {
      expect(await ctlJson(...args)).toBeTypeOf("object");
    }
    const { stderr } = await ctl("keys", "revoke", "csg_live_0000000000", "--yes", "--json");
    expect(JSON.parse(stderr)).toMatchObject({ error: { exitCode: 1, code: "not_found", status: 404 } });
  });

  test("a wrong operator's token is refused in words", async () => {
    const env = { CLARO_GATEWAY_URL: gateway.url, CLARO_GATEWAY_ADMIN_TOKEN: "wrong-token-0123456789" };
    const running = run(process.execPath, ["src/ctl/ctl.ts", "tenants", "list"], env);
    expect(await running.exited).toBe(1);
    expect(running.output.stderr).toMatch(/Invalid operator credentials/);
  });

  test("what cannot be undone is not done where nobody can be asked, unless --yes is given", async () => {
    const tenant = await newTenant("Sem terminal");
    const key = await ctlJson<Key>("keys", "create", tenant.id, "--mode", "test");
    for (const args of [
      ["tenants", "suspend", tenant.id],
      ["keys", "revoke", key.id],
      ["keys", "rotate", key.id, "--overlap", "0s"],
      ["statements", "close", "--period", "2020-01"],
    ]) {
      const { code, stderr } = await ctl(...args);
      expect([args, code]).toEqual([args, 2]);
      expect(stderr).toMatch(/--yes/);
    }
    expect(await lookup(key.key)).toEqual({ status: 200 });
  });

  test("help, with examples, on every level, and without a gateway", async () => {
    const env = { CLARO_GATEWAY_URL: "http://127.0.0.1:1" };
    const helpOf = async (...args: string[]): Promise<string> => {
      const running = run(process.execPath, ["src/ctl/ctl.ts", ...args, "--help"], env);
      expect([args, await running.exited]).toEqual([args, 0]);
      return running.output.stdout;
    };
    const commandsIn = (help: string) =>
      [...(help.split("Commands:")[1]?.split("\n\n")[0] ?? "").matchAll(/^ {2}([a-z-]+)/gm)]
        .map(([, name = ""]) => name)
        .filter((name) => name !== "help");
    const top = await helpOf();
    const groups = commandsIn(top);
    expect(groups).toEqual(
      expect.arrayContaining(["tenants", "keys", "usage", "plans", "audit", "health", "statements"]),
    );
    for (const group of groups) {
      const help = await helpOf(group);
      expect(help, group).toMatch(/Examples:\n {2}npm run ctl -- /);
      for (const command of commandsIn(help)) {
        expect(await helpOf(group, command), `${group} ${command}`).toMatch(/Examples:\n {2}npm run ctl -- /);
      }
    }
  });
});

describe.skipIf(!hasPty)("in a terminal", () => {
  test("a no, and a Ctrl-C, change nothing; a yes does", async () => {
    const tenant = await newTenant("No terminal");
    for (const typed of ["n", "\u0003"]) {
      const { code, shown } = await inTerminal(["tenants", "suspend", tenant.id], { typed });
      expect(shown).toMatch(/Refuse every call of No terminal/);
      expect(code).toBe(2);
    }
    expect(await ctlJson("tenants", "show", tenant.id)).toMatchObject({ status: "active" });
    expect((await inTerminal(["tenants", "suspend", tenant.id], { typed: "y" })).code).toBe(0);
    expect(await ctlJson("tenants", "show", tenant.id)).toMatchObject({ status: "suspended" });
  });

  test("a table is no wider than the terminal", async () => {
    await newTenant(`Um nome muito comprido ${"de loja ".repeat(18)}`);
    const { shown } = await inTerminal(["tenants", "list"], { columns: 80 });
    const lines = shown.split("\n").filter((line) => line.includes("ten_"));
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(80);
    expect(shown).toContain("…");
  });
});
