/** Calls of one version that were measured while a canary is watched. */
export type Tally = { readonly calls: number; readonly failures: number };

export type Verdict = "watch" | "promote" | "return";

/** One failure may be the network's; three of a kind are the version's. */
const LEAST_FAILURES = 3;
/** Fewer answered calls say nothing about a version. */
const LEAST_CALLS = 20;
/** The share of calls that may fail, and by which it may exceed the version before. */
const TOLERATED_RATE = 0.02;

/**
 * What to do with a canary. It is returned as soon as it fails clearly more often than the version before, and at the end
 * when it fails at all often: trouble that both have may be the canary's too, for they share their storage.
 */
export function judgeCanary(canary: Tally, before: Tally, { isOver }: { isOver: boolean }): Verdict {
  const isBad = canary.failures >= LEAST_FAILURES && rateOf(canary) > TOLERATED_RATE;
  if (isBad && rateOf(canary) > rateOf(before) + TOLERATED_RATE) return "return";
  if (!isOver) return "watch";
  return isBad || canary.calls < LEAST_CALLS ? "return" : "promote";
}

function rateOf({ calls, failures }: Tally): number {
  return calls === 0 ? 0 : failures / calls;
}
