import { expect, test } from "vitest";
import { dieAndRepeat, listCalls } from "./resumption.ts";

const ALL_TIMEOUT_MS = 900_000;

/** Two at a time: as many processors as a small machine has. */
const LANES = 2;

const QUERY = /^POST \/d1\/database\/[^/]+\/query$/;
const SEED = Number(process.env["CUTS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/**
 * Which calls to cut, counted from 1. What only reads leaves the account as the call before it did, and has no turn. Of the
 * migrations' queries, which are alike, the first, the last and one between have theirs, another in each run.
 */
function cutsOf(calls: readonly string[]): number[] {
  const changing = calls.map((call, index) => ({ call, at: index + 1 })).filter(({ call }) => !call.startsWith("GET "));
  const queries = changing.filter(({ call }) => QUERY.test(call)).map(({ at }) => at);
  const chosen = new Set([queries[0], queries[1 + (SEED % (queries.length - 2))], queries.at(-1)]);
  return changing.filter(({ call, at }) => !QUERY.test(call) || chosen.has(at)).map(({ at }) => at);
}

test(
  `killed at any call that changes the account, before or after it does, a first deployment is completed by the same command (CUTS_SEED=${SEED})`,
  async () => {
    const cuts = cutsOf(await listCalls());
    expect(cuts.length).toBeGreaterThan(9);
    const deaths = cuts.flatMap((at) =>
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
