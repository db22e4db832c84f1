import type { Failure } from "../domain/failure.ts";
import type { Outcome } from "../domain/meter_event.ts";
import type { ScoreExchange } from "../platform/claro/claro_client.ts";

/** What a score call means to the ledger and to the partner. */
export type ScoreOutcome =
  | {
      readonly outcome: "delivered";
      readonly score: number;
      readonly writtenScore: number | string;
      readonly transactionId: string | null;
      readonly apiVersion: string | null;
      readonly failure: null;
    }
  | {
      readonly outcome: Exclude<Outcome, "delivered">;
      readonly transactionId: string | null;
      readonly failure: Failure;
    };

const THROTTLED_RETRY_SECONDS = 5;
const UNREACHABLE_RETRY_SECONDS = 1;

/** The table of Claro's answers (README, "What Claro answers"), after all retries. */
export function scoreOutcome(exchange: ScoreExchange): ScoreOutcome {
  switch (exchange.kind) {
    case "score": {
      const { score, writtenScore, transactionId, apiVersion } = exchange;
      return { outcome: "delivered", score, writtenScore, transactionId, apiVersion, failure: null };
    }
    case "no_score":
      return ended("failed", { code: "claro_contract" }, exchange.transactionId);
    case "not_sent":
      return ended("failed", { code: "claro_unreachable", retryAfterSeconds: UNREACHABLE_RETRY_SECONDS });
    case "no_answer":
      return ended("unknown", { code: "claro_timeout" });
    case "refused":
      return refusedOutcome(exchange);
  }
}

/** Nothing was sent to Claro: the lookup costs nobody anything. */
export function nothingSent(failure: Failure): ScoreOutcome {
  return ended("failed", failure);
}

/**
 * Whether Claro as a whole did not do its work, which the circuit breaker counts. What it refuses (400 to 429) or answers
 * in a way that cannot be understood says nothing of the next lookup.
 */
export function isClarosFailure({ failure }: ScoreOutcome): boolean {
  return failure !== null && ["claro_timeout", "claro_unreachable", "claro_failed"].includes(failure.code);
}

/** Whether the same lookup may be sent once more. What Claro may have billed, or has understood and refused, may not. */
export function mayRepeat(exchange: ScoreExchange): boolean {
  return exchange.kind === "refused" && [500, 502, 503, 504].includes(exchange.status);
}

function refusedOutcome(exchange: Extract<ScoreExchange, { kind: "refused" }>): ScoreOutcome {
  const { status, transactionId } = exchange;
  switch (status) {
    case 400:
      return ended("rejected", { code: "rejected_by_claro" }, transactionId);
    case 401:
      return ended("failed", { code: "claro_unauthorized" }, transactionId);
    case 403:
      return ended("failed", { code: "claro_forbidden" }, transactionId);
    case 404:
      return ended("not_found", { code: "score_not_found" }, transactionId);
    case 429: {
      const retryAfterSeconds = exchange.retryAfterSeconds ?? THROTTLED_RETRY_SECONDS;
      return ended("failed", { code: "claro_throttled", retryAfterSeconds }, transactionId);
    }
    default:
      return ended("failed", { code: status >= 500 ? "claro_failed" : "claro_contract" }, transactionId);
  }
}

function ended(
  outcome: Exclude<Outcome, "delivered">,
  failure: Failure,
  transactionId: string | null = null,
): ScoreOutcome {
  return { outcome, transactionId, failure };
}
