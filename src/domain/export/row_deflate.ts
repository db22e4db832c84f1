import type { AsyncFlateStreamHandler, ZipInputFile } from "fflate";
import { crc32 } from "../crc32.ts";
import { DeflateBits } from "./deflate_bits.ts";

const FIRST_BYTES = 64 * 1024;
/** As far back as the format can point. */
const MOST_DISTANCE = 32_768;
/** What a match is worth writing for. */
const LEAST_MATCH = 4;
const TAG_START = 60;
/** The letters of `<c` and `<row`. */
const CELL = 99;
const ROW = 114;

/**
 * A worksheet in a zip file. Looking for repetitions wherever they may be took most of the time that a large month takes
 * to close. Here every row is like the one above it, so each cell is compared with the cell above and with nothing else.
 * The same rows give the same bytes, wherever they are written.
 */
export class RowDeflate implements ZipInputFile {
  readonly filename: string;
  readonly mtime: Date;
  /** The zip format's number for DEFLATE. */
  readonly compression = 8;
  size = 0;
  crc = 0;
  ondata?: AsyncFlateStreamHandler;
  readonly #bits = new DeflateBits();
  /** The last row, and behind it what is being written. */
  #bytes = new Uint8Array(FIRST_BYTES);
  #lastRowBytes = 0;

  constructor(filename: string, mtime: Date) {
    this.filename = filename;
    this.mtime = mtime;
  }

  /** Takes what comes before the rows or after them, or whole rows with as many cells in each. */
  push(xml: Uint8Array, isLast = false): void {
    const start = this.#lastRowBytes;
    const written = xml.length;
    this.#reserve(start + written);
    this.#bytes.set(xml, start);
    const bytes = this.#bytes.subarray(0, start + written);
    this.crc = crc32(this.crc, xml);
    this.size += written;
    this.#bits.reserve(written);
    writeBelow(this.#bits, bytes, start);
    if (isLast) this.#bits.finish();
    this.#keepLastRow(bytes);
    this.ondata?.(null, this.#bits.take(), isLast);
  }

  #keepLastRow(bytes: Uint8Array): void {
    let start = bytes.length - 1;
    while (start > 0 && !(bytes[start] === TAG_START && bytes[start + 1] === ROW)) start -= 1;
    this.#bytes.copyWithin(0, start, bytes.length);
    this.#lastRowBytes = bytes.length - start;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.byteLength) return;
    const before = this.#bytes;
    this.#bytes = new Uint8Array(2 * length);
    this.#bytes.set(before.subarray(0, this.#lastRowBytes));
  }
}

/**
 * Writes the bytes from `start` on beside those of the row above, which begins at 0 and ends where the next one begins:
 * what is the same is a match, what differs is written byte by byte up to the next tag, where the two are compared again.
 */
function writeBelow(out: DeflateBits, bytes: Uint8Array, start: number): void {
  let at = start;
  let above = 0;
  while (at < bytes.length) {
    const from = at;
    const rowFrom = above;
    const matched = at - above <= MOST_DISTANCE ? sameBytes(bytes, at, above) : 0;
    at += matched;
    above += matched;
    if (matched >= LEAST_MATCH) out.putMatch(matched, at - above);
    else for (let byte = from; byte < at; byte += 1) out.putByte(bytes[byte] as number);
    let next = nextTag(bytes, at);
    above = nextTag(bytes, above);
    // Another kind of cell than above: the two meet again at the next one.
    if (bytes[next + 1] !== bytes[above + 1]) [next, above] = [nextCell(bytes, next), nextCell(bytes, above)];
    if (next === from && above === rowFrom) next += 1;
    for (; at < next; at += 1) out.putByte(bytes[at] as number);
  }
}

/** How many bytes from one place on are the same as those from an earlier one. */
function sameBytes(bytes: Uint8Array, later: number, earlier: number): number {
  if (earlier >= later) return 0;
  const most = bytes.length - later;
  let same = 0;
  while (same < most && bytes[later + same] === bytes[earlier + same]) same += 1;
  return same;
}

function nextTag(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== TAG_START) at += 1;
  return at;
}

/** Where the next cell or row begins. */
function nextCell(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && !(bytes[at] === TAG_START && (bytes[at + 1] === CELL || bytes[at + 1] === ROW))) at += 1;
  return at;
}
