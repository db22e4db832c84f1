import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shownMany } from "../../src/ctl/commands/shown_values.ts";
import { PROJECT_ROOT } from "../../src/ctl/local/wrangler.ts";

describe("a count of things", () => {
  test.each([
    [0, "0 tenants"],
    [1, "1 tenant"],
    [2, "2 tenants"],
    [12_000, "12,000 tenants"],
  ])("of %i", (count, text) => expect(shownMany(count, "tenant")).toBe(text));

  test("has a plural of its own where it is not the ending", () => {
    expect([1, 2].map((count) => shownMany(count, "entry is", "entries are"))).toEqual(["1 entry is", "2 entries are"]);
  });

  test("is told by it in every command: a plural after a bare number would say '1 tenants'", () => {
    const bare = /shownCount\([^`]*?\)\} (?!of\b)[a-z]+s\b/;
    const found = globSync("src/ctl/**/*.ts", { cwd: PROJECT_ROOT })
      .flatMap((file) => readFileSync(`${PROJECT_ROOT}/${file}`, "utf8").split("\n"))
      .filter((line) => bare.test(line));
    expect(found).toEqual([]);
  });
});
