import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ZodObject, z } from "zod";
import type { Scope } from "../domain/api_key.ts";
import type { Failure } from "../domain/failure.ts";
import type { Result } from "../domain/result.ts";
import type { Role } from "../domain/roles.ts";
import type { OperatorVisitor, PartnerVisitor, Visitor } from "../gateway/page_sessions.ts";
import type { Place } from "../platform/page_sessions.ts";
import type { Services } from "../platform/services.ts";
import type { AppContext } from "../http/context.ts";
import type { AuditDeclaration } from "../http/endpoint.ts";
import type { Language, Text } from "../http/language.ts";
import type { PathValues } from "../http/path_parameters.ts";
import type { Fields, Filled } from "./form.ts";
import type { Format } from "./format.ts";
import type { Html } from "./html.ts";

/**
 * A page is one export: what it declares of its place, access, query and form is what `run_page.ts` enforces, with the roles,
 * scopes, use cases and audit of the API. A view is a GET, an action a POST that ends with a redirect to a view.
 */
export type PageDeclaration = {
  readonly method: "GET" | "POST";
  /** With `:name` for what varies, as in endpoints. */
  readonly path: string;
  readonly place: Place;
  readonly access: PageAccess;
  /** What a view takes in its address; other names are ignored, and what does not fit is an error page. */
  readonly query?: ZodObject;
  /** How an action's form is sent; a file makes it `upload`. */
  readonly form?: "fields" | "upload";
  readonly audit?: AuditDeclaration;
  readonly handle: (call: PageCall) => Promise<Result<PageAnswer, Failure>> | Result<PageAnswer, Failure>;
};

/** Whom a page is for: anybody, an operator with a role, or a partner's session with a scope (null: any). */
type PageAccess =
  | { readonly for: "anybody" }
  | { readonly for: "operator"; readonly role: Role }
  | { readonly for: "partner"; readonly scope: Scope | null };

/** What a view shows, what an action goes on to, or a file as it is. */
export type PageAnswer = ShownPage | Redirect | Response;

export type ShownPage = {
  readonly title: string;
  readonly body: Html;
  /** Default: 200; a form that is shown again for what is wrong with it has 422. */
  readonly status?: ContentfulStatusCode;
};

export class Redirect {
  readonly to: string;

  /** `to` is an address of ours; `done` names what was done, and the next page says it. */
  constructor(to: string, done?: string) {
    this.to = done === undefined ? to : `${to}${to.includes("?") ? "&" : "?"}done=${done}`;
  }
}

/** Chooses the reader's language. */
export type Say = (text: Text) => string;

/** What pages are made with: whom they speak to, and how. */
export type PageTools = {
  readonly context: AppContext;
  readonly services: Services;
  readonly language: Language;
  readonly say: Say;
  readonly format: Format;
  readonly nowMs: number;
  /** The token that each form of this session carries, as a hidden field. */
  readonly token: Html;
  /** Fields of a form, as it was filled in. */
  readonly fields: (filled: Filled) => Fields;
};

type PageCall = PageTools & {
  readonly visitor: Visitor | null;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly form: FormData;
};

type Names<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Names<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

type NoQuery = ZodObject<Readonly<Record<string, never>>>;

type Typed<Path extends string, Query extends ZodObject> = PageTools & {
  readonly params: Pick<PathValues, Names<Path> & keyof PathValues>;
  readonly query: z.output<Query>;
  readonly form: FormData;
};

type Declared<Path extends string, Query extends ZodObject, Call> = Omit<
  PageDeclaration,
  "path" | "place" | "access" | "query" | "handle"
> & {
  readonly path: Path;
  readonly query?: Query;
  readonly handle: (call: Call) => ReturnType<PageDeclaration["handle"]>;
};

export type ConsoleCall<Path extends string = string, Query extends ZodObject = ZodObject> = Typed<Path, Query> & {
  readonly operator: OperatorVisitor;
  /** Whether the operator may do what asks for a role: what they may not is not offered. */
  readonly may: (role: Role) => boolean;
};

export type PortalCall<Path extends string = string, Query extends ZodObject = ZodObject> = Typed<Path, Query> & {
  readonly partner: PartnerVisitor;
  readonly may: (scope: Scope) => boolean;
};

/** A page that anybody sees: signing in. */
export function openPage<const Path extends string, Query extends ZodObject = NoQuery>(
  page: Declared<Path, Query, Typed<Path, Query> & { readonly visitor: Visitor | null }> & { readonly place: Place },
): PageDeclaration {
  return { ...page, access: { for: "anybody" } } as unknown as PageDeclaration;
}

/** A page of the console. */
export function consolePage<const Path extends string, Query extends ZodObject = NoQuery>({
  role,
  ...page
}: Declared<Path, Query, ConsoleCall<Path, Query>> & { readonly role: Role }): PageDeclaration {
  return { ...page, place: "console", access: { for: "operator", role } } as unknown as PageDeclaration;
}

/** A page of the portal; `scope` is what a key needs for it, null where any session sees it. */
export function portalPage<const Path extends string, Query extends ZodObject = NoQuery>({
  scope,
  ...page
}: Declared<Path, Query, PortalCall<Path, Query>> & { readonly scope: Scope | null }): PageDeclaration {
  return { ...page, place: "portal", access: { for: "partner", scope } } as unknown as PageDeclaration;
}
