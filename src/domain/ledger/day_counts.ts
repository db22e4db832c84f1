/** Lookups of a day and of the day before it in the journal: a clock that goes back over midnight finds its count again. */
export type DayCounts = { day: string; lookups: number; otherDay: string; otherLookups: number };

export function noDayCounts(): DayCounts {
  return { day: "", lookups: 0, otherDay: "", otherLookups: 0 };
}

export function lookupsOfDay({ day, lookups, otherDay, otherLookups }: DayCounts, asked: string): number {
  if (asked === day) return lookups;
  return asked === otherDay ? otherLookups : 0;
}

export function countOfDay(counts: DayCounts, asked: string): void {
  if (asked !== counts.day) {
    const lookups = lookupsOfDay(counts, asked);
    counts.otherDay = counts.day;
    counts.otherLookups = counts.lookups;
    counts.day = asked;
    counts.lookups = lookups;
  }
  counts.lookups += 1;
}

/** A lookup of that day that failed gives its place back. */
export function giveBackOfDay(counts: DayCounts, asked: string): void {
  if (asked === counts.day && counts.lookups > 0) counts.lookups -= 1;
  else if (asked === counts.otherDay && counts.otherLookups > 0) counts.otherLookups -= 1;
}
