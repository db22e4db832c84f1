import { html } from "hono/html";
import type { Text } from "../../http/language.ts";
import { COMMON } from "../common_texts.ts";
import { copyButton } from "../copy_button.ts";
import type { Filled } from "../form.ts";
import { attribute, badge, notice, type Html, type Link } from "../html.ts";
import type { Tenant } from "../../platform/register.ts";
import type { PageTools, Say } from "../page.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";

export function tenantLink(id: string, name: string): Html {
  return html`<a href="/console/tenants/${id}">${name}</a>`;
}

export function lookupLink(id: string): Html {
  return html`<a class="mono id" href="/console/lookups/${id}">${id}</a>`;
}

export function statusBadge(status: "active" | "suspended", say: Say): Html {
  return status === "active" ? badge(say(PART_TEXTS.active), "good") : badge(say(PART_TEXTS.suspended), "bad");
}

/** The way back from a page of a tenant. */
export function crumbsOf({ say }: PageTools, { id, name }: Pick<Tenant, "id" | "name">): Link[] {
  return [
    { to: "/console/tenants", text: say(NAV_TEXTS.tenants) },
    { to: `/console/tenants/${id}`, text: name },
  ];
}

/** What is wrong with a form: `names` are the fields that show their own faults. */
export function faults({ say, fields }: PageTools, filled: Filled, names: readonly string[]): Html | string {
  if (filled.issues.length === 0) return "";
  return html`${notice(say(COMMON.wrongFields), "bad")} ${fields(filled).rest(names)}`;
}

/** A form behind a fold: whoever opens it reads what the button does before pressing it. */
export function act(
  { say, token }: PageTools,
  {
    to,
    title,
    note,
    button,
    isDanger = false,
    isOpen = false,
    fields = html``,
  }: {
    to: string;
    title: Text;
    note: Text;
    button: Text;
    isDanger?: boolean;
    isOpen?: boolean;
    fields?: Html;
  },
): Html {
  return html`<details class="act" ${attribute("open", isOpen)}>
    <summary>${say(title)}</summary>
    <form method="post" action="${to}" class="form">
      ${token}
      <p>${say(note)}</p>
      ${fields}
      <div><button type="submit" class="${isDanger ? "danger" : "first"}">${say(button)}</button></div>
    </form>
  </details>`;
}

/** Further pages of a list. */
export function pager({ say }: PageTools, { first, next }: { first: string | null; next: string | null }): Html {
  if (first === null && next === null) return html``;
  return html`<nav class="pager" aria-label="${say(PART_TEXTS.pager)}">
    <span>${first === null ? "" : html`<a href="${first}">${say(COMMON.firstPage)}</a>`}</span>
    <span>${next === null ? "" : html`<a class="button" rel="next" href="${next}">${say(COMMON.next)} →</a>`}</span>
  </nav>`;
}

/** A secret that is seen once, with a way to copy it. */
export function secretOnce({ say }: PageTools, secret: string, note: Text): Html {
  return html`<p>${say(note)}</p>
    <div class="secret" id="secret">${secret}</div>
    <p>${copyButton("secret", say)}</p>`;
}
