import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { HEALTH_ALARMS } from "../../src/ctl/commands/health.ts";
import { wholeProgram } from "../../src/ctl/commands/whole_program.ts";
import { PROBLEMS } from "../../src/http/texts/problem_texts.ts";

const root = fileURLToPath(new URL("../..", import.meta.url).href);
const read = (path: string) => readFileSync(join(root, path), "utf8");
const page = read("docs/operations.md");

/** What stands below a heading, up to the next one as high or higher. */
function sectionOf(heading: string): string {
  const level = heading.indexOf(" ");
  const start = page.indexOf(`\n${heading}\n`);
  expect(start, heading).toBeGreaterThan(-1);
  const rest = page.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return end === -1 ? rest : rest.slice(0, end);
}

const codesOf = (text: string) => new Set([...text.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name));

test("every error code of the catalogue has its entry, once", () => {
  const rows = sectionOf("## Error codes")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const told = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, code = ""]) => code));
  expect(told.toSorted()).toEqual(Object.keys(PROBLEMS).toSorted());
});

test("the table of ctl lists every command, all and no other", () => {
  const program = wholeProgram(() => {});
  const told = sectionOf("## The command line")
    .split("\n")
    .filter((line) => line.startsWith("| `") && !line.includes("ctl"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter(([, names = ""]) => program.commands.some((command) => names.startsWith(`\`${command.name()}\``)));
  const named = (cell = "") => [...cell.matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name);
  expect(told.flatMap(([, names]) => named(names)).toSorted()).toEqual(
    program.commands.map((command) => command.name()).toSorted(),
  );
  for (const [, names, does] of told) {
    const [group] = named(names);
    const its = program.commands.find((command) => command.name() === group)?.commands.map((command) => command.name());
    expect([group, named(does).toSorted()]).toEqual([group, (its ?? []).toSorted()]);
  }
});

test("every alarm of ctl health leads to an alert, in the words that ctl health says", () => {
  const [table = ""] = sectionOf("## When an alarm comes").split("\n### ");
  const rows = table.split("\n").filter((line) => /\]\(#\w+\) +\|$/.test(line));
  expect(rows.map((row) => row.split("|")[1]?.trim())).toEqual(HEALTH_ALARMS.map(({ says }) => says));
});

describe("every alert of docs/monitoring", () => {
  const alerts = [...read("docs/monitoring/alerts.rules.yml").matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);

  test.each(alerts)("%s says what it means, what to look at and what to do", (name) => {
    const entry = sectionOf(`### ${name}`).toLowerCase();
    for (const word of ["means:", "look", "do"]) expect(entry).toMatch(new RegExp(`\\*\\*${word}`));
  });

  test("is there: no entry tells of an alert that is gone", () => {
    const entries = [...sectionOf("## When an alarm comes").matchAll(/^### ([A-Z]\w+)$/gm)].map(([, name]) => name);
    expect(entries).toEqual(alerts);
  });
});

test("every line of the log that is a warning or an error has its entry, and no other has", () => {
  const events = globSync("src/**/*.ts", { cwd: root, exclude: ["src/ctl/**"] }).flatMap((file) =>
    [...read(file).matchAll(/logEvent\(([^;]*?)\{\s*event: (?:"(\w+)"|`(\w+)\$\{\w+\}`)/g)]
      .filter(([, level = ""]) => !/^"info", $/.test(level))
      .flatMap(([, , name, start]) => (name === undefined ? (TEMPLATES[start ?? ""] ?? [`${start}?`]) : [name])),
  );
  const rows = sectionOf("### Lines of the log")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const told = rows.flatMap((row) => [...codesOf(row.split("|")[1] ?? "")]);
  expect(events.length).toBeGreaterThan(40);
  // A request's own line is told by its code.
  expect(told.toSorted()).toEqual([...new Set(events)].filter((name) => name !== "request").toSorted());
});

/** What stands behind the beginning of an event's name that is put together. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  claro_breaker_: ["claro_breaker_open", "claro_breaker_closed"],
  reference_key_: ["reference_key_unreadable", "reference_key_destroyed"],
};

describe("what the page says that a test or a script does", () => {
  const named = [...page.matchAll(/`(test\/[\w./]+\.test\.ts)`(?:\s*\("([^"]+)"\))?/g)];

  test("is there", () => {
    expect(named.length).toBeGreaterThan(20);
  });

  test.each(named.map(([, file = "", title]) => ({ file, title })))("$file: $title", ({ file, title }) => {
    expect(existsSync(join(root, file))).toBe(true);
    // A title in a table of cases is written with what varies.
    if (title !== undefined) expect(read(file)).toContain(`"${title}"`);
  });

  const procedures = [...sectionOf("## Disasters and changes").matchAll(/^### (.+)$/gm)].map(([, name = ""]) => name);

  test.each(procedures)("%s names its test", (name) => {
    expect(sectionOf(`### ${name}`)).toMatch(/`test\/[\w./]+\.test\.ts`/);
  });
});
