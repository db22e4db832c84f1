import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ExportedEvent } from "../../../src/domain/event_row.ts";
import { EXPORT_FILES } from "../../../src/domain/export/export_files.ts";

import type { MeterEvent } from "../../../src/domain/meter_event.ts";
import { StatementAccumulator } from "../../../src/domain/statement_totals.ts";
import { goldenFile, readGolden } from "../../support/golden.ts";
import { encodeAll, eventOfPtbrCells, eventsOfRows, microsOfReais, readCsv } from "./readers.ts";
import { AWKWARD_TEXTS, exported, FIRST_SEQ, PERIOD, SAMPLE_EVENTS, TENANT, wholePeriods } from "./samples.ts";

const FOCUS_COLUMNS = 29;
const FORMULA_START = /^[\s\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;
const PTBR_NUMBER = /^-?\d+(,\d+)?$/;

/** Each file read back by a reader of its own into the fixed fields. */
const READERS: Record<string, (text: string) => ExportedEvent[]> = {
  "events.jsonl": (text) =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  "events.csv": (text) => eventsOfRows(readCsv(text, ",")),
  "events.pt-br.csv": (text) => readCsv(text.slice(1), ";").slice(1).map(eventOfPtbrCells),
  "focus.csv": (text) => eventsOfRows(readCsv(text, ",").map((cells) => cells.slice(FOCUS_COLUMNS))),
};

function fileText(name: string, events: readonly MeterEvent[]): string {
  const file = EXPORT_FILES.find((candidate) => candidate.name === name);
  if (file === undefined) throw new Error(`no file ${name}`);
  return encodeAll(file.encoder, exported(events));
}

function sumOf(events: readonly ExportedEvent[]) {
  return {
    events: events.length,
    billed: events.filter(({ billed, kind }) => billed && kind === "lookup").length,
    amountMicros: events.reduce((sum, event) => sum + event.amountMicros, 0),
  };
}

test("every file of the contract has an encoder and a reader here", () => {
  expect(EXPORT_FILES.map(({ name }) => name)).toEqual(Object.keys(READERS));
});

describe.each(Object.entries(READERS))("%s", (name, read) => {
  test("is the golden file, byte for byte", () => {
    const made = Buffer.from(fileText(name, SAMPLE_EVENTS));
    expect(made).toEqual(goldenFile(name, made));
  });

  test("the golden file reads back as the events that it was written from", () => {
    const golden = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(readGolden(name));
    expect(read(golden)).toEqual(exported(SAMPLE_EVENTS));
  });

  test("any period reads back as it was, and adds up to the statement's totals", () => {
    fc.assert(
      fc.property(wholePeriods, (events) => {
        const back = read(fileText(name, events));
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
});

describe("cells", () => {
  test.each(["events.csv", "events.pt-br.csv", "focus.csv"])(
    "in %s no text can start a formula and money is numbers",
    (name) => {
      fc.assert(
        fc.property(wholePeriods, (events) => {
          const text = fileText(name, [...SAMPLE_EVENTS, ...events]).replace("\uFEFF", "");
          const [header = [], ...rows] = readCsv(text, name === "events.pt-br.csv" ? ";" : ",");
          const isNumber = header.map((column) => /Micros$|Cost$|^(x_U|u)nits$|^unidades$|\(R\$\)$/.test(column));
          for (const [column, cell] of rows.flatMap((cells) => [...cells.entries()])) {
            if (isNumber[column]) expect(cell).toMatch(/^(-?\d+([.,]\d+)?)?$/);
            else expect(FORMULA_START.test(cell), JSON.stringify(cell)).toBe(false);
          }
        }),
      );
    },
  );

  test("a negative amount stays a number", () => {
    const credit = SAMPLE_EVENTS.filter(({ amountMicros }) => amountMicros < 0);
    expect(readCsv(fileText("events.csv", credit), ",")[1]?.[18]).toBe("-150000");
    expect(readCsv(fileText("events.pt-br.csv", credit).slice(1), ";")[1]?.[13]).toBe("-0,1500");
    expect(readCsv(fileText("focus.csv", credit), ",")[1]?.[0]).toBe("-0.1500");
  });

  test.each(AWKWARD_TEXTS.filter((text) => /^[\d.,/:%R$ ]*\d|^5 de|^MAR|^verd/.test(text)))(
    "pt-BR: %j is kept as text unless it is a plain short number",
    (reference) => {
      const event = SAMPLE_EVENTS.find((candidate) => candidate.reference === reference);
      const cell = readCsv(fileText("events.pt-br.csv", event ? [event] : []).slice(1), ";")[1]?.[7];
      expect(cell).toBe(/^(12345|0)$/.test(reference) ? reference : `'${reference}`);
    },
  );

  test("pt-BR: a byte order mark once, CRLF, and numbers with a comma", () => {
    const text = fileText("events.pt-br.csv", SAMPLE_EVENTS);
    expect(text.lastIndexOf("\uFEFF")).toBe(0);
    const rows = readCsv(text.slice(1), ";");
    expect(rows.slice(1).every((cells) => PTBR_NUMBER.test(cells[13] ?? ""))).toBe(true);
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([18]));
  });

  test("the CSVs for programs have no byte order mark", () => {
    expect(fileText("events.csv", []).startsWith("seq,")).toBe(true);
    expect(fileText("focus.csv", []).startsWith("BilledCost,")).toBe(true);
  });
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
  const [header = [], ...rows] = readCsv(fileText("focus.csv", SAMPLE_EVENTS), ",");
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
