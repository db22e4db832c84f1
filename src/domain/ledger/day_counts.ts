/**
 * Lookups of the last few days: a clock that goes back over midnight finds its count again. The day that was counted last
 * comes first.
 */
export type DayCounts = readonly { readonly day: string; readonly lookups: number }[];

const MOST_DAYS = 3;

export function lookupsOfDay(counts: DayCounts, day: string): number {
  return counts.find((each) => each.day === day)?.lookups ?? 0;
}

export function countOfDay(counts: DayCounts, day: string): DayCounts {
  const others = counts.filter((each) => each.day !== day);
  const oldest = others.reduce((least, each) => (each.day < least ? each.day : least), others[0]?.day ?? "");
  const kept = others.length < MOST_DAYS ? others : others.filter((each) => each.day !== oldest);
  return [{ day, lookups: lookupsOfDay(counts, day) + 1 }, ...kept];
}

/** A lookup of that day that failed gives its place back. */
export function giveBackOfDay(counts: DayCounts, day: string): DayCounts {
  return counts.map((each) => (each.day === day ? { day, lookups: Math.max(each.lookups - 1, 0) } : each));
}
