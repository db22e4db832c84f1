import { type FileEncoder, lineEncoder } from "./exported_event.ts";

/** One JSON object a line, ended by a line feed: the format that needs no rule to be read back. */
export function eventsJsonl(): FileEncoder {
  return lineEncoder("", (event) => `${JSON.stringify(event)}\n`);
}
