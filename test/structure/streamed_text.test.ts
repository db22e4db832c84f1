import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url).href);
const files = globSync("{src,test,.ci,docs}/**/*.{ts,js,mjs}", { cwd: root });

test("no text is made of single chunks: one may end within a character", () => {
  const pattern = /\b(?:chunk|block)\.toString\(\)|String\(chunk\)/;
  const wrong = files
    .filter((file) => file !== "test/structure/streamed_text.test.ts")
    .flatMap((file) => (pattern.test(readFileSync(`${root}${file}`, "utf8")) ? [file] : []));
  expect(files.length).toBeGreaterThan(500);
  expect(wrong).toEqual([]);
});
