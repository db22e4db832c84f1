import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { assetsModule } from "../../src/ctl/build_assets.ts";
import { periodOf } from "../../src/domain/period.ts";
import { CONSOLE } from "../../src/pages/console/console.ts";
import { PORTAL } from "../../src/pages/portal/portal.ts";
import { pathsOf } from "../browser/support/furnish.ts";

vi.mock("cloudflare:sockets", () => ({ connect: () => new Error("no sockets here") }));

const root = fileURLToPath(new URL("../..", import.meta.url).href);

test("the pages' style and script are as their sources say: else run npm run assets", async () => {
  expect(readFileSync(`${root}src/pages/built_assets.ts`, "utf8")).toBe(await assetsModule());
});

type Text = { readonly "pt-BR": string; readonly en: string };

/** Every text of a table, however deep it lies, by where it is. */
function* textsIn(value: unknown, place: string): Generator<readonly [string, Text]> {
  if (typeof value !== "object" || value === null) return;
  if ("pt-BR" in value || "en" in value) return yield [place, value as Text];
  for (const [name, inner] of Object.entries(value)) yield* textsIn(inner, `${place} ${name}`);
}

const files = globSync("src/pages/**/*_texts.ts", { cwd: root });
const modules = await Promise.all(
  files.map(async (file) => [file, (await import(`${root}${file}`)) as object] as const),
);
const TEXTS = modules.flatMap(([file, tables]) => [...textsIn({ ...tables }, file)]);

test.each(files)("%s has no text that no page says", (file) => {
  const sources = globSync("src/pages/**/*.ts", { cwd: root, exclude: ["src/pages/built_assets.ts"] });
  const code = sources
    .map((source) => readFileSync(`${root}${source}`, "utf8").replaceAll(/^import [^;]*;/gm, ""))
    .join("\n");
  const tables = modules.find(([name]) => name === file)?.[1] as Readonly<Record<string, object>>;
  const unsaid = Object.entries(tables).flatMap(([table, texts]) => {
    // A table that is read by a name, or handed on whole, holds exactly what is asked for: the compiler sees to it.
    if (new RegExp(`\\b${table}(?:\\[|,|\\))`).test(code)) return [];
    return Object.keys(texts).filter((name) => !new RegExp(`\\b${table}\\.${name}\\b`).test(code));
  });
  expect(unsaid).toEqual([]);
});

/** What is the same word in both languages. */
const SAME = new Set([
  "Total",
  "Console",
  "Status",
  "CNPJ",
  "CPF",
  "Claro",
  "Commit",
  "Gateway",
  "local",
  "E-mail (Cloudflare Access)",
  "Customer ID",
]);
/** Phrases that are English in Portuguese words, and words that only English has. */
const CALQUES =
  /não pôde ser|foi alcançad|deletar|requisitar|eventualmente|realizar o|resetad|\b(?:the|and|which|with|their|this|must be)\b/i;

describe("browsers are led to", () => {
  const { consolePaths, portalPaths } = pathsOf({
    tenantId: "ten_1",
    keyId: "csg_live_0000000000",
    lookupId: "lkp_1",
    period: periodOf(Date.now()),
  });
  const patternOf = (path: string) => new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`);
  /** What is a file, or stands outside the menu's pages: it has tests of its own. */
  const IS_ELSEWHERE = /sign-in|:file|:periodFile|jsonl|\.csv|reconciliations|link/;

  test.each([
    ["the console", CONSOLE, consolePaths],
    ["the portal", PORTAL, portalPaths],
  ])("every page of %s", (_name, { pages }, paths) => {
    const led = Object.values(paths).map((path) => path.replace(/\?.*/, ""));
    const shown = pages.filter(({ method, path }) => method === "GET" && !IS_ELSEWHERE.test(path));
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.filter(({ path }) => !led.some((one) => patternOf(path).test(one))).map(({ path }) => path)).toEqual(
      [],
    );
  });
});

describe("what pages say", () => {
  test("is found", () => {
    expect(TEXTS.length).toBeGreaterThan(400);
  });

  test.each(TEXTS)("%s is said in both languages, each in its own", (_, text) => {
    expect(Object.keys(text).toSorted()).toEqual(["en", "pt-BR"]);
    for (const said of Object.values(text)) expect(said.trim()).not.toBe("");
    if (!SAME.has(text.en)) expect(text["pt-BR"]).not.toBe(text.en);
    expect(text["pt-BR"]).not.toMatch(CALQUES);
  });
});
