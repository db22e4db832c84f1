import { EventPage } from "../domain/export/event_page.ts";
import type { ExportFile } from "../domain/export/export_files.ts";
import { type ExportContext, exportedEvent } from "../domain/export/exported_event.ts";
import type { MeterEvent } from "../domain/meter_event.ts";
import type { PeriodEvents } from "./open_statement.ts";

/** What is encoded at once. The texts of more are large objects of their own, which the runtime takes back late. */
const EVENTS_AT_ONCE = 200;

/** Events as they leave the gateway, a few at a time. */
export function* exportedPages(
  events: readonly MeterEvent[],
  context: ExportContext,
): Generator<EventPage, void, void> {
  for (let start = 0; start < events.length; start += EVENTS_AT_ONCE) {
    const some = events.slice(start, start + EVENTS_AT_ONCE);
    yield new EventPage(some.map((event) => exportedEvent(event, context)));
  }
}

/**
 * A period in one format, as a stream that reads the next page only when its reader has taken the one before: memory
 * holds one page, whatever the month's size.
 */
export function encodeEvents(
  { pages, context }: Pick<PeriodEvents, "pages" | "context">,
  file: ExportFile,
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  const encoder = file.encode(context);
  const chunks = (async function* () {
    yield encoder.header();
    for await (const page of pages) {
      for (const exported of exportedPages(page, context)) yield encoder.rows(exported);
    }
    yield encoder.footer();
  })();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await chunks.next();
          if (done === true) return controller.close();
          // The encoder's own bytes are written over by its next ones.
          if (value.length > 0)
            return controller.enqueue(typeof value === "string" ? utf8.encode(value) : value.slice());
        }
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}
