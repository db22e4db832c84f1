import { describe, expect, test } from "vitest";
import {
  breakerWord,
  closedBreaker,
  countCalls,
  endProbe,
  enterBreaker,
  type CircuitBreaker,
} from "../../src/domain/circuit_breaker.ts";

const START_MS = 1_000_000;
const PROBE = { probeMs: 20_000 };

function broken(nowMs = START_MS): CircuitBreaker {
  return countCalls(closedBreaker(nowMs), { failures: 10, successes: 0 }, nowMs);
}

/** Lets the breaker fail its probe `times` times, each as soon as one may be made. */
function failedProbes(times: number): { breaker: CircuitBreaker; nowMs: number } {
  let breaker = broken();
  let nowMs = START_MS;
  for (let n = 0; n < times; n += 1) {
    const waiting = breakerWord(breaker, nowMs);
    nowMs += waiting.kind === "open" ? waiting.forMs : 0;
    const entered = enterBreaker(breaker, nowMs, PROBE);
    if (entered.word.kind !== "probe") throw new Error(`no probe, but ${entered.word.kind}`);
    breaker = endProbe(entered.breaker, { number: entered.word.number, result: "failed" }, nowMs);
  }
  return { breaker, nowMs };
}

describe("a closed breaker", () => {
  test.each([
    ["nine failures", { failures: 9, successes: 0 }, "closed"],
    ["ten failures", { failures: 10, successes: 0 }, "open"],
    ["as many failures as successes", { failures: 50, successes: 50 }, "open"],
    ["fewer failures than successes", { failures: 50, successes: 51 }, "closed"],
  ])("after %s", (_, calls, kind) => {
    expect(countCalls(closedBreaker(START_MS), calls, START_MS).kind).toBe(kind);
  });

  test("forgets what was more than half a minute ago", () => {
    const nine = countCalls(closedBreaker(START_MS), { failures: 9, successes: 0 }, START_MS);
    expect(countCalls(nine, { failures: 1, successes: 0 }, START_MS + 29_999).kind).toBe("open");
    expect(countCalls(nine, { failures: 1, successes: 0 }, START_MS + 30_000).kind).toBe("closed");
  });

  test("lets everybody in", () => {
    expect(enterBreaker(closedBreaker(START_MS), START_MS, PROBE).word).toEqual({ kind: "closed" });
  });
});

describe("an open breaker", () => {
  test("lets nobody in for five seconds, then one at a time", () => {
    expect(enterBreaker(broken(), START_MS + 4999, PROBE).word).toEqual({ kind: "open", forMs: 1 });
    const first = enterBreaker(broken(), START_MS + 5000, PROBE);
    expect(first.word).toEqual({ kind: "probe", number: 1 });
    expect(enterBreaker(first.breaker, START_MS + 5000, PROBE).word).toEqual({ kind: "open", forMs: 1000 });
  });

  test("closes when the probe succeeds", () => {
    const { breaker } = enterBreaker(broken(), START_MS + 5000, PROBE);
    expect(endProbe(breaker, { number: 1, result: "succeeded" }, START_MS + 5100).kind).toBe("closed");
  });

  test.each([
    [1, 10_000],
    [2, 20_000],
    [3, 40_000],
    [4, 60_000],
    [20, 60_000],
  ])("opens for longer after %i failed probes", (times, forMs) => {
    const { breaker, nowMs } = failedProbes(times);
    expect(breakerWord(breaker, nowMs)).toEqual({ kind: "open", forMs });
    expect(breaker).toMatchObject({ kind: "open", sinceMs: START_MS });
  });

  test("gives the leave of a probe that was not used to the next", () => {
    const { breaker } = enterBreaker(broken(), START_MS + 5000, PROBE);
    const free = endProbe(breaker, { number: 1, result: "unused" }, START_MS + 5000);
    expect(enterBreaker(free, START_MS + 5000, PROBE).word).toEqual({ kind: "probe", number: 2 });
  });

  test("lets a probe lapse, and does not believe it any more", () => {
    const first = enterBreaker(broken(), START_MS + 5000, PROBE);
    expect(enterBreaker(first.breaker, START_MS + 24_999, PROBE).word.kind).toBe("open");
    const second = enterBreaker(first.breaker, START_MS + 25_000, PROBE);
    expect(second.word).toEqual({ kind: "probe", number: 2 });
    expect(endProbe(second.breaker, { number: 1, result: "succeeded" }, START_MS + 25_001)).toBe(second.breaker);
  });

  test("takes no notice of calls that were sent before it opened", () => {
    const breaker = broken();
    expect(countCalls(breaker, { failures: 0, successes: 1000 }, START_MS)).toBe(breaker);
  });

  test("is not kept open by a clock that jumped back", () => {
    expect(enterBreaker(broken(START_MS + 86_400_000), START_MS, PROBE).word.kind).toBe("probe");
  });
});
