import { type FileEncoder, lineEncoder } from "./file_encoder.ts";

/** One JSON object a line, ended by a line feed: the format that needs no rule to be read back. */
export function eventsJsonl(): FileEncoder {
  return lineEncoder("", ({ events }) => events.map((event) => `${JSON.stringify(event)}\n`));
}
