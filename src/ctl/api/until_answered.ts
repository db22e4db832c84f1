import { CtlError, EXIT } from "../ctl_error.ts";

const MOST_REPEATS = 6;
const PAUSE_SECONDS = 5;
/** Failures that pass: the same call continues where it stopped. */
const PASSING = new Set<unknown>(["ledger_unavailable", "statement_unavailable"]);

/**
 * Repeats one call of a series while a store is away for a moment, so that the calls before it are not wasted. A
 * gateway that was never reached is not waited for.
 */
export async function untilAnswered<Answer>(
  call: () => Promise<Answer>,
  { isBegun, onWait }: { isBegun: boolean; onWait?: () => void },
): Promise<Answer> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CtlError) || repeats === MOST_REPEATS) throw error;
      const isAway = isBegun && error.exitCode === EXIT.unreachable;
      if (!isAway && !PASSING.has(error.details["code"])) throw error;
      const { retryAfterSeconds: told } = error.details as { retryAfterSeconds?: number };
      const seconds = Math.min(told ?? PAUSE_SECONDS, PAUSE_SECONDS);
      onWait?.();
      await new Promise((done) => setTimeout(done, seconds * 1000));
    }
  }
}
