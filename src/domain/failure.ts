import type { Issue } from "./issue.ts";

/**
 * Every expected failure by name. It knows no HTTP: `http/texts/problem_texts.ts` maps each to a status and to words,
 * exhaustively.
 */
export type FailureCode =
  | "invalid_json"
  | "invalid_request"
  | "invalid_cpf"
  | "purpose_required"
  | "rejected_by_claro"
  | "missing_credentials"
  | "invalid_api_key"
  | "expired_api_key"
  | "revoked_api_key"
  | "invalid_token"
  | "invalid_admin_credentials"
  | "tenant_suspended"
  | "insufficient_scope"
  | "ip_not_allowed"
  | "role_required"
  | "cross_site_request"
  | "trial_ended"
  | "subject_restricted"
  | "score_not_found"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "period_open"
  | "document_in_use"
  | "change_pending"
  | "idempotency_in_progress"
  | "idempotency_expired"
  | "idempotency_mismatch"
  | "payload_too_large"
  | "unsupported_media_type"
  | "rate_limited"
  | "quota_exceeded"
  | "spend_cap_reached"
  | "key_limit_reached"
  | "test_quota_exceeded"
  | "internal"
  | "misconfigured"
  | "access_unavailable"
  | "claro_contract"
  | "claro_unauthorized"
  | "claro_forbidden"
  | "claro_failed"
  | "claro_throttled"
  | "claro_unreachable"
  | "claro_timeout"
  | "ledger_unavailable"
  | "statement_unavailable";

export type Failure = {
  readonly code: FailureCode;
  /** Whole seconds after which trying again can help; absent when waiting does not help. */
  readonly retryAfterSeconds?: number;
  /** When a quota or a cap begins anew. */
  readonly resetsAtMs?: number;
  /** What is wrong with which part, without what stood there: a value can be personal. */
  readonly issues?: readonly Issue[];
  /** The lookup that failed, where it is on record. */
  readonly lookupId?: string;
};
