import { unguardedText } from "../../../src/domain/export/csv.ts";
import type { EventEncoder, ExportedEvent } from "../../../src/domain/export/exported_event.ts";
import { CONTEXT } from "./samples.ts";

/** The whole text of one format. */
export function encodeAll(encoder: EventEncoder, events: readonly ExportedEvent[]): string {
  const lines = events.map((event) => encoder.line(event, CONTEXT)).join("");
  return encoder.header() + lines + (encoder.footer?.() ?? "");
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

/** Events from the seventeen cells of `events.csv`, or of the custom columns of `focus.csv`. */
export function eventOfCells(cells: readonly string[]): ExportedEvent {
  const text = (index: number) => nullable(unguardedText(cells[index] ?? ""));
  return {
    ...eventOfTexts(text),
    billed: cells[10] === "true",
    unitPriceMicros: cells[11] === "" ? null : Number(cells[11]),
    amountMicros: Number(cells[12]),
  };
}

/** Events from the cells of `events.pt-br.csv`. */
export function eventOfPtbrCells(cells: readonly string[]): ExportedEvent {
  const text = (index: number) => nullable(unguardedText(cells[index] ?? ""));
  return {
    ...eventOfTexts(text),
    billed: cells[10] === "sim",
    unitPriceMicros: cells[11] === "" ? null : microsOfReais(cells[11] ?? ""),
    amountMicros: microsOfReais(cells[12] ?? ""),
  };
}

/** Independent of the code under test: decimal digits moved by hand. */
export function microsOfReais(text: string): number {
  const [whole = "", places = ""] = text.replace(",", ".").split(".");
  const micros = Number(whole.replace("-", "") + places.padEnd(6, "0"));
  return text.startsWith("-") ? -micros : micros;
}

function eventOfTexts(text: (index: number) => string | null): ExportedEvent {
  return {
    seq: Number(text(0)),
    id: text(1),
    occurredAt: text(2),
    occurredAtSaoPaulo: text(3),
    tenantId: text(4),
    keyId: text(5),
    keyLabel: text(6),
    reference: text(7),
    mode: text(8),
    outcome: text(9),
    billed: false,
    unitPriceMicros: null,
    amountMicros: 0,
    transactionId: text(13),
    cpfReference: text(14),
    kind: text(15),
    corrects: text(16),
  } as ExportedEvent;
}

function nullable(text: string): string | null {
  return text === "" ? null : text;
}
