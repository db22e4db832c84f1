import { EVENT_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { CRLF, csvLine, csvText } from "./csv.ts";
import { type FileEncoder, lineEncoder } from "./exported_event.ts";

const NAMES = EVENT_FIELDS.map(({ name }) => name);

/**
 * RFC 4180 for programs: UTF-8 without a byte order mark, commas, CRLF, money in integer micros, `true` and `false`. Null
 * and the empty text are both an empty cell; text is guarded against formulas, which `unguardedText` undoes.
 */
export function eventsCsv(): FileEncoder {
  return lineEncoder(csvLine(NAMES, ","), (event) => eventText(event) + CRLF);
}

/** An event's cells in the order of `EVENT_FIELDS`, with commas between them. */
export function eventText(event: ExportedEvent): string {
  let text = "";
  for (const name of NAMES) text += text === "" ? csvText(event[name]) : `,${csvText(event[name])}`;
  return text;
}
