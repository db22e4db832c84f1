import { CtlError, EXIT } from "../ctl_error.ts";

const MOST_REPEATS = 6;
const PAUSE_SECONDS = 5;
/** A store or a ledger that is away for a moment: the same call goes on where it stopped. */
const PASSING = new Set<unknown>(["ledger_unavailable", "statement_unavailable"]);

/**
 * One call of many, which may be made again: a store that is away for half a minute does not throw away what the calls
 * before it brought. A gateway that was never reached is not waited for.
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
