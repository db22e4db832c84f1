export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * JSON with one spelling (RFC 8785): no blanks, keys in UTF-16 order, numbers and strings as `JSON.stringify` writes them.
 * Throws `RangeError` for a number that `isSpelled` does not take.
 */
export function spellCanonically(value: Json, isSpelled: (value: number) => boolean = Number.isFinite): string {
  if (typeof value === "number" && !isSpelled(value)) throw new RangeError(`${value} has no canonical form`);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map((item) => spellCanonically(item, isSpelled)).join(",")}]`;
  const fields = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${spellCanonically(field, isSpelled)}`).join(",")}}`;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
