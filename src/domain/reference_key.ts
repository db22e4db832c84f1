import { parseDate, saoPauloDate, startOfDayMs } from "./period.ts";

/** A year of São Paulo (`2026`), or `v1`, under which references were made before years had keys. */
export type ReferenceKeyName = string;

/** What references were made under before: the secret `CPF_HMAC_SECRET` itself. */
export const FIRST_KEY = "v1";

/**
 * Whose key restricted persons are known by. It does not end: a restriction is in force until somebody ends it. No event has
 * a hash under it.
 */
export const RESTRICTION_KEY = "restrictions";

/** Two readings of two clocks have to be this far apart before a key is destroyed on their word. */
const READINGS_APART_MS = 24 * 3_600_000;

const YEAR = /^\d{4}$/;

/** Whose key a reference is made under that is made now. */
export function referenceKeyAt(ms: number): ReferenceKeyName {
  return saoPauloDate(ms).slice(0, 4);
}

/** The key of the year after. */
export function nextReferenceKey(name: ReferenceKeyName): ReferenceKeyName {
  return String(Number(name) + 1).padStart(4, "0");
}

/**
 * When a key is to be destroyed: `years` after the end of its year in São Paulo. A key was not in use before it was made,
 * so one whose name is older (`v1`, or one that a clock asked for that was wrong) counts as of the year of its making.
 */
export function endOfReferencesMs(
  key: { readonly name: ReferenceKeyName; readonly madeAtMs: number },
  years: number,
): number {
  if (key.name === RESTRICTION_KEY) return Number.POSITIVE_INFINITY;
  const madeIn = Number(referenceKeyAt(key.madeAtMs));
  const year = YEAR.test(key.name) ? Math.max(Number(key.name), madeIn) : madeIn;
  const firstDay = parseDate(`${year + 1 + years}-01-01`);
  // After the year 9999 there is no calendar, and no key that ends.
  return firstDay.ok ? startOfDayMs(firstDay.value) : Number.POSITIVE_INFINITY;
}

/** One look at the time: by the isolate's clock, and by that of the store which has the keys. */
export type Reading = { readonly isolateMs: number; readonly storeMs: number };

/** Whether both clocks said at two times, far enough apart, that the end had come. One wrong clock destroys nothing. */
export function isEndCertain(endMs: number, earlier: Reading, now: Reading): boolean {
  const all = [earlier.isolateMs, earlier.storeMs, now.isolateMs, now.storeMs];
  return all.every((ms) => ms >= endMs) && now.storeMs - earlier.storeMs >= READINGS_APART_MS;
}
