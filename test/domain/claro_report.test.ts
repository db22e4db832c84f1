import { describe, expect, test } from "vitest";
import { isReportHeader, parseReportRow, reportCells } from "../../src/domain/claro_report.ts";
import { PERIOD } from "./export/samples.ts";

const parse = (line: string) => parseReportRow(reportCells(line), PERIOD);

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
    ["three cells", "t1,2026-11-03T12:00:00Z,loja", "not 4 cells of CSV"],
    ["five cells", "t1,2026-11-03T12:00:00Z,loja,200,", "not 4 cells of CSV"],
    ["semicolons", "t1;2026-11-03T12:00:00Z;loja;200", "not 4 cells of CSV"],
    ["a quote that never ends", '"t1,2026-11-03T12:00:00Z,loja,200', "not 4 cells of CSV"],
    ["a quote inside", 't"1,2026-11-03T12:00:00Z,loja,200', "not 4 cells of CSV"],
    ["text after a quote", '"t1"x,2026-11-03T12:00:00Z,loja,200', "not 4 cells of CSV"],
    ["a time without a zone", "t1,2026-11-03T12:00:00,loja,200", "occurredAt: not a time of RFC 3339"],
    ["a day that is none", "t1,2026-11-31T12:00:00Z,loja,200", "occurredAt: not a time of RFC 3339"],
    ["the month before", "t1,2026-11-01T02:59:59.999Z,loja,200", "occurredAt: not in 2026-11 in São Paulo"],
    ["the month after", "t1,2026-12-01T03:00:00Z,loja,200", "occurredAt: not in 2026-11 in São Paulo"],
    ["a year that no period has", "t1,0001-01-01T00:00:00Z,loja,200", "occurredAt: not in 2026-11 in São Paulo"],
    ["no customer", "t1,2026-11-03T12:00:00Z,,200", "customerId: 1 to 200 printable characters"],
    ["a status that nobody knows", "t1,2026-11-03T12:00:00Z,loja,maybe", "status: an HTTP status or an outcome"],
    ["no status", "t1,2026-11-03T12:00:00Z,loja,", "status: an HTTP status or an outcome"],
  ])("%s is refused", (_, line, failure) => {
    expect(parse(line)).toEqual({ ok: false, failure });
  });

  test("the header is known", () => {
    expect(isReportHeader(reportCells("transactionId,occurredAt,customerId,status") ?? [])).toBe(true);
    expect(isReportHeader(reportCells("transactionId,customerId,occurredAt,status") ?? [])).toBe(false);
  });
});
