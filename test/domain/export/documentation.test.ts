import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EVENT_FIELDS } from "../../../src/domain/event_fields.ts";
import { EXPORT_FILES } from "../../../src/domain/export/export_files.ts";
import { PORTUGUESE_COLUMNS } from "../../../src/domain/export/portuguese_columns.ts";

const PAGE = join(import.meta.dirname, "..", "..", "..", "docs", "statements.md");
const TYPES: Readonly<Record<string, string>> = {
  integer: "inteiro",
  money: "valor",
  text: "texto",
  time: "data e hora",
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** What stands between two marks of the page. `npm run goldens` writes it anew. */
function part(mark: string, made: string): string {
  const between = new RegExp(`(?<=<!-- ${mark} -->\n)[\\s\\S]*?(?=<!-- /${mark} -->)`);
  if (process.env["GOLDENS"] === "write") {
    writeFileSync(
      PAGE,
      readFileSync(PAGE, "utf8").replace(between, () => `\n${made}\n\n`),
    );
  }
  return (between.exec(readFileSync(PAGE, "utf8"))?.[0] ?? "").trim();
}

test("docs/statements.md describes the fields of an event as they are", () => {
  const rows = EVENT_FIELDS.map(({ name, type, isNullable, stored, en, column }) => [
    `\`${name}\``,
    `${type}${isNullable ? " or null" : ""}`,
    `${en}${stored === "later" ? " *Later.*" : ""}`,
    column === null ? "" : `\`${column}\``,
  ]);
  const made = table(["field", "type", "what it is", "D1"], rows);
  expect(part("fields", made), "npm run goldens").toBe(made);
});

test("docs/statements.md describes the columns in Portuguese as they are", () => {
  const rows = PORTUGUESE_COLUMNS.map(({ header, type, description }) => [header, TYPES[type] ?? type, description]);
  const made = table(["coluna", "tipo", "o que é"], rows);
  expect(part("colunas", made), "npm run goldens").toBe(made);
});

test("docs/statements.md names every file", () => {
  const page = readFileSync(PAGE, "utf8");
  for (const { name } of [...EXPORT_FILES, { name: "manifest.json" }]) expect(page).toContain(`| \`${name}\``);
});
