/** What RFC 9110 says of conditions and ranges, for files that never change and have a strong `ETag`. */
export type ByteRange = { readonly offset: number; readonly length: number };

/** Whether `If-None-Match` names this file; tags are compared weakly. */
export function hasCurrent(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((tag) => [etag, `W/${etag}`, "*"].includes(tag.trim()));
}

/** Whether a range that `If-Range` guards is of this file; tags are compared strongly. Without the header it is. */
export function isSameFile(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}

/** One range that can be served; anything else is answered with the whole file, as RFC 9110 allows. */
export function byteRangeOf(header: string | undefined, size: number): ByteRange | null {
  const [, first = "", last = ""] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  const offset = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  return end > offset ? { offset, length: end - offset } : null;
}
