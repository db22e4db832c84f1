import { test } from "vitest";
import { runModel } from "./run_model.ts";

const seed = Number(process.env["MODEL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(`50,000 random operations agree with the model (MODEL_SEED=${seed})`, () => {
  runModel(seed, 50_000);
});
