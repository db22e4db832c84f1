import { describe, expect, test } from "vitest";
import { choose } from "./choose.ts";

const FILES = [
  { path: "test/domain/breaker.test.ts", text: 'test("it opens after five failures", …)' },
  { path: "test/http/breaker_answers.test.ts", text: 'test("it closes again", …)' },
  { path: "test/domain/model.test.ts", text: "test(`${count} operations agree`, …)" },
  { path: "test/domain/model.long.test.ts", text: "test(`${count} operations agree`, …)" },
];
const STEPS = ["types", "lint", "kill loop"];

function chosen(words: readonly string[], withLong = false) {
  return choose(words, { files: FILES, steps: STEPS, withLong });
}

describe("npm test -- WORD", () => {
  test("chooses the files whose path holds it, wherever they run", () => {
    expect(chosen(["breaker"])).toEqual({
      steps: [],
      files: { short: ["test/domain/breaker.test.ts", "test/http/breaker_answers.test.ts"], long: [] },
      testName: null,
    });
  });

  test("chooses the check that is called so, and no test", () => {
    expect(chosen(["lint"])).toEqual({ steps: ["lint"], files: { short: [], long: [] }, testName: null });
  });

  test("chooses tests by their names in the files that have the name as it stands", () => {
    const { files, testName } = chosen(["closes again"]);
    expect(files).toEqual({ short: ["test/http/breaker_answers.test.ts"], long: [] });
    expect("the breaker closes again").toMatch(new RegExp(testName ?? "-"));
  });

  test("looks in every file for a name that is put together from parts, as the reporter writes it too", () => {
    const { files, testName } = chosen(["a ledger > 50 operations (all) agree"]);
    expect(files.short).toHaveLength(3);
    expect("a ledger 50 operations (all) agree").toMatch(new RegExp(testName ?? "-"));
  });

  test("looks for a name only in the files that another word has chosen", () => {
    expect(chosen(["domain/", "opens after"])).toMatchObject({ files: { short: ["test/domain/breaker.test.ts"] } });
  });

  test("leaves the long files out, unless they are asked for or are all that there is", () => {
    expect(chosen(["model"]).files).toEqual({ short: ["test/domain/model.test.ts"], long: [] });
    expect(chosen(["model"], true).files.long).toEqual(["test/domain/model.long.test.ts"]);
    expect(chosen(["model.long"]).files).toEqual({ short: [], long: ["test/domain/model.long.test.ts"] });
  });

  test("that nothing is called chooses every file, in which no test is called so", () => {
    expect(chosen(["no such thing"]).files.short).toHaveLength(3);
  });
});
