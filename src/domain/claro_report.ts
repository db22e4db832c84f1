import * as z from "zod";
import type { Issue } from "./issue.ts";
import { OUTCOMES } from "./meter_event.ts";
import { type Period, periodBounds, saoPauloDate, type SaoPauloDate } from "./period.ts";
import { fail, ok, type Result } from "./result.ts";

/** What Claro's clock and ours may differ by. */
export const CLOCKS_DIFFER_MS = 10 * 60_000;

/** One line of what Claro says that it answered. */
export type ReportRow = {
  /** Null where the report does not name it: then it is compared by day and customer. */
  readonly transactionId: string | null;
  readonly occurredAtMs: number;
  readonly date: SaoPauloDate;
  readonly customerId: string;
  /** Claro charges what it delivered, and only that. */
  readonly isCharged: boolean;
};

export const REPORT_COLUMNS = ["transactionId", "occurredAt", "customerId", "status"] as const;

type Separator = "," | ";";

const CELLS: Readonly<Record<Separator, RegExp>> = {
  ",": /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y,
  ";": /(?:"((?:[^"]|"")*)"|([^";]*))(;|$)/y,
};
const TEXT = /^\P{Cc}{0,200}$/u;
const CHARGED = /^(?:2\d\d|delivered|ok|success)$/i;
const NOT_CHARGED = new RegExp(`^(?:[1345]\\d\\d|${OUTCOMES.join("|")})$`, "i");
const instant = z.iso.datetime({ offset: true });

/** Longer than any line of a report. */
export const MOST_LINE_CHARACTERS = 4096;

/** The cells of one line of RFC 4180, or null when it is none. A cell of a report has no line break. */
export function reportCells(line: string, separator: Separator = ","): string[] | null {
  if (line.length > MOST_LINE_CHARACTERS) return null;
  const pattern = CELLS[separator];
  const cells: string[] = [];
  pattern.lastIndex = 0;
  for (;;) {
    const cell = pattern.exec(line);
    if (cell === null) return null;
    const [, quoted, plain = "", ending] = cell;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (ending === "") return cells;
  }
}

/**
 * The lines of one report: CSV with commas or with semicolons, as its first line has them, or JSON, an object a line. A
 * header is in any case of letters and may be missing.
 */
export class ReportLines {
  readonly #period: Period;
  #format: Separator | "json" | null = null;

  constructor(period: Period) {
    this.#period = period;
  }

  /** The row of a line; null for a header and for an empty line. */
  read(line: string): Result<ReportRow | null, Omit<Issue, "path">> {
    if (line.trim() === "") return ok(null);
    if (line.length > MOST_LINE_CHARACTERS) {
      return fail({ code: "line_too_long", params: { most: MOST_LINE_CHARACTERS } });
    }
    const isFirst = this.#format === null;
    this.#format ??= formatOf(line);
    const cells = this.#format === "json" ? jsonCells(line) : reportCells(line, this.#format);
    if (isFirst && cells !== null && isHeader(cells)) return ok(null);
    return parseReportRow(cells, this.#period);
  }
}

function formatOf(line: string): Separator | "json" {
  if (line.trimStart().startsWith("{")) return "json";
  return (reportCells(line, ";")?.length ?? 0) > (reportCells(line, ",")?.length ?? 0) ? ";" : ",";
}

/** The cells of an object whose names are the columns', in any case of letters. */
function jsonCells(line: string): string[] | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    const fields = new Map(
      Object.entries(value).map(([name, field]: [string, unknown]) => [name.toLowerCase(), field]),
    );
    const cells = REPORT_COLUMNS.map((column) => fields.get(column.toLowerCase()) ?? "");
    if (!cells.every((cell) => typeof cell === "string" || typeof cell === "number")) return null;
    return cells.map(String);
  } catch {
    return null;
  }
}

function isHeader(cells: readonly string[]): boolean {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  return names.join(",") === REPORT_COLUMNS.join(",").toLowerCase();
}

/** Reads a line of a period's report, or says what is wrong with it, without what stood there. */
function parseReportRow(cells: readonly string[] | null, period: Period): Result<ReportRow, Omit<Issue, "path">> {
  if (cells === null || cells.length !== REPORT_COLUMNS.length) {
    return fail({ code: "report_cells", params: { count: REPORT_COLUMNS.length } });
  }
  const [transactionId = "", occurredAt = "", customerId = "", status = ""] = cells.map((cell) => cell.trim());
  if (!TEXT.test(transactionId)) return fail({ code: "report_transaction" });
  if (!TEXT.test(customerId) || customerId === "") return fail({ code: "report_customer" });
  if (!instant.safeParse(occurredAt).success) return fail({ code: "report_time" });
  const occurredAtMs = Date.parse(occurredAt);
  // Claro's clock may see the month begin or end some minutes before or after ours.
  if (!isWithin(occurredAtMs, period)) return fail({ code: "report_period", params: { period } });
  const isCharged = CHARGED.test(status);
  if (!isCharged && !NOT_CHARGED.test(status)) return fail({ code: "report_status" });
  const date = saoPauloDate(occurredAtMs);
  return ok({ transactionId: transactionId === "" ? null : transactionId, occurredAtMs, date, customerId, isCharged });
}

function isWithin(ms: number, period: Period): boolean {
  const { startMs, endMs } = periodBounds(period);
  return ms >= startMs - CLOCKS_DIFFER_MS && ms < endMs + CLOCKS_DIFFER_MS;
}
