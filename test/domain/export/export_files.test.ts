import { read, type WorkSheet } from "@e965/xlsx";
import fc from "fast-check";
import { unzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import type { ExportedEvent } from "../../../src/domain/event_row.ts";
import { EXPORT_FILES } from "../../../src/domain/export/export_files.ts";
import { guardedText } from "../../../src/domain/export/guarded_text.ts";
import { StatementAccumulator } from "../../../src/domain/statement_totals.ts";
import { goldenFile, readGolden } from "../../support/golden.ts";
import { SEPARATORS, startsFormula } from "./formulas.ts";
import { type Expected, portugueseRow } from "./portuguese.ts";
import { eventsOfRows, fileBytes, microsOfReais, readCsv } from "./readers.ts";
import { CONTEXT, exported, FIRST_SEQ, hostileMonth, PERIOD, SAMPLE_EVENTS, TENANT, wholePeriods } from "./samples.ts";

const FOCUS_COLUMNS = 29;
const CSV_FILES = [
  ["events.csv", ","],
  ["events.pt-br.csv", ";"],
  ["focus.csv", ","],
] as const;

/** The formats that hold an event as it is, each read back by a reader of its own into the fixed fields. */
const READERS: Record<string, (text: string) => ExportedEvent[]> = {
  "events.jsonl": (text) =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  "events.csv": (text) => eventsOfRows(readCsv(text, ",")),
  "focus.csv": (text) => eventsOfRows(readCsv(text, ",").map((cells) => cells.slice(FOCUS_COLUMNS))),
};

function fileText(name: string, events: readonly ExportedEvent[], context = CONTEXT): string {
  return textOf(fileBytes(name, events, { context }));
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes);
}

function sumOf(events: readonly ExportedEvent[]) {
  return {
    events: events.length,
    billed: events.filter(({ billed, kind }) => billed && kind === "lookup").length,
    amountMicros: events.reduce((sum, event) => sum + event.amountMicros, 0),
  };
}

test("the files are those of the contract", () => {
  expect(EXPORT_FILES.map(({ name }) => name)).toEqual([
    "events.jsonl",
    "events.csv",
    "events.pt-br.csv",
    "focus.csv",
    "eventos.xlsx",
    "demonstrativo.html",
  ]);
});

describe.each(EXPORT_FILES.map(({ name }) => name))("%s", (name) => {
  const sample = exported(SAMPLE_EVENTS);

  test("is the golden file, byte for byte", () => {
    const made = fileBytes(name, sample);
    expect(made.equals(goldenFile(name, made)), "npm run goldens makes it anew").toBe(true);
  });

  test("is the same whatever pages the events come in", () => {
    for (const page of [1, 7, 1000]) {
      expect(fileBytes(name, sample, { page }).equals(readGolden(name))).toBe(true);
    }
    expect(fileBytes(name, sample).equals(fileBytes(name, sample))).toBe(true);
  });

  test("can be made of a month without events", () => {
    expect(fileBytes(name, []).length).toBeGreaterThanOrEqual(name === "events.jsonl" ? 0 : 100);
  });
});

describe.each(Object.entries(READERS))("%s", (name, readBack) => {
  test("the golden file reads back as the events that it was written from", () => {
    expect(readBack(textOf(readGolden(name)))).toEqual(exported(SAMPLE_EVENTS));
  });

  test("any period reads back as it was, and adds up to the statement's totals", () => {
    fc.assert(
      fc.property(wholePeriods, (events) => {
        const back = readBack(fileText(name, exported(events)));
        expect(back).toEqual(exported(events));
        const accumulator = new StatementAccumulator(PERIOD, { tenantId: TENANT, firstSeq: FIRST_SEQ });
        for (const event of events) accumulator.add(event);
        const totals = accumulator.finish();
        if (!totals.ok) throw new Error(totals.failure.name);
        const { counts, amountMicros, seq } = totals.value;
        expect(sumOf(back)).toEqual({ events: seq.count, billed: counts.billed, amountMicros });
      }),
    );
  });

  test("hostile texts read back as they were", () => {
    const { events, context } = hostileMonth();
    // Half a pair of surrogates has no UTF-8; JSON escapes it.
    const halved = JSON.stringify(events).replaceAll(String.raw`\ud800`, "\ufffd");
    const expected = name === "events.jsonl" ? events : (JSON.parse(halved) as ExportedEvent[]);
    expect(readBack(fileText(name, events, context))).toEqual(expected);
  });
});

describe("no cell starts a formula", () => {
  /** Cells as a naive reader splits them, and as one that knows quotes does. */
  function cellsOf(text: string, separator: string): string[] {
    const lines = text.split(/\r\n|\r|\n/);
    const naive = lines.flatMap((line) => line.split(separator));
    return [...naive, ...lines.flatMap((line) => looseCells(line, separator)), ...looseCells(text, separator)];
  }

  /** A quote counts where a cell begins with it, and ends at the next single one; what follows is taken as it is. */
  function looseCells(text: string, separator: string): string[] {
    const cells: string[] = [];
    for (let at = 0; at <= text.length; at += 1) {
      let cell = "";
      if (text[at] === '"') {
        for (at += 1; at < text.length && !(text[at] === '"' && text[at + 1] !== '"'); at += 1) {
          if (text[at] === '"') at += 1;
          cell += text[at];
        }
        at += 1;
      }
      while (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") {
        cell += text[at];
        at += 1;
      }
      cells.push(cell);
    }
    return cells;
  }

  test.each(CSV_FILES.flatMap(([name]) => SEPARATORS.map((separator) => [name, separator] as const)))(
    "in %s, read with %j",
    (name, separator) => {
      const { events, context } = hostileMonth();
      const text = fileText(name, events, context).replace("\uFEFF", "");
      expect(cellsOf(text, separator).filter(startsFormula)).toEqual([]);
    },
  );

  test("in any period, whatever its texts", () => {
    fc.assert(
      fc.property(wholePeriods, (events) => {
        for (const [name] of CSV_FILES) {
          const text = fileText(name, exported(events)).replace("\uFEFF", "");
          for (const separator of SEPARATORS) expect(cellsOf(text, separator).filter(startsFormula)).toEqual([]);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("and a number in quotes, cut at its comma, is none", () => {
    expect(cellsOf('a,"-9,2",b\r\n', ",").filter(startsFormula)).toEqual([]);
    expect(cellsOf('a,"-9+A1,2",b\r\n', ",").filter(startsFormula)).not.toEqual([]);
  });

  test("and a text that is guarded nowhere is found by this very check", () => {
    expect(cellsOf('a,"pedido;=1+1",b\r\n', ";").filter(startsFormula)).not.toEqual([]);
    expect(cellsOf('a,"pedido\n=1+1",b\r\n', ",").filter(startsFormula)).not.toEqual([]);
  });
});

describe("cells of the CSVs", () => {
  const credit = exported(SAMPLE_EVENTS.filter(({ amountMicros }) => amountMicros < 0));

  test("a negative amount stays a number", () => {
    expect(firstOf(readCsv(fileText("events.csv", credit), ","), "amountMicros")).toBe("-150000");
    expect(firstOf(readCsv(fileText("events.pt-br.csv", credit).slice(1), ";"), "Valor (R$)")).toBe("-0,1500");
    expect(firstOf(readCsv(fileText("focus.csv", credit), ","), "BilledCost")).toBe("-0.1500");
  });

  test("pt-BR: a byte order mark once, and each cell as the contract has it", () => {
    const text = fileText("events.pt-br.csv", exported(SAMPLE_EVENTS));
    expect(text.lastIndexOf("\uFEFF")).toBe(0);
    const [header, ...rows] = readCsv(text.slice(1), ";");
    const expected = exported(SAMPLE_EVENTS).map((event) => portugueseRow(event, CONTEXT));
    expect(header).toEqual(expected[0]?.map(([name]) => name));
    expect(rows).toEqual(expected.map((row) => row.map(([, cell]) => ptbrText(cell))));
  });

  test.each(["007", "00123", "1e5", "12/10", "10:30", "1.234,56", "MAR10", "verdadeiro", "'já citado", "-5", "50%"])(
    "pt-BR: %j stays as it is",
    (reference) => {
      const event = { ...SAMPLE_EVENTS[0], reference } as (typeof SAMPLE_EVENTS)[number];
      const rows = readCsv(fileText("events.pt-br.csv", exported([event])).slice(1), ";");
      expect(firstOf(rows, "Referência")).toBe(reference);
    },
  );

  test("the CSVs for programs have no byte order mark, and none begins a line with an amount", () => {
    expect(fileText("events.csv", []).startsWith("seq,")).toBe(true);
    expect(fileText("focus.csv", []).startsWith("BillingAccountId,")).toBe(true);
  });

  /** What the first event has in a column. */
  function firstOf([header = [], first = []]: readonly string[][], column: string): string | undefined {
    return first[header.indexOf(column)];
  }

  function ptbrText(cell: Expected): string {
    if (cell === null) return "";
    if ("text" in cell) return guardedText(cell.text);
    if ("integer" in cell) return String(cell.integer);
    if ("micros" in cell) {
      const [whole, places = ""] = (Math.abs(cell.micros) / 1e6).toFixed(6).split(".");
      return `${cell.micros < 0 ? "-" : ""}${whole},${places.replace(/0{1,2}$/, "")}`;
    }
    const [date = "", time] = cell.time.split("T");
    const [year, month, day] = date.split("-");
    return `${day}/${month}/${year} ${time}`;
  }
});

function sheetsOf(bytes: Uint8Array): Record<string, WorkSheet> {
  return read(bytes, { type: "buffer", cellNF: true, cellFormula: true }).Sheets;
}

describe("eventos.xlsx, read back cell by cell", () => {
  const { events: hostile, context: hostileContext } = hostileMonth();

  test.each([
    ["the sample", exported(SAMPLE_EVENTS), CONTEXT],
    ["hostile texts", hostile, hostileContext],
  ])("%s", (_name, events, context) => {
    const sheet = sheetsOf(fileBytes("eventos.xlsx", events, { context }))["Eventos"] ?? {};
    const rows = events.map((event) => portugueseRow(event, context));
    const cells = new Map(Object.entries(sheet).filter(([place]) => !place.startsWith("!")));
    const [header = []] = rows;
    for (const [column, [name]] of header.entries()) {
      expect(cells.get(`${letters(column)}1`)).toMatchObject({ t: "s", v: name });
      cells.delete(`${letters(column)}1`);
    }
    for (const [index, row] of rows.entries()) {
      for (const [column, [name, expected]] of row.entries()) {
        const place = `${letters(column)}${index + 2}`;
        const cell = cells.get(place) as { t: string; v: unknown; z?: string; f?: string } | undefined;
        expect(cell?.f, place).toBeUndefined();
        expect(cell === undefined ? null : valueOf(cell), `${name} ${place}`).toEqual(expectedValue(expected));
        cells.delete(place);
      }
    }
    expect([...cells]).toEqual([]);
  });

  test("has a header that stays and can be filtered", () => {
    const bytes = fileBytes("eventos.xlsx", exported(SAMPLE_EVENTS));
    const sheet = sheetsOf(bytes)["Eventos"] ?? {};
    const [event] = exported(SAMPLE_EVENTS);
    const columns = event === undefined ? 0 : portugueseRow(event, CONTEXT).length;
    expect(sheet["!autofilter"]).toEqual({ ref: `A1:${letters(columns - 1)}${SAMPLE_EVENTS.length + 1}` });
    const [xml = ""] = partsOf(bytes, "xl/worksheets/sheet1.xml");
    expect(xml).toContain('<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>');
  });

  function valueOf({ t, v, z }: { t: string; v: unknown; z?: string }): unknown {
    if (t === "s") return { text: v };
    if (z === "dd/mm/yyyy\\ hh:mm:ss")
      return { time: new Date(Math.round(((v as number) - 25_569) * 86_400) * 1000).toISOString().slice(0, 19) };
    if (z?.startsWith("[$R$-416]") === true) return { micros: Math.round((v as number) * 1e6) };
    return t === "n" && z === "0" ? { integer: v } : { t, v, z };
  }

  function expectedValue(expected: Expected): unknown {
    if (expected === null || !("text" in expected)) return expected;
    // This reader makes one line end of two signs.
    return { text: guardedText(expected.text).toWellFormed().replaceAll("\r\n", "\n") };
  }
});

describe("FOCUS columns", () => {
  // Feature level "Mandatory" of the Cost and Usage dataset in FOCUS 1.4; the second list may not be null.
  const MANDATORY_NULLABLE = [
    "BillingAccountName",
    "ChargeClass",
    "ChargeDescription",
    "PricingQuantity",
    "PricingUnit",
  ];
  const MANDATORY = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceIssuerName",
    "ListCost",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
  ];
  const [header = [], ...rows] = readCsv(fileText("focus.csv", exported(SAMPLE_EVENTS)), ",");
  const records = rows.map((cells) => new Map(header.map((name, index) => [name, cells[index] ?? ""])));

  test("all mandatory ones are there, those without null are filled, custom ones come last", () => {
    expect(header).toEqual(expect.arrayContaining([...MANDATORY, ...MANDATORY_NULLABLE]));
    for (const record of records) expect(MANDATORY.filter((name) => record.get(name) === "")).toEqual([]);
    expect(header.findIndex((name) => name.startsWith("x_"))).toBe(FOCUS_COLUMNS);
    expect(header.slice(FOCUS_COLUMNS).every((name) => /^x_[A-Z]/.test(name))).toBe(true);
  });

  test("price times quantity is the cost, charges lie in the billing period, times have no fraction", () => {
    for (const record of records) {
      const [unitPrice, quantity] = [record.get("ContractedUnitPrice") ?? "", record.get("PricingQuantity") ?? ""];
      if (unitPrice !== "") {
        expect(microsOfReais(unitPrice) * Number(quantity)).toBe(microsOfReais(record.get("ContractedCost") ?? ""));
      }
      const times = ["BillingPeriodStart", "ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodEnd"].map(
        (name) => record.get(name) ?? "",
      );
      expect(times).toEqual([...times].toSorted());
      for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  });

  test("an adjustment of something closed is a correction, a lookup is usage", () => {
    expect(records.map((record) => [record.get("ChargeCategory"), record.get("ChargeClass")])).toEqual(
      SAMPLE_EVENTS.map(({ kind }) => (kind === "lookup" ? ["Usage", ""] : ["Adjustment", "Correction"])),
    );
  });
});

function letters(column: number): string {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : `${letters(Math.floor(column / 26) - 1)}${last}`;
}

function partsOf(bytes: Uint8Array, ...names: string[]): string[] {
  const parts = unzipSync(bytes);
  return names.map((name) => new TextDecoder().decode(parts[name]));
}
