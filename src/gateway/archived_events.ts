import { assertPresent } from "../domain/assert.ts";
import type { ClosedMonth } from "../domain/closed_month.ts";
import { storedRowOf, type ExportedEvent, type StoredEventRow } from "../domain/event_row.ts";
import { EVENTS_FILE } from "../domain/export/export_files.ts";
import type { FileDigest } from "../domain/statement.ts";
import { StoreError } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";
import { manifestOf } from "./read_statement.ts";

export const FILE_START = 0;
/** Some thousand events: as many as one call to a ledger takes. */
const PIECE_BYTES = 2 * 1024 * 1024;

/** The name of a month's events file where R2 does not have it as its manifest says; null where it does. */
export async function wrongEventsFile(services: Services, month: ClosedMonth): Promise<string | null> {
  const found = await services.archive.digest(month.prefix, EVENTS_FILE);
  return found?.sha256 === signedEventsFile(month).sha256 ? null : EVENTS_FILE;
}

/** What a closed month's manifest says of its events file. */
export function signedEventsFile(month: Pick<ClosedMonth, "manifest">): FileDigest {
  const file = manifestOf(month).files.find(({ name }) => name === EVENTS_FILE);
  return assertPresent(file, "a manifest has no events file");
}

/** The events file of a closed month, or a part of it. Throws where R2 does not have it. */
export async function readEventsFile(
  { archive }: Services,
  prefix: string,
  range?: { offset: number; length?: number },
): Promise<ReadableStream> {
  const body = await archive.read(prefix, EVENTS_FILE, range);
  if (body === null) throw new StoreError("a file of a closed statement is not in R2");
  return body;
}

/** The events of a closed month from an offset of its file on, and the offset of the next piece; null at its end. */
export async function archivedRows(
  services: Services,
  month: ClosedMonth,
  offset: number,
): Promise<{ rows: StoredEventRow[]; next: number | null }> {
  const size = signedEventsFile(month).bytes;
  const length = Math.min(PIECE_BYTES, size - offset);
  const body = await readEventsFile(services, month.prefix, { offset, length });
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  const lineFeed = 0x0a;
  const end = bytes.lastIndexOf(lineFeed) + 1;
  if (end === 0) throw new StoreError("a file of a closed statement has a line without an end");
  const lines = new TextDecoder().decode(bytes.subarray(0, end)).trimEnd().split("\n");
  const rows = lines.map((line) => storedRowOf(JSON.parse(line) as ExportedEvent, month.period));
  const next = offset + end;
  return { rows, next: next < size ? next : null };
}
