import type { FailureCode } from "../../domain/failure.ts";
import { MAGIC_CPFS, type MagicCpf, type MagicName } from "../../sandbox/magic_cpfs.ts";

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

/** A magic CPF with what a partner gets for it. */
export type MagicChoice = MagicCpf & { readonly failure: FailureCode | null };

export const MAGIC_CHOICES: readonly MagicChoice[] = MAGIC_CPFS.map((magic) => ({
  ...magic,
  failure: MAGIC_ANSWERS[magic.name],
}));
