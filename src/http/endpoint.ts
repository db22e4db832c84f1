import type { ZodObject, ZodType, z } from "zod";
import type { Scope } from "../domain/api_key.ts";
import type { Failure, FailureCode } from "../domain/failure.ts";
import type { Issue } from "../domain/issue.ts";
import type { Result } from "../domain/result.ts";
import type { Role } from "../domain/roles.ts";
import type { Actor } from "../gateway/tenants.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";
import type { AppContext } from "./context.ts";
import type { Text } from "./language.ts";
import type { OnLine } from "./read_body.ts";
import type { PathValues } from "./path_parameters.ts";

/**
 * An endpoint is one export: what it declares of access, query, headers, body, answers and failures is what
 * `run_endpoint.ts` enforces and what `/openapi.json` and `/docs` tell. `handle` gets what has been let in and parsed.
 */
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export type Tag =
  | "Scores"
  | "Claro's shape"
  | "Usage"
  | "Statements"
  | "Gateway"
  | "Tenants"
  | "Keys"
  | "Lookups"
  | "Subjects"
  | "Operations";

/** How a tenant says who it is. */
export type Credential = "api-key" | "client-credentials" | "issued-token";

export type TenantAccess = {
  readonly audience: "tenant";
  readonly credential: Credential;
  readonly scope: Scope;
  /**
   * Which of the plan's limits a call counts to. A `lookup` counts when the ledger admits it, which takes no extra
   * call.
   */
  readonly limit: "lookup" | "read" | "token";
};
export type OperatorAccess = { readonly audience: "operator"; readonly role: Role };
export type Access = { readonly audience: "public" } | TenantAccess | OperatorAccess;

type MediaType = "application/json" | "application/x-www-form-urlencoded" | "text/csv" | "application/x-ndjson";

export type HeaderSchemas = Readonly<Record<string, ZodType>>;

export type BodyDeclaration<Schema extends ZodType = ZodType> = {
  readonly schema: Schema;
  /** Default: `application/json`. A streamed body is read by the handler, with `call.readLines`. */
  readonly types?: readonly MediaType[];
  readonly isStreamed?: boolean;
  /** Default: 4 KiB. */
  readonly maxBytes?: number;
  /** A call without a body is taken as `{}`. */
  readonly isOptional?: boolean;
  readonly example?: unknown;
  /** Mends the text before it is parsed. */
  readonly mend?: (text: string) => string;
  /** What a body that does not fit is called, when not `invalid_request`. */
  readonly failureOf?: (issues: readonly Issue[]) => FailureCode;
};

export type Answer = {
  readonly description: Text;
  /** A schema of JSON, or schemas by media type. */
  readonly content: ZodType | Readonly<Record<string, ZodType>>;
  readonly headers?: HeaderSchemas;
};

/** What an operator's call leaves in the audit: `in_change` when the use case writes it together with the change. */
export type AuditDeclaration =
  | "in_change"
  | { readonly action: string; readonly target: (params: Readonly<Record<string, string>>) => string };

type Declaration<Path extends string, Query extends ZodObject, Headers extends HeaderSchemas, Body extends ZodType> = {
  readonly method: Method;
  /** With `:name` for what varies; `path_parameters.ts` says what each may be. */
  readonly path: Path;
  /** The name that generated clients give to it. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: Text;
  readonly description?: Text;
  /** Every name that is taken; others are refused. */
  readonly query?: Query;
  readonly requestHeaders?: Headers;
  readonly body?: BodyDeclaration<Body>;
  /** By status; a plain schema stands for JSON. Failures are not listed here. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Headers that any answer of this call may carry. */
  readonly headers?: HeaderSchemas;
  /** What can go wrong, besides what follows from access, query, headers, body and path. */
  readonly failures?: readonly FailureCode[];
  /** What D1, KV or R2 being down is called here. */
  readonly outage?: "ledger_unavailable" | "statement_unavailable";
  /** Whose shape failures have. */
  readonly failureShape?: "claro";
};

type Input<Path extends string, Query extends ZodObject, Headers extends HeaderSchemas, Body extends ZodType> = {
  readonly context: AppContext;
  readonly services: Services;
  readonly params: Pick<PathValues, NamesIn<Path> & keyof PathValues>;
  readonly query: z.output<Query>;
  readonly headers: { readonly [Name in keyof Headers]: z.output<Headers[Name]> };
  readonly body: z.output<Body>;
  /** Reads a streamed body line by line, numbered from 1; the first failure ends it. */
  readonly readLines: (onLine: OnLine) => Promise<Result<{ readonly sha256: string }, Failure>>;
};

type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** What an endpoint that declares none of it has. */
type NoQuery = ZodObject<Readonly<Record<string, never>>>;
type NoHeaders = Readonly<Record<string, never>>;
type NoBody = z.ZodUndefined;

type Handled = Result<Response, Failure> | Promise<Result<Response, Failure>>;

/** An endpoint as the runner, the document and the pages see it. */
export type Endpoint = Omit<Declaration<string, ZodObject, HeaderSchemas, ZodType>, "body"> & {
  readonly access: Access;
  readonly audit?: AuditDeclaration;
  readonly body?: BodyDeclaration;
  readonly handle: (call: RunCall) => Handled;
};

/** All that the runner hands over; each kind of endpoint sees its own part of it. */
export type RunCall = Input<string, ZodObject, HeaderSchemas, ZodType> & {
  readonly caller: Caller | null;
  readonly actor: Actor | null;
  /** How long it took to know who calls. */
  readonly authMs: number;
};

/** A call that anybody may make. It never costs D1 anything. */
export function publicEndpoint<
  const Path extends string,
  Query extends ZodObject = NoQuery,
  Headers extends HeaderSchemas = NoHeaders,
  Body extends ZodType = NoBody,
>(
  declaration: Declaration<Path, Query, Headers, Body> & {
    readonly handle: (call: Input<Path, Query, Headers, Body>) => Handled;
  },
): Endpoint {
  return { ...declaration, access: { audience: "public" } } as unknown as Endpoint;
}

/** A call of a tenant, by one of its API keys. */
export function tenantEndpoint<
  const Path extends string,
  Query extends ZodObject = NoQuery,
  Headers extends HeaderSchemas = NoHeaders,
  Body extends ZodType = NoBody,
>({
  credential = "api-key",
  scope,
  limit,
  ...declaration
}: Declaration<Path, Query, Headers, Body> &
  Omit<TenantAccess, "audience" | "credential"> & {
    readonly credential?: Credential;
    readonly handle: (
      call: Input<Path, Query, Headers, Body> & { readonly caller: Caller; readonly authMs: number },
    ) => Handled;
  }): Endpoint {
  return { ...declaration, access: { audience: "tenant", credential, scope, limit } } as unknown as Endpoint;
}

/** A call of an operator. What changes anything declares what it leaves in the audit. */
export function operatorEndpoint<
  const Path extends string,
  Query extends ZodObject = NoQuery,
  Headers extends HeaderSchemas = NoHeaders,
  Body extends ZodType = NoBody,
>({
  role,
  ...declaration
}: Declaration<Path, Query, Headers, Body> &
  Omit<OperatorAccess, "audience"> & {
    readonly audit?: AuditDeclaration;
    readonly handle: (call: Input<Path, Query, Headers, Body> & { readonly actor: Actor }) => Handled;
  }): Endpoint {
  return { ...declaration, access: { audience: "operator", role } } as unknown as Endpoint;
}
