import { ByteBuffer } from "./byte_buffer.ts";
import type { EventPage } from "./event_page.ts";
import type { RowWriter } from "./row_writer.ts";

/** Part of a file: text, or bytes, which are there until the encoder is asked for more. */
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

/** The encoder of a format in which every event is one row. */
export function rowEncoder(header: string, row: RowWriter): FileEncoder {
  const out = new ByteBuffer();
  return {
    header: () => header,
    rows(page) {
      for (let index = 0; index < page.events.length; index += 1) row.write(out, page, index);
      return out.take();
    },
    footer: () => "",
  };
}
