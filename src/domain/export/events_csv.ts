import { EVENT_FIELDS } from "../event_fields.ts";
import { CRLF, csvLine } from "./csv.ts";
import { type FileEncoder, lineEncoder } from "./file_encoder.ts";

/**
 * RFC 4180 for programs: UTF-8 without a byte order mark, commas, CRLF, money in integer micros, `true` and `false`. Null
 * and the empty text are both an empty cell; text is guarded against formulas, which `unguardedText` undoes.
 */
export function eventsCsv(): FileEncoder {
  const names = csvLine(
    EVENT_FIELDS.map(({ name }) => name),
    ",",
  );
  return lineEncoder(names, ({ csvTexts }) => csvTexts.map((text) => text + CRLF));
}
