import { joinBytes } from "./lines.ts";

/** Longer than any line that is read; what is longer is cut here, so that it costs no more than this. */
const MOST_LINE_BYTES = 16_384;

const NEWLINE = 0x0a;

/**
 * The lines of a stream without their ends, in UTF-8 or, where it is not that, in Windows-1252, as spreadsheets save them.
 * A byte order mark is dropped. A line past `MOST_LINE_BYTES` comes as its beginning, which is longer than may be read.
 */
export async function* reportLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  let rest: Uint8Array = new Uint8Array();
  let isSkipping = false;
  for await (const chunk of stream) {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end === -1) {
      if (isSkipping) continue;
      rest = joinBytes(rest, chunk);
      if (rest.byteLength <= MOST_LINE_BYTES) continue;
      yield* linesIn(rest.subarray(0, MOST_LINE_BYTES));
      [rest, isSkipping] = [new Uint8Array(), true];
      continue;
    }
    const begin = isSkipping ? chunk.indexOf(NEWLINE) + 1 : 0;
    isSkipping = false;
    yield* linesIn(joinBytes(rest, chunk.subarray(begin, Math.max(end, begin))));
    rest = chunk.slice(end + 1);
  }
  if (!isSkipping && rest.byteLength > 0) yield* linesIn(rest);
}

function linesIn(bytes: Uint8Array): string[] {
  return decode(bytes)
    .split("\n")
    .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line).slice(0, MOST_LINE_BYTES));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
