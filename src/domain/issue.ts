/**
 * What is wrong with one part of a request, by name. It holds no value that the caller sent, for a value can be personal;
 * `http/texts/issue_texts.ts` says each in words, in every language, exhaustively.
 */
export type IssueCode =
  // The form of a field, a parameter or a header.
  | "required"
  | "wrong_type"
  | "unknown_field"
  | "unknown_parameter"
  | "given_twice"
  | "not_together"
  | "not_one_of"
  | "too_small"
  | "too_large"
  | "too_short"
  | "too_long"
  | "too_few"
  | "too_many"
  | "invalid_form"
  | "printable"
  | "ascii"
  | "looks_like_cpf"
  | "cpf"
  | "date"
  | "date_time"
  | "month"
  | "cursor"
  | "in_the_past"
  | "before_from"
  | "range_too_long"
  | "cidr"
  | "cnpj"
  | "email"
  | "tiers"
  | "amount"
  | "changes_nothing"
  | "opposite_signs"
  | "whole_centavos"
  | "nothing_to_correct"
  | "credit_too_large"
  | "visible_once"
  | "no_body"
  // What a call needs.
  | "content_type"
  | "content_encoding"
  | "body_limit"
  | "credential_form"
  | "scope_required"
  | "address_seen"
  | "role_required"
  | "live_key_required"
  | "foreign_origin"
  | "renews_at"
  | "ends_at"
  | "does_not_renew"
  // What stands in the way of a change.
  | "changed_by_others"
  | "too_many_keys"
  | "key_revoked"
  | "key_expired"
  | "beyond_own_rights"
  | "change_recorded"
  | "tenant_recorded"
  | "restriction_recorded"
  | "too_many_restrictions"
  | "document_taken"
  | "key_recorded"
  | "setting_missing"
  | "setup_missing"
  | "setting_taken"
  | "metrics_off"
  | "email_in_use"
  | "last_admin"
  | "tenant_unread"
  | "events_missing"
  | "file_damaged"
  | "restored_by_others"
  // What is wrong with a line of a report.
  | "report_cells"
  | "report_transaction"
  | "report_customer"
  | "report_time"
  | "report_period"
  | "report_status"
  | "line_too_long";

/** Where it is wrong, and what: `path` names a field, a header, a parameter or a line; empty for the whole. */
export type Issue = {
  readonly path: string;
  readonly code: IssueCode;
  /** What the words need: a limit, a name of ours, an id. Never what the caller sent as a value. */
  readonly params?: Readonly<Record<string, string | number>>;
};
