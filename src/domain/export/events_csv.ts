import { EVENT_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { type CsvCell, csvLine } from "./csv.ts";
import { type FileEncoder, lineEncoder } from "./exported_event.ts";

const NAMES = EVENT_FIELDS.map(({ name }) => name);

/**
 * RFC 4180 for programs: UTF-8 without a byte order mark, commas, CRLF, money in integer micros, `true` and `false`. Null
 * and the empty text are both an empty cell; text is guarded against formulas, which `unguardedText` undoes.
 */
export function eventsCsv(): FileEncoder {
  return lineEncoder(csvLine(NAMES, ","), (event) => csvLine(eventCells(event), ","));
}

/** An event's values in the order of `EVENT_FIELDS`. */
export function eventCells(event: ExportedEvent): CsvCell[] {
  return NAMES.map((name) => event[name]);
}
