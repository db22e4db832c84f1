import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPersonalData } from "./support/personal_data.ts";

/** Everything that CI checks, in the order in which a mistake is cheapest to see. The last line counts. */
const ROOT = fileURLToPath(new URL("..", import.meta.url).href);
const OUTPUT = join(ROOT, ".tmp");
const LOG = join(OUTPUT, "test.log");
const REPORT = join(OUTPUT, "test.json");

const STEPS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["bindings' types", "wrangler", "types", "--include-runtime=false", "--check", "src/worker_environment.d.ts"],
  ["types", "tsc", "-p", "."],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["format", "oxfmt", "--check", "."],
  ["nothing unused", "knip", "--no-progress"],
];

mkdirSync(OUTPUT, { recursive: true });
rmSync(REPORT, { force: true });
const counts = { passed: 0, failed: 0, skipped: 0 };

for (const [name, command, ...args] of STEPS) {
  const { code, output } = await run(command, args);
  count(name, code === 0, output);
}
const vitest = [
  "run",
  "-c",
  "test/vitest.config.ts",
  "--reporter=default",
  "--reporter=json",
  `--outputFile=${REPORT}`,
];
const tests = await run("vitest", vitest, LOG);
countTests(tests.code);
const leaks = findPersonalData(readFileSync(LOG, "utf8"));
count("no CPF, key, secret or token in the logs", leaks.length === 0, leaks.join("\n"));
const torture = await run("node", ["test/torture/main.ts", "--seconds", "60"]);
count("a minute of the kill loop", torture.code === 0, torture.output);

const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;

function count(name: string, ok: boolean, output: string): void {
  counts[ok ? "passed" : "failed"] += 1;
  console.log(`${ok ? "ok  " : "FAIL"} ${name}${ok ? "" : `\n${output}`}`);
}

function countTests(code: number | null): void {
  type Report = { numPassedTests: number; numFailedTests: number; numPendingTests: number; success: boolean };
  let report: Report | null = null;
  try {
    report = JSON.parse(readFileSync(REPORT, "utf8")) as Report;
  } catch {
    // No report: the run itself broke.
  }
  counts.passed += report?.numPassedTests ?? 0;
  counts.failed += report?.numFailedTests ?? 0;
  counts.skipped += report?.numPendingTests ?? 0;
  // A file that could not be loaded, or an error outside a test, fails no test of its own.
  const isBroken = code !== 0 && (report?.numFailedTests ?? 0) === 0;
  count("test run", !isBroken && report !== null, "vitest failed outside its tests; see above");
}

/** Runs a tool of the project; with `log`, its output goes to the screen and into that file. */
async function run(
  command: string,
  args: readonly string[],
  log?: string,
): Promise<{ code: number | null; output: string }> {
  const env = {
    ...process.env,
    PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
  };
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  const file = log === undefined ? null : createWriteStream(log);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      if (file === null) output += chunk.toString();
      else {
        file.write(chunk);
        process.stdout.write(chunk);
      }
    });
  }
  const code = await new Promise<number | null>((done) => child.once("close", done));
  await new Promise<void>((done) => (file === null ? done() : file.end(done)));
  return { code, output };
}
