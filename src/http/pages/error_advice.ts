import type { FailureCode } from "../../domain/failure.ts";

/** What helps against a failure. */
export type Advice = "change_request" | "change_credentials" | "ask_operator" | "wait" | "repeat" | "final";

export const ADVICE: Readonly<Record<FailureCode, Advice>> = {
  invalid_json: "change_request",
  invalid_request: "change_request",
  invalid_cpf: "change_request",
  purpose_required: "change_request",
  rejected_by_claro: "change_request",
  missing_credentials: "change_credentials",
  invalid_api_key: "change_credentials",
  expired_api_key: "change_credentials",
  revoked_api_key: "change_credentials",
  invalid_token: "change_credentials",
  invalid_admin_credentials: "change_credentials",
  tenant_suspended: "ask_operator",
  insufficient_scope: "ask_operator",
  ip_not_allowed: "ask_operator",
  role_required: "ask_operator",
  cross_site_request: "change_request",
  subject_restricted: "ask_operator",
  trial_ended: "ask_operator",
  score_not_found: "final",
  not_found: "change_request",
  method_not_allowed: "change_request",
  conflict: "change_request",
  period_open: "wait",
  document_in_use: "change_request",
  change_pending: "repeat",
  idempotency_in_progress: "wait",
  idempotency_expired: "change_request",
  idempotency_mismatch: "change_request",
  payload_too_large: "change_request",
  unsupported_media_type: "change_request",
  rate_limited: "wait",
  quota_exceeded: "ask_operator",
  spend_cap_reached: "wait",
  key_limit_reached: "wait",
  test_quota_exceeded: "wait",
  internal: "ask_operator",
  misconfigured: "ask_operator",
  access_unavailable: "repeat",
  claro_contract: "ask_operator",
  claro_unauthorized: "ask_operator",
  claro_forbidden: "ask_operator",
  claro_failed: "repeat",
  claro_throttled: "wait",
  claro_unreachable: "wait",
  claro_timeout: "final",
  ledger_unavailable: "repeat",
  statement_unavailable: "repeat",
};

/** What helps against a failure on record. An earlier release may have recorded a code that is gone by now. */
export function adviceFor(code: string): Advice {
  return (ADVICE as Readonly<Record<string, Advice>>)[code] ?? "repeat";
}
