import { test } from "vitest";
import { expectExactQuota } from "../support/quotas.ts";

test("with a quota of 500, exactly 500 of 5,000 lookups reach Claro, 100 at a time", async () => {
  await expectExactQuota({ allowed: 500, waves: 50 });
});
