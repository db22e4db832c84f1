import { EventPage } from "../../../src/domain/export/event_page.ts";
import { EXPORT_FILES, type ExportFile } from "../../../src/domain/export/export_files.ts";
import { unguardedText } from "../../../src/domain/export/guarded_text.ts";
import type { ExportedEvent } from "../../../src/domain/event_row.ts";
import type { ExportContext } from "../../../src/domain/export/exported_event.ts";
import { CONTEXT } from "./samples.ts";

/** A whole file, made from pages as a month is. */
export function fileBytes(
  name: string,
  events: readonly ExportedEvent[],
  { context = CONTEXT, page = 10 }: { context?: ExportContext; page?: number } = {},
): Buffer {
  const encoder = fileNamed(name).encode(context);
  // Copied at once: an encoder writes over what it gave before.
  const chunks = [Buffer.from(encoder.header())];
  for (let at = 0; at < events.length; at += page) {
    chunks.push(Buffer.from(encoder.rows(new EventPage(events.slice(at, at + page)))));
  }
  return Buffer.concat([...chunks, Buffer.from(encoder.footer())]);
}

function fileNamed(name: string): ExportFile {
  const file = EXPORT_FILES.find((candidate) => candidate.name === name);
  if (file === undefined) throw new Error(`no file ${name}`);
  return file;
}

/** RFC 4180, strictly: every line ends with CRLF (or what is asked for), a quote stands only around a cell or twice in one. */
export function readCsv(text: string, separator: string, { lineEnd = "\r\n" } = {}): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += 1) {
        if (at >= text.length) throw new Error("a quote never ends");
        if (text[at] === '"') at += 1;
        cell += text[at];
      }
      at += 1;
    } else {
      while (at < text.length && text[at] !== separator && !text.startsWith(lineEnd, at)) {
        if (/["\r\n]/.test(text[at] ?? "")) throw new Error(`a bare ${JSON.stringify(text[at])} in a cell`);
        cell += text[at];
        at += 1;
      }
    }
    row.push(cell);
    if (text[at] === separator) at += 1;
    else if (text.startsWith(lineEnd, at)) {
      rows.push(row);
      row = [];
      at += lineEnd.length;
    } else throw new Error(`no separator and no line end at ${at}`);
  }
  if (row.length > 0) throw new Error("the last line has no end");
  return rows;
}

/** The fields in the contract's order, written from it and not from the code. */
export const FIELD_NAMES = (
  "seq id occurredAt occurredAtSaoPaulo admittedAt admitMs tenantId keyId keyLabel reference customerId mode outcome " +
  "failureCode upstreamStatus billed units unitPriceMicros amountMicros priceVersion transactionId cpfReference purpose " +
  "legalBasis consentId requestedBy requestId claroMs kind corrects"
).split(" ");
const NUMBERS = "seq admitMs upstreamStatus units unitPriceMicros amountMicros priceVersion claroMs".split(" ");

/** Events from the rows of `events.csv`, or from the custom columns of `focus.csv`; the header is the first row. */
export function eventsOfRows([header = [], ...rows]: readonly string[][]): ExportedEvent[] {
  const names = header.map((name) => name.replace(/^x_(.)/, (_, first: string) => first.toLowerCase()));
  if (names.join() !== FIELD_NAMES.join()) throw new Error(`other columns: ${names.join()}`);
  return rows.map(
    (cells) =>
      Object.fromEntries(names.map((name, index) => [name, valueOf(name, cells[index] ?? "")])) as ExportedEvent,
  );
}

function valueOf(name: string, cell: string): string | number | boolean | null {
  if (name === "billed") return cell === "true";
  if (NUMBERS.includes(name)) return cell === "" ? null : Number(cell);
  return nullable(unguardedText(cell));
}

/** Independent of the code under test: decimal digits moved by hand. */
export function microsOfReais(text: string): number {
  const [whole = "", places = ""] = text.replace(",", ".").split(".");
  const micros = Number(whole.replace("-", "") + places.padEnd(6, "0"));
  return text.startsWith("-") ? -micros : micros;
}

function nullable(text: string): string | null {
  return text === "" ? null : text;
}
