import { html } from "hono/html";
import type { UsageCounts } from "../../domain/meter_event.ts";
import type { Text } from "../../http/language.ts";
import { COMMON, OUTCOME_TEXTS } from "../common_texts.ts";
import { attribute, badge, type Html } from "../html.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import type { PageTools } from "../page.ts";
import type { PlotText, Series } from "../plots/plot.ts";
import { PART_TEXTS } from "./console_texts.ts";
import { KEY_TEXTS } from "./tenants_texts.ts";

/** What several pages of the console are made of. */
export const OUTCOMES = ["delivered", "notFound", "rejected", "failed", "unknown"] as const;

type Say = (text: Text) => string;

export function tenantLink(id: string, name: string): Html {
  return html`<a href="/console/tenants/${id}">${name}</a>`;
}

export function lookupLink(id: string): Html {
  return html`<a class="mono" href="/console/lookups/${id}">${id}</a>`;
}

export function statusBadge(status: "active" | "suspended", say: Say): Html {
  return status === "active" ? badge(say(PART_TEXTS.active), "good") : badge(say(PART_TEXTS.suspended), "bad");
}

export function keyState({ revokedAtMs, expiresAtMs }: RegisteredKey, nowMs: number, { say }: PageTools): Html {
  if (revokedAtMs !== null) return badge(say(KEY_TEXTS.revokedKey), "bad");
  const hasExpired = expiresAtMs !== null && expiresAtMs <= nowMs;
  return hasExpired ? badge(say(KEY_TEXTS.expiredKey), "warn") : badge(say(KEY_TEXTS.activeKey), "good");
}

/** Places with their counts as series by outcome, for stacked bars. */
export function outcomeSeries(counts: readonly Pick<UsageCounts, (typeof OUTCOMES)[number]>[], say: Say): Series[] {
  return OUTCOMES.map((outcome) => ({
    name: say(OUTCOME_TEXTS[outcome]),
    values: counts.map((one) => one[outcome]),
  }));
}

export function plotText(
  { say, format }: PageTools,
  title: string,
  { across, formatValue = format.count }: { across: string; formatValue?: (value: number) => string },
): PlotText {
  return { title, across, asTable: say(COMMON.asTable), formatValue };
}

/** A form that is a single button, in a fold that says what it does before it can be pressed. */
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
    <p>
      <button type="button" class="needs-script" data-copy="#secret" data-copied="${say(COMMON.copied)}">
        ${say(COMMON.copy)}
      </button>
    </p>`;
}
