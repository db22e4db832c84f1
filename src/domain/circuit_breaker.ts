import { BoundedMap } from "./bounded_map.ts";

/**
 * The parts of a circuit breaker. Closed, it watches how calls end in a sliding window. When many fail, and they are half
 * of the calls, it opens and refuses calls for a while. Then one call at a time may probe: a success closes it, a failure
 * opens it for longer.
 */

const WINDOW_MS = 30_000;
export const ENOUGH_FAILURES = 10;
const LEAST_FAILURE_SHARE = 0.5;
export const FIRST_OPENING_MS = 5000;
const LONGEST_OPENING_MS = 60_000;

/** More failures than this in one window are not told apart: the oldest are forgotten. */
const MOST_FAILURES = 1000;
/** Successes within a second count from its first. */
const SUCCESS_SLOT_MS = 1000;

/** Calls that ended within the last half minute. A failure counts once for each person, however often it comes. */
export class CallWindow {
  readonly #failedAtMs = new BoundedMap<string, number>(MOST_FAILURES);
  #successes: { readonly atMs: number; count: number }[] = [];

  addFailure(person: string, nowMs: number): void {
    this.#failedAtMs.set(person, nowMs);
  }

  addSuccesses(count: number, nowMs: number): void {
    if (count === 0) return;
    const last = this.#successes.at(-1);
    const ageMs = last === undefined ? Number.NaN : nowMs - last.atMs;
    if (last !== undefined && ageMs >= 0 && ageMs < SUCCESS_SLOT_MS) last.count += count;
    else this.#successes.push({ atMs: nowMs, count });
  }

  failures(nowMs: number): number {
    for (const [person, atMs] of this.#failedAtMs) {
      if (!isWithin(atMs, nowMs)) this.#failedAtMs.delete(person);
    }
    return this.#failedAtMs.size;
  }

  successes(nowMs: number): number {
    this.#successes = this.#successes.filter(({ atMs }) => isWithin(atMs, nowMs));
    return this.#successes.reduce((sum, { count }) => sum + count, 0);
  }

  isBroken(nowMs: number): boolean {
    const failures = this.failures(nowMs);
    return failures >= ENOUGH_FAILURES && failures >= (failures + this.successes(nowMs)) * LEAST_FAILURE_SHARE;
  }

  clear(): void {
    this.#failedAtMs.clear();
    this.#successes = [];
  }
}

/** Within the window. What lies ahead was seen before the clock jumped back. */
export function isWithin(atMs: number, nowMs: number): boolean {
  return atMs <= nowMs && nowMs - atMs < WINDOW_MS;
}

/** An open breaker. */
export type Opening = {
  readonly sinceMs: number;
  /** Until then nobody calls; from then on one may probe. */
  readonly untilMs: number;
  /** How often it has opened since it was last closed. */
  readonly openings: number;
};

export function open(nowMs: number): Opening {
  return { sinceMs: nowMs, untilMs: nowMs + FIRST_OPENING_MS, openings: 1 };
}

/** After a probe that failed: twice as long, up to a minute. */
export function reopen({ sinceMs, openings }: Opening, nowMs: number): Opening {
  const durationMs = Math.min(FIRST_OPENING_MS * 2 ** Math.min(openings, 10), LONGEST_OPENING_MS);
  return { sinceMs, untilMs: nowMs + durationMs, openings: openings + 1 };
}

/** For how long it refuses. A clock that jumped back must not keep it open for longer than it ever opens. */
export function refusesForMs(opening: Opening, nowMs: number): number {
  const waitMs = opening.untilMs - nowMs;
  return waitMs > LONGEST_OPENING_MS ? 0 : Math.max(waitMs, 0);
}
