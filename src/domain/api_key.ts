import type { Mode } from "./meter_event.ts";
import { fail, ok, type Result } from "./result.ts";

/**
 * A tenant's credential, `csg_<mode>_<10>_<26><6>` in base62: the key id, a secret of 154 bits, and a CRC-32 of all that
 * stands before it. The check is public, so that secret scanners and typing errors are told without any I/O; it guards
 * nothing, the secret does. `keyId:clientSecret` is 52 bytes: the seed's curl client cannot send more than 57.
 */
export type ApiKey = {
  readonly keyId: string;
  readonly mode: Mode;
  readonly clientSecret: string;
  readonly text: string;
};

export const SCOPES = ["scores:read", "usage:read", "statements:read"] as const;
export type Scope = (typeof SCOPES)[number];

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WRITTEN_KEY = /^(csg_(live|test)_[0-9A-Za-z]{10})_([0-9A-Za-z]{26})([0-9A-Za-z]{6})$/;
const KEY_ID = /^csg_(?:live|test)_[0-9A-Za-z]{10}$/;
const ID_LENGTH = 10;
const SECRET_LENGTH = 26;
const CHECK_LENGTH = 6;

/** Reads a key and proves its check, without any I/O. */
export function parseApiKey(text: string): Result<ApiKey, "invalid_api_key"> {
  const parts = WRITTEN_KEY.exec(text);
  if (parts === null) return fail("invalid_api_key");
  const [, keyId, mode, secret, check] = parts as unknown as [string, string, Mode, string, string];
  if (check !== checkOf(`${keyId}_${secret}`)) return fail("invalid_api_key");
  return ok({ keyId, mode, clientSecret: `${secret}${check}`, text });
}

/** A new key; `randomBytes(n)` gives n bytes from a cryptographic source. */
export function makeApiKey(mode: Mode, randomBytes: (count: number) => Uint8Array): ApiKey {
  const keyId = `csg_${mode}_${randomBase62(ID_LENGTH, randomBytes)}`;
  const secret = randomBase62(SECRET_LENGTH, randomBytes);
  const clientSecret = `${secret}${checkOf(`${keyId}_${secret}`)}`;
  return { keyId, mode, clientSecret, text: `${keyId}_${clientSecret}` };
}

/** The mode that a key id names, or null for what is no key id. */
export function modeOfKeyId(keyId: string): Mode | null {
  if (!KEY_ID.test(keyId)) return null;
  return keyId.startsWith("csg_live_") ? "live" : "test";
}

function randomBase62(length: number, randomBytes: (count: number) => Uint8Array): string {
  let text = "";
  while (text.length < length) {
    // 248 is the largest multiple of 62 in a byte: what lies above would favour the first characters.
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += BASE62[byte % 62];
  }
  return text;
}

function checkOf(text: string): string {
  let rest = crc32(text);
  let check = "";
  for (let i = 0; i < CHECK_LENGTH; i++) {
    check = `${BASE62[rest % 62]}${check}`;
    rest = Math.floor(rest / 62);
  }
  return check;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function crc32(ascii: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < ascii.length; i++) crc = (CRC_TABLE[(crc ^ ascii.charCodeAt(i)) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
