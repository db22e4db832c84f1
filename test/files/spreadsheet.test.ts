import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { guardedText } from "../../src/domain/export/guarded_text.ts";
import { type Expected, portugueseRow } from "../domain/export/portuguese.ts";
import { fileBytes } from "../domain/export/readers.ts";
import { CONTEXT, exported, hostileMonth, SAMPLE_EVENTS } from "../domain/export/samples.ts";

const PROGRAM = "soffice";
const BRAZILIAN_PORTUGUESE = 1046;
const ENGLISH = 1033;
const UTF_8 = 76;
const SEPARATORS = { comma: ",", semicolon: ";", tab: "\t", bar: "|" } as const;
const CSV_FILES = ["events.csv", "events.pt-br.csv", "focus.csv"] as const;

const isInstalled = spawnSync(PROGRAM, ["--version"]).status === 0;
if (!isInstalled) console.warn(`skipped: ${PROGRAM} (LibreOffice) is not installed, no file was opened with it`);

const folder = mkdtempSync(join(tmpdir(), "statement-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As the import dialogue has it: separator, quote, encoding, first line, …, language, detect numbers, evaluate formulas. */
function csvFilter(separator: string, language = BRAZILIAN_PORTUGUESE): string {
  const options = [separator.charCodeAt(0), '"'.charCodeAt(0), UTF_8, 1, "", language, false, true];
  return `--infilter=CSV:${[...options, "", "", "", "", true].join(",")}`;
}

/** What the program makes of files, as its own XML, by the files' names. */
function open(files: Readonly<Record<string, Uint8Array>>, target: string, ...options: string[]): Map<string, string> {
  const place = join(folder, target);
  mkdirSync(place);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(place, name), bytes);
  const profile = `-env:UserInstallation=file://${join(folder, "profile")}`;
  const sources = Object.keys(files).map((name) => join(place, name));
  const { status, stderr } = spawnSync(
    PROGRAM,
    [profile, "--headless", ...options, "--convert-to", "fods", "--outdir", place, ...sources],
    { cwd: folder, timeout: 150_000 },
  );
  if (status !== 0) throw new Error(`${PROGRAM} failed: ${String(stderr)}`);
  return new Map(
    Object.keys(files).map((name) => [name, readFileSync(join(place, name.replace(/\.\w+$/, ".fods")), "utf8")]),
  );
}

type Cell = { readonly type: string | null; readonly value: string | null; readonly text: string };

/** The cells of the first sheet, as the program took them. */
function cellsOf(fods: string): Cell[][] {
  const [, table = ""] = /<table:table [^>]*>([\s\S]*?)<\/table:table>/.exec(fods) ?? [];
  return [...table.matchAll(/<table:table-row[^>]*>([\s\S]*?)<\/table:table-row>/g)].map(([, row = ""]) =>
    [...row.matchAll(/<table:table-cell([^>]*?)(?:\/>|>([\s\S]*?)<\/table:table-cell>)/g)].flatMap(
      ([, attributes = "", content = ""]) => {
        const attribute = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1] ?? null;
        const cell = {
          type: attribute("office:value-type"),
          value: attribute("office:value") ?? attribute("office:date-value")?.replace(/^.{10}$/, "$&T00:00:00") ?? null,
          text: paragraphs(content),
        };
        // The empty ones to the right of the last are as many as a sheet is wide.
        const count = Math.min(Number(attribute("table:number-columns-repeated") ?? 1), 100);
        return Array.from({ length: count }, () => cell);
      },
    ),
  );
}

function paragraphs(content: string): string {
  const lines = [...content.matchAll(/<text:p>([\s\S]*?)<\/text:p>|<text:p\/>/g)].map(([, line = ""]) => line);
  const plain = lines
    .join("\n")
    .replaceAll(/<text:s(?: text:c="(\d+)")?\/>/g, (_, count?: string) => " ".repeat(Number(count ?? 1)));
  return plain
    .replaceAll("<text:tab/>", "\t")
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

// A spreadsheet's cell holds no tab and no carriage return, whatever file it came from.
const sample = exported(SAMPLE_EVENTS.filter(({ reference }) => !/[\t\r]/.test(reference ?? "")));
const { events: hostile, context: hostileContext } = hostileMonth();

describe.skipIf(!isInstalled)("LibreOffice", { timeout: 300_000 }, () => {
  test("does begin a formula in a cell that is not guarded, opened as these tests do", () => {
    const open_ = open({ "control.csv": Buffer.from('a,"pedido;=1+1",b\r\n') }, "control", csvFilter(";"));
    expect(open_.get("control.csv")).toContain("table:formula");
  });

  test.each(Object.entries(SEPARATORS))("finds no formula in any CSV that it splits at the %s", (name, separator) => {
    const files = Object.fromEntries(
      CSV_FILES.flatMap((file) => [
        [`sample.${file}`, fileBytes(file, sample)],
        [`hostile.${file}`, fileBytes(file, hostile, { context: hostileContext })],
      ]),
    );
    for (const [file, fods] of open(files, name, csvFilter(separator))) {
      expect(fods.length, file).toBeGreaterThan(10_000);
      expect(fods, file).not.toContain("table:formula");
    }
  });

  describe("opens as what they are", () => {
    let sheets = new Map<string, string>();
    beforeAll(() => {
      sheets = new Map([
        ...open({ "events.pt-br.csv": fileBytes("events.pt-br.csv", sample) }, "types", csvFilter(";")),
        ...open(
          { "events.csv": fileBytes("events.csv", sample), "focus.csv": fileBytes("focus.csv", sample) },
          "english",
          csvFilter(",", ENGLISH),
        ),
        ...open(
          {
            "eventos.xlsx": fileBytes("eventos.xlsx", sample),
            "hostile.xlsx": fileBytes("eventos.xlsx", hostile, { context: hostileContext }),
          },
          "xlsx",
        ),
      ]);
    }, 300_000);

    test("the cells of eventos.xlsx: times, money, whole numbers, and texts that stay as they are", () => {
      const [header = [], ...rows] = cellsOf(sheets.get("eventos.xlsx") ?? "");
      const expected = sample.map((event) => portugueseRow(event, CONTEXT));
      expect(header.map(({ text }) => text).filter((text) => text !== "")).toEqual(expected[0]?.map(([name]) => name));
      expect(
        rows
          .slice(0, expected.length)
          .map((row, index) => expected[index]?.map(([, cell], column) => seen(row[column], cell))),
      ).toEqual(expected.map((row) => row.map(([, cell]) => wanted(cell))));
    });

    test("eventos.xlsx shows times and money as people write them, and filters by its header", () => {
      const fods = sheets.get("eventos.xlsx") ?? "";
      const [, row = []] = cellsOf(fods);
      expect(row[2]?.text).toBe("01/11/2026 00:00:00");
      expect(row[19]).toMatchObject({ type: "currency", value: "0.15" });
      expect(row[19]?.text).toMatch(/^R\$ 0[.,]15$/);
      expect(fods).toMatch(/table:database-range[^>]*table:display-filter-buttons="true"/);
    });

    test("a hostile eventos.xlsx without a formula", () => {
      expect(sheets.get("hostile.xlsx")).not.toContain("table:formula");
    });

    test("times and amounts of events.pt-br.csv as times and numbers", () => {
      const [header = [], ...rows] = cellsOf(sheets.get("events.pt-br.csv") ?? "");
      const at = (name: string) => header.findIndex(({ text }) => text === name);
      for (const [index, event] of sample.entries()) {
        const row = rows[index] ?? [];
        expect(row[at("Data e hora (São Paulo)")]).toMatchObject({
          type: "date",
          value: event.occurredAtSaoPaulo.slice(0, 19),
        });
        expect(row[at("Valor (R$)")]).toMatchObject({ type: "float", value: String(event.amountMicros / 1e6) });
      }
    });

    test("counts and money of events.csv and focus.csv as numbers, their other words as texts", () => {
      const rowsOf = (name: string) => {
        const [header = [], ...rows] = cellsOf(sheets.get(name) ?? "");
        const names = header.map(({ text }) => text);
        return rows.slice(0, sample.length).map((row) => new Map(names.map((column, index) => [column, row[index]])));
      };
      const number = (value: number) => expect.objectContaining({ type: "float", value: String(value) });
      const text = (value: string) => expect.objectContaining({ type: "string", text: value });
      const [events, focus] = [rowsOf("events.csv"), rowsOf("focus.csv")];
      expect([events.length, focus.length]).toEqual([sample.length, sample.length]);
      for (const [index, event] of sample.entries()) {
        expect(events[index]?.get("seq")).toEqual(number(event.seq));
        expect(events[index]?.get("units")).toEqual(number(event.units));
        expect(events[index]?.get("amountMicros")).toEqual(number(event.amountMicros));
        expect(events[index]?.get("kind")).toEqual(text(event.kind));
        expect(events[index]?.get("id")).toMatchObject({ text: event.id });
        expect(focus[index]?.get("BilledCost")).toEqual(number(event.amountMicros / 1e6));
        expect(focus[index]?.get("BillingCurrency")).toEqual(text("BRL"));
        expect(focus[index]?.get("x_AmountMicros")).toEqual(number(event.amountMicros));
        expect(focus[index]?.get("x_Kind")).toEqual(text(event.kind));
      }
    });
  });
});

function seen(cell: Cell | undefined, expected: Expected): unknown {
  if (cell === undefined || cell.type === null) return null;
  if (expected !== null && "micros" in expected)
    return { type: cell.type, micros: Math.round(Number(cell.value) * 1e6) };
  return { type: cell.type, value: cell.type === "string" ? cell.text : cell.value };
}

function wanted(expected: Expected): unknown {
  if (expected === null) return null;
  if ("text" in expected) return { type: "string", value: guardedText(expected.text) };
  if ("integer" in expected) return { type: "float", value: String(expected.integer) };
  return "micros" in expected ? { type: "currency", micros: expected.micros } : { type: "date", value: expected.time };
}
