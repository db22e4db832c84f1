import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { EventPage } from "../../../src/domain/export/event_page.ts";
import { eventosXlsx } from "../../../src/domain/export/eventos_xlsx.ts";
import { CONTEXT, exported, SAMPLE_EVENTS } from "./samples.ts";

test("two hundred thousand rows are written in pieces of a size that does not grow", () => {
  const PAGE = 2000;
  const [event] = exported(SAMPLE_EVENTS);
  const encoder = eventosXlsx(CONTEXT);
  let bytes = encoder.header().length;
  const sizes: number[] = [];
  const heaps: number[] = [];
  for (let seq = 1; seq <= 200_000; seq += PAGE) {
    const page = Array.from({ length: PAGE }, (_, index) => ({
      ...(event as NonNullable<typeof event>),
      seq: seq + index,
      reference: `pedido ${seq + index}`,
      requestId: `req-${(seq + index) * 7919}`,
    }));
    const { length } = encoder.rows(new EventPage(page));
    sizes.push(length);
    bytes += length;
    if (seq % (PAGE * 20) === 1) heaps.push(heapMegabytes());
  }
  const last = encoder.footer();
  expect(sizes).toHaveLength(100);
  expect(Math.max(...sizes)).toBeLessThan(3 * (bytes / sizes.length));
  expect(last.length).toBeLessThan(1_000_000);
  expect(Math.max(...heaps) - Math.min(...heaps)).toBeLessThan(32);
}, 120_000);

/** After what can be taken back has been. */
function heapMegabytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed / 1e6;
}
