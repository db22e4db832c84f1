import { crc32 } from "./crc32.ts";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK_LENGTH = 6;

/** Gives so many bytes from a cryptographic source. */
export type RandomBytes = (count: number) => Uint8Array;

/** Characters that are equally likely. */
export function randomBase62(length: number, randomBytes: RandomBytes): string {
  let text = "";
  while (text.length < length) {
    // 248 is the largest multiple of 62 in a byte: what lies above would favour the first characters.
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += BASE62[byte % 62];
  }
  return text;
}

/** A CRC-32 in base62: it tells typing errors and secret scanners, without any I/O, and guards nothing. */
export function checkOf(text: string): string {
  let rest = crc32(0, new TextEncoder().encode(text));
  let check = "";
  for (let i = 0; i < CHECK_LENGTH; i++) {
    check = `${BASE62[rest % 62]}${check}`;
    rest = Math.floor(rest / 62);
  }
  return check;
}
