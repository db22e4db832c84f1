import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { ModelRun } from "./model_run.ts";

const RUNS = 6;
const OPERATIONS = 2000;

/** The same in every run, so that a change is blamed for what it broke; `MODEL_SEED=… vitest …` explores another. */
const DEFAULT_SEED = 20_261_123;
const seed = Number((env as unknown as { TEST_MODEL_SEED: string }).TEST_MODEL_SEED) || DEFAULT_SEED;

afterEach(() => {
  vi.useRealTimers();
});

describe(`a ledger against its model, seed ${seed}`, () => {
  test.each(Array.from({ length: RUNS }, (_, run) => seed + run))(
    `${OPERATIONS} operations from %i`,
    async (runSeed) => {
      const run = new ModelRun(runSeed);
      await run.configure();
      for (let step = 0; step < OPERATIONS; step += 1) await run.step();
      await run.finish();
    },
    120_000,
  );
});
