import type { ZodObject, ZodType } from "zod";
import type { FailureCode } from "../domain/failure.ts";
import type { AppContext } from "./context.ts";

export type Method = "GET" | "POST" | "PATCH";
export type Handler = (context: AppContext) => Response | Promise<Response>;

/** A handler and what the reference says of it: neither comes without the other. */
export type Endpoint = readonly [handler: Handler, operation: Operation];
export type Route = Readonly<Partial<Record<Method, Endpoint>>>;

/** Every path of the API, with `:name` for what varies, and its endpoints: what is served and what is documented. */
export type Routes = Readonly<Record<string, Route>>;

/** Who may call: each says which failures an operation can have because of it. */
export type Access = "anyone" | "api-key" | "client-credentials" | "issued-token" | "operator";

export type Tag = "Scores" | "Claro's shape" | "Usage" | "Statements" | "Gateway" | "Tenants" | "Keys" | "Operations";

export type HeaderSchemas = Readonly<Record<string, ZodType>>;

/** One call of the API, told with the schemas that validate it. Path parameters are described in `openapi_parts.ts`. */
export type Operation = {
  /** The name that generated clients give to it. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly query?: ZodObject;
  readonly requestHeaders?: HeaderSchemas;
  readonly body?: { readonly schema: ZodType; readonly type?: string; readonly example?: unknown };
  /** By status; a plain schema stands for JSON. Failures are not listed here. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Headers that any answer of this call may carry. */
  readonly headers?: HeaderSchemas;
  /** What can go wrong, besides what follows from `access`, `query`, `body` and the path's parameters. */
  readonly failures?: readonly FailureCode[];
  /** The shape of failures, when it is not `Problem`. */
  readonly failureSchema?: ZodType;
};

export type Answer = {
  readonly description: string;
  /** A schema of JSON, or schemas by media type. */
  readonly content: ZodType | Readonly<Record<string, ZodType>>;
  readonly headers?: HeaderSchemas;
};

const KEY_FAILURES: readonly FailureCode[] = [
  "expired_api_key",
  "revoked_api_key",
  "tenant_suspended",
  "ip_not_allowed",
  "insufficient_scope",
  "ledger_unavailable",
];

const ACCESS_FAILURES: Readonly<Record<Access, readonly FailureCode[]>> = {
  anyone: [],
  "api-key": ["missing_credentials", "invalid_api_key", "rate_limited", ...KEY_FAILURES],
  "client-credentials": ["missing_credentials", "invalid_api_key", "rate_limited", ...KEY_FAILURES],
  "issued-token": ["missing_credentials", "invalid_token", "invalid_api_key", "rate_limited", ...KEY_FAILURES],
  operator: ["invalid_admin_credentials", "rate_limited"],
};

/** Every failure that an operation can answer with. */
export function failuresOf(path: string, operation: Operation): FailureCode[] {
  const { access, query, body, failures = [] } = operation;
  const codes: FailureCode[] = ["misconfigured", "internal", ...ACCESS_FAILURES[access], ...failures];
  if (body !== undefined) codes.push("invalid_request", "payload_too_large", "unsupported_media_type");
  if (body !== undefined && body.type === undefined) codes.push("invalid_json");
  if (query !== undefined) codes.push("invalid_request");
  if (path.includes(":")) codes.push("not_found");
  return [...new Set(codes)];
}
