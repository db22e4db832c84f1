import { beforeAll, expect, test } from "vitest";
import { dieAndRepeat, listCalls } from "./resumption.ts";

const RUN_TIMEOUT_MS = 180_000;
/** Where in the run, as a part of its calls; every call that changes something has its turn in `every_cut.long.test.ts`. */
const SAMPLES = [
  { part: 0.3, when: "after", signal: "SIGKILL" },
  { part: 0.9, when: "before", signal: "SIGTERM" },
  { part: 1, when: "after", signal: "SIGINT" },
] as const;

let calls = 0;

beforeAll(async () => {
  calls = (await listCalls()).length;
}, RUN_TIMEOUT_MS);

test("an undisturbed first deployment takes calls that can be cut", () => {
  expect(calls).toBeGreaterThan(20);
});

test.each(SAMPLES)(
  "$signal $when the call at $part of the run: the same command completes it",
  async ({ part, when, signal }) => {
    await dieAndRepeat({ at: Math.ceil(calls * part), when, signal });
  },
  RUN_TIMEOUT_MS,
);
