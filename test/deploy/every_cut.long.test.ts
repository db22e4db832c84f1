import { expect, test } from "vitest";
import { countCalls, dieAndRepeat } from "./resumption.ts";

const ALL_TIMEOUT_MS = 1_500_000;

/** Two at a time: as many processors as a small machine has. */
const LANES = 2;

test(
  "killed at any call, before or after its effect, a first deployment is completed by the same command",
  async () => {
    const calls = await countCalls();
    expect(calls).toBeGreaterThan(20);
    const deaths = Array.from({ length: calls }, (_, index) => index + 1).flatMap((at) =>
      (["before", "after"] as const).map((when) => ({ at, when, signal: "SIGKILL" as const })),
    );
    const queue = deaths.values();
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        for (const death of queue) await dieAndRepeat(death);
      }),
    );
  },
  ALL_TIMEOUT_MS,
);
