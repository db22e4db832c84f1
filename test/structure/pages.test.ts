import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { assetsModule } from "../../src/ctl/build_assets.ts";

const root = fileURLToPath(new URL("../..", import.meta.url).href);

test("the pages' style and script are as their sources say: else run npm run assets", async () => {
  expect(readFileSync(`${root}src/pages/built_assets.ts`, "utf8")).toBe(await assetsModule());
});

type Texts = Readonly<Record<string, { readonly "pt-BR": string; readonly en: string }>>;

/** Every table of texts, by its file and name. */
const files = globSync("src/pages/**/*_texts.ts", { cwd: root });
const modules = await Promise.all(
  files.map(async (file) => [file, (await import(`${root}${file}`)) as Record<string, Texts>] as const),
);
const TEXTS = modules.flatMap(([file, tables]) =>
  Object.values(tables).flatMap((texts) =>
    Object.entries(texts).map(([name, text]) => [`${file}: ${name}`, text] as const),
  ),
);

/** What is the same word in both languages. */
const SAME = new Set([
  "Total",
  "Console",
  "CNPJ",
  "Claro",
  "Commit",
  "Gateway",
  "local",
  "E-mail (Cloudflare Access)",
  "Claro, p50 · p95 · p99",
]);
/** Phrases that are English in Portuguese words, and words that only English has. */
const CALQUES =
  /não pôde ser|foi alcançad|deletar|requisitar|eventualmente|realizar o|resetad|\b(?:the|and|which|with|their|this|must be)\b/i;

describe("what pages say", () => {
  test("is found", () => {
    expect(TEXTS.length).toBeGreaterThan(40);
  });

  test.each(TEXTS)("%s is said in both languages, each in its own", (_, text) => {
    expect(Object.keys(text).toSorted()).toEqual(["en", "pt-BR"]);
    for (const said of Object.values(text)) expect(said.trim()).not.toBe("");
    if (!SAME.has(text.en)) expect(text["pt-BR"]).not.toBe(text.en);
    expect(text["pt-BR"]).not.toMatch(CALQUES);
  });
});
