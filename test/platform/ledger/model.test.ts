import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { ModelRun } from "./model_run.ts";

const RUNS = 6;
const OPERATIONS = 2000;

/** `MODEL_SEED=… vitest …` repeats a run. */
const seed = Number((env as unknown as { TEST_MODEL_SEED: string }).TEST_MODEL_SEED) || Date.now() % 1_000_000_000;

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
