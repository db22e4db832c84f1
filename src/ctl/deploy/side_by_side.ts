import type { Release } from "./release.ts";

/** A version as far as another has to work beside it. */
export type Sides = { readonly release: Release | null; readonly classNames: readonly string[] };

/**
 * Why two versions must not answer side by side, nor the older one follow the newer. Empty when they may. `replacing`
 * are the migrations between them that remove what the older one uses.
 */
export function reasonsApart(
  older: Sides,
  newer: Sides,
  { replacing }: { replacing: readonly string[] },
): readonly string[] {
  if (older.release === null || newer.release === null) {
    return ["one of the two does not say which schema its ledgers have: it was not deployed by this command"];
  }
  const reasons: string[] = [];
  const [from, to] = [older.release.ledgerSchema, newer.release.ledgerSchema];
  if (from !== to) {
    reasons.push(
      `the ledgers' schema is ${from} in one and ${to} in the other: what one has written, the other cannot read`,
    );
  }
  const added = newer.classNames.filter((name) => !older.classNames.includes(name));
  const removed = older.classNames.filter((name) => !newer.classNames.includes(name));
  if (added.length > 0) reasons.push(`the newer one has other classes of objects: ${added.join(", ")} came`);
  if (removed.length > 0) reasons.push(`the newer one has other classes of objects: ${removed.join(", ")} went`);
  if (replacing.length > 0) reasons.push(`D1's schema changes under the older one: ${replacing.join(", ")}`);
  return reasons;
}
