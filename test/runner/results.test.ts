import { expect, test } from "vitest";
import { failedOne, NOTHING_RAN, passedOne, sumOf, summaryOf } from "./results.ts";

test("a run's last line is plain, and what failed or was skipped stands above it by name", () => {
  const results = sumOf([
    passedOne(),
    passedOne(),
    failedOne("types\nerror TS1\nerror TS2"),
    { ...NOTHING_RAN, skipped: ["a.test.ts: b"] },
  ]);
  expect(summaryOf(results)).toBe(
    "\n1 skipped:\n  a.test.ts: b\n\n1 failed:\n  types\n      error TS1\n      error TS2\n\n2 passed, 1 failed",
  );
  expect(summaryOf(passedOne())).toBe("\n1 passed, 0 failed");
});
