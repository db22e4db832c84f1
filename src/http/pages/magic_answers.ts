import type { FailureCode } from "../../domain/failure.ts";
import type { MagicName } from "../../sandbox/magic_cpfs.ts";

/** What a partner gets for each magic CPF: a failure's code, or null for a score. */
export const MAGIC_ANSWERS: Readonly<Record<MagicName, FailureCode | null>> = {
  score_0: null,
  score_1000: null,
  not_found: "score_not_found",
  rejected: "rejected_by_claro",
  expired_token_once: null,
  forbidden: "claro_forbidden",
  throttled: "claro_throttled",
  failed: "claro_failed",
  slow: null,
  timeout: "claro_timeout",
  html: "claro_contract",
  score_out_of_range: "claro_contract",
  no_score: "claro_contract",
};
