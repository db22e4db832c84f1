import { EVENT_FIELDS, type EventField, OWN_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { type FileEncoder, rowEncoder } from "./file_encoder.ts";
import { fixedColumn, RowWriter, type RowColumn } from "./row_writer.ts";

/** One JSON object a line, ended by a line feed: the format that needs no rule to be read back. */
export function eventsJsonl(): FileEncoder {
  const columns = EVENT_FIELDS.flatMap((field, index) => [
    fixedColumn(`${index === 0 ? "{" : ","}"${field.name}":`),
    jsonColumn(field),
  ]);
  return rowEncoder("", new RowWriter([...columns, fixedColumn("}\n")]));
}

function jsonColumn({ name, type }: EventField & { name: keyof ExportedEvent }): RowColumn {
  const isTime = type === "time" || type === "saoPauloTime";
  return {
    isOwn: OWN_FIELDS.has(name),
    write(out, event, isPlain) {
      const value = event[name];
      if (typeof value !== "string" || !(isPlain || isTime)) return out.putText(JSON.stringify(value));
      out.putText('"');
      out.putText(value);
      out.putText('"');
    },
  };
}
