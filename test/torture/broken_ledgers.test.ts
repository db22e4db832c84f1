import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BROKEN_LEDGERS } from "./broken_ledgers.ts";
import { PROJECT_ROOT } from "../../src/ctl/local/wrangler.ts";

test.each(BROKEN_LEDGERS)("what $name breaks stands once in $file", ({ file, intact, broken }) => {
  const text = readFileSync(join(PROJECT_ROOT, file), "utf8");
  expect(text.split(intact).length - 1).toBe(1);
  expect(broken).not.toBe(intact);
});
