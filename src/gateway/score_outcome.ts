import type { Failure, FailureCode } from "../domain/failure.ts";
import type { Outcome } from "../domain/meter_event.ts";
import type { TokenRefusal } from "../platform/claro/access_token.ts";
import type { ClaroCause } from "../platform/claro/cause.ts";
import type { RefusedExchange, ScoreExchange } from "../platform/claro/claro_client.ts";
import type { PermitResult } from "../platform/claro/claro_gate.ts";

/** What a score call means to the ledger and to the partner, with what the event and the log say of a failure. */
export type ScoreOutcome =
  | {
      readonly outcome: "delivered";
      readonly score: number;
      readonly writtenScore: number | string;
      readonly transactionId: string | null;
      readonly apiVersion: string | null;
      readonly failure: null;
      readonly failureCode: null;
      readonly upstreamStatus: number;
      readonly cause: null;
    }
  | {
      readonly outcome: Exclude<Outcome, "delivered">;
      readonly transactionId: string | null;
      readonly failure: Failure;
      readonly failureCode: FailureCode;
      /** The last status that Claro answered with, to whichever call ended the lookup; null when there was none. */
      readonly upstreamStatus: number | null;
      /** For the log; null where nothing went wrong. */
      readonly cause: ClaroCause | null;
      /** What it says of Claro as a whole, to its breaker. */
      readonly permitResult: PermitResult;
    };

type Ended = Exclude<ScoreOutcome, { outcome: "delivered" }>;

const THROTTLED_RETRY_SECONDS = 5;
const UNREACHABLE_RETRY_SECONDS = 1;

/** The table of Claro's answers (docs/claro.md), after all retries. */
export function scoreOutcome(exchange: ScoreExchange): ScoreOutcome {
  switch (exchange.kind) {
    case "score": {
      const { score, writtenScore, transactionId, apiVersion } = exchange;
      const noFailure = { failure: null, failureCode: null, upstreamStatus: 200, cause: null };
      return { outcome: "delivered", score, writtenScore, transactionId, apiVersion, ...noFailure };
    }
    case "no_score": {
      const { transactionId, cause } = exchange;
      return ended("failed", { code: "claro_contract" }, { transactionId, upstreamStatus: 200, cause });
    }
    case "not_sent":
      return ended("failed", UNREACHABLE, { ...about(exchange), permitResult: "failed" });
    case "no_answer":
      return ended("unknown", { code: "claro_timeout" }, { ...about(exchange), permitResult: "failed" });
    case "refused":
      return refusedOutcome(exchange);
  }
}

/** There was no access token, so nothing was asked: it costs nobody anything. */
export function withoutToken({ failure, upstreamStatus, cause }: TokenRefusal): ScoreOutcome {
  return ended("failed", failure, { upstreamStatus, cause, permitResult: "unused" });
}

/** The time budget was gone before anything was sent, on the ledger or on the token. */
export function outOfTime(): ScoreOutcome {
  return ended("failed", UNREACHABLE, { upstreamStatus: null, cause: "no_time_left", permitResult: "unused" });
}

/** Our own code failed. Where Claro may have the call, it may have billed it. */
export function ownFault({ isSent }: { isSent: boolean }): ScoreOutcome {
  const details = { upstreamStatus: null, cause: "exception", permitResult: "unused" } as const;
  return ended(isSent ? "unknown" : "failed", { code: "internal" }, details);
}

/** What the breaker is told: a refusal of one lookup is a success of Claro as a whole. */
export function permitResultOf(outcome: ScoreOutcome): PermitResult {
  return outcome.outcome === "delivered" ? "succeeded" : outcome.permitResult;
}

/** The same failure with a `Retry-After` that is not shorter, where it has one. */
export function withRetryAfter(outcome: ScoreOutcome, leastMs: number): ScoreOutcome {
  const told = outcome.failure?.retryAfterSeconds;
  if (outcome.outcome === "delivered" || told === undefined) return outcome;
  const retryAfterSeconds = Math.max(told, Math.ceil(leastMs / 1000));
  return { ...outcome, failure: { ...outcome.failure, retryAfterSeconds } };
}

/**
 * Whether the same lookup may be sent once more. What Claro may have billed, or has understood and refused, may not. A
 * connection that could not be made was tried twice, unless it was Cloudflare that could not make it.
 */
export function mayRepeat(exchange: ScoreExchange): boolean {
  if (exchange.kind === "not_sent") return exchange.status !== null;
  return exchange.kind === "refused" && [500, 502, 503, 504].includes(exchange.status);
}

const UNREACHABLE: Failure = { code: "claro_unreachable", retryAfterSeconds: UNREACHABLE_RETRY_SECONDS };

function about(exchange: Extract<ScoreExchange, { kind: "not_sent" | "no_answer" }>) {
  return { upstreamStatus: exchange.status, cause: exchange.cause };
}

function refusedOutcome({ status, transactionId, retryAfterSeconds, foreign }: RefusedExchange): ScoreOutcome {
  const details = { transactionId, upstreamStatus: status, cause: "status" } as const;
  switch (status) {
    case 400:
      return ended("rejected", { code: "rejected_by_claro" }, details);
    case 401:
      return ended("failed", { code: "claro_unauthorized" }, details);
    case 403:
      return ended("failed", { code: "claro_forbidden" }, details);
    case 404:
      if (foreign === null) return ended("not_found", { code: "score_not_found" }, { ...details, cause: null });
      return ended("failed", { code: "claro_failed" }, { ...details, cause: foreign, permitResult: "failed" });
    case 429: {
      const failure = {
        code: "claro_throttled",
        retryAfterSeconds: retryAfterSeconds ?? THROTTLED_RETRY_SECONDS,
      } as const;
      return ended("failed", failure, details);
    }
    case 500:
    case 502:
    case 503:
    case 504:
      return ended("failed", { code: "claro_failed" }, { ...details, permitResult: "failed" });
    default:
      return ended("failed", { code: "claro_contract" }, details);
  }
}

function ended(
  outcome: Ended["outcome"],
  failure: Failure,
  details: Pick<Ended, "upstreamStatus" | "cause"> & Partial<Pick<Ended, "transactionId" | "permitResult">>,
): Ended {
  return { outcome, transactionId: null, permitResult: "succeeded", ...details, failure, failureCode: failure.code };
}
