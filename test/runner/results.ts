/** What ran: the counts, and by name what failed and what was skipped. Lines after a name tell why. */
export type Results = {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
};

export const NOTHING_RAN: Results = { passed: 0, failed: [], skipped: [] };

export function passedOne(): Results {
  return { ...NOTHING_RAN, passed: 1 };
}

export function failedOne(name: string): Results {
  return { ...NOTHING_RAN, failed: [name] };
}

export function sumOf(results: readonly Results[]): Results {
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.flatMap(({ failed }) => failed),
    skipped: results.flatMap(({ skipped }) => skipped),
  };
}

/** The end of a run: what was skipped and what failed, by name, and as the last line a plain `N passed, N failed`. */
export function summaryOf({ passed, failed, skipped }: Results): string {
  const named = (title: string, names: readonly string[]) =>
    names.length === 0
      ? ""
      : `\n${names.length} ${title}:\n${names.map((name) => `  ${name.replaceAll("\n", "\n      ")}\n`).join("")}`;
  return `${named("skipped", skipped)}${named("failed", failed)}\n${passed} passed, ${failed.length} failed`;
}
