import { beforeAll, describe, expect, test } from "vitest";
import { WORKER } from "./checkout.ts";
import { answering, mustSucceed, newWorld, type World } from "./world.ts";

const STEP_TIMEOUT_MS = 240_000;
const CANARY = ["--canary", "10", "--watch", "5"];

describe("a canary that is interrupted", { timeout: STEP_TIMEOUT_MS }, () => {
  let world: World;
  let running = "";

  beforeAll(async () => {
    world = await newWorld({ edge: true });
    running = world.checkout.commit("Running");
    await mustSucceed(world.deploy());
  }, STEP_TIMEOUT_MS);

  test("told to end while it watches, returns the canary first", async () => {
    world.checkout.commit("Interrupted");
    const run = await runUntilOut(world, (pid) => process.kill(pid, "SIGTERM"));
    expect(run.stderr).toMatch(/Returned: .*\(interrupted\)/);
    expect(answering(world.api)).toEqual({ [running]: 100 });
  });

  test("killed while it watches, the same command takes the canary up and completes it", async () => {
    const commit = world.checkout.commit("Killed");
    await runUntilOut(world, (pid) => process.kill(-pid, "SIGKILL"));
    expect(answering(world.api)).toEqual({ [running]: 90, [commit]: 10 });
    const versions = world.api.account.worker(WORKER).versions.length;
    const run = await world.deployWithToken(...CANARY);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(world.api.account.worker(WORKER).versions.length).toBe(versions);
    expect(answering(world.api)).toEqual({ [commit]: 100 });
    running = commit;
  });

  test("a canary of another commit that is out is neither taken up nor overrun; --rollback ends it", async () => {
    world.checkout.commit("Left out");
    await runUntilOut(world, (pid) => process.kill(-pid, "SIGKILL"));
    world.checkout.commit("Another");
    const run = await world.deployWithToken(...CANARY);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/a canary of .* is out: end it with --rollback/);
    expect(await world.deployWithToken("--rollback")).toMatchObject({ code: 0 });
    expect(answering(world.api)).toEqual({ [running]: 100 });
  });

  test("without the admin token it is judged by /healthz alone, and says so", async () => {
    world.checkout.commit("Tokenless");
    world.edge!.lookups.clear();
    const run = await world.deploy(...CANARY);
    expect(run.stdout).toContain("judged by /healthz alone");
    expect(run.stdout).toContain("0 of its 100 calls failed");
    expect(world.edge!.lookups.size).toBe(0);
    running = Object.keys(answering(world.api))[0]!;
  });
});

/** Runs a canary that would be watched for long, and ends it as soon as it is out. */
async function runUntilOut({ checkout, api, edge }: World, end: (pid: number) => void) {
  let pid = 0;
  let posted = 0;
  api.onCall = (name) => {
    if (name === `POST /workers/scripts/${WORKER}/deployments`) posted += 1;
  };
  const timer = setInterval(() => {
    if (posted === 0 || api.account.shares(WORKER).length < 2) return;
    clearInterval(timer);
    end(pid);
  }, 50);
  try {
    const args = ["--yes", "--canary", "10", "--watch", "600", "--check-url", edge!.url, "--check-wait", "30"];
    return await checkout.deploy(api, args, { onStart: (started) => (pid = started) });
  } finally {
    clearInterval(timer);
    api.onCall = () => undefined;
  }
}
