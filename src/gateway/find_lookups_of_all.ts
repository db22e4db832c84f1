import { searchEventsOfAll, type CopyPlace } from "../platform/event_search.ts";
import type { Services } from "../platform/services.ts";
import { describeEvent, isWanted, MOST_FOUND, type FoundLookup, type LookupSearch } from "./find_lookups.ts";

type SearchOfAll = Omit<LookupSearch, "tenantId" | "modes">;
type Found = { readonly lookups: readonly FoundLookup[]; readonly next: CopyPlace | null };

/** What one call looks into: batches hold up to 500 events each. */
const BATCHES_A_CALL = 200;

/**
 * Lookups of whichever tenant by a request id or a reference, the newest batches first, up to twenty; a bounded piece of
 * the search, to be gone on with. It looks into the copy: what ledgers have not brought to D1, test lookups and archived
 * months are found by their tenant only.
 */
export async function findLookupsOfAll(
  services: Services,
  search: SearchOfAll,
  place: CopyPlace | null,
): Promise<Found> {
  const { column, value, fromMs: sinceMs, toMs } = search;
  const lookups: FoundLookup[] = [];
  let from: CopyPlace = place ?? { beganMs: toMs, endedMs: toMs, tenantId: "", mode: "live", firstSeq: 0, at: -1 };
  const asked = { from, sinceMs, most: BATCHES_A_CALL, mostHits: MOST_FOUND + 1 };
  const batches = await searchEventsOfAll(services.db, { column, value }, asked);
  for (const { place: batch, hits } of batches) {
    for (const [at, event] of hits) {
      if (!isWanted(event, search)) continue;
      if (lookups.length === MOST_FOUND) return { lookups, next: from };
      lookups.push(await describeEvent(services, event));
      from = { ...batch, at };
    }
    // Nothing of it is left over.
    from = { ...batch, at: Number.MAX_SAFE_INTEGER };
  }
  return { lookups, next: batches.length < BATCHES_A_CALL ? null : from };
}
