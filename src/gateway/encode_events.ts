import { type EventEncoder, exportedEvent } from "../domain/export/exported_event.ts";
import type { PeriodEvents } from "./open_statement.ts";

/**
 * A period in one format, as a stream that reads the next page only when its reader has taken the one before: memory
 * holds one page, whatever the month's size.
 */
export function encodeEvents(
  { pages, context }: Pick<PeriodEvents, "pages" | "context">,
  encoder: EventEncoder,
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  const texts = (async function* () {
    yield encoder.header();
    for await (const page of pages) {
      yield page.map((event) => encoder.line(exportedEvent(event, context), context)).join("");
    }
    yield encoder.footer?.() ?? "";
  })();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await texts.next();
          if (done === true) return controller.close();
          if (value !== "") return controller.enqueue(utf8.encode(value));
        }
      },
      async cancel() {
        await texts.return();
      },
    },
    { highWaterMark: 0 },
  );
}
