import { beforeAll, describe, expect, test } from "vitest";
import { LEDGER_SCHEMA_VERSION } from "../../src/domain/ledger/schema_version.ts";
import { WORKER } from "./checkout.ts";
import { answering, mustSucceed, newWorld, setLedgerSchema, type World } from "./world.ts";

const NEXT = LEDGER_SCHEMA_VERSION + 1;
const APART = `schema is ${LEDGER_SCHEMA_VERSION} in one and ${NEXT}`;

const STEP_TIMEOUT_MS = 180_000;

describe("npm run deploy --rollback", { timeout: STEP_TIMEOUT_MS }, () => {
  let world: World;
  const commits: string[] = [];

  beforeAll(async () => {
    world = await newWorld({ edge: false });
    for (const name of ["first", "second", "third"]) {
      commits.push(world.checkout.commit(name));
      await mustSucceed(world.deploy());
    }
  }, STEP_TIMEOUT_MS);

  test("returns to the version before, and further with each time", async () => {
    const run = await world.deploy("--rollback");
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain(`Returns to:  0.1.0 (${commits[1]})`);
    expect(answering(world.api)).toEqual({ [commits[1]!]: 100 });
    expect(world.api.account.worker(WORKER).deployments[0]).toMatchObject({ objects: "immediate" });
    expect(world.checkout.record("production")).toMatchObject({ deployed: { release: { commit: commits[1] } } });
    await world.deploy("--rollback");
    expect(answering(world.api)).toEqual({ [commits[0]!]: 100 });
  });

  test("refuses where nothing is before", async () => {
    const run = await world.deploy("--rollback");
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("Nothing was deployed before");
    expect(answering(world.api)).toEqual({ [commits[0]!]: 100 });
  });

  test("refuses to bring back secrets that were changed since", async () => {
    world.checkout.commit("fourth");
    await world.deploy();
    world.api.account.editSecrets(WORKER, { CLARO_CLIENT_SECRET: "changed-since" });
    const before = answering(world.api);
    const run = await world.deploy("--rollback");
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/Secrets were changed since that version/);
    expect(answering(world.api)).toEqual(before);
  });

  test("a version of another schema says beforehand that it is a way without return, and is one", async () => {
    await world.deploy();
    setLedgerSchema(world.checkout, NEXT);
    const commit = world.checkout.commit(`schema ${NEXT}`);
    const out = await world.deploy();
    expect(out).toMatchObject({ code: 0, stderr: "" });
    expect(out.stdout).toMatch(new RegExp(`--rollback will refuse[^]*${APART} in the other[^]*Uploaded`));
    // Objects with the old code are not left beside the new ones.
    expect(world.api.account.worker(WORKER).deployments[0]).toMatchObject({ objects: "immediate" });
    const back = await world.deploy("--rollback");
    expect(back.code).toBe(1);
    expect(back.stderr).toMatch(new RegExp(`cannot take over; nothing was changed\\.\n {2}- the ledgers' ${APART}`));
    expect(answering(world.api)).toEqual({ [commit]: 100 });
  });

  test("an older checkout is not deployed over ledgers that it cannot read", async () => {
    const before = answering(world.api);
    setLedgerSchema(world.checkout, LEDGER_SCHEMA_VERSION);
    const run = await world.deploy();
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`have schema ${NEXT}, and this checkout knows schema ${LEDGER_SCHEMA_VERSION}`);
    expect(answering(world.api)).toEqual(before);
  });
});
