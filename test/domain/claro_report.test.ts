import { describe, expect, test } from "vitest";
import { MOST_LINE_CHARACTERS, reportCells, ReportLines } from "../../src/domain/claro_report.ts";
import { PERIOD } from "./export/samples.ts";

const COLUMNS = "transactionId,occurredAt,customerId,status";

/** What the last of some lines of a report is read as. */
function parse(...lines: readonly string[]) {
  const report = new ReportLines(PERIOD);
  return lines.map((line) => report.read(line)).at(-1);
}

describe("a line of Claro's report", () => {
  test.each([
    ["plain", "t1,2026-11-03T12:00:00Z,loja,200", { transactionId: "t1", customerId: "loja", isCharged: true }],
    ["without a transaction", ",2026-11-03T12:00:00Z,loja,delivered", { transactionId: null, isCharged: true }],
    [
      "quoted",
      '"t""1","2026-11-03T12:00:00Z","São João, filial",200',
      { transactionId: 't"1', customerId: "São João, filial" },
    ],
    ["with blanks", " t1 , 2026-11-03T09:00:00-03:00 , loja x , OK ", { customerId: "loja x", date: "2026-11-03" }],
    ["not charged", "t1,2026-11-03T12:00:00Z,loja,404", { isCharged: false }],
    ["not delivered", "t1,2026-11-03T12:00:00Z,loja,not_found", { isCharged: false }],
    ["at the month's first instant", "t1,2026-11-01T03:00:00Z,loja,200", { date: "2026-11-01" }],
    ["at the month's last instant", "t1,2026-12-01T02:59:59.999Z,loja,200", { date: "2026-11-30" }],
  ])("%s", (_, line, expected) => {
    expect(parse(line)).toMatchObject({ ok: true, value: expected });
  });

  test.each([
    ["three cells", "t1,2026-11-03T12:00:00Z,loja", { code: "report_cells", params: { count: 4 } }],
    ["five cells", "t1,2026-11-03T12:00:00Z,loja,200,", { code: "report_cells", params: { count: 4 } }],
    ["a quote that never ends", '"t1,2026-11-03T12:00:00Z,loja,200', { code: "report_cells", params: { count: 4 } }],
    ["a quote inside", 't"1,2026-11-03T12:00:00Z,loja,200', { code: "report_cells", params: { count: 4 } }],
    ["text after a quote", '"t1"x,2026-11-03T12:00:00Z,loja,200', { code: "report_cells", params: { count: 4 } }],
    ["a time without a zone", "t1,2026-11-03T12:00:00,loja,200", { code: "report_time" }],
    ["a day that is none", "t1,2026-11-31T12:00:00Z,loja,200", { code: "report_time" }],
    [
      "more than ten minutes before the month",
      "t1,2026-11-01T02:49:59.999Z,loja,200",
      { code: "report_period", params: { period: "2026-11" } },
    ],
    [
      "ten minutes after the month",
      "t1,2026-12-01T03:10:00Z,loja,200",
      { code: "report_period", params: { period: "2026-11" } },
    ],
    [
      "a year that no period has",
      "t1,0001-01-01T00:00:00Z,loja,200",
      { code: "report_period", params: { period: "2026-11" } },
    ],
    ["no customer", "t1,2026-11-03T12:00:00Z,,200", { code: "report_customer" }],
    ["a status that nobody knows", "t1,2026-11-03T12:00:00Z,loja,maybe", { code: "report_status" }],
    ["no status", "t1,2026-11-03T12:00:00Z,loja,", { code: "report_status" }],
  ])("%s is refused", (_, line, failure) => {
    expect(parse(line)).toEqual({ ok: false, failure });
  });

  test("the month's edges are ten minutes wide, for Claro's clock is not ours", () => {
    expect(parse("t1,2026-11-01T02:50:00Z,loja,200")).toMatchObject({ ok: true, value: { date: "2026-10-31" } });
    expect(parse("t1,2026-12-01T03:09:59.999Z,loja,200")).toMatchObject({ ok: true, value: { date: "2026-12-01" } });
  });

  test.each([
    ["in any case of letters", COLUMNS.toUpperCase()],
    ["between quotes", COLUMNS.replaceAll(/\w+/g, '"$&"')],
    ["with semicolons", COLUMNS.replaceAll(",", ";")],
  ])("a header is no row %s", (_, header) => {
    expect(parse(header)).toEqual({ ok: true, value: null });
  });

  test("a header with its columns in another order is a malformed line", () => {
    expect(parse("transactionId,customerId,occurredAt,status")).toMatchObject({ ok: false });
  });

  test("the separator is the first line's, and stays", () => {
    const row = "t1;2026-11-03T12:00:00Z;São João, filial;200";
    expect(parse(row)).toMatchObject({ ok: true, value: { customerId: "São João, filial" } });
    expect(parse(COLUMNS.replaceAll(",", ";"), row)).toMatchObject({ ok: true, value: { transactionId: "t1" } });
    expect(parse(COLUMNS, row)).toMatchObject({ ok: false, failure: { code: "report_cells" } });
  });

  test("may be JSON, its names in any case of letters and its status a number", () => {
    const line = JSON.stringify({
      TransactionID: "t1",
      occurredat: "2026-11-03T12:00:00Z",
      customerId: "loja",
      status: 200,
    });
    expect(parse(line)).toMatchObject({ ok: true, value: { transactionId: "t1", isCharged: true } });
    const nameless = JSON.stringify({
      transactionId: null,
      occurredAt: "2026-11-03T12:00:00Z",
      customerId: "l",
      status: "ok",
    });
    expect(parse(nameless)).toMatchObject({ ok: true, value: { transactionId: null } });
    for (const malformed of ["{", '{"transactionId":["t1"]}', "[]", '{"transactionId":"t1"}']) {
      expect(parse(line, malformed)).toMatchObject({ ok: false });
    }
  });

  test("that is too long is refused by its length, whatever is in it", () => {
    const long = "x".repeat(MOST_LINE_CHARACTERS + 1);
    expect(parse(COLUMNS, long)).toEqual({
      ok: false,
      failure: { code: "line_too_long", params: { most: MOST_LINE_CHARACTERS } },
    });
    // Quotes and commas without end cost a pattern the most; one look at each character already costs more than a refusal.
    for (const hostile of ['"'.repeat(20_000_000), ",".repeat(20_000_000), '""'.repeat(10_000_000)]) {
      const refusedMs = quickestMs(() => [parse(COLUMNS, hostile), reportCells(hostile)]);
      expect(refusedMs).toBeLessThan(quickestMs(() => hostile.lastIndexOf("x")));
    }
  });
});

/** The quickest of some tries, so that a busy machine decides nothing. */
function quickestMs(work: () => unknown): number {
  const tries = Array.from({ length: 5 }, () => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  });
  return Math.min(...tries);
}
