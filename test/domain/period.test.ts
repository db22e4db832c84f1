import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addMonths,
  formatSaoPaulo,
  formatUtc,
  nextPeriod,
  parseDate,
  parsePeriod,
  type Period,
  periodBounds,
  periodOf,
  previousPeriod,
  saoPauloDate,
  type SaoPauloDate,
  startOfDayMs,
  startOfNextDayMs,
} from "../../src/domain/period.ts";

const HOUR_MS = 3_600_000;

function period(text: string): Period {
  const parsed = parsePeriod(text);
  if (!parsed.ok) throw new Error(`not a period: ${text}`);
  return parsed.value;
}

function date(text: string): SaoPauloDate {
  const parsed = parseDate(text);
  if (!parsed.ok) throw new Error(`not a date: ${text}`);
  return parsed.value;
}

/** UTC instants at which São Paulo's clocks changed, 2015 to 2019, and the offset from then on: the law, not Intl. */
const CHANGES: readonly [atMs: number, offsetHours: number][] = [
  [Date.parse("2015-02-22T02:00:00Z"), -3],
  [Date.parse("2015-10-18T03:00:00Z"), -2],
  [Date.parse("2016-02-21T02:00:00Z"), -3],
  [Date.parse("2016-10-16T03:00:00Z"), -2],
  [Date.parse("2017-02-19T02:00:00Z"), -3],
  [Date.parse("2017-10-15T03:00:00Z"), -2],
  [Date.parse("2018-02-18T02:00:00Z"), -3],
  [Date.parse("2018-11-04T03:00:00Z"), -2],
  [Date.parse("2019-02-17T02:00:00Z"), -3],
];
const MODEL_START_MS = Date.parse("2015-03-01T00:00:00Z");
const MODEL_END_MS = Date.parse("2031-01-01T00:00:00Z");
const instants = fc.oneof(
  fc.integer({ min: MODEL_START_MS, max: MODEL_END_MS }),
  fc
    .tuple(fc.constantFrom(...CHANGES.slice(1)), fc.integer({ min: -26 * HOUR_MS, max: 26 * HOUR_MS }))
    .map(([[atMs], distanceMs]) => atMs + distanceMs),
);

function modelOffsetHours(ms: number): number {
  return CHANGES.findLast(([atMs]) => atMs <= ms)?.[1] ?? Number.NaN;
}

function modelWall(ms: number): string {
  return new Date(ms + modelOffsetHours(ms) * HOUR_MS).toISOString();
}

describe("periods and days", () => {
  test.each([
    ["2026-11", true],
    ["1970-01", true],
    ["9999-12", true],
    ["2026-00", false],
    ["2026-13", false],
    ["2026-1", false],
    ["1969-12", false],
    ["0026-11", false],
    ["2026-11 ", false],
    ["2026-11\n", false],
    ["2026-11-01", false],
  ])("parsePeriod(%j) is accepted: %s", (text, accepted) => {
    expect(parsePeriod(text).ok).toBe(accepted);
  });

  test.each([
    ["2028-02-29", true],
    ["2026-02-29", false],
    ["2000-02-29", true],
    ["2100-02-29", false],
    ["2026-04-31", false],
    ["2026-12-31", true],
    ["2026-12-00", false],
    ["2026-12-32", false],
    ["2026-12-1", false],
    ["2026-12-01T00:00:00Z", false],
  ])("parseDate(%j) is accepted: %s", (text, accepted) => {
    expect(parseDate(text).ok).toBe(accepted);
  });

  test.each([
    ["2026-11", "2026-11-01T03:00:00.000Z", "2026-12-01T03:00:00.000Z"],
    ["2018-10", "2018-10-01T03:00:00.000Z", "2018-11-01T03:00:00.000Z"],
    ["2018-11", "2018-11-01T03:00:00.000Z", "2018-12-01T02:00:00.000Z"],
    ["2019-02", "2019-02-01T02:00:00.000Z", "2019-03-01T03:00:00.000Z"],
    ["2028-02", "2028-02-01T03:00:00.000Z", "2028-03-01T03:00:00.000Z"],
  ])("%s runs from %s to %s, to the millisecond", (name, start, end) => {
    const { startMs, endMs } = periodBounds(period(name));
    expect([new Date(startMs).toISOString(), new Date(endMs).toISOString()]).toEqual([start, end]);
    expect(periodOf(startMs - 1)).toBe(previousPeriod(period(name)));
    expect(periodOf(startMs)).toBe(name);
    expect(periodOf(endMs - 1)).toBe(name);
    expect(periodOf(endMs)).toBe(nextPeriod(period(name)));
  });

  test.each([
    ["2026-11-23", "2026-11-23T03:00:00.000Z", 24],
    ["2018-11-03", "2018-11-03T03:00:00.000Z", 24],
    ["2018-11-04", "2018-11-04T03:00:00.000Z", 23],
    ["2018-02-17", "2018-02-17T02:00:00.000Z", 25],
    ["2018-02-18", "2018-02-18T03:00:00.000Z", 24],
    ["2028-02-29", "2028-02-29T03:00:00.000Z", 24],
  ])("%s starts at %s and has %i hours", (text, start, hours) => {
    const day = date(text);
    const startMs = startOfDayMs(day);
    const endMs = startOfNextDayMs(day);
    expect(new Date(startMs).toISOString()).toBe(start);
    expect(endMs - startMs).toBe(hours * HOUR_MS);
    expect([startMs - 1, startMs, endMs - 1, endMs].map((ms) => saoPauloDate(ms) === day)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test("the years turn over, and their ends are refused", () => {
    expect(nextPeriod(period("2026-12"))).toBe("2027-01");
    expect(previousPeriod(period("2026-01"))).toBe("2025-12");
    expect(() => nextPeriod(period("9999-12"))).toThrow(RangeError);
    expect(() => previousPeriod(period("1970-01"))).toThrow(RangeError);
    const { startMs } = periodBounds(period("1970-01"));
    const { endMs } = periodBounds(period("9999-12"));
    expect(periodOf(startMs)).toBe("1970-01");
    expect(periodOf(endMs - 1)).toBe("9999-12");
    for (const outside of [startMs - 1, endMs, -1e14, Number.NaN]) expect(() => periodOf(outside)).toThrow(RangeError);
  });
});

test("formatUtc is toISOString, day by day and to and fro", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -1e12, max: 2e14 }), { minLength: 1, maxLength: 5 }),
      fc.nat(86_400_000),
      (days, rest) => {
        for (const ms of days.flatMap((day) => [day, day + 1, day - (day % 86_400_000), day + rest])) {
          expect(formatUtc(ms)).toBe(new Date(ms).toISOString());
        }
      },
    ),
  );
});

describe("formatSaoPaulo", () => {
  test.each([
    ["2026-11-23T15:00:00.000Z", "2026-11-23T12:00:00.000-03:00"],
    ["2018-11-04T02:59:59.999Z", "2018-11-03T23:59:59.999-03:00"],
    ["2018-11-04T03:00:00.000Z", "2018-11-04T01:00:00.000-02:00"],
    ["2018-02-18T01:59:59.999Z", "2018-02-17T23:59:59.999-02:00"],
    ["2018-02-18T02:00:00.000Z", "2018-02-17T23:00:00.000-03:00"],
  ])("%s is %s", (utc, local) => {
    expect(formatSaoPaulo(Date.parse(utc))).toBe(local);
  });
});

describe("addMonths", () => {
  test.each([
    ["2026-11-30T12:34:56.789-03:00", 3, "2027-02-28T12:34:56.789-03:00"],
    ["2027-11-30T23:59:59.999-03:00", 3, "2028-02-29T23:59:59.999-03:00"],
    ["2026-10-31T00:00:00.000-03:00", 1, "2026-11-30T00:00:00.000-03:00"],
    ["2026-01-15T08:00:00.000-03:00", 0, "2026-01-15T08:00:00.000-03:00"],
    ["2026-03-31T08:00:00.000-03:00", -1, "2026-02-28T08:00:00.000-03:00"],
    ["2026-11-30T21:30:00.000-03:00", 14, "2028-01-30T21:30:00.000-03:00"],
    // Into and out of summer time the wall clock stays.
    ["2018-08-15T10:00:00.000-03:00", 3, "2018-11-15T10:00:00.000-02:00"],
    ["2018-12-15T10:00:00.000-02:00", 3, "2019-03-15T10:00:00.000-03:00"],
    // 00:30 did not exist on 4 November 2018.
    ["2018-08-04T00:30:00.000-03:00", 3, "2018-11-04T01:30:00.000-02:00"],
    // 23:30 came twice on 17 February 2018.
    ["2017-11-17T23:30:00.000-02:00", 3, "2018-02-17T23:30:00.000-02:00"],
  ])("%s and %i months is %s", (from, months, to) => {
    expect(formatSaoPaulo(addMonths(Date.parse(from), months))).toBe(to);
  });
});

describe("against the dates of the law", () => {
  test("day, period, offset and the day's bounds agree with a plain model", () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const wall = modelWall(ms);
        const hours = modelOffsetHours(ms);
        expect(saoPauloDate(ms)).toBe(wall.slice(0, 10));
        expect(periodOf(ms)).toBe(wall.slice(0, 7));
        expect(formatSaoPaulo(ms)).toBe(`${wall.slice(0, -1)}-0${-hours}:00`);
        const day = saoPauloDate(ms);
        expect(ms >= startOfDayMs(day) && ms < startOfNextDayMs(day)).toBe(true);
        expect(modelWall(startOfDayMs(day) - 1).slice(0, 10) < day).toBe(true);
        expect(modelWall(startOfNextDayMs(day)).slice(0, 10) > day).toBe(true);
        const { startMs, endMs } = periodBounds(periodOf(ms));
        expect(ms >= startMs && ms < endMs).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("what is remembered of the day before never shows: any order of questions gives the same answers", () => {
    fc.assert(
      fc.property(fc.array(instants, { maxLength: 8 }), fc.nat({ max: 26 * HOUR_MS }), (series, distanceMs) => {
        const nearby = series.flatMap((ms) => [ms, ms + distanceMs, ms - 1]).filter((ms) => ms >= MODEL_START_MS);
        expect(nearby.map(saoPauloDate)).toEqual(nearby.map((ms) => modelWall(ms).slice(0, 10)));
      }),
    );
  });
});
