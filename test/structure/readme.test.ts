import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { MAGIC_ANSWERS } from "../../src/http/pages/magic_answers.ts";
import { PROBLEMS } from "../../src/http/texts/problem_texts.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url).href);
const readme = readFileSync(`${root}/README.md`, "utf8");
const settingsPage = readFileSync(`${root}/docs/settings.md`, "utf8");
const rows = rowsOf(readme);

function rowsOf(page: string): string[][] {
  return page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

test("docs/settings.md lists the settings that are read, all and no other", () => {
  const code = readFileSync(`${root}/src/platform/settings.ts`, "utf8");
  const read = [...code.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name);
  const told = rowsOf(settingsPage)
    .filter(([, , kind = ""]) => /^(?:var|secret)/.test(kind))
    .flatMap(([, names = ""]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(read.length).toBeGreaterThan(20);
  expect(new Set(told)).toEqual(new Set(read));
});

describe("README.md", () => {
  test.each(MAGIC_CPFS.map(({ name }) => name))("the magic CPF %s is told with what a partner gets", (name) => {
    const row = rows.find(([, cpf]) => MAGIC_CPFS.some((magic) => magic.name === name && cpf === `\`${magic.cpf}\``));
    const code = MAGIC_ANSWERS[name];
    expect(row?.[3]).toBe(code === null ? "200" : `${PROBLEMS[code].status} \`${code}\``);
  });

  test("names codes and statuses that belong together", () => {
    const told = [...readme.matchAll(/([45]\d\d) `(\w+)`/g)];
    expect(told.length).toBeGreaterThan(15);
    for (const [, status, code] of told)
      expect([code, PROBLEMS[code as never]]).toEqual([code, expect.objectContaining({ status: Number(status) })]);
  });

  test("names commands and files that exist", () => {
    const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { scripts: Record<string, string> };
    const commands = [...readme.matchAll(/npm (?:run )?(start|test|(?<=run )[a-z]+)\b/g)].map(([, name = ""]) => name);
    expect(commands).toContain("sandbox");
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
    const files = [...readme.matchAll(/`((?:src|test|\.ci)\/[\w./]*)`/g)].map(([, path = ""]) => path);
    expect(files).toContain("src/app.ts");
    expect(files.filter((path) => !existsSync(`${root}/${path}`))).toEqual([]);
  });
});
