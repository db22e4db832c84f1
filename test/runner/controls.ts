import { relative } from "node:path";
import { ROOT } from "./command.ts";
import type { Report } from "./vitest.ts";

/** A row of the tables of docs/security.md: what is asked for, and which tests hold it. */
export type Control = { readonly name: string; readonly tests: readonly NamedTests[] };
/** A file or a folder of tests; with a title only those below it. */
type NamedTests = { readonly path: string; readonly title: string | null };
type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** Every control of the page, also one that no test can hold. */
export function readControls(page: string): Control[] {
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return tablesOf(rows, "the test that holds it").map(([name = "", , held = ""]) => ({ name, tests: namedIn(held) }));
}

/** The rows of the tables whose third column has this heading. */
function tablesOf(rows: readonly (readonly string[])[], heading: string): (readonly string[])[] {
  let isIn = false;
  return rows.flatMap((row, index) => {
    if (/^-+$/.test(rows[index + 1]?.[1] ?? "")) {
      isIn = row[3] === heading;
      return [];
    }
    return isIn && !/^-+$/.test(row[1] ?? "") ? [row.slice(1)] : [];
  });
}

/** `` `test/a.test.ts` (_one_, _two_) `` is the tests of the file below either title. */
function namedIn(cell: string): NamedTests[] {
  return [...cell.matchAll(/`(test\/[\w./]+)`(?:\s*\(([^)]*)\))?/g)].flatMap(([, path = "", titles = ""]) => {
    const named: NamedTests[] = [...titles.matchAll(/_([^_]+)_/g)].map(([, title = ""]) => ({ path, title }));
    return named.length === 0 ? [{ path, title: null }] : named;
  });
}

export type ControlRun = { readonly control: Control; readonly counts: Counts; readonly isHeld: boolean };

/** What a run of tests says of each control: held when each of its tests has run and none failed. */
export function judge(controls: readonly Control[], { testResults }: Report): ControlRun[] {
  const ran = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ path: relative(ROOT, name), fullName, status })),
  );
  const countsOf = ({ path, title }: NamedTests): Counts => {
    const its = ran.filter((one) => one.path.startsWith(path) && (title === null || one.fullName.includes(title)));
    const count = (isIt: (status: string) => boolean) => its.filter(({ status }) => isIt(status)).length;
    return {
      passed: count((status) => status === "passed"),
      failed: count((status) => status === "failed"),
      skipped: count((status) => status !== "passed" && status !== "failed"),
    };
  };
  return controls.map((control) => {
    const each = control.tests.map(countsOf);
    const sum = (name: keyof Counts) => each.reduce((total, counts) => total + counts[name], 0);
    const isHeld = each.length > 0 && each.every(({ passed, failed }) => passed > 0 && failed === 0);
    return { control, counts: { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") }, isHeld };
  });
}

/** The table of controls with what their tests came to, when, and of which commit. */
export function controlsText(runs: readonly ControlRun[], { ranAtMs, commit }: { ranAtMs: number; commit: string }) {
  const at = new Date(ranAtMs).toISOString().replace(/\.\d+Z$/, "Z");
  const rows = runs.map(({ control: { name, tests }, counts, isHeld }) => {
    const said = tests.length === 0 ? "no test can hold it" : `${isHeld ? "held" : "NOT HELD"}: ${countsText(counts)}`;
    const held = tests.map(({ path, title }) => (title === null ? path : `${path} (${title})`));
    return `| ${name} | ${said} | ${held.join(", ")} |`;
  });
  return [
    "# Controls",
    "",
    `Run at ${at}, commit ${commit}.`,
    "",
    "| control | last run | tests |",
    "|---|---|---|",
    ...rows,
  ]
    .join("\n")
    .concat("\n");
}

function countsText({ passed, failed, skipped }: Counts): string {
  const parts = [`${passed} passed`, ...(failed > 0 ? [`${failed} failed`] : [])];
  return [...parts, ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(", ");
}
