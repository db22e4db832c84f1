import type { FailureCode } from "../domain/failure.ts";
import type { Access, Endpoint } from "./endpoint.ts";

const TENANT_FAILURES: readonly FailureCode[] = [
  "missing_credentials",
  "invalid_api_key",
  "expired_api_key",
  "revoked_api_key",
  "tenant_suspended",
  "ip_not_allowed",
  "insufficient_scope",
  "rate_limited",
  "ledger_unavailable",
];

/** Every failure that an endpoint can answer with: what it declares, and what follows from the rest of its declaration. */
export function failuresOf({
  access,
  path,
  method,
  query,
  requestHeaders,
  body,
  failures = [],
  outage,
}: Endpoint): FailureCode[] {
  const codes: FailureCode[] = ["misconfigured", "internal", "invalid_request", ...accessFailures(access, method)];
  codes.push(...failures);
  if (access.audience !== "public") codes.push(outage ?? "ledger_unavailable");
  if (body !== undefined || method !== "GET") codes.push("payload_too_large", "unsupported_media_type", "invalid_json");
  if (query !== undefined || requestHeaders !== undefined) codes.push("invalid_request");
  if (path.includes(":")) codes.push("not_found");
  return [...new Set(codes)];
}

function accessFailures(access: Access, method: string): readonly FailureCode[] {
  switch (access.audience) {
    case "public":
      return [];
    case "tenant":
      return access.credential === "issued-token" ? [...TENANT_FAILURES, "invalid_token"] : TENANT_FAILURES;
    case "operator":
      return [
        "invalid_admin_credentials",
        "access_unavailable",
        "rate_limited",
        "role_required",
        ...(method === "GET" ? [] : (["cross_site_request"] as const)),
      ];
  }
}
