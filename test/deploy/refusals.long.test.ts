import { writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { LEDGER_SCHEMA_VERSION } from "../../src/domain/ledger/schema_version.ts";
import { WORKER } from "./checkout.ts";
import { newWorld, secretsOf, setLedgerSchema, type World } from "./world.ts";

const STEP_TIMEOUT_MS = 120_000;

describe("npm run deploy refuses, and changes nothing,", { timeout: STEP_TIMEOUT_MS }, () => {
  let world: World;

  beforeAll(async () => {
    world = await newWorld({ edge: false });
  }, STEP_TIMEOUT_MS);

  test.each(["LOCAL", "CLOCK_OFFSET_MS"])("%s in wrangler.toml or in the environment's file", async (name) => {
    const { checkout, api } = world;
    writeRecord(world, { vars: { [name]: "1" } });
    expect(await checkout.deploy(api, ["--yes"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${name} of `) as string,
    });
    writeRecord(world, {});
    checkout.edit("wrangler.toml", (text) => text.replace("[vars]", `[vars]\n${name} = "1"`));
    for (const args of [["--yes"], ["--dry-run"]]) {
      expect(await checkout.deploy(api, args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`${name} of wrangler.toml`) as string,
      });
    }
    checkout.git("checkout", "--", "wrangler.toml");
    expect(api.calls).toEqual([]);
  });

  test.each([
    ["nobody to ask", [], {}, /repeat the command with --yes/, 2],
    ["Claro's credentials missing", ["--yes"], { CLARO_CLIENT_SECRET: undefined }, /set CLARO_CLIENT_SECRET/, 2],
    [
      "a token that Cloudflare does not take",
      ["--yes"],
      { CLOUDFLARE_API_TOKEN: "wrong" },
      /Authentication error[\s\S]*npx wrangler login/,
      1,
    ],
    [
      "nobody logged in",
      ["--yes"],
      { CLOUDFLARE_API_TOKEN: undefined },
      /Nobody is logged in[\s\S]*npx wrangler login/,
      1,
    ],
    [
      "an admin token that the gateway would not take",
      ["--yes"],
      { ADMIN_TOKEN: "short" },
      /would not start[\s\S]*ADMIN_TOKEN has under 32 characters/,
      1,
    ],
    ["a rollback of nothing", ["--yes", "--rollback"], {}, /Nothing is deployed/, 1],
  ] as const)("%s", async (_what, args, env, reason, code) => {
    const { checkout, api } = world;
    const run = await checkout.deploy(api, args, { env });
    expect(run.stderr).toMatch(reason);
    expect(run.code).toBe(code);
    expect(api.calls.filter((name) => !name.startsWith("GET"))).toEqual([]);
  });

  test("vars that a deployed gateway does not take, with the reason", async () => {
    const { checkout, api } = world;
    writeRecord(world, { vars: { CLARO_BASE_URL: "http://claro.example" } });
    const run = await checkout.deploy(api, ["--yes"]);
    expect(run.stderr).toMatch(/would not start[\s\S]*CLARO_BASE_URL .*https/);
    expect(run.code).toBe(1);
    expect(api.calls.filter((name) => !name.startsWith("GET"))).toEqual([]);
    writeRecord(world, {});
  });

  test("several accounts, until one is chosen", async () => {
    const { checkout, api } = world;
    api.otherAccounts = [{ id: "f".repeat(32), name: "Other" }];
    const run = await checkout.deploy(api, ["--yes"]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(new RegExp(`CLOUDFLARE_ACCOUNT_ID[\\s\\S]*${api.account.id}  Stand-in[\\s\\S]*Other`));
    api.otherAccounts = [];
  });

  test("R2 that is not enabled yet, with where to do that", async () => {
    const { checkout, api } = world;
    api.account.isR2Enabled = false;
    const run = await checkout.deploy(api, ["--yes"]);
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`https://dash.cloudflare.com/${api.account.id}/r2`) as string,
    });
    api.account.isR2Enabled = true;
    expect(api.account.databases.size).toBe(0);
  });

  test("an environment's file of another account", async () => {
    const { checkout, api } = world;
    writeRecord(world, { accountId: api.account.id });
    const run = await checkout.deploy(api, ["--yes"], { env: { CLOUDFLARE_ACCOUNT_ID: "e".repeat(32) } });
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("needs\nanother environment") as string });
    writeRecord(world, {});
  });

  test("storage that is gone, another's, or newer than the checkout", async () => {
    const { checkout, api, deploy } = world;
    expect(await deploy()).toMatchObject({ code: 0 });
    const recorded = checkout.record("production");
    const refused = async (reason: RegExp) => {
      const versions = api.account.worker(WORKER).versions.length;
      const run = await deploy();
      expect(run.stderr).toMatch(reason);
      expect(run.code).toBe(1);
      expect(api.account.worker(WORKER).versions.length).toBe(versions);
    };
    const [[id, database]] = [...api.account.databases] as [
      [string, typeof api.account.databases extends Map<string, infer D> ? D : never],
    ];
    database.sql.exec("INSERT INTO d1_migrations (name) VALUES ('9999_from_the_future.sql')");
    await refused(/migrations that this checkout does not know \(9999_from_the_future\.sql\)/);
    database.sql.exec("DELETE FROM d1_migrations WHERE name LIKE '9999%'");

    api.account.databases.delete(id);
    await refused(new RegExp(`D1 database claro-score-gateway \\(${id}.*is not in the account`));
    // A clone without the file finds a database of that name: it is not the one that the Worker uses.
    writeRecord(world, {});
    api.account.databases.set("another", { ...database });
    await refused(new RegExp(`uses "${id}" as DB, but this would give it another`));
    api.account.databases.delete("another");
    api.account.databases.set(id, database);
    writeRecord(world, { ...recorded, customDomain: "scores.example.com" });
    api.account.workers.set("somebody-elses", { ...api.account.worker(WORKER), domains: ["scores.example.com"] });
    await refused(/scores\.example\.com belongs to the Worker somebody-elses/);
    api.account.workers.delete("somebody-elses");

    const run = await deploy();
    expect(run.stderr).toBe("");
    expect(run.stdout).toContain("https://scores.example.com (a DNS record of that name is replaced)");
    expect(api.account.worker(WORKER)).toMatchObject({
      domains: ["scores.example.com"],
      subdomain: { enabled: false },
    });
    expect(checkout.record("production")).toMatchObject({ deployed: { url: "https://scores.example.com" } });
  });

  test("a version that its check cannot reach ends with 1; over another schema there is no way to return", async () => {
    writeRecord(world, { ...world.checkout.record("production"), customDomain: undefined });
    setLedgerSchema(world.checkout, LEDGER_SCHEMA_VERSION + 1);
    const run = await world.checkout.deploy(world.api, [
      "--yes",
      "--check-url",
      "http://127.0.0.1:9",
      "--check-wait",
      "1",
    ]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /The version is out, but the check failed: .*\/healthz cannot be reached[\s\S]*and deploy a repair\./,
    );
    expect(run.stderr).not.toContain("--rollback");
  });
});

test("where only Access lets operators in, no admin token is made", { timeout: STEP_TIMEOUT_MS }, async () => {
  const world = await newWorld({ edge: false });
  const access = {
    ACCESS_REQUIRED: "true",
    ACCESS_TEAM_DOMAIN: "team.cloudflareaccess.com",
    ACCESS_AUD: "a".repeat(64),
  };
  writeRecord(world, { vars: access });
  const run = await world.deploy();
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.stdout).not.toContain("Admin token");
  expect(Object.keys(secretsOf(world.api))).not.toContain("ADMIN_TOKEN");
  expect(await world.deploy()).toMatchObject({ code: 0, stdout: expect.not.stringContaining("admin token") as string });
});

function writeRecord({ checkout }: World, record: object): void {
  mkdirSync(join(checkout.dir, "deployments"), { recursive: true });
  writeFileSync(join(checkout.dir, "deployments/production.json"), JSON.stringify(record));
}
