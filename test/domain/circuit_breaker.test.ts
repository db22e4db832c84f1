import { describe, expect, test } from "vitest";
import { CallWindow, open, refusesForMs, reopen, type Opening } from "../../src/domain/circuit_breaker.ts";

const START_MS = 1_000_000;

function windowOf({ failures, successes }: { failures: number; successes: number }): CallWindow {
  const window = new CallWindow();
  for (let n = 0; n < failures; n += 1) window.addFailure(`person ${n}`, START_MS);
  window.addSuccesses(successes, START_MS);
  return window;
}

describe("a window of calls", () => {
  test.each([
    ["nine failures", { failures: 9, successes: 0 }, false],
    ["ten failures", { failures: 10, successes: 0 }, true],
    ["as many failures as successes", { failures: 50, successes: 50 }, true],
    ["fewer failures than successes", { failures: 50, successes: 51 }, false],
  ])("after %s", (_, calls, isBroken) => {
    expect(windowOf(calls).isBroken(START_MS)).toBe(isBroken);
  });

  test("counts a person once, however often its calls fail", () => {
    const window = windowOf({ failures: 9, successes: 0 });
    for (let n = 0; n < 100; n += 1) window.addFailure("person 0", START_MS + n);
    expect(window.failures(START_MS + 100)).toBe(9);
  });

  test("slides: it forgets each call half a minute after it", () => {
    const window = windowOf({ failures: 5, successes: 0 });
    for (let n = 5; n < 10; n += 1) window.addFailure(`person ${n}`, START_MS + 29_999);
    expect(window.isBroken(START_MS + 29_999)).toBe(true);
    expect(window.failures(START_MS + 30_000)).toBe(5);
    for (let n = 10; n < 15; n += 1) window.addFailure(`person ${n}`, START_MS + 40_000);
    expect(window.isBroken(START_MS + 40_000)).toBe(true);
  });

  test("does not believe what a clock saw that jumped back since", () => {
    const window = windowOf({ failures: 20, successes: 20 });
    expect(window.failures(START_MS - 1)).toBe(0);
    expect(window.successes(START_MS - 1)).toBe(0);
  });

  test("is bounded", () => {
    expect(windowOf({ failures: 100_000, successes: 0 }).failures(START_MS)).toBe(1000);
  });
});

describe("an opening", () => {
  test("refuses for five seconds", () => {
    expect(refusesForMs(open(START_MS), START_MS)).toBe(5000);
    expect(refusesForMs(open(START_MS), START_MS + 4999)).toBe(1);
    expect(refusesForMs(open(START_MS), START_MS + 5000)).toBe(0);
  });

  test.each([
    [1, 10_000],
    [2, 20_000],
    [3, 40_000],
    [4, 60_000],
    [20, 60_000],
  ])("refuses for longer after %i failed probes", (times, forMs) => {
    let opening: Opening = open(START_MS);
    for (let n = 0; n < times; n += 1) opening = reopen(opening, opening.untilMs);
    const { untilMs } = opening;
    expect(refusesForMs(opening, untilMs - forMs)).toBe(forMs);
    expect(opening).toMatchObject({ sinceMs: START_MS, openings: times + 1 });
    expect(reopen(opening, untilMs).untilMs - untilMs).toBeLessThanOrEqual(60_000);
  });

  test("is not kept by a clock that jumped back", () => {
    expect(refusesForMs(open(START_MS + 86_400_000), START_MS)).toBe(0);
  });
});
