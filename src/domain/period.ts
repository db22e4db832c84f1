import { DAY_MS } from "./instant.ts";
import { fail, ok, type Result } from "./result.ts";

declare const periodBrand: unique symbol;
declare const dateBrand: unique symbol;

/** A calendar month of São Paulo, `YYYY-MM`, in the years 1970 to 9999. Made only by this module. */
export type Period = string & { readonly [periodBrand]: true };

/** A calendar day of São Paulo, `YYYY-MM-DD`, in the years 1970 to 9999. Made only by this module. */
export type SaoPauloDate = string & { readonly [dateBrand]: true };

/** A half-open range of instants: `startMs` belongs to it, `endMs` does not. */
export type InstantRange = { readonly startMs: number; readonly endMs: number };

/** The one time zone that periods, days and statements are kept in. */
export const TIME_ZONE = "America/Sao_Paulo";

const MINUTE_MS = 60_000;
// The first instants of 1970 and of 10000 in São Paulo, neither in summer time.
const FIRST_MS = Date.UTC(1970, 0, 1, 3);
const END_MS = Date.UTC(10_000, 0, 1, 3);
const PERIOD = /^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])$/;
const DATE = /^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-\d\d$/;

const wallClock = new Intl.DateTimeFormat("en-US", {
  timeZone: TIME_ZONE,
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
});

/** `offset` (`-03:00`) is null on a day on which the clocks changed. */
type Day = InstantRange & { readonly date: SaoPauloDate; readonly offset: string | null };

// Nearly every call asks for the day of the call before it (today; an export runs through a month day by day), and
// Intl costs microseconds, a comparison nanoseconds. What is kept is a pure function of the instant.
let lastDay: Day | null = null;
let lastUtcDay = { startMs: Number.NaN, date: "" };
let lastMinute = { minute: Number.NaN, text: "" };
let lastPeriod: { readonly period: Period; readonly bounds: InstantRange } | null = null;

/** Reads `YYYY-MM`. A month that has not begun is a valid period. */
export function parsePeriod(text: string): Result<Period, "invalid_period"> {
  return PERIOD.test(text) ? ok(text as Period) : fail("invalid_period");
}

/** The period an instant belongs to; every instant has exactly one. Throws `RangeError` outside 1970 to 9999. */
export function periodOf(ms: number): Period {
  return dayOf(ms).date.slice(0, 7) as Period;
}

/** The instants of a period, from its first in São Paulo up to the first of the next one. */
export function periodBounds(period: Period): InstantRange {
  if (lastPeriod?.period !== period) {
    const [year, month] = numbersOf(period);
    const bounds = { startMs: instantOf(Date.UTC(year, month - 1)), endMs: instantOf(Date.UTC(year, month)) };
    lastPeriod = { period, bounds };
  }
  return lastPeriod.bounds;
}

/** The month after. Throws `RangeError` after 9999-12. */
export function nextPeriod(period: Period): Period {
  return neighbour(period, 1);
}

/** The month before. Throws `RangeError` before 1970-01. */
export function previousPeriod(period: Period): Period {
  return neighbour(period, -1);
}

/** The São Paulo day of an instant. Throws `RangeError` outside 1970 to 9999. */
export function saoPauloDate(ms: number): SaoPauloDate {
  return dayOf(ms).date;
}

/** Reads `YYYY-MM-DD`; a day that no calendar has, such as 2026-02-29, is refused. */
export function parseDate(text: string): Result<SaoPauloDate, "invalid_date"> {
  if (!DATE.test(text)) return fail("invalid_date");
  const [year, month, day] = numbersOf(text);
  return day >= 1 && day <= daysInMonth(year, month) ? ok(text as SaoPauloDate) : fail("invalid_date");
}

/** The first instant of a São Paulo day: midnight, or 01:00 on a day that summer time began on, which had no midnight. */
export function startOfDayMs(date: SaoPauloDate): number {
  return instantOf(wallMidnight(date));
}

/** The first instant after a São Paulo day; with `startOfDayMs` the half-open range of the day, 23 to 25 hours. */
export function startOfNextDayMs(date: SaoPauloDate): number {
  return instantOf(wallMidnight(date) + DAY_MS);
}

/** RFC 3339 with milliseconds and the offset in force at that instant: `2026-11-23T12:00:00.000-03:00`. */
export function formatSaoPaulo(ms: number): string {
  const day = dayOf(ms);
  if (day.offset !== null) return `${day.date}T${timeOfDay(ms - day.startMs)}${day.offset}`;
  const offsetMs = offsetAt(ms);
  return `${new Date(ms + offsetMs).toISOString().slice(0, -1)}${offsetText(offsetMs)}`;
}

/** What `toISOString` gives, in a fraction of its time where the day is that of the call before it. */
export function formatUtc(ms: number): string {
  if (!(ms >= lastUtcDay.startMs && ms < lastUtcDay.startMs + DAY_MS)) {
    const text = new Date(ms).toISOString();
    lastUtcDay = { startMs: Math.floor(ms / DAY_MS) * DAY_MS, date: text.slice(0, -"HH:MM:SS.sssZ".length) };
    return text;
  }
  return `${lastUtcDay.date}${timeOfDay(ms - lastUtcDay.startMs)}Z`;
}

/**
 * The same São Paulo wall-clock time `months` later (or earlier, when negative), the day clamped to the month's last:
 * 30 November and three months is 28 or 29 February. A wall-clock time that the clocks skipped moves on by what they
 * skipped; of one that came twice it is the first.
 */
export function addMonths(ms: number, months: number): number {
  const wall = new Date(ms + offsetAt(ms));
  const monthIndex = wall.getUTCMonth() + months;
  const first = new Date(Date.UTC(wall.getUTCFullYear(), monthIndex));
  const day = Math.min(wall.getUTCDate(), daysInMonth(first.getUTCFullYear(), first.getUTCMonth() + 1));
  const timeOfDayMs = wall.getTime() - Math.floor(wall.getTime() / DAY_MS) * DAY_MS;
  return instantOf(first.getTime() + (day - 1) * DAY_MS + timeOfDayMs);
}

function dayOf(ms: number): Day {
  if (lastDay !== null && ms >= lastDay.startMs && ms < lastDay.endMs) return lastDay;
  if (!(ms >= FIRST_MS && ms < END_MS)) throw new RangeError(`instant ${ms} is outside the years 1970 to 9999`);
  const offsetMs = offsetAt(ms);
  const date = new Date(ms + offsetMs).toISOString().slice(0, 10) as SaoPauloDate;
  const startMs = startOfDayMs(date);
  const endMs = startOfNextDayMs(date);
  lastDay = { startMs, endMs, date, offset: endMs - startMs === DAY_MS ? offsetText(offsetMs) : null };
  return lastDay;
}

/** Wall clock minus UTC at an instant; negative in São Paulo. */
function offsetAt(ms: number): number {
  const wholeSecondMs = Math.floor(ms / 1000) * 1000;
  const fields: Record<string, number> = {};
  for (const { type, value } of wallClock.formatToParts(wholeSecondMs)) fields[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSecondMs;
}

/** The first instant that shows this wall-clock time (given as if it were UTC); where clocks skipped it, by the offset before. */
function instantOf(wallMs: number): number {
  const before = wallMs - offsetAt(wallMs - DAY_MS);
  const after = wallMs - offsetAt(wallMs + DAY_MS);
  const shown = [Math.min(before, after), Math.max(before, after)].find((ms) => ms + offsetAt(ms) === wallMs);
  return shown ?? before;
}

function neighbour(period: Period, months: number): Period {
  const [year, month] = numbersOf(period);
  const text = new Date(Date.UTC(year, month - 1 + months)).toISOString().slice(0, 7);
  const parsed = parsePeriod(text);
  if (!parsed.ok) throw new RangeError(`no period ${months} months from ${period}`);
  return parsed.value;
}

function wallMidnight(date: SaoPauloDate): number {
  const [year, month, day] = numbersOf(date);
  return Date.UTC(year, month - 1, day);
}

function numbersOf(text: string): [year: number, month: number, day: number] {
  return [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10))];
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  return `${offsetMs < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

/** `HH:MM:SS.sss` of whole milliseconds since midnight. */
function timeOfDay(ms: number): string {
  const minute = Math.floor(ms / MINUTE_MS);
  if (lastMinute.minute !== minute) {
    lastMinute = { minute, text: `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}:` };
  }
  const restMs = ms - minute * MINUTE_MS;
  // Six digits behind a 1, so that none is lost: seconds and milliseconds are five of them.
  const digits = String(100_000 + restMs);
  return `${lastMinute.text}${digits.slice(1, 3)}.${digits.slice(3)}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
