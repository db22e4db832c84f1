import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClaroBreakers, GATEWAY, type ProbeResult } from "../../src/domain/claro_breakers.ts";

const START_MS = 1_000_000;
const PROBE = { probeMs: 20_000 };

function made(): ClaroBreakers {
  return new ClaroBreakers(new Map(), START_MS);
}

function persons(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, n) => `person ${from + n}`);
}

function fail(breakers: ClaroBreakers, tenantId: string, failedPersons: string[], nowMs = START_MS): void {
  breakers.report({ tenants: [{ tenantId, failedPersons, successes: 0 }], lastSuccessAgoMs: null }, nowMs);
}

function succeed(breakers: ClaroBreakers, tenantId: string, nowMs: number): void {
  breakers.report({ tenants: [{ tenantId, failedPersons: [], successes: 1 }], lastSuccessAgoMs: 0 }, nowMs);
}

function probe(breakers: ClaroBreakers, tenantId: string, nowMs: number): number {
  const answer = breakers.enter(tenantId, nowMs, PROBE);
  if (answer.kind !== "probe") throw new Error(`no probe for ${tenantId}, but ${answer.kind}`);
  return answer.number;
}

function openedByTwo(): ClaroBreakers {
  const breakers = made();
  fail(breakers, "a", persons(5));
  fail(breakers, "b", persons(5));
  expect(breakers.openings.has(GATEWAY)).toBe(true);
  return breakers;
}

describe("a tenant's breaker", () => {
  test("opens for that tenant only", () => {
    const breakers = made();
    fail(breakers, "a", persons(10));
    expect(breakers.enter("a", START_MS, PROBE)).toEqual({ kind: "open", forMs: 5000, by: "tenant" });
    expect(breakers.enter("b", START_MS, PROBE)).toEqual({ kind: "closed" });
    expect([...breakers.openings.keys()]).toEqual(["a"]);
  });

  test("counts one person once, in however many reports", () => {
    const breakers = made();
    for (let n = 0; n < 1000; n += 1) fail(breakers, "a", ["person 0"], START_MS + n);
    expect(breakers.enter("a", START_MS + 1000, PROBE)).toEqual({ kind: "closed" });
  });

  test("lets one probe through after five seconds, and closes with it", () => {
    const breakers = made();
    fail(breakers, "a", persons(10));
    const number = probe(breakers, "a", START_MS + 5000);
    expect(breakers.enter("a", START_MS + 5000, PROBE)).toEqual({ kind: "open", forMs: 1000, by: "tenant" });
    breakers.endProbe(number, "succeeded", START_MS + 5100);
    expect(breakers.enter("a", START_MS + 5100, PROBE)).toEqual({ kind: "closed" });
    fail(breakers, "a", persons(1), START_MS + 5200);
    expect(breakers.enter("a", START_MS + 5200, PROBE)).toEqual({ kind: "closed" });
  });

  test("opens for twice as long when the probe fails, and is not moved by calls sent before", () => {
    const breakers = made();
    fail(breakers, "a", persons(10));
    breakers.endProbe(probe(breakers, "a", START_MS + 5000), "failed", START_MS + 5000);
    succeed(breakers, "a", START_MS + 5001);
    fail(breakers, "a", persons(10), START_MS + 5002);
    expect(breakers.enter("a", START_MS + 5002, PROBE)).toEqual({ kind: "open", forMs: 9998, by: "tenant" });
  });

  test("gives the leave of a probe that was not used to the next", () => {
    const breakers = made();
    fail(breakers, "a", persons(10));
    breakers.endProbe(probe(breakers, "a", START_MS + 5000), "unused", START_MS + 5000);
    expect(breakers.enter("a", START_MS + 5000, PROBE).kind).toBe("probe");
  });

  test("lets a probe expire, and does not believe it any more", () => {
    const breakers = made();
    fail(breakers, "a", persons(10));
    const first = probe(breakers, "a", START_MS + 5000);
    expect(breakers.enter("a", START_MS + 24_999, PROBE).kind).toBe("open");
    probe(breakers, "a", START_MS + 25_000);
    breakers.endProbe(first, "succeeded", START_MS + 25_001);
    expect(breakers.openings.has("a")).toBe(true);
  });

  test("does not wait for a probe of a clock that ran ahead", () => {
    const breakers = made();
    fail(breakers, "a", persons(10));
    probe(breakers, "a", START_MS + 5000 + 300_000);
    expect(breakers.enter("a", START_MS + 5000, PROBE).kind).toBe("probe");
  });

  test("goes on from what was kept, and gives no number twice", () => {
    const before = made();
    fail(before, "a", persons(10));
    const old = probe(before, "a", START_MS + 5000);
    const after = new ClaroBreakers(before.openings, START_MS + 5001);
    expect(probe(after, "a", START_MS + 5001)).toBeGreaterThan(old);
  });

  test("is forgotten when nobody probes for ten minutes", () => {
    const breakers = made();
    fail(breakers, "a", persons(10));
    expect(breakers.enter("a", START_MS + 5000 + 600_000, PROBE)).toEqual({ kind: "closed" });
  });
});

describe("the gateway's breaker", () => {
  test("opens when several tenants fail and nobody's call succeeds", () => {
    expect(openedByTwo().enter("c", START_MS, PROBE)).toEqual({ kind: "open", forMs: 5000, by: "gateway" });
  });

  test("stays closed when a call succeeded within the half minute, of whichever tenant", () => {
    const breakers = made();
    succeed(breakers, "c", START_MS - 29_999);
    fail(breakers, "a", persons(9));
    fail(breakers, "b", persons(9));
    expect(breakers.openings.size).toBe(0);
    fail(breakers, "b", persons(1), START_MS + 1);
    expect(breakers.openings.has(GATEWAY)).toBe(true);
  });

  test("does not open for one tenant, whatever its token calls do", () => {
    const breakers = made();
    for (let n = 0; n < 100; n += 1) breakers.reportTokenFailure(START_MS + n);
    fail(breakers, "a", persons(50), START_MS + 100);
    expect([...breakers.openings.keys()]).toEqual(["a"]);
  });

  test("counts a token call that failed beside the lookups' failures", () => {
    const breakers = made();
    for (let n = 0; n < 6; n += 1) breakers.reportTokenFailure(START_MS);
    fail(breakers, "a", persons(2));
    fail(breakers, "b", persons(1));
    expect(breakers.openings.size).toBe(0);
    fail(breakers, "b", persons(1, 1));
    expect([...breakers.openings.keys()]).toEqual([GATEWAY]);
  });

  test("closes with the first success, of whichever tenant, and stays so for half a minute", () => {
    const breakers = openedByTwo();
    succeed(breakers, "c", START_MS + 100);
    expect(breakers.openings.size).toBe(0);
    fail(breakers, "a", persons(5, 100), START_MS + 200);
    fail(breakers, "b", persons(4, 100), START_MS + 200);
    expect(breakers.openings.has(GATEWAY)).toBe(false);
  });

  test("gives those that failed one probe between them", () => {
    const breakers = openedByTwo();
    const number = probe(breakers, "a", START_MS + 5000);
    expect(breakers.enter("b", START_MS + 5000, PROBE).kind).toBe("open");
    breakers.endProbe(number, "failed", START_MS + 5001);
    expect(breakers.openings.get(GATEWAY)).toMatchObject({ openings: 2 });
    expect(breakers.enter("b", START_MS + 5002, PROBE)).toEqual({ kind: "open", forMs: 9999, by: "gateway" });
  });

  test("does not let those that keep failing take the probe from others", () => {
    const breakers = openedByTwo();
    for (let nowMs = START_MS + 5000; nowMs < START_MS + 200_000; nowMs += 1000) {
      for (const tenantId of ["a", "b"]) {
        const answer = breakers.enter(tenantId, nowMs, PROBE);
        if (answer.kind === "probe") breakers.endProbe(answer.number, "failed", nowMs);
      }
    }
    const nowMs = START_MS + 200_000;
    expect(breakers.enter("a", nowMs, PROBE).kind).toBe("open");
    breakers.endProbe(probe(breakers, "c", nowMs), "succeeded", nowMs);
    expect(breakers.enter("a", nowMs, PROBE).kind).toBe("closed");
  });

  test("counts a tenant whose own probe failed among those that fail", () => {
    const breakers = openedByTwo();
    breakers.endProbe(probe(breakers, "c", START_MS + 5000), "failed", START_MS + 5000);
    expect(breakers.enter("c", START_MS + 5001, PROBE)).toEqual({ kind: "open", forMs: 9999, by: "gateway" });
    expect(breakers.enter("d", START_MS + 5001, PROBE).kind).toBe("probe");
  });

  test("is not closed by a success from before it opened", () => {
    const breakers = openedByTwo();
    const tenants = [{ tenantId: "c", failedPersons: [], successes: 1 }];
    breakers.report({ tenants, lastSuccessAgoMs: 101 }, START_MS + 100);
    expect(breakers.openings.has(GATEWAY)).toBe(true);
  });

  test("is opened again once by probes that fail side by side", () => {
    const breakers = openedByTwo();
    const numbers = ["c", "d", "e"].map((tenantId) => probe(breakers, tenantId, START_MS + 5000));
    for (const number of numbers) breakers.endProbe(number, "failed", START_MS + 5001);
    expect(breakers.openings.get(GATEWAY)).toMatchObject({ openings: 2, untilMs: START_MS + 15_001 });
  });
});

describe("with tenants at random", () => {
  const TENANTS = ["a", "b", "c", "d"];
  type Step =
    | { kind: "fail"; tenantId: string; person: number }
    | { kind: "succeed"; tenantId: string }
    | { kind: "token" }
    | { kind: "wait"; seconds: number }
    | { kind: "enter"; tenantId: string }
    | { kind: "end"; result: ProbeResult };
  const tenantId = fc.constantFrom(...TENANTS);
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 12, arbitrary: fc.record({ kind: fc.constant("fail" as const), tenantId, person: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("succeed" as const), tenantId }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("token" as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 20 }) }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("enter" as const), tenantId }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("end" as const),
        result: fc.constantFrom<ProbeResult>("succeeded", "failed", "unused"),
      }),
    },
  );

  /** Everything that ever happened, against which the rules are read literally. */
  class History {
    readonly failures: { tenantId: string; person: number; atMs: number }[] = [];
    readonly successes: { tenantId: string; atMs: number }[] = [];
    readonly tokens: number[] = [];

    personsOf(tenant: string, nowMs: number): number {
      const recent = this.failures.filter((call) => call.tenantId === tenant && nowMs - call.atMs < 30_000);
      return new Set(recent.map((call) => call.person)).size;
    }

    successesOf(tenant: string, nowMs: number): number {
      return this.successes.filter((call) => call.tenantId === tenant && nowMs - call.atMs < 30_000).length;
    }
  }

  test("each breaker opens by its own rule and no other, and is probed by one at a time", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 250 }), (steps) => {
        const breakers = made();
        const history = new History();
        const probes: { number: number; tenantId: string; atMs: number }[] = [];
        let nowMs = START_MS;
        for (const move of steps) {
          const before = new Map(breakers.openings);
          switch (move.kind) {
            case "fail":
              history.failures.push({ ...move, atMs: nowMs });
              fail(breakers, move.tenantId, [String(move.person)], nowMs);
              break;
            case "succeed":
              history.successes.push({ tenantId: move.tenantId, atMs: nowMs });
              succeed(breakers, move.tenantId, nowMs);
              expect(breakers.openings.has(GATEWAY)).toBe(false);
              break;
            case "token":
              history.tokens.push(nowMs);
              breakers.reportTokenFailure(nowMs);
              break;
            case "wait":
              nowMs += move.seconds * 1000;
              break;
            case "enter": {
              const answer = breakers.enter(move.tenantId, nowMs, PROBE);
              const isOpen = breakers.openings.has(move.tenantId) || breakers.openings.has(GATEWAY);
              expect(answer.kind === "closed").toBe(!isOpen);
              if (answer.kind === "probe") probes.push({ number: answer.number, tenantId: move.tenantId, atMs: nowMs });
              if (answer.kind === "open") expect(answer.forMs).toBeLessThanOrEqual(60_000);
              break;
            }
            case "end": {
              const ended = probes.pop();
              if (ended === undefined) break;
              breakers.endProbe(ended.number, move.result, nowMs);
              // What an expired probe says is not believed; then nothing but time changes the breakers.
              if (move.result !== "succeeded" || nowMs - ended.atMs >= PROBE.probeMs) break;
              expect(breakers.openings.has(ended.tenantId)).toBe(false);
              history.successes.push({ tenantId: GATEWAY, atMs: nowMs });
              for (const call of history.failures) if (call.tenantId === ended.tenantId) call.atMs = -Infinity;
              for (const call of history.successes) if (call.tenantId === ended.tenantId) call.atMs = -Infinity;
            }
          }
          for (const name of breakers.openings.keys()) {
            if (before.has(name)) continue;
            if (name === GATEWAY) {
              const failing = TENANTS.map((tenant) => history.personsOf(tenant, nowMs));
              const tokens = history.tokens.filter((atMs) => nowMs - atMs < 30_000).length;
              expect(failing.filter((count) => count > 0).length).toBeGreaterThanOrEqual(2);
              expect(failing.reduce((sum, count) => sum + count, tokens)).toBeGreaterThanOrEqual(10);
              expect(history.successes.filter(({ atMs }) => nowMs - atMs < 30_000)).toEqual([]);
            } else {
              expect(history.personsOf(name, nowMs)).toBeGreaterThanOrEqual(10);
              expect(history.personsOf(name, nowMs)).toBeGreaterThanOrEqual(history.successesOf(name, nowMs));
            }
          }
          if (move.kind !== "fail") continue;
          const { tenantId: failed } = move;
          const isBroken = history.personsOf(failed, nowMs) >= Math.max(10, history.successesOf(failed, nowMs));
          if (isBroken) expect(breakers.openings.has(failed)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a tenant that never fails is refused for the first five seconds of the gateway's opening at most", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 250 }), (steps) => {
        const breakers = made();
        let nowMs = START_MS;
        const probes: number[] = [];
        for (const move of steps) {
          if (move.kind === "fail") fail(breakers, move.tenantId, [String(move.person)], nowMs);
          if (move.kind === "wait") nowMs += move.seconds * 1000;
          if (move.kind === "enter") {
            const answer = breakers.enter(move.tenantId, nowMs, PROBE);
            if (answer.kind === "probe") probes.push(answer.number);
          }
          if (move.kind === "end") {
            const number = probes.pop();
            if (number !== undefined) breakers.endProbe(number, "failed", nowMs);
          }
          const opening = breakers.openings.get(GATEWAY);
          const victim = breakers.enter("victim", nowMs, PROBE);
          if (victim.kind === "probe") breakers.endProbe(victim.number, "unused", nowMs);
          if (victim.kind === "open") expect(nowMs).toBeLessThan((opening?.sinceMs ?? 0) + 5000);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
