import { z } from "zod";
import type { Issue } from "./issue.ts";
import { OUTCOMES } from "./meter_event.ts";
import { type Period, periodOf, saoPauloDate, type SaoPauloDate } from "./period.ts";
import { fail, ok, type Result } from "./result.ts";

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

const CELL = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
const TEXT = /^\P{Cc}{0,200}$/u;
const CHARGED = /^(?:2\d\d|delivered|ok|success)$/i;
const NOT_CHARGED = new RegExp(`^(?:[1345]\\d\\d|${OUTCOMES.join("|")})$`, "i");
const instant = z.iso.datetime({ offset: true });

/** The cells of one line of RFC 4180, or null when it is none. A cell of a report has no line break. */
export function reportCells(line: string): string[] | null {
  const cells: string[] = [];
  CELL.lastIndex = 0;
  for (;;) {
    const cell = CELL.exec(line);
    if (cell === null) return null;
    const [, quoted, plain = "", separator] = cell;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (separator === "") return cells;
  }
}

export function isReportHeader(cells: readonly string[]): boolean {
  return cells.join(",") === REPORT_COLUMNS.join(",");
}

/** Reads a line of a period's report, or says what is wrong with it, without what stood there. */
export function parseReportRow(
  cells: readonly string[] | null,
  period: Period,
): Result<ReportRow, Omit<Issue, "path">> {
  if (cells === null || cells.length !== REPORT_COLUMNS.length) {
    return fail({ code: "report_cells", params: { count: REPORT_COLUMNS.length } });
  }
  const [transactionId = "", occurredAt = "", customerId = "", status = ""] = cells.map((cell) => cell.trim());
  if (!TEXT.test(transactionId)) return fail({ code: "report_transaction" });
  if (!TEXT.test(customerId) || customerId === "") return fail({ code: "report_customer" });
  if (!instant.safeParse(occurredAt).success) return fail({ code: "report_time" });
  const occurredAtMs = Date.parse(occurredAt);
  if (!isWithin(occurredAtMs, period)) return fail({ code: "report_period", params: { period } });
  const isCharged = CHARGED.test(status);
  if (!isCharged && !NOT_CHARGED.test(status)) return fail({ code: "report_status" });
  const date = saoPauloDate(occurredAtMs);
  return ok({ transactionId: transactionId === "" ? null : transactionId, occurredAtMs, date, customerId, isCharged });
}

function isWithin(ms: number, period: Period): boolean {
  try {
    return periodOf(ms) === period;
  } catch {
    return false;
  }
}
