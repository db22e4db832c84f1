import type { Cpf } from "../domain/cpf.ts";
import type { Mode } from "../domain/meter_event.ts";
import type { ScoreExchange } from "../platform/claro/claro_client.ts";
import { isDeadlinePassed, withDeadline } from "../platform/deadline.ts";
import type { Services } from "../platform/services.ts";
import { mayRepeat, nothingSent, scoreOutcome, type ScoreOutcome } from "./score_outcome.ts";

/** Below this a second try could only end as `unknown`. */
const LEAST_BUDGET_FOR_REPEAT_MS = 500;

/**
 * Asks Claro for one score, with its token and the repeats that cost nothing, all within one time budget. A 401 gets the
 * token's successor and one repeat; a 5xx one repeat; a connection that could not be made was tried twice already.
 */
export async function askClaro(
  services: Services,
  mode: Mode,
  ask: { cpf: Cpf; customerId: string; deadlineMs: number },
): Promise<ScoreOutcome> {
  let isSent = false;
  const answer = await withDeadline(ask.deadlineMs - Date.now(), async (deadline) => {
    let token = await services.tokens.get(mode);
    for (let repeats = { unauthorized: 1, failed: 1 }; ;) {
      if (token.kind === "refused") return nothingSent(token.failure);
      if (deadline.isPassed || Date.now() >= ask.deadlineMs) return outOfTime();
      isSent = false;
      const { accessToken, generation } = token.grant;
      const exchange = await services.claro[mode].requestScore({ ...ask, accessToken }, deadline, () => {
        isSent = true;
      });
      if (isUnauthorized(exchange) && repeats.unauthorized > 0) {
        repeats = { ...repeats, unauthorized: repeats.unauthorized - 1 };
        isSent = false; // Claro answered that it did nothing.
        token = await services.tokens.replace(mode, generation);
        continue;
      }
      const hasTime = ask.deadlineMs - Date.now() >= LEAST_BUDGET_FOR_REPEAT_MS;
      if (!mayRepeat(exchange) || repeats.failed === 0 || !hasTime) return scoreOutcome(exchange);
      repeats = { ...repeats, failed: repeats.failed - 1 };
    }
  });
  if (!isDeadlinePassed(answer)) return answer;
  return isSent ? scoreOutcome({ kind: "no_answer", reason: "timeout" }) : outOfTime();
}

/** The budget was spent on the ledger, the token, or a connection that was never made. */
function outOfTime(): ScoreOutcome {
  return scoreOutcome({ kind: "not_sent" });
}

function isUnauthorized(exchange: ScoreExchange): boolean {
  return exchange.kind === "refused" && exchange.status === 401;
}
