import { Command, CommanderError } from "commander";
import { expect, test } from "vitest";
import { wholeProgram } from "../../src/ctl/commands/whole_program.ts";

function helpOf(path: readonly string[]): string {
  let shown = "";
  const program = wholeProgram(() => {});
  const capture = (command: Command): void => {
    command.configureOutput({ writeOut: (text) => (shown += text) }).exitOverride();
    command.commands.forEach(capture);
  };
  capture(program);
  try {
    program.parse([...path, "--help"], { from: "user" });
  } catch (error) {
    expect((error as CommanderError).exitCode).toBe(0);
  }
  return shown;
}

function pathsBelow(command: Command, path: readonly string[] = []): string[][] {
  return [[...path], ...command.commands.flatMap((each) => pathsBelow(each, [...path, each.name()]))];
}

const PATHS = pathsBelow(wholeProgram(() => {})).map((path) => [path.join(" "), path] as const);

test("the command line has its groups", () => {
  const names = PATHS.map(([name]) => name);
  expect(names).toEqual(
    expect.arrayContaining(["", "tenants", "keys", "usage", "plans", "audit", "health", "statements", "lookups show"]),
  );
});

test.each(PATHS)("%s --help has examples", (_, path) => {
  expect(helpOf(path)).toMatch(/Examples:\n {2}npm run ctl -- /);
});
