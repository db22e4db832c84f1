import type { Period } from "./period.ts";
import type { Manifest } from "./statement.ts";

/**
 * That a month of a tenant is closed, and as what. R2 keeps it as `closed.json`, written once and never again: it decides,
 * and D1's row is made from it, the same one however often.
 */
export type ClosedMonth = {
  readonly tenantId: string;
  readonly period: Period;
  readonly closedAtMs: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** What the names of its files in R2 start with. */
  readonly prefix: string;
  /** The text of `manifest.json`, byte for byte. */
  readonly manifest: string;
  readonly manifestSha256: string;
};

/** What a signed manifest says of its month. Throws for an open one. */
export function closedMonthOf(
  manifest: Manifest,
  { text, sha256, prefix }: { text: string; sha256: string; prefix: string },
): ClosedMonth {
  const { tenantId, period, closedAt, seq } = manifest;
  if (closedAt === null) throw new RangeError("the manifest is of an open month");
  return {
    tenantId,
    period,
    closedAtMs: Date.parse(closedAt),
    firstSeq: seq.first,
    lastSeq: seq.last,
    prefix,
    manifest: text,
    manifestSha256: sha256,
  };
}
