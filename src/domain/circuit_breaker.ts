/**
 * A circuit breaker as a value. Closed, it counts how calls end; when most of many fail it opens, and refuses calls for a
 * while. Then one call at a time may probe: its success closes the breaker, its failure opens it for longer.
 */
export type CircuitBreaker =
  | { readonly kind: "closed"; readonly windowStartMs: number; readonly failures: number; readonly successes: number }
  | {
      readonly kind: "open";
      readonly sinceMs: number;
      /** Until then nobody calls; from then on one may probe. */
      readonly untilMs: number;
      /** How often it has opened since it was last closed. */
      readonly openings: number;
      readonly probe: Probe | null;
    };

/** A leave to call while the breaker is open. It lapses, for who has it may die. */
export type Probe = { readonly number: number; readonly endsAtMs: number };

export type ProbeResult = "succeeded" | "failed" | "unused";

/** What a caller is told; durations, for its clock may be another. */
export type BreakerWord =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly forMs: number }
  | { readonly kind: "probe"; readonly number: number };

const WINDOW_MS = 30_000;
const LEAST_FAILURES = 10;
const LEAST_FAILURE_SHARE = 0.5;
const FIRST_OPENING_MS = 5000;
const LONGEST_OPENING_MS = 60_000;
/** While somebody probes, the others are told to come back this much later. */
const PROBE_WAIT_MS = 1000;

export function closedBreaker(nowMs: number): CircuitBreaker {
  return { kind: "closed", windowStartMs: nowMs, failures: 0, successes: 0 };
}

/** Counts calls that ended. What comes while it is open was sent before, and changes nothing. */
export function countCalls(
  breaker: CircuitBreaker,
  calls: { failures: number; successes: number },
  nowMs: number,
): CircuitBreaker {
  if (breaker.kind === "open") return breaker;
  const ageMs = nowMs - breaker.windowStartMs;
  const window = ageMs >= 0 && ageMs < WINDOW_MS ? breaker : { windowStartMs: nowMs, failures: 0, successes: 0 };
  const failures = window.failures + calls.failures;
  const successes = window.successes + calls.successes;
  const isBroken = failures >= LEAST_FAILURES && failures >= (failures + successes) * LEAST_FAILURE_SHARE;
  return isBroken ? opened(1, nowMs) : { kind: "closed", windowStartMs: window.windowStartMs, failures, successes };
}

/** Whether one more call may be made. `probeMs` is how long a probe has at most. */
export function enterBreaker(
  breaker: CircuitBreaker,
  nowMs: number,
  options: { probeMs: number },
): { readonly breaker: CircuitBreaker; readonly word: BreakerWord } {
  if (breaker.kind === "closed") return { breaker, word: { kind: "closed" } };
  const waitMs = openForMs(breaker, nowMs);
  if (waitMs > 0) return { breaker, word: { kind: "open", forMs: waitMs } };
  if (breaker.probe !== null && nowMs < breaker.probe.endsAtMs) {
    return { breaker, word: { kind: "open", forMs: PROBE_WAIT_MS } };
  }
  const number = (breaker.probe?.number ?? 0) + 1;
  const probe = { number, endsAtMs: nowMs + options.probeMs };
  return { breaker: { ...breaker, probe }, word: { kind: "probe", number } };
}

/** Ends a probe. One that had lapsed and was given to another says nothing any more. */
export function endProbe(
  breaker: CircuitBreaker,
  probe: { number: number; result: ProbeResult },
  nowMs: number,
): CircuitBreaker {
  if (breaker.kind === "closed" || breaker.probe?.number !== probe.number) return breaker;
  switch (probe.result) {
    case "succeeded":
      return closedBreaker(nowMs);
    case "failed":
      return {
        ...opened(breaker.openings + 1, nowMs),
        sinceMs: breaker.sinceMs,
        probe: { ...breaker.probe, endsAtMs: 0 },
      };
    case "unused":
      return { ...breaker, probe: { ...breaker.probe, endsAtMs: 0 } };
  }
}

/** What a caller that does not want to call is told. */
export function breakerWord(breaker: CircuitBreaker, nowMs: number): BreakerWord {
  return breaker.kind === "closed" ? { kind: "closed" } : { kind: "open", forMs: openForMs(breaker, nowMs) };
}

/** A clock that jumped back must not keep it open for longer than it ever opens. */
function openForMs(breaker: Extract<CircuitBreaker, { kind: "open" }>, nowMs: number): number {
  const waitMs = breaker.untilMs - nowMs;
  return waitMs > LONGEST_OPENING_MS ? 0 : Math.max(waitMs, 0);
}

function opened(openings: number, nowMs: number): Extract<CircuitBreaker, { kind: "open" }> {
  const durationMs = Math.min(FIRST_OPENING_MS * 2 ** Math.min(openings - 1, 10), LONGEST_OPENING_MS);
  return { kind: "open", sinceMs: nowMs, untilMs: nowMs + durationMs, openings, probe: null };
}
