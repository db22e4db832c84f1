import { beforeAll, expect, test } from "vitest";
import { measureBacklog, MOST_ROWS_OF_A_START, type Backlog } from "./sections/backlog.ts";

const EVENTS = 1_000_000;

let backlog: Backlog;

beforeAll(async () => {
  backlog = await measureBacklog({ rounds: 1, seconds: 1, events: EVENTS });
}, 600_000);

test("a start with a million events waiting reads as many rows as one without, and few", () => {
  const [none, million] = backlog.rows;
  expect(million?.waiting).toBe(EVENTS);
  expect(million?.start.read).toBeLessThanOrEqual(MOST_ROWS_OF_A_START);
  expect(Math.abs((million?.start.read ?? 0) - (none?.start.read ?? 0))).toBeLessThanOrEqual(20);
  expect(million?.start.written).toBe(0);
});

test("admit and settle with a million events waiting read and write what they do without", () => {
  const [none, million] = backlog.rows;
  expect([million?.admit, million?.settle]).toEqual([none?.admit, none?.settle]);
  expect(million?.settle.map(({ written }) => written)).toEqual([1, 1, 1, 1, 1]);
});
