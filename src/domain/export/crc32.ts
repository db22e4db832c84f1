const BYTES_AT_ONCE = 4;

/** What each value of the first to the fourth of four bytes adds. */
const TABLES = makeTables();

/** CRC-32 as zip files have it, of bytes that come after those that `before` is of; it begins with 0. */
export function crc32(before: number, bytes: Uint8Array): number {
  const [fourth, third, second, first] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array];
  let crc = ~before;
  let at = 0;
  for (const end = bytes.length - BYTES_AT_ONCE; at <= end; at += BYTES_AT_ONCE) {
    crc ^=
      byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24);
    crc =
      (first[crc & 255] as number) ^
      (second[(crc >>> 8) & 255] as number) ^
      (third[(crc >>> 16) & 255] as number) ^
      (fourth[crc >>> 24] as number);
  }
  for (; at < bytes.length; at += 1) crc = (fourth[(crc ^ byteAt(bytes, at)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function makeTables(): Int32Array[] {
  const single = new Int32Array(256).map((_zero, value) => {
    let crc = value;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xed_b8_83_20 : crc >>> 1;
    return crc;
  });
  const tables = [single];
  while (tables.length < BYTES_AT_ONCE) {
    const before = tables.at(-1) as Int32Array;
    tables.push(before.map((crc) => (single[crc & 255] as number) ^ (crc >>> 8)));
  }
  return tables;
}
