import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nextPeriod, periodOf } from "../../src/domain/period.ts";
import { textWidth } from "../../src/ctl/terminal/text_width.ts";
import { ADMIN_TOKEN, endAll, startGateway, stateDirs, type RunningGateway } from "./support/gateway_process.ts";
import { run } from "./support/processes.ts";
import { HAS_TERMINAL, inTerminal, type Shown } from "./support/terminal.ts";

type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Tenant = { readonly id: string; readonly name: string; readonly status: string };
type Plan = { readonly monthlySpendCapMicros: number | null; readonly allowance: unknown };
type Key = { readonly id: string; readonly key: string };

const dirs = stateDirs();
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
    "--allow-duplicate",
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
async function inCtlTerminal(
  args: readonly string[],
  { typed = null, columns = 100 }: { typed?: string | null; columns?: number } = {},
): Promise<Shown> {
  const env = { CLARO_GATEWAY_URL: gateway.url, CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN };
  const terminal = inTerminal(["src/ctl/ctl.ts", ...args], { columns, env });
  if (typed !== null) {
    await terminal.shows(/Yes.*No/s);
    terminal.type(typed);
  }
  return await terminal.ended;
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
    const audit = await ctl("audit");
    expect(audit.stdout).toMatch(/plan\.name: trial → pay-per-use/);
    // What was taken away is told as well.
    expect(audit.stdout).toMatch(/plan\.allowance\.requests: 1000 → none/);
    expect(await ctl("audit", "--after", "99999")).toMatchObject({
      code: 0,
      stdout: "Nothing has been changed after entry 99999.\n",
    });
  });

  test("what the help offers to take away is taken away", async () => {
    const tenant = await newTenant("Sem limites");
    const set = async (...args: string[]) => await ctlJson<Plan>("plans", "set", tenant.id, ...args);
    expect(await set("--spend-cap", "5.000,00")).toMatchObject({ monthlySpendCapMicros: 5_000_000_000 });
    expect((await ctl("plans", "set", tenant.id, "--spend-cap", "none")).stderr).toMatch(
      /Spend cap: BRL 5000\.0000 a month → none\n.*stolen key.*\n.*--yes/,
    );
    expect(await set("--spend-cap", "none", "--yes")).toMatchObject({ monthlySpendCapMicros: null });
    expect(await set("--allowance-ends", "never")).toMatchObject({ allowance: { requests: 1000, endsAt: null } });
    expect((await ctl("plans", "set", tenant.id, "--allowance", "none")).code).toBe(2);
    expect(await set("--allowance", "none", "--yes")).toMatchObject({ allowance: null });
  });

  test("a plan can begin with a coming month, is shown until then, and is not dropped unasked", async () => {
    const tenant = await newTenant("Novo preço");
    const from = `${nextPeriod(periodOf(Date.now()))}-01`;
    const set = await ctl("plans", "set", tenant.id, "--price", "0,12", "--from", from);
    expect(set).toMatchObject({ code: 0 });
    for (const args of [
      ["plans", "show", tenant.id],
      ["tenants", "show", tenant.id],
    ]) {
      const { stdout } = await ctl(...args);
      expect(stdout).toMatch(
        new RegExp(`Price \\(BRL\\) +0\\.0000\n.*From +${from}\n.*Price \\(BRL\\) +0\\.1200\n`, "s"),
      );
    }
    const dropping = await ctl("plans", "set", tenant.id, "--reads", "100");
    expect(dropping.code).toBe(2);
    expect(dropping.stderr).toContain(`the plan that waits for ${from} is dropped`);
    expect((await ctl("plans", "set", tenant.id, "--price", "0,12", "--from", "2020-01-01", "--yes")).code).toBe(1);
    const set2 = await ctlJson<{ nextPlan: null }>("plans", "set", tenant.id, "--reads", "100", "--yes");
    expect(set2.nextPlan).toBeNull();
  });

  test("an unusual plan, another CNPJ and a key's hurried end are shown and asked about", async () => {
    const tenant = await newTenant("Perguntas");
    const create = ["tenants", "create", "--name", "Caro", "--document", "11222333000181", "--customer-id", "c"];
    const dear = await ctl(...create, "--plan", "pay-per-use", "--price", "15");
    expect(dear).toMatchObject({ code: 2, stdout: "" });
    expect(dear.stderr).toMatch(/Price \(BRL\): 0\.1500 → 15\.0000/);
    const made = await ctl(...create, "--plan", "pay-per-use");
    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toMatch(/stolen live key can cost up to BRL 648,007\.50 a day/);
    const twice = await ctl(...create, "--plan", "trial");
    expect(twice.code).toBe(1);
    expect(twice.stderr).toMatch(/document_in_use/);

    const renamed = await ctl("tenants", "update", tenant.id, "--document", "33.014.556/0001-96");
    expect(renamed.code).toBe(2);
    expect(renamed.stderr).toMatch(/document: 12ABC34501DE35 → 33014556000196/);
    expect((await ctl("tenants", "update", tenant.id, "--document", "33.014.556/0001-96", "--yes")).stdout).toMatch(
      /Document +33\.014\.556\/0001-96/,
    );
    const key = await ctlJson<Key>("keys", "create", tenant.id, "--mode", "test");
    expect((await ctl("keys", "rotate", key.id, "--overlap", "24")).stderr).toMatch(/24m, 24h or 24d/);
    expect((await ctl("keys", "rotate", key.id, "--overlap", "24s")).stderr).toMatch(/in 24 s\?/);
  });

  test("a rotated key works until its own end at the latest, and that is what is said", async () => {
    const tenant = await newTenant("Prazo");
    const key = await ctlJson<Key & { expiresAt: string }>(
      "keys",
      "create",
      tenant.id,
      "--mode",
      "test",
      "--expires",
      "1h",
    );
    const rotated = await ctl("keys", "rotate", key.id, "--overlap", "7d");
    const end = key.expiresAt.replace("T", " ").replace(/\.\d+Z$/, "Z");
    expect(rotated.stderr).toContain(`The old key ${key.id} works until ${end} (São Paulo `);
  });
});

/** Wrong uses, each of which ends with 2 before anything is asked of a gateway. */
const WRONG = [
  ["plans", "set", "ten_1"],
  ["plans", "set", "ten_1", "--plan", "free"],
  ["plans", "set", "ten_1", "--spend-cap", "5.000"],
  ["plans", "set", "ten_1", "--spend-cap", ""],
  ["plans", "set", "ten_1", "--rate", "1.000"],
  ["keys", "rotate", "csg_live_0000000000", "--overlap", "24"],
  ["keys", "create", "ten_1", "--mode", "prod"],
  ["keys", "create", "ten_1"],
  ["tenants", "update", "ten_1"],
  ["tenants", "create", "--name", "x", "--document", "00000000000000", "--customer-id", "x", "--plan", "trial"],
  ["usage", "ten_1", "--from", "01/11/2026"],
  ["usage", "ten_1", "--mode", "prod"],
  ["adjust", "ten_1", "--reason", "x", "--amount=5.000"],
  ["adjust", "ten_1", "--reason", "x", "--amount=-0.15"],
  ["reconcile", "nowhere.csv", "--period", "2026-11"],
  ["statements", "show", "ten_1", "--period", "11/2026"],
];

describe("what scripts rely on", () => {
  test("0 done, 1 refused by the gateway, 2 wrong usage, 3 not reached", async () => {
    expect((await ctl("tenants", "list")).code).toBe(0);
    const refused = await ctl("tenants", "show", "ten_nobody");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/Not found.*not_found, status 404, request /s);
    for (const wrong of [
      ["tenants"],
      ["tenants", "frobnicate"],
      ["tenants", "create"],
      ["audit", "--limit", "many"],
      ...WRONG,
    ]) {
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

  test.each(["", "plans", "plans set"])("help without a gateway: %s", async (path) => {
    const args = path.split(" ").filter((word) => word !== "");
    const env = { CLARO_GATEWAY_URL: "http://127.0.0.1:1" };
    const running = run(process.execPath, ["src/ctl/ctl.ts", ...args, "--help"], env);
    expect(await running.exited).toBe(0);
    expect(running.output.stdout).toMatch(/Examples:\n {2}npm run ctl -- /);
  });
});

describe.skipIf(!HAS_TERMINAL)("in a terminal", () => {
  test("a no, and a Ctrl-C, change nothing; a yes does", async () => {
    const tenant = await newTenant("No terminal");
    for (const typed of ["n", "\u0003"]) {
      const { code, shown } = await inCtlTerminal(["tenants", "suspend", tenant.id], { typed });
      expect(shown).toMatch(/Refuse every call of No terminal/);
      expect(code).toBe(2);
    }
    expect(await ctlJson("tenants", "show", tenant.id)).toMatchObject({ status: "active" });
    expect((await inCtlTerminal(["tenants", "suspend", tenant.id], { typed: "y" })).code).toBe(0);
    expect(await ctlJson("tenants", "show", tenant.id)).toMatchObject({ status: "suspended" });
  });

  test.each([80, 120])("a table keeps what matters at %i columns", async (columns) => {
    const tenant = await newTenant(`Um nome muito comprido ${"de loja ".repeat(18)}`);
    const label = "uma etiqueta bem comprida";
    await ctl("keys", "create", tenant.id, "--mode", "test", "--label", label, "--expires", "90d");
    const usage = await inCtlTerminal(["usage", tenant.id], { columns });
    expect(usage.shown).toMatch(/FAILED +UNKNOWN +BILLED/);
    expect((await inCtlTerminal(["keys", "list", tenant.id], { columns })).shown).toMatch(/EXPIRES/);
  });

  test("a dangerous change is shown from what to what, and done only after a yes", async () => {
    const tenant = await newTenant("Perigo");
    await ctl("plans", "set", tenant.id, "--spend-cap", "5000");
    const args = ["plans", "set", tenant.id, "--spend-cap", "none"];
    const refused = await inCtlTerminal(args, { typed: "n", columns: 80 });
    expect(refused.code).toBe(2);
    expect(refused.shown).toMatch(/Spend cap: BRL 5000\.0000 a month → none/);
    expect(await ctlJson("plans", "show", tenant.id)).toMatchObject({ monthlySpendCapMicros: 5_000_000_000 });
    expect((await inCtlTerminal(args, { typed: "y" })).code).toBe(0);
    expect(await ctlJson("plans", "show", tenant.id)).toMatchObject({ monthlySpendCapMicros: null });
  });

  test("a table is no wider than the terminal", async () => {
    await newTenant(`Um nome muito comprido ${"de loja ".repeat(18)}`);
    const { shown } = await inCtlTerminal(["tenants", "list"], { columns: 80 });
    const lines = shown.split("\n").filter((line) => line.includes("ten_"));
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(80);
    expect(shown).toContain("…");
  });
});
