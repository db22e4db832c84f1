import type { ScoreExchange } from "../platform/claro/claro_client.ts";
import type { LookupParties, Permit } from "../platform/claro/claro_gate.ts";
import type { CallStage } from "../platform/claro/transport.ts";
import { isDeadlinePassed, withDeadline, type Deadline } from "../platform/deadline.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import {
  mayRepeat,
  outOfTime,
  ownFault,
  permitResultOf,
  scoreOutcome,
  withoutToken,
  withRetryAfter,
  type ScoreOutcome,
} from "./score_outcome.ts";

/** Below this a second try could only end as `unknown`. */
const LEAST_BUDGET_FOR_REPEAT_MS = 500;

export type ClaroAsk = LookupParties & { readonly customerId: string; readonly deadlineMs: number };

type OnStage = (stage: CallStage) => void;

/**
 * Asks Claro for one score, with its token and the repeats that cost nothing, all within one time budget, and tells the
 * breaker how it ended. Never throws: a fault of our own is an outcome too, so that the ledger hears of it.
 */
export async function askClaro(
  services: Services,
  ask: ClaroAsk,
  { permit, waitUntil }: { permit: Permit; waitUntil: (work: Promise<unknown>) => void },
): Promise<ScoreOutcome> {
  const outcome = await askInTime(services, ask);
  const leaving = services.gate.leave(permit, permitResultOf(outcome));
  // Only an answer that says when to come back waits for what the breaker makes of it.
  if (outcome.failure?.retryAfterSeconds !== undefined) return withRetryAfter(outcome, await leaving);
  waitUntil(leaving);
  return outcome;
}

async function askInTime(services: Services, ask: ClaroAsk): Promise<ScoreOutcome> {
  let stage: CallStage = "waiting";
  const onStage = (reached: CallStage) => {
    stage = reached;
  };
  try {
    const timeoutMs = ask.deadlineMs - Date.now();
    const outcome = await withDeadline(timeoutMs, (deadline) => askWithRepeats(services, ask, { deadline, onStage }));
    return isDeadlinePassed(outcome) ? timedOut(stage) : outcome;
  } catch (error) {
    logEvent("error", { event: "ask_claro_failed", error: messageOf(error) });
    return ownFault({ isSent: isWithClaro(stage) });
  }
}

/** A 401 gets the token's successor and one repeat; a 5xx one repeat. */
async function askWithRepeats(
  services: Services,
  ask: ClaroAsk,
  { deadline, onStage }: { deadline: Deadline; onStage: OnStage },
): Promise<ScoreOutcome> {
  const { mode, tenantId } = ask;
  let token = await services.tokens.get(mode);
  for (let repeats = { unauthorized: 1, failed: 1 }; ;) {
    if (token.kind === "refused") return withoutToken(token);
    if (deadline.isPassed || Date.now() >= ask.deadlineMs) return outOfTime();
    const { grant } = token;
    const exchange = await services.claro[mode].requestScore(
      { ...ask, accessToken: grant.accessToken },
      deadline,
      onStage,
    );
    if (isUnauthorized(exchange) && repeats.unauthorized > 0) {
      repeats = { ...repeats, unauthorized: repeats.unauthorized - 1 };
      onStage("waiting");
      token = await services.tokens.replace(mode, tenantId, grant);
      continue;
    }
    if (isUnauthorized(exchange)) services.tokens.noteNotCured(tenantId, grant);
    const hasTime = ask.deadlineMs - Date.now() >= LEAST_BUDGET_FOR_REPEAT_MS;
    if (!mayRepeat(exchange) || repeats.failed === 0 || !hasTime) return scoreOutcome(exchange);
    repeats = { ...repeats, failed: repeats.failed - 1 };
  }
}

/** What is known of a call when its time is over. A status that came decides, all but a 200 without its body. */
function timedOut(stage: CallStage): ScoreOutcome {
  if (stage === "waiting") return outOfTime();
  if (stage === "connecting") return scoreOutcome({ kind: "not_sent", status: null, cause: "timeout" });
  if (isWithClaro(stage)) {
    const status = stage === "sent" ? null : 200;
    return scoreOutcome({ kind: "no_answer", status, cause: "timeout" });
  }
  const { status } = stage as Exclude<CallStage, string>;
  return scoreOutcome({ kind: "refused", status, transactionId: null, retryAfterSeconds: null, foreign: null });
}

/** Claro has the call, or may have it, and has not said that it did nothing. */
function isWithClaro(stage: CallStage): boolean {
  return stage === "sent" || (typeof stage === "object" && stage.status === 200);
}

function isUnauthorized(exchange: ScoreExchange): boolean {
  return exchange.kind === "refused" && exchange.status === 401;
}
