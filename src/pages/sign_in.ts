import { html } from "hono/html";
import * as z from "zod";
import type { Failure } from "../domain/failure.ts";
import { ok, type Result } from "../domain/result.ts";
import { isPortalLinkOpen } from "../gateway/portal_links.ts";
import { signInByLink, signInOperator, signInPartner, signOut, type SessionCookie } from "../gateway/page_sessions.ts";
import type { Place } from "../platform/page_sessions.ts";
import { describeFailure } from "../http/answer_failure.ts";
import { callerIp } from "../http/context.ts";
import { dropSession, keepSession, readSession } from "./browser_state.ts";
import { COMMON } from "./common_texts.ts";
import { card, notice, type Content, type Html } from "./html.ts";
import { openPage, Redirect, type PageAnswer, type PageTools, type ShownPage } from "./page.ts";
import { fieldOf } from "./read_form.ts";
import { SIGN_IN } from "./sign_in_texts.ts";
import { UNFILLED } from "./form.ts";

const signInQuery = z.object({ to: z.string().max(2000).optional() });

/** `GET /console/sign-in`. */
export const showConsoleSignIn = openPage({
  method: "GET",
  place: "console",
  path: "/console/sign-in",
  query: signInQuery,
  handle: (call) =>
    call.visitor === null
      ? ok(consoleSignIn(call, call.query.to ?? ""))
      : ok(new Redirect(safeTarget("console", call.query.to))),
});

/** `POST /console/sign-in`. A wrong token waits as long as in the API, and is not shown again. */
export const signInToConsole = openPage({
  method: "POST",
  place: "console",
  path: "/console/sign-in",
  handle: async (call) => {
    const { context, services, form } = call;
    const token = fieldOf(form, "credential");
    const signedIn = await signInOperator(services, {
      assertion: context.req.header("cf-access-jwt-assertion"),
      token: token === "" ? undefined : token,
      ip: callerIp(context),
      waitUntil: (work) => context.executionCtx.waitUntil(work),
    });
    return signedInTo(call, "console", signedIn, consoleSignIn);
  },
});

/** `GET /portal/sign-in`. */
export const showPortalSignIn = openPage({
  method: "GET",
  place: "portal",
  path: "/portal/sign-in",
  query: signInQuery,
  handle: (call) =>
    call.visitor === null
      ? ok(portalSignIn(call, call.query.to ?? ""))
      : ok(new Redirect(safeTarget("portal", call.query.to))),
});

/** `POST /portal/sign-in`. */
export const signInToPortal = openPage({
  method: "POST",
  place: "portal",
  path: "/portal/sign-in",
  handle: async (call) => {
    const text = fieldOf(call.form, "credential");
    const signedIn = await signInPartner(call.services, { text, ip: callerIp(call.context) });
    return signedInTo(call, "portal", signedIn, portalSignIn);
  },
});

/** `GET /portal/link/{secret}`: shows a button. Mail scanners follow links, and that must not use one up. */
export const showPortalLink = openPage({
  method: "GET",
  place: "portal",
  path: "/portal/link/:linkSecret",
  handle: async (call) => {
    const { services, say, token, params } = call;
    if (!(await isPortalLinkOpen(services, params.linkSecret))) return ok(linkOver(call));
    const content = html`<p>${say(SIGN_IN.linkLead)}</p>
      <form method="post" action="/portal/link">
        ${token}<input type="hidden" name="link" value="${params.linkSecret}" />
        <button type="submit" class="first">${say(COMMON.signIn)}</button>
      </form>`;
    return ok({ title: say(SIGN_IN.linkTitle), body: alone(say(SIGN_IN.linkTitle), content) });
  },
});

/** `POST /portal/link`. */
export const usePortalLink = openPage({
  method: "POST",
  place: "portal",
  path: "/portal/link",
  handle: async (call) => {
    const { context, services, form } = call;
    const signedIn = await signInByLink(services, fieldOf(form, "link"));
    if (!signedIn.ok) return ok(linkOver(call));
    keepSession(context, "portal", signedIn.value);
    return ok(new Redirect("/portal"));
  },
});

/** `POST /console/sign-out`. */
export const signOutOfConsole = openPage({
  method: "POST",
  place: "console",
  path: "/console/sign-out",
  handle: async (call) => await signedOut(call, "console"),
});

/** `POST /portal/sign-out`. */
export const signOutOfPortal = openPage({
  method: "POST",
  place: "portal",
  path: "/portal/sign-out",
  handle: async (call) => await signedOut(call, "portal"),
});

async function signedOut({ context, services }: PageTools, place: Place): Promise<Result<PageAnswer, Failure>> {
  const cookie = readSession(context, place);
  if (cookie !== undefined) await signOut(services, cookie);
  dropSession(context, place);
  return ok(new Redirect(`/${place}/sign-in`, "signed-out"));
}

type SignInPage = (tools: PageTools, to: string, failure?: Failure) => ShownPage;

function signedInTo(
  call: PageTools & { readonly form: FormData },
  place: Place,
  signedIn: Result<SessionCookie, Failure>,
  again: SignInPage,
): Result<PageAnswer, Failure> {
  const to = fieldOf(call.form, "to");
  if (!signedIn.ok) return ok(again(call, to, signedIn.failure));
  keepSession(call.context, place, signedIn.value);
  return ok(new Redirect(safeTarget(place, to)));
}

function consoleSignIn(tools: PageTools, to: string, failure?: Failure): ShownPage {
  const { say, token, context } = tools;
  const hasAssertion = context.req.header("cf-access-jwt-assertion") !== undefined;
  const byAccess = html`<p>${say(SIGN_IN.accessLead)}</p>
    <form method="post" action="/console/sign-in">
      ${token}<input type="hidden" name="to" value="${to}" />
      <button type="submit" class="first">${say(SIGN_IN.byAccess)}</button>
    </form>`;
  const label = { label: say(SIGN_IN.token), hint: say(SIGN_IN.tokenHint) };
  const content = html`<p class="quiet">${say(SIGN_IN.consoleLead)}</p>
    ${hasAssertion ? byAccess : ""} ${credentialForm(tools, { action: "/console/sign-in", to, ...label })}`;
  return signInPage(tools, say(SIGN_IN.consoleTitle), content, failure);
}

function portalSignIn(tools: PageTools, to: string, failure?: Failure): ShownPage {
  const { say } = tools;
  const label = { label: say(SIGN_IN.key), hint: say(SIGN_IN.keyHint) };
  const content = html`<p class="quiet">${say(SIGN_IN.portalLead)}</p>
    ${credentialForm(tools, { action: "/portal/sign-in", to, ...label })}
    <p class="quiet small">${say(SIGN_IN.noKey)}</p>`;
  return signInPage(tools, say(SIGN_IN.portalTitle), content, failure);
}

function credentialForm(
  { say, token, fields }: PageTools,
  { action, to, label, hint }: { action: string; to: string; label: string; hint: string },
): Html {
  return html`<form method="post" action="${action}" class="form">
    ${token}<input type="hidden" name="to" value="${to}" />
    ${fields(UNFILLED).input("credential", { label, hint, type: "password", isRequired: true, autocomplete: "current-password" })}
    <div class="row">
      <button type="submit" class="first">${say(COMMON.signIn)}</button>
      <span class="quiet small">${say(SIGN_IN.session)}</span>
    </div>
  </form>`;
}

function signInPage({ context, language }: PageTools, title: string, content: Content, failure?: Failure): ShownPage {
  if (failure === undefined) return { title, body: alone(title, content) };
  const { detail, status } = describeFailure(context, failure, language);
  return { title, status, body: alone(title, html`${notice(detail.replaceAll("`", ""), "bad")} ${content}`) };
}

function linkOver({ say }: PageTools): ShownPage {
  const title = say(SIGN_IN.linkTitle);
  const content = html`${notice(say(SIGN_IN.linkOver), "warn")}
    <p><a href="/portal/sign-in">${say(SIGN_IN.portalTitle)}</a></p>`;
  return { title, status: 404, body: alone(title, content) };
}

function alone(title: string, content: Content): Html {
  return card(
    null,
    html`<h1>${title}</h1>
      ${content}`,
  );
}

/** Where to go after signing in: a page of the same place and nowhere else. */
function safeTarget(place: Place, to: string | undefined): string {
  const isOurs = to !== undefined && new RegExp(`^/${place}(?:[/?][\\x21-\\x7e]*)?$`).test(to) && !to.includes("\\");
  return isOurs ? to : `/${place}`;
}
