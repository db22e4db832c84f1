import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BROKEN_LEDGERS } from "./broken_ledgers.ts";
import { PROJECT_ROOT } from "../../src/ctl/local/wrangler.ts";

const RUN = ["--seconds", "20", "--clients", "8"];
/** A fault that has to meet a kill may be missed; what so many runs do not find is not found. */
const TRIES = 5;
const TIMEOUT_MS = 600_000;

/** What a kill loop over a broken ledger says. */
async function torture(name: string): Promise<string> {
  const args = [join(PROJECT_ROOT, "test/torture/main.ts"), "--broken", name, ...RUN];
  return await new Promise((resolve) => {
    execFile(process.execPath, args, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`));
  });
}

test.concurrent.each(BROKEN_LEDGERS)("the kill loop finds $name", { timeout: TIMEOUT_MS }, async ({ name, finds }) => {
  const found = new RegExp(`^ {2}invariant ${finds}`, "m");
  let said = "";
  for (let tries = 0; tries < TRIES && !found.test(said); tries += 1) said = await torture(name);
  expect(said).toMatch(found);
});
