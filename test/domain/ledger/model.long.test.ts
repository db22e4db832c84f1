import { test } from "vitest";
import { runModel } from "./run_model.ts";

const seed = Number(process.env["MODEL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(`1,000,000 random operations agree with the model (MODEL_SEED=${seed})`, { timeout: 300_000 }, () => {
  runModel(seed, 1_000_000);
});
