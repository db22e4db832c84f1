import { EVENT_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { csvLine, guardedText } from "./csv.ts";
import type { EventEncoder } from "./exported_event.ts";

const NAMES = EVENT_FIELDS.map(({ name }) => name);

/**
 * RFC 4180 for programs: UTF-8 without a byte order mark, commas, CRLF, money in integer micros, `true` and `false`. Null
 * and the empty text are both an empty cell; an apostrophe in front of text is undone as `guardedText` says.
 */
export const eventsCsv: EventEncoder = {
  header: () => csvLine(NAMES, ","),
  line: (event) => csvLine(eventCells(event), ","),
};

/** An event's cells in the order of `EVENT_FIELDS`, text guarded against formulas. */
export function eventCells(event: ExportedEvent): (string | number | boolean)[] {
  return NAMES.map((name) => {
    const value = event[name];
    return typeof value === "number" || typeof value === "boolean" ? value : guardedText(value);
  });
}
