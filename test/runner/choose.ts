import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./command.ts";

const LONG = ".long.test.ts";

/** What the words of `npm test -- WORD…` stand for. */
export type Choice = {
  /** Checks that are called so. */
  readonly steps: readonly string[];
  /** Files to run, the short and the long ones; empty where no word chooses files or tests. */
  readonly files: { readonly short: readonly string[]; readonly long: readonly string[] };
  /** Of the tests in these files, those whose whole name this matches; null: all of them. */
  readonly testName: string | null;
};

export type TestFile = { readonly path: string; readonly text: string };

export function readTestFiles(): TestFile[] {
  return globSync("test/**/*.test.ts", { cwd: ROOT }).map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), "utf8"),
  }));
}

/**
 * A word that is part of a check's name or a file's path chooses these; any other is part of tests' names. Titles can be
 * put together from parts, so where no file has the word as it stands, every file is searched.
 */
export function choose(
  words: readonly string[],
  { files, steps, withLong }: { files: readonly TestFile[]; steps: readonly string[]; withLong: boolean },
): Choice {
  const chosenSteps = steps.filter((step) => words.some((word) => step.includes(word)));
  const isPath = (word: string) => files.some(({ path }) => path.includes(word));
  const paths = words.filter(isPath);
  const names = words
    .filter((word) => !isPath(word) && !chosenSteps.some((step) => step.includes(word)))
    // As the reporter writes a test below its group.
    .map((word) => word.replaceAll(" > ", " "));
  if (paths.length === 0 && names.length === 0) {
    return { steps: chosenSteps, files: { short: [], long: [] }, testName: null };
  }
  const inPaths = files.filter(({ path }) => paths.length === 0 || paths.some((word) => path.includes(word)));
  const literal = inPaths.filter(({ text }) => names.some((name) => text.includes(name)));
  const chosen = (names.length > 0 && literal.length > 0 ? literal : inPaths).map(({ path }) => path);
  const short = chosen.filter((path) => !path.endsWith(LONG));
  const long = chosen.filter((path) => path.endsWith(LONG));
  return {
    steps: chosenSteps,
    // Whoever names only a long file means it.
    files: { short, long: withLong || short.length === 0 ? long : [] },
    testName: names.length === 0 ? null : names.map((name) => RegExp.escape(name)).join("|"),
  };
}
