import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "./command.ts";
import { controlsText, judge, readControls } from "./controls.ts";

const PAGE = readFileSync(join(ROOT, "docs/security.md"), "utf8");
const controls = readControls(PAGE);

const ran = (path: string, tests: Readonly<Record<string, string>>) => ({
  name: join(ROOT, path),
  status: "passed",
  assertionResults: Object.entries(tests).map(([fullName, status]) => ({ fullName, status })),
});

describe("the controls of docs/security.md", () => {
  test("are all read, of both tables", () => {
    const names = controls.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("API"))).toHaveLength(10);
    expect(names).toContain("minimisation (LGPD art. 6 III)");
    expect(names).not.toContain("asked for");
  });

  test.each(controls)("$name is held by a test, or says why by none", ({ name, tests }) => {
    if (tests.length === 0)
      expect(PAGE.split("\n").find((line) => line.startsWith(`| ${name} `))).toContain("| none: ");
  });

  const named = controls.flatMap(({ tests }) => tests);
  test.each(named)("$path ($title) is there, with tests below that title", ({ path, title }) => {
    // A file without tests would never be seen to run.
    expect(path).toMatch(/\.test\.ts$|\/$/);
    expect(existsSync(join(ROOT, path))).toBe(true);
    const isFolder = statSync(join(ROOT, path)).isDirectory();
    const files = isFolder ? globSync(`${path}**/*.test.ts`, { cwd: ROOT }) : [path];
    const texts = files.map((file) => readFileSync(join(ROOT, file), "utf8"));
    expect(texts.join("\n")).toMatch(/\b(?:test|describe)\b/);
    if (title !== null) expect(texts.some((text) => text.includes(title))).toBe(true);
  });
});

describe("a control is held", () => {
  const page = [
    "| asked for | what the gateway does | the test that holds it |",
    "| --- | --- | --- |",
    "| one | - | `test/a.test.ts` (_limits_), `test/folder/` |",
    "| two | - | none: no test can hold it |",
    "",
    "| another table | of | files |",
    "| --- | --- | --- |",
    "| three | - | `test/a.test.ts` |",
  ].join("\n");
  const held = (testResults: ReturnType<typeof ran>[]) => judge(readControls(page), { testResults });
  const [a, b] = [
    ran("test/a.test.ts", { "limits hold": "passed", "others do not": "failed" }),
    ran("test/folder/b.test.ts", { works: "passed", waits: "skipped" }),
  ];

  test("when each of its tests has run and none of them failed, whatever else did", () => {
    const runs = held([a, b]);
    expect(runs.map(({ control, isHeld }) => [control.name, isHeld])).toEqual([
      ["one", true],
      ["two", false],
    ]);
    const text = controlsText(runs, { ranAtMs: Date.UTC(2026, 10, 28, 12), commit: "abc-changed" });
    expect(text).toContain("Run at 2026-11-28T12:00:00Z, commit abc-changed.");
    expect(text).toContain("| one | held: 2 passed, 1 skipped | test/a.test.ts (limits), test/folder/ |");
    expect(text).toContain("| two | no test can hold it |");
  });

  test.each([
    ["a file of it did not run", [a]],
    ["one of its tests failed", [a, ran("test/folder/b.test.ts", { works: "passed", breaks: "failed" })]],
    ["all that it names was skipped", [a, ran("test/folder/b.test.ts", { waits: "skipped" })]],
    ["nothing ran", []],
  ])("not when %s", (_what, testResults) => {
    const [one] = held(testResults);
    expect(one?.isHeld).toBe(false);
    expect(controlsText(held(testResults), { ranAtMs: 0, commit: "abc" })).toContain("| one | NOT HELD: ");
  });
});
