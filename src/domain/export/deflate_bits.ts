const SHORTEST_MATCH = 3;
const LONGEST_MATCH = 258;
/** The most that a byte takes. */
const BITS_OF_BYTE = 9;
const END_OF_BLOCK = 256;

/** The symbol of each length, its code and the bits after it together, and how many bits that is. */
const LENGTHS = makeLengths();
const LENGTH_BITS = LENGTHS.map(({ bits }) => bits);
const LENGTH_COUNTS = LENGTHS.map(({ count }) => count);
const BYTE_BITS = Array.from({ length: 256 }, (_, byte) => codeOf(byte).bits);
const DISTANCE_BITS = Array.from({ length: 30 }, (_, symbol) => reversed(symbol, 5));
const BYTE_COUNTS = Array.from({ length: 256 }, (_, byte) => codeOf(byte).count);

type Bits = { readonly bits: number; readonly count: number };

/** Writes one block of DEFLATE with its fixed codes (RFC 1951, 3.2.6): bytes, and matches with what came before. */
export class DeflateBits {
  #out = new Uint8Array(0);
  #length = 0;
  #bits = 0;
  #count = 0;

  constructor() {
    // The last block, and the only one, with fixed codes.
    this.reserve(0);
    this.#put(0b011, 3);
  }

  /** Makes room for what so many bytes come to at most, and for the block's end. */
  reserve(bytes: number): void {
    const needed = this.#length + Math.ceil((bytes * BITS_OF_BYTE) / 8) + 8;
    if (needed <= this.#out.byteLength) return;
    const before = this.#out;
    this.#out = new Uint8Array(2 * needed);
    this.#out.set(before.subarray(0, this.#length));
  }

  putByte(byte: number): void {
    this.#put(BYTE_BITS[byte] as number, BYTE_COUNTS[byte] as number);
  }

  /** What stands `distance` bytes before, again, for `length` bytes: three at least. */
  putMatch(length: number, distance: number): void {
    // Never so many that less than the shortest match is left.
    for (let left = length; left > 0;) {
      const part = left <= LONGEST_MATCH ? left : Math.min(LONGEST_MATCH, left - SHORTEST_MATCH);
      this.#put(LENGTH_BITS[part] as number, LENGTH_COUNTS[part] as number);
      this.#putDistance(distance);
      left -= part;
    }
  }

  /** Ends the block. */
  finish(): void {
    const { bits, count } = codeOf(END_OF_BLOCK);
    this.#put(bits, count);
    this.#put(0, 7);
    this.#count = 0;
  }

  /** What is ready. */
  take(): Uint8Array<ArrayBuffer> {
    const ready = this.#out.slice(0, this.#length);
    this.#length = 0;
    return ready;
  }

  #putDistance(distance: number): void {
    const rest = distance - 1;
    if (rest < 2) return this.#put(DISTANCE_BITS[rest] as number, 5);
    const extra = 30 - Math.clz32(rest);
    const symbol = 2 * (extra + 1) + ((rest >>> extra) & 1);
    const bits = DISTANCE_BITS[symbol] as number;
    this.#put(bits | ((rest & ((1 << extra) - 1)) << 5), 5 + extra);
  }

  #put(bits: number, count: number): void {
    let waiting = this.#bits | (bits << this.#count);
    let waitingCount = this.#count + count;
    for (; waitingCount >= 8; waitingCount -= 8) {
      this.#out[this.#length] = waiting;
      this.#length += 1;
      waiting >>>= 8;
    }
    this.#bits = waiting;
    this.#count = waitingCount;
  }
}

/** The fixed code of a byte, the block's end or a length's symbol. */
function codeOf(symbol: number): Bits {
  if (symbol < 144) return { bits: reversed(0b0011_0000 + symbol, 8), count: 8 };
  if (symbol < 256) return { bits: reversed(0b1_1001_0000 + symbol - 144, 9), count: 9 };
  if (symbol < 280) return { bits: reversed(symbol - 256, 7), count: 7 };
  return { bits: reversed(0b1100_0000 + symbol - 280, 8), count: 8 };
}

/** By length. Eight lengths have a symbol each; then four symbols each share lengths that one more bit tells apart. */
function makeLengths(): Bits[] {
  const none = { bits: 0, count: 0 };
  const lengths: Bits[] = Array.from({ length: SHORTEST_MATCH }, () => none);
  for (let symbol = 257; symbol < 285; symbol += 1) {
    const extra = symbol < 265 ? 0 : Math.floor((symbol - 261) / 4);
    const { bits, count } = codeOf(symbol);
    for (let rest = 0; rest < 1 << extra; rest += 1) {
      lengths.push({ bits: bits | (rest << count), count: count + extra });
    }
  }
  // The longest has a symbol of its own.
  lengths[LONGEST_MATCH] = codeOf(285);
  return lengths;
}

/** Huffman codes are written from their first bit on, everything else from its last. */
function reversed(code: number, count: number): number {
  let bits = 0;
  for (let bit = 0; bit < count; bit += 1) bits |= ((code >>> bit) & 1) << (count - 1 - bit);
  return bits;
}
