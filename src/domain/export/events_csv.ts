import { EVENT_FIELDS, OWN_FIELDS } from "../event_fields.ts";
import { CRLF, csvLine, csvText } from "./csv.ts";
import { type FileEncoder, rowEncoder } from "./file_encoder.ts";
import { fixedColumn, type RowColumn, RowWriter } from "./row_writer.ts";

/**
 * RFC 4180 for programs: UTF-8 without a byte order mark, commas, CRLF, money in integer micros, `true` and `false`. Null
 * and the empty text are both an empty cell; text is guarded against formulas, which `unguardedText` undoes.
 */
export function eventsCsv(): FileEncoder {
  const names = csvLine(
    EVENT_FIELDS.map(({ name }) => name),
    ",",
  );
  return rowEncoder(names, new RowWriter(csvColumns()));
}

/** The columns of an event's fields, up to the end of the line. */
export function csvColumns(): RowColumn[] {
  const columns = EVENT_FIELDS.flatMap(({ name, type }, index) => {
    const column: RowColumn = {
      isOwn: OWN_FIELDS.has(name),
      // Only texts can be what others wrote; the rest is in the gateway's own words and has nothing to guard.
      write(out, event, isPlain) {
        const value = event[name];
        if (value !== null) out.putText(type === "text" && !isPlain ? csvText(value) : String(value));
      },
    };
    return index === 0 ? [column] : [fixedColumn(","), column];
  });
  return [...columns, fixedColumn(CRLF)];
}
