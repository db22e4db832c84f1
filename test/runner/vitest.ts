import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { findPersonalData } from "../support/personal_data.ts";
import { ROOT, runCommand } from "./command.ts";
import type { KeptFailure } from "./keeping_reporter.ts";
import { failedOne, NOTHING_RAN, passedOne, type Results, sumOf } from "./results.ts";

/** What stood on the screen, and what the tests printed, of which the screen shows only that of failed ones. */
const SCREEN = join(ROOT, ".tmp/test.log");
const PRINTED = join(ROOT, ".tmp/test_console.log");
const FAILURES = join(ROOT, ".tmp/test_failures.jsonl");
const REPORT = join(ROOT, ".tmp/test.json");
const REPORTERS = [
  "--reporter=default",
  "--reporter=json",
  `--outputFile=${REPORT}`,
  "--reporter=test/runner/keeping_reporter.ts",
];

const MOST_LINES = 20;
const MOST_COLUMNS = 300;

export type Report = {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
};

/** Runs tests: the files whose path holds one of `paths`, all of them without any; of these the tests called `testName`. */
export async function runVitest(
  paths: readonly string[],
  { areLong = false, testName = null }: { areLong?: boolean; testName?: string | null } = {},
): Promise<Results> {
  rmSync(REPORT, { force: true });
  rmSync(PRINTED, { force: true });
  const name = testName === null ? [] : ["-t", testName];
  const { code } = await runCommand("vitest", ["run", "-c", "test/vitest.config.ts", ...REPORTERS, ...name, ...paths], {
    log: SCREEN,
    env: { TEST_LONG: String(areLong), TEST_CONSOLE_FILE: PRINTED, TEST_FAILURES_FILE: FAILURES },
  });
  const tests = resultsIn(readReport());
  if (testName !== null && code === 0 && tests.passed === 0) return NOTHING_RAN;
  // What a name has left out was not skipped.
  const results = testName === null ? tests : { ...tests, skipped: [] };
  // A file that cannot be loaded, or an error outside a test, fails no test of its own.
  const isBroken = code !== 0 && tests.failed.length === 0;
  // A failure is shown with its lines of the test, which may hold a made-up CPF.
  const logs = tests.failed.length === 0 ? [SCREEN, PRINTED] : [PRINTED];
  const leaks = logs.flatMap((path) =>
    findPersonalData(textOf(path)).map((leak) => `${relative(ROOT, path)}, ${leak}`),
  );
  return sumOf([
    results,
    report("the test run has no error outside its tests", isBroken ? "see above" : ""),
    report("no CPF, key, secret or token in the logs", leaks.join("\n")),
  ]);
}

/** One line for a check, and what is wrong. */
export function report(name: string, problem: string): Results {
  console.log(problem === "" ? `ok   ${name}` : `FAIL ${name}\n${problem}`);
  return problem === "" ? passedOne() : failedOne(`${name}${beginningOf(problem)}`);
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** What the last run of vitest came to, test by test. */
export function readReport(): Report {
  try {
    return JSON.parse(readFileSync(REPORT, "utf8")) as Report;
  } catch {
    // Vitest itself broke, and has said so.
    return { testResults: [] };
  }
}

/** Why tests failed, each by its file and name. The report joins the parts of a name by a blank, vitest itself by `>`. */
function readFailures(): ReadonlyMap<string, string> {
  const kept = textOf(FAILURES)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as KeptFailure);
  return new Map(kept.map(({ path, fullName, why }) => [`${path}: ${fullName ?? ""}`.replaceAll(" > ", " "), why]));
}

/** As much of it as tells what it was. */
function beginningOf(why: string): string {
  const lines = stripVTControlCharacters(why)
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines
    .slice(0, MOST_LINES)
    .map((line) => `\n${line.slice(0, MOST_COLUMNS)}`)
    .join("");
}

function resultsIn({ testResults }: Report): Results {
  const failures = readFailures();
  const whyOf = (test: string) => beginningOf(failures.get(test.replaceAll(" > ", " ")) ?? "");
  return sumOf(
    testResults.map((file) => {
      const path = relative(ROOT, file.name);
      const named = (isIt: (status: string) => boolean) =>
        file.assertionResults.filter(({ status }) => isIt(status)).map(({ fullName }) => `${path}: ${fullName}`);
      const failed = named((status) => status === "failed").map((test) => `${test}${whyOf(test)}`);
      const isUnloaded = file.status === "failed" && failed.length === 0;
      return {
        ...NOTHING_RAN,
        passed: named((status) => status === "passed").length,
        failed: isUnloaded ? [`${path}: the file itself${whyOf(`${path}: `)}`] : failed,
        skipped: named((status) => status !== "passed" && status !== "failed"),
      };
    }),
  );
}
