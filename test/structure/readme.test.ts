import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { wholeProgram } from "../../src/ctl/commands/whole_program.ts";
import { ROLES } from "../../src/domain/roles.ts";
import { PROBLEMS } from "../../src/http/texts/problem_texts.ts";
import { CONSOLE_NAV } from "../../src/pages/console/nav.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url).href);
const pages = globSync(["*.md", "docs/**/*.md"], { cwd: root }).toSorted();
const read = (page: string) => readFileSync(join(root, page), "utf8");

function rowsOf(page: string): string[][] {
  return page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

test("docs/settings.md lists the settings that are read, all and no other", () => {
  const code = read("src/platform/settings.ts");
  const known = [...code.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name);
  const told = rowsOf(read("docs/settings.md"))
    .filter(([, , kind = ""]) => /^(?:var|secret)/.test(kind))
    .flatMap(([, names = ""]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(known.length).toBeGreaterThan(20);
  expect(new Set(told)).toEqual(new Set(known));
});

test("README.md has at most 900 words", () => {
  expect(read("README.md").split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(900);
});

test("README.md leads to every page of docs/", () => {
  const linked = new Set(linksOf("README.md").map(({ path }) => path));
  const docs = pages.filter((page) => dirname(page) === "docs");
  expect(docs.filter((page) => !linked.has(page))).toEqual([]);
});

test("docs/adr/README.md lists every decision, numbered without a gap", () => {
  const decisions = pages.filter((page) => /^docs\/adr\/\d/.test(page));
  expect(decisions.map((page) => Number(page.slice("docs/adr/".length).slice(0, 4)))).toEqual(
    decisions.map((_, index) => index + 1),
  );
  expect(linksOf("docs/adr/README.md").map(({ path }) => path)).toEqual(decisions);
  for (const page of decisions) expect(read(page)).toContain("**What would change our mind.**");
});

test("docs/architecture.md says of each dependency why it is there, and of no other", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const [, section = ""] = read("docs/architecture.md").split("## Dependencies");
  const told = rowsOf(section).flatMap(([, names = ""]) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  expect(told.length).toBeGreaterThan(20);
  expect(new Set(told)).toEqual(new Set(Object.keys({ ...dependencies, ...devDependencies })));
});

test("the pages tell of every npm script", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const told = read("CONTRIBUTING.md") + read("README.md") + read("docs/operations.md") + read("docs/integrating.md");
  expect(Object.keys(scripts).filter((name) => !new RegExp(`npm (?:run )?${name}\\b`).test(told))).toEqual([]);
});

describe("docs/integrating.md", () => {
  const rows = rowsOf(read("docs/integrating.md"));

  test.each(MAGIC_CPFS)("the magic CPF $name is told with what a partner gets", ({ cpf, failure: code }) => {
    const row = rows.find(([, told]) => told === `\`${cpf}\``);
    expect(row, `docs/integrating.md has no row for ${cpf}`).toBeDefined();
    expect(row?.[3]).toBe(code === null ? "200" : `${PROBLEMS[code].status} \`${code}\``);
  });

  test("names what a lookup can end with", () => {
    expect(codesIn("docs/integrating.md").length).toBeGreaterThan(20);
  });
});

test("docs/operations.md says of each role what it may do", () => {
  const [, section = ""] = read("docs/operations.md").split("## Operators");
  const [table = ""] = section.split("```");
  const told = rowsOf(table).map(([, role = ""]) => role.replaceAll("`", ""));
  expect(told.slice(2)).toEqual([...ROLES]);
});

test("docs/console.md tells of each page of the console's menu", () => {
  const told = rowsOf(read("docs/console.md")).map(([, page]) => page);
  expect(told.slice(2)).toEqual(CONSOLE_NAV.map(({ text }) => text.en));
});

describe("every page", () => {
  test("is one of the papers", () => {
    for (const paper of ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/architecture.md"]) {
      expect(pages).toContain(paper);
    }
  });

  test.each(pages)("%s names codes and statuses that belong together", (page) => {
    for (const { status, code } of codesIn(page))
      expect([code, PROBLEMS[code as never]]).toEqual([code, expect.objectContaining({ status })]);
  });

  test.each(pages)("%s links to files and headings that exist", (page) => {
    const broken = linksOf(page).filter(
      ({ path, heading }) =>
        !existsSync(join(root, path)) || (heading !== undefined && !headingsOf(path).includes(heading)),
    );
    expect(broken).toEqual([]);
  });

  test.each(pages)("%s names npm commands that exist", (page) => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const commands = [...read(page).matchAll(/npm (?:run (?:--?\w+ )*([\w:-]+)|(start|test)\b)/g)];
    const names = commands.map(([, script, short]) => script ?? short ?? "");
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
  });

  test.each(pages)("%s names files that exist", (page) => {
    const paths = [...read(page).matchAll(/`((?:src|test|docs|\.ci)\/[\w./]*)`/g)].map(([, path = ""]) => path);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test.each(pages)("%s names commands of ctl that exist, with what they take", (page) => {
    expect(ctlCallsIn(page).flatMap((call) => whatIsWrong(call))).toEqual([]);
  });
});

const ctl = wholeProgram(() => {});

/** What stands after `npx ctl`, and what is quoted as one of its commands. */
function ctlCallsIn(page: string): string[] {
  const text = read(page).replaceAll(/\\\n\s*/g, " ");
  const groups = ctl.commands.filter(({ commands }) => commands.length > 0).map((command) => command.name());
  const quoted = new RegExp(`\`((?:${groups.join("|")}) [a-z][^\`\n]*)\``, "g");
  const called = /(?:npm run (?:--silent )?ctl --|npx ctl) ([a-z][^`\n|>)]*)/g;
  return [...text.matchAll(called), ...text.matchAll(quoted)].map(([, call = ""]) => call.replace(/\s#.*/, "").trim());
}

function whatIsWrong(call: string): string[] {
  const words = [...call.matchAll(/"[^"]*"|\S+/g)].map(([word]) => word);
  let command = ctl;
  while (command.commands.length > 0 && /^[a-z-]+$/.test(words[0] ?? "")) {
    const next = command.commands.find((candidate) => candidate.name() === words[0]);
    if (next === undefined && command.registeredArguments.length === 0) return [`${call}: no ${words[0]}`];
    if (next === undefined) break;
    command = next;
    words.shift();
  }
  let most = command.registeredArguments.some(({ variadic }) => variadic)
    ? Infinity
    : command.registeredArguments.length;
  const wrong: string[] = [];
  while (words.length > 0) {
    const [name = "", value] = (words.shift() ?? "").split("=", 2);
    const option = [...command.options, ...ctl.options].find(({ long }) => long === name);
    if (name.startsWith("--") && option === undefined && name !== "--help") wrong.push(`${call}: no option ${name}`);
    else if (option?.required === true && value === undefined) words.shift();
    else if (!name.startsWith("--") && (most -= 1) < 0) wrong.push(`${call}: takes no ${name}`);
  }
  return wrong;
}

function codesIn(page: string): { status: number; code: string }[] {
  return [...read(page).matchAll(/([45]\d\d) `(\w+)`/g)].map(([, status, code = ""]) => ({
    status: Number(status),
    code,
  }));
}

/** Links within the repository: the file from its root, and the heading where one is named. */
function linksOf(page: string): { path: string; heading: string | undefined }[] {
  const prose = read(page).replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", heading] = target.split("#");
      return { path: file === "" ? page : join(dirname(page), file), heading };
    });
}

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(page: string): string[] {
  const prose = read(page).replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
