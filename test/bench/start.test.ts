import { beforeAll, expect, test } from "vitest";
import { LONGEST_START_OF_BARE, measureStart, OWN_GZIP_BYTES, type StartRows } from "./sections/start.ts";

let start: StartRows;

beforeAll(async () => {
  start = await measureStart({ rounds: 3 });
}, 120_000);

test("the bundle as it is deployed keeps its size", () => {
  expect(start.bundle.gzipBytes).toBeLessThanOrEqual(OWN_GZIP_BYTES);
});

test("a new isolate's start is no more than a bounded number of the bare Worker's in the same run", () => {
  expect(start.gatewayMs.min / start.bareMs.min).toBeLessThanOrEqual(LONGEST_START_OF_BARE);
});
