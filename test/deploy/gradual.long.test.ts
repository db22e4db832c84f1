import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { LEDGER_SCHEMA_VERSION } from "../../src/domain/ledger/schema_version.ts";
import { WORKER } from "./checkout.ts";
import { answering, mustSucceed, newWorld, setLedgerSchema, type World } from "./world.ts";

const STEP_TIMEOUT_MS = 240_000;
const CANARY = ["--canary", "10", "--watch", "5"];

describe("npm run deploy --canary", { timeout: STEP_TIMEOUT_MS }, () => {
  let world: World;
  let running = "";

  beforeAll(async () => {
    world = await newWorld({ edge: true });
    running = world.checkout.commit("First");
    await mustSucceed(world.deploy());
    running = world.checkout.commit("Running");
    await mustSucceed(world.deployWithToken());
  }, STEP_TIMEOUT_MS);

  test("promotes a version that answers, after both were called", async () => {
    const commit = world.checkout.commit("Good");
    world.edge!.lookups.clear();
    const run = await world.deployWithToken(...CANARY);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/gets 10 % of the calls[\s\S]*Promoted: .*\(0 of its 200 calls failed/);
    expect(answering(world.api)).toEqual({ [commit]: 100 });
    const splits = world.api.account
      .worker(WORKER)
      .deployments.map(({ versions }) => versions.map(({ percentage }) => percentage));
    expect(splits.slice(0, 2)).toEqual([[100], [90, 10]]);
    expect([...world.edge!.lookups.values()]).toEqual([100, 100]);
    expect(world.checkout.record("production")).toMatchObject({ deployed: { release: { commit } } });
    running = commit;
  });

  test("returns a version whose lookups fail, with its error rate", async () => {
    breakLookups(world);
    world.checkout.commit("Broken");
    const run = await world.deployWithToken(...CANARY);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /Returned: every call reaches .*calls failed, 0 of \d+ of the version before; the last failure: \/v1\/scores answered 500/,
    );
    expect(answering(world.api)).toEqual({ [running]: 100 });
    expect(world.api.account.worker(WORKER).deployments[0]).toMatchObject({ objects: "immediate" });
    world.checkout.git("revert", "--no-edit", "HEAD");
  });

  test.each([
    [
      "another schema of the ledgers",
      (changed: World) => setLedgerSchema(changed.checkout, LEDGER_SCHEMA_VERSION + 1),
      new RegExp(`schema is ${LEDGER_SCHEMA_VERSION} in one and ${LEDGER_SCHEMA_VERSION + 1} in the other`),
    ],
    ["a new class of objects", addClass, /other classes of objects: SecondLedger came/],
    [
      "a migration that takes something away",
      addReplacingMigration,
      /D1's schema changes under the older one: 9999_rename\.sql/,
    ],
  ])("refuses %s, before anything is changed", async (_what, change, reason) => {
    change(world);
    const before = changesIn(world.api.calls);
    const run = await world.deployWithToken(...CANARY);
    world.checkout.git("checkout", "--", "src", "wrangler.toml");
    world.checkout.git("clean", "--force", "--quiet", "src");
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/cannot go out gradually; nothing was changed/);
    expect(run.stderr).toMatch(reason);
    expect(changesIn(world.api.calls)).toEqual(before);
    expect(answering(world.api)).toEqual({ [running]: 100 });
  });
});

test("a first deployment cannot be a canary", { timeout: STEP_TIMEOUT_MS }, async () => {
  const { checkout, api } = await newWorld({ edge: false });
  const run = await checkout.deploy(api, ["--yes", ...CANARY]);
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/nothing runs yet/);
  expect(api.account.databases.size).toBe(0);
});

/** Calls that may change something; a query of D1 is how its migrations are read. */
function changesIn(calls: readonly string[]): string[] {
  return calls.filter((name) => !name.startsWith("GET") && !name.endsWith("/query"));
}

function breakLookups({ checkout }: World): void {
  checkout.edit("src/gateway/lookup_score.ts", (text) =>
    text.replace(
      /(export async function lookupScore\([\s\S]*?\{\n)/,
      '$1  if (Date.now() > 0) throw new Error("broken on purpose");\n',
    ),
  );
}

function addClass({ checkout }: World): void {
  checkout.edit(
    "src/main.ts",
    (text) => `${text}\nexport { TenantLedger as SecondLedger } from "./platform/ledger/tenant_ledger.ts";\n`,
  );
  checkout.edit(
    "wrangler.toml",
    (text) =>
      `${text.replace("bindings = [", 'bindings = [\n  { name = "SECOND_LEDGER", class_name = "SecondLedger" },')}
[exports.SecondLedger]
type = "durable-object"
storage = "sqlite"
`,
  );
}

function addReplacingMigration({ checkout }: World): void {
  writeFileSync(
    join(checkout.dir, "src/platform/migrations/9999_rename.sql"),
    "ALTER TABLE tenants RENAME COLUMN name TO title;\n",
  );
}
