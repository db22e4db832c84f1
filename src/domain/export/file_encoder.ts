import type { EventPage } from "./event_page.ts";

/** Part of a file: text, or bytes where the format is no text. */
export type Chunk = string | Uint8Array;

/**
 * One file while it is written: the header, then all events in pages, then the footer. What it holds in memory does not
 * grow with the number of events.
 */
export interface FileEncoder {
  header(): Chunk;
  rows(page: EventPage): Chunk;
  footer(): Chunk;
}

/** The encoder of a format in which every event is one piece of text. */
export function lineEncoder(header: string, linesOf: (page: EventPage) => readonly string[]): FileEncoder {
  return {
    header: () => header,
    rows(page) {
      let text = "";
      for (const line of linesOf(page)) text += line;
      return text;
    },
    footer: () => "",
  };
}
