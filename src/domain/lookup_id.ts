/**
 * A lookup's id: `lkp_` and a UUID version 7 (RFC 9562), whose first 48 bits are the instant at which the lookup began.
 * So an event is found at any age by its id alone.
 */
const UUID_V7 = /^lkp_([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A new id. Throws `RangeError` for an instant that 48 bits do not hold. */
export function newLookupId(nowMs: number, random: Uint8Array): string {
  if (!Number.isSafeInteger(nowMs) || nowMs < 0 || nowMs >= 2 ** 48) throw new RangeError("no instant of a UUID");
  const time = nowMs.toString(16).padStart(12, "0");
  const bytes = [...random.subarray(0, 10)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (bytes.length !== 20) throw new RangeError("a UUID takes ten random bytes");
  const variant = ((Number.parseInt(bytes.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `lkp_${time.slice(0, 8)}-${time.slice(8)}-7${bytes.slice(0, 3)}-${variant}${bytes.slice(4, 7)}-${bytes.slice(7, 19)}`;
}

/** When the lookup of this id began, by its caller's clock; null for an id of before, which does not tell. */
export function uuidTimeMs(lookupId: string): number | null {
  const match = UUID_V7.exec(lookupId);
  return match === null ? null : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
