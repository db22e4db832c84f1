import { csvLine, guardedText } from "./csv.ts";
import type { EventEncoder, ExportedEvent } from "./exported_event.ts";

/** The fields of an event in the order of every format. */
export const EVENT_FIELDS = [
  "seq",
  "id",
  "occurredAt",
  "occurredAtSaoPaulo",
  "tenantId",
  "keyId",
  "keyLabel",
  "reference",
  "mode",
  "outcome",
  "billed",
  "unitPriceMicros",
  "amountMicros",
  "transactionId",
  "cpfReference",
  "kind",
  "corrects",
] as const satisfies readonly (keyof ExportedEvent)[];

/**
 * RFC 4180 for programs: UTF-8 without a byte order mark, commas, CRLF, money in integer micros, `true` and `false`. Null
 * and the empty text are both an empty cell; an apostrophe in front of text is undone as `guardedText` says.
 */
export const eventsCsv: EventEncoder = {
  header: () => csvLine(EVENT_FIELDS, ","),
  line: (event) => csvLine(eventCells(event), ","),
};

/** An event's cells in the order of `EVENT_FIELDS`, text guarded against formulas. */
export function eventCells(event: ExportedEvent): (string | number | boolean)[] {
  return EVENT_FIELDS.map((field) => {
    const value = event[field];
    return typeof value === "number" || typeof value === "boolean" ? value : guardedText(value);
  });
}
