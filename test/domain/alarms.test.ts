import { describe, expect, test } from "vitest";
import { findUnusual } from "../../src/domain/alarms.ts";

const stretches = (...counts: number[]) => counts.map((count, index) => ({ at: `h${index}`, count }));

describe("an hour of persons never seen before", () => {
  test.each([
    ["five times the usual, and a hundred", [20, 20, 20, 100], { since: "h3", observed: 100, usual: 20 }],
    ["below five times the usual", [25, 25, 25, 124], null],
    ["below a hundred, whatever the usual", [0, 0, 0, 99], null],
    ["a hundred where nobody new is usual", [0, 0, 0, 100], { since: "h3", observed: 100, usual: 0 }],
    ["without a usual", [0, 0, 5000], null],
    ["the first", [5000], null],
    ["none", [], null],
  ])("%s", (_what, counts, alarm) => {
    expect(findUnusual("enumeration", stretches(...counts))).toEqual(alarm && { kind: "enumeration", ...alarm });
  });
});

describe("a day's spend", () => {
  const reais = (amount: number) => amount * 1_000_000;

  test.each([
    ["R$ 100 and five times the usual", [20, 20, 20, 100], reais(20)],
    ["R$ 99.99", [1, 1, 1, 99.99], null],
    ["four times the usual", [1000, 1000, 1000, 4000], null],
  ])("%s", (_what, amounts, usual) => {
    const found = findUnusual("spend", stretches(...amounts.map(reais)));
    expect(found?.usual ?? null).toBe(usual);
  });
});
