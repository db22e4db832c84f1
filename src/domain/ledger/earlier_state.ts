import type { DayCounts } from "./day_counts.ts";
import type { KeyCounts, LedgerState } from "./state.ts";

/** How checkpoints of schema 2 counted lookups of a day: the first ones of one day, later ones of two. */
type OneDay = { day?: string | undefined; lookupsToday?: number | undefined };
type TwoDays = { day: string; lookups: number; otherDay: string; otherLookups: number };
type EarlierKeyCounts = Omit<KeyCounts, "days"> & OneDay & { days?: DayCounts | TwoDays };
type EarlierState = Omit<LedgerState, "keys" | "testDays"> & {
  keys: Map<string, EarlierKeyCounts>;
  testDay?: string;
  testLookups?: number;
  testDays?: DayCounts | TwoDays;
};

/** A state of any schema with a journal, as the present one has it. */
export function fromEarlierState(state: Partial<EarlierState>): Partial<LedgerState> {
  const { keys, testDay, testLookups, testDays, ...others } = state;
  return {
    ...others,
    testDays: dayCounts(testDays, { day: testDay, lookupsToday: testLookups }),
    keys: new Map([...(keys ?? [])].map(([keyId, counts]) => [keyId, fromEarlierCounts(counts)])),
  };
}

function fromEarlierCounts({ day, lookupsToday, days, ...others }: EarlierKeyCounts): KeyCounts {
  return { days: dayCounts(days, { day, lookupsToday }), ...others };
}

function dayCounts(days: DayCounts | TwoDays | undefined, { day = "", lookupsToday = 0 }: OneDay): DayCounts {
  if (days === undefined) return lookupsToday === 0 ? [] : [{ day, lookups: lookupsToday }];
  if (!("otherDay" in days)) return days;
  const both = [
    { day: days.day, lookups: days.lookups },
    { day: days.otherDay, lookups: days.otherLookups },
  ];
  return both.filter((each) => each.day !== "");
}
