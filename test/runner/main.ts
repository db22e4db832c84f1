import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { choose, readTestFiles } from "./choose.ts";
import { ROOT, runCommand } from "./command.ts";
import { failedOne, NOTHING_RAN, type Results, sumOf, summaryOf } from "./results.ts";
import { readCommit } from "../../src/ctl/deploy/release.ts";
import { controlsText, judge, readControls } from "./controls.ts";
import { readReport, report, runVitest } from "./vitest.ts";
import { hasVersionBefore } from "../torture/versions.ts";

/**
 * `npm run check` (--quick), `npm test`, and `npm run test:all` (--all), which adds what is long by nature. With --rest
 * only that is run, after an `npm test`, and counted with it. The last line is a plain `N passed, N failed`. Words choose:
 * `npm test -- breaker` runs the checks, files and tests whose names hold the word. `npm run controls` (--controls) runs
 * what docs/security.md names, and prints its tables with what came of it; a whole `npm test` writes the same.
 */
type Step = {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Where it is not, the step is skipped. */
  readonly isPossible?: () => boolean;
};

const OUTPUT = join(ROOT, ".tmp");
/** What the last whole `npm test` came to, for --rest. */
const LAST_RESULTS = join(OUTPUT, "npm_test.json");
const SECURITY = join(ROOT, "docs/security.md");
/** Its tables, with what the last run of their tests came to. */
const CONTROLS = join(OUTPUT, "controls.md");

const CHECKS: readonly Step[] = [
  {
    name: "bindings' types",
    command: ["wrangler", "types", "--include-runtime=false", "--check", "src/worker_environment.d.ts"],
  },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "types of what runs in browsers", command: ["tsc", "-p", "src/pages/browser"] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "format", command: ["oxfmt", "--check", "."] },
  {
    name: "nothing unused",
    command: ["knip", "--no-progress", "--cache", "--cache-location", "node_modules/.cache/knip"],
  },
];
const LONG_CHECKS: readonly Step[] = [
  { name: "a minute of the kill loop", command: ["node", "test/torture/main.ts", "--seconds", "60"] },
  {
    name: "the kill loop over two versions",
    command: ["node", "test/torture/main.ts", "--versions", "--seconds", "20"],
    isPossible: hasVersionBefore,
  },
];

mkdirSync(OUTPUT, { recursive: true });
const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    all: { type: "boolean" },
    rest: { type: "boolean" },
    controls: { type: "boolean" },
  },
});
const results = await run();
console.log(summaryOf(results));
process.exitCode = results.failed.length === 0 ? 0 : 1;

async function run(): Promise<Results> {
  if (words.length > 0) return await runChosen();
  if (options.quick === true) return sumOf(await Promise.all([...CHECKS.map(runStep), runVitest(["test/domain/"])]));
  if (options.controls === true) return await runControls();
  if (options.rest === true) return sumOf([lastResults(), await runLong()]);
  const short = await runShort();
  return options.all === true ? sumOf([short, await runLong()]) : short;
}

async function runShort(): Promise<Results> {
  rmSync(LAST_RESULTS, { force: true });
  const checked = await Promise.all(CHECKS.map(runStep));
  const tested = await runVitest([]);
  const short = sumOf([...checked, tested, reportControls().results]);
  writeFileSync(LAST_RESULTS, JSON.stringify(short));
  return short;
}

/** The tests of every control, and nothing else. */
async function runControls(): Promise<Results> {
  const paths = readControls(readFileSync(SECURITY, "utf8")).flatMap(({ tests }) => tests.map(({ path }) => path));
  const tested = await runVitest([...new Set(paths)]);
  const { results, text } = reportControls();
  console.log(`\n${text}`);
  return sumOf([tested, results]);
}

/** Writes what the last run says of each control. */
function reportControls(): { results: Results; text: string } {
  const runs = judge(readControls(readFileSync(SECURITY, "utf8")), readReport());
  const text = controlsText(runs, { ranAtMs: Date.now(), commit: readCommit() });
  writeFileSync(CONTROLS, text);
  const notHeld = runs.filter(({ isHeld, control }) => !isHeld && control.tests.length > 0);
  const problem = notHeld.map(({ control: { name } }) => name).join("\n");
  return { results: report("every control of docs/security.md is held", problem), text };
}

async function runLong(): Promise<Results> {
  const tested = await runVitest([], { areLong: true });
  return sumOf([tested, ...(await Promise.all(LONG_CHECKS.map(runStep)))]);
}

async function runChosen(): Promise<Results> {
  const withLong = options.all === true;
  const checks = [...CHECKS, ...LONG_CHECKS];
  const { steps, files, testName } = choose(words, {
    files: readTestFiles(),
    steps: checks.map(({ name }) => name),
    withLong,
  });
  const chosen = await Promise.all(checks.filter(({ name }) => steps.includes(name)).map(runStep));
  for (const [paths, areLong] of [
    [files.short, false],
    [files.long, true],
  ] as const) {
    if (paths.length > 0) chosen.push(await runVitest(paths, { areLong, testName }));
  }
  const ran = sumOf(chosen);
  const isEmpty = ran.passed + ran.failed.length === 0;
  return isEmpty ? failedOne(`no check, file or test is called ${words.join(" or ")}`) : ran;
}

async function runStep({ name, command: [command, ...args], isPossible }: Step): Promise<Results> {
  if (isPossible?.() === false) return { ...NOTHING_RAN, skipped: [name] };
  const { code, output } = await runCommand(command, args);
  return report(name, code === 0 ? "" : output || `it ended with ${code}`);
}

function lastResults(): Results {
  try {
    return JSON.parse(readFileSync(LAST_RESULTS, "utf8")) as Results;
  } catch {
    return failedOne("a whole npm test before --rest");
  }
}
