const BYTES_AT_ONCE = 8;

/** What each value of the first to the last of eight bytes adds. */
const [T7, T6, T5, T4, T3, T2, T1, T0] = makeTables();

/** CRC-32 as zip files and API keys have it, of bytes that come after those that `before` is of; it begins with 0. */
export function crc32(before: number, bytes: Uint8Array): number {
  let crc = ~before;
  let at = 0;
  for (const end = bytes.length - BYTES_AT_ONCE; at <= end; at += BYTES_AT_ONCE) {
    crc =
      (T0[(crc ^ byteAt(bytes, at)) & 255] as number) ^
      (T1[((crc >>> 8) ^ byteAt(bytes, at + 1)) & 255] as number) ^
      (T2[((crc >>> 16) ^ byteAt(bytes, at + 2)) & 255] as number) ^
      (T3[(crc >>> 24) ^ byteAt(bytes, at + 3)] as number) ^
      (T4[byteAt(bytes, at + 4)] as number) ^
      (T5[byteAt(bytes, at + 5)] as number) ^
      (T6[byteAt(bytes, at + 6)] as number) ^
      (T7[byteAt(bytes, at + 7)] as number);
  }
  for (; at < bytes.length; at += 1) crc = (T7[(crc ^ byteAt(bytes, at)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

type Tables = [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function makeTables(): Tables {
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
  return tables as Tables;
}
