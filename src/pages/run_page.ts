import { html } from "hono/html";
import * as z from "zod";
import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { mayAct, roleRequired } from "../domain/roles.ts";
import { findVisit, formToken, isFormToken, type Visit, type Visitor } from "../gateway/page_sessions.ts";
import { describeFailure } from "../http/answer_failure.ts";
import { callerIp, logActor, type AppContext } from "../http/context.ts";
import { noteInAudit } from "../http/note_in_audit.ts";
import { loggedTarget, untilOutage } from "../http/run_endpoint.ts";
import { readParams, readQuery } from "../http/read_input.ts";
import { refuseForeignOrigin } from "../http/same_site.ts";
import { dropSession, languageOf, readSession, takePreferences, themeOf } from "./browser_state.ts";
import { errorPage } from "./error_page.ts";
import { Fields, type Filled } from "./form.ts";
import { formatFor } from "./format.ts";
import { layout, type NavEntry } from "./layout.ts";
import { Redirect, type PageAnswer, type PageDeclaration, type PageTools, type ShownPage } from "./page.ts";
import { readForm } from "./read_form.ts";
import { readsAsCpf } from "./reads_as_cpf.ts";
import type { Place } from "../platform/page_sessions.ts";
import type { Text } from "../http/language.ts";

/** What the pages of a place share: the list at the side in its order, and what its actions say when they are done. */
export type PlaceParts = {
  readonly nav: (visitor: Visitor) => readonly NavEntry[];
  readonly done: Readonly<Record<string, Text>>;
};

/** A place with its pages. */
export type PlaceOfPages = PlaceParts & { readonly pages: readonly PageDeclaration[] };

/** Signs the forms of visitors without a session, whom the browser's `Origin` protects. */
const STRANGER = "stranger";
const NO_QUERY = z.object({});

/**
 * Runs a page as it declares itself. Refusals come in one order, as in the API: the session (a redirect to signing in),
 * another origin or a forged form, role or scope, the path, the query, the form.
 */
export async function runPage(page: PageDeclaration, parts: PlaceParts, context: AppContext): Promise<Response> {
  context.header("Cache-Control", "no-store");
  if (page.method === "GET") {
    const better = addressWithoutCpf(page, context) ?? takePreferences(context);
    if (better !== null) return context.redirect(better, 303);
  }
  const found = await untilOutage({}, context, () => findVisitOf(page, context));
  if (!found.ok) return await answer(page, parts, context, { visit: null, answered: found });
  const visit = found.value;
  if (visit === null && page.access.for !== "anybody") return toSignIn(page, context);
  const answered = await untilOutage({}, context, () => perform(page, visit, context));
  return await answer(page, parts, context, { visit, answered });
}

async function findVisitOf({ place }: PageDeclaration, context: AppContext): Promise<Result<Visit | null, Failure>> {
  const cookie = readSession(context, place);
  if (cookie === undefined) return ok(null);
  const assertion = context.req.header("cf-access-jwt-assertion");
  const visit = await findVisit(context.get("services"), { place, cookie, assertion, ip: callerIp(context) });
  if (visit.ok && visit.value === null) dropSession(context, place);
  return visit;
}

/**
 * The address without parameters that hold a CPF, which would stay in the history and in every link; `wrong` tells the
 * page. Null where there is none.
 */
function addressWithoutCpf({ place }: PageDeclaration, context: AppContext): string | null {
  const url = new URL(context.req.url);
  if (url.pathname.split("/").some(readsAsCpf)) return `/${place}`;
  const given = [...url.searchParams].filter((pair) => pair.some(readsAsCpf));
  if (given.length === 0) return null;
  for (const [name] of given) url.searchParams.delete(name);
  url.searchParams.set("wrong", "cpf");
  return `${url.pathname}${url.search}`;
}

/** Back to where the visitor wanted to go, once they have signed in. */
function toSignIn({ place, method }: PageDeclaration, context: AppContext): Response {
  const { pathname, search } = new URL(context.req.url);
  const address = `${pathname}${search}`;
  const wanted = method === "GET" && address !== `/${place}` ? `?to=${encodeURIComponent(address)}` : "";
  return context.redirect(`/${place}/sign-in${wanted}`, 303);
}

async function perform(
  page: PageDeclaration,
  visit: Visit | null,
  context: AppContext,
): Promise<Result<PageAnswer, Failure>> {
  const services = context.get("services");
  const visitor = visit?.visitor ?? null;
  if (visitor !== null) await noteVisitor(context, visitor);
  const form = page.method === "POST" ? await readForm(context.req.raw, page.form ?? "fields") : ok(new FormData());
  if (page.method === "POST") {
    // The token is in the form, so the form is read first. Faults of the form itself are still refused last.
    const foreign = refuseForeignOrigin(context.req.raw, { mustBeNamed: true });
    if (foreign !== null) return fail(foreign);
    if (!form.ok) return form;
    const token = form.value.get("token");
    const isOurs = typeof token === "string" && (await isFormToken(services, visit?.secret ?? STRANGER, token));
    if (!isOurs) return fail({ code: "cross_site_request", issues: [{ path: "token", code: "foreign_origin" }] });
    form.value.delete("token");
  }
  const refused = refuseAccess(page, visitor);
  if (refused !== null) return fail(refused);
  const params = readParams(page, context);
  if (params === null) return fail({ code: "not_found" });
  if (visitor?.place === "console" && Object.keys(params).length > 0) context.get("log").target = loggedTarget(params);
  const query = readQuery(page.query ?? NO_QUERY, context.req.raw.url, { ignoresOthers: true });
  if (!query.ok) return query;
  if (!form.ok) return form;
  if (visitor?.place === "console") await noteInAudit(services, page.audit, { actor: visitor.actor, params });
  const tools = await toolsFor(context, visit);
  const call = { ...tools, visitor, ...visitorParts(visitor), params, query: query.value, form: form.value };
  return await page.handle(call);
}

/** Names the visitor in the log line. */
async function noteVisitor(context: AppContext, visitor: Visitor): Promise<void> {
  const log = context.get("log");
  if (visitor.place === "portal") {
    log.tenantId = visitor.tenant.id;
    log.mode = visitor.mode;
    if (visitor.key !== null) log.keyId = visitor.key.id;
    return;
  }
  await logActor(context, visitor.actor);
}

function refuseAccess({ access }: PageDeclaration, visitor: Visitor | null): Failure | null {
  if (access.for === "operator") {
    const { role } = access;
    const mayIt = visitor?.place === "console" && mayAct(visitor.roles, role);
    return mayIt ? null : roleRequired(role);
  }
  if (access.for === "partner") {
    const { scope } = access;
    const mayIt = visitor?.place === "portal" && (scope === null || visitor.scopes.includes(scope));
    const params = { scope: scope ?? "" };
    return mayIt ? null : { code: "insufficient_scope", issues: [{ path: "", code: "scope_required", params }] };
  }
  return null;
}

function visitorParts(visitor: Visitor | null): object {
  if (visitor?.place === "console") {
    return { operator: visitor, may: (role: Parameters<typeof mayAct>[1]) => mayAct(visitor.roles, role) };
  }
  if (visitor?.place === "portal") {
    return { partner: visitor, may: (scope: (typeof visitor.scopes)[number]) => visitor.scopes.includes(scope) };
  }
  return {};
}

async function toolsFor(context: AppContext, visit: Visit | null): Promise<PageTools> {
  const services = context.get("services");
  const language = languageOf(context);
  const token = await formToken(services, visit?.secret ?? STRANGER);
  return {
    context,
    services,
    language,
    say: (text) => text[language],
    format: formatFor(language),
    nowMs: services.clock.nowMs(),
    token: html`<input type="hidden" name="token" value="${token}" />`,
    fields: (filled: Filled) => new Fields(filled, language),
  };
}

type Answered = { readonly visit: Visit | null; readonly answered: Result<PageAnswer, Failure> };

async function answer(
  { place }: PageDeclaration,
  parts: PlaceParts,
  context: AppContext,
  { visit, answered }: Answered,
): Promise<Response> {
  const tools = await toolsFor(context, visit);
  const shown = answered.ok ? answered.value : failedPage(place, tools, answered.failure);
  if (shown instanceof Response) return shown;
  if (shown instanceof Redirect) return context.redirect(shown.to, 303);
  const url = new URL(context.req.url);
  const done = answered.ok ? parts.done[url.searchParams.get("done") ?? ""] : undefined;
  url.searchParams.delete("done");
  const frame = {
    place,
    path: url.pathname,
    address: `${url.pathname}${url.search}`,
    language: tools.language,
    theme: themeOf(context),
    visitor: visit?.visitor ?? null,
    nav: visit === null ? [] : parts.nav(visit.visitor),
    done: done ?? null,
    token: tools.token,
    requestId: context.get("requestId"),
  };
  context.header("Content-Language", tools.language);
  context.header("Vary", "Accept-Language, Cookie");
  return context.html(layout(shown, frame), shown.status ?? 200);
}

function failedPage(place: Place, tools: PageTools, failure: Failure): ShownPage {
  return errorPage(tools, place, describeFailure(tools.context, failure, tools.language));
}

/** Answers an unknown address below a place. Visitors sign in first: only they may know which pages exist. */
export async function answerUnknownPage(
  place: PageDeclaration["place"],
  parts: PlaceParts,
  context: AppContext,
): Promise<Response> {
  const access: PageDeclaration["access"] =
    place === "console" ? { for: "operator", role: "read" } : { for: "partner", scope: null };
  const page: PageDeclaration = { method: "GET", path: "", place, access, handle: () => fail({ code: "not_found" }) };
  return await runPage(page, parts, context);
}
