import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { isHeld } from "../../src/ctl/local/state.ts";
import { endAll, freePort, launchGateway, leaksInOutput, startGateway, stateDirs } from "./support/gateway_process.ts";
import {
  end,
  familyOf,
  printed,
  PROJECT_ROOT,
  QUIET,
  run,
  type RunningProcess,
  survivors,
} from "./support/processes.ts";
import { usageOf } from "./support/usage.ts";

/** Whatever is killed, and whichever gateway was first: each of these starts a gateway of its own. */
const dirs = stateDirs();
let started: RunningProcess[] = [];

afterEach(async () => {
  await endAll(started);
  started = [];
});

afterAll(() => dirs.remove());

function keep<Running extends RunningProcess>(running: Running): Running {
  started.push(running);
  return running;
}

/** The processes of a command's group that still run, by their ids. */
function processesOf({ child }: RunningProcess): string {
  return spawnSync("pgrep", ["-g", String(child.pid)], { encoding: "utf8" }).stdout.trim();
}

describe("one state, one gateway", () => {
  test.each([
    ["wrangler", 1],
    ["wrangler's worker", 2],
  ])("a kill of %s leaves no process", async (_, generation) => {
    const gateway = keep(await startGateway({ stateDir: dirs.make(), as: "node" }));
    const family = familyOf(gateway);
    process.kill(family[generation] ?? -1, "SIGKILL");
    expect(await survivors(family)).toEqual([]);
  });

  test("a kill of npm ends what npm started", async () => {
    const gateway = keep(await startGateway({ stateDir: dirs.make(), as: "npm" }));
    const family = familyOf(gateway);
    gateway.child.kill("SIGKILL");
    expect(await survivors(family, 20_000)).toEqual([]);
  });

  test("a kill while it prepares itself leaves no process", async () => {
    const running = keep(launchGateway({ stateDir: dirs.make(), port: await freePort(), as: "node" }));
    while (familyOf(running).length < 3) await new Promise((done) => setTimeout(done, 10));
    const family = familyOf(running);
    running.child.kill("SIGKILL");
    expect(await survivors(family)).toEqual([]);
  });

  test("npx wrangler dev and npm start never have one state at a time, whichever was first, nor after a kill", async () => {
    const stateDir = dirs.make();
    const wrangler = join(PROJECT_ROOT, "node_modules/.bin/wrangler");
    const dev = async () => ["dev", "--port", String(await freePort()), "--persist-to", stateDir];
    const first = keep(await startGateway({ stateDir, as: "node" }));
    const second = keep(run(wrangler, await dev(), QUIET));
    await second.exited;
    expect(second.output.stdout + second.output.stderr).toContain(`A gateway at ${first.url} has the state`);
    expect(second.output.stdout).not.toContain("Ready on");
    await vi.waitFor(() => expect(processesOf(second), "what the refused one started").toBe(""), { timeout: 5000 });
    expect(await usageOf(first)).toMatchObject({ totals: { requests: 0 } });
    await end(first);

    const args = await dev();
    const third = keep(run(wrangler, args, QUIET));
    await printed(third, /Ready on/);
    const refused = keep(launchGateway({ stateDir, port: await freePort(), as: "node" }));
    expect(await refused.exited).toBe(1);
    expect(refused.output.stderr).toContain(`A gateway at http://127.0.0.1:${args[2]} has the state in ${stateDir}.`);
    process.kill(-(third.child.pid ?? 0), "SIGKILL");
    await third.exited;
    await vi.waitFor(() => expect(isHeld(stateDir)).toBe(false), { timeout: 10_000 });
    const fourth = keep(await startGateway({ stateDir, as: "node" }));
    expect(await usageOf(fourth)).toMatchObject({ totals: { requests: 0 } });
  });
});

test("nothing personal was printed by any of them", () => {
  expect(leaksInOutput()).toEqual([]);
});
