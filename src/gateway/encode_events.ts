import type { ExportFile } from "../domain/export/export_files.ts";
import { exportedEvent } from "../domain/export/exported_event.ts";
import type { PeriodEvents } from "./open_statement.ts";

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
      yield encoder.rows(page.map((event) => exportedEvent(event, context)));
    }
    yield encoder.footer();
  })();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await chunks.next();
          if (done === true) return controller.close();
          if (value.length > 0) return controller.enqueue(typeof value === "string" ? utf8.encode(value) : value);
        }
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}
