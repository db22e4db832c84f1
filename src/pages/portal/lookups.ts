import { html } from "hono/html";
import * as z from "zod";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import type { Failure } from "../../domain/failure.ts";
import { MODES } from "../../domain/meter_event.ts";
import { saoPauloDate } from "../../domain/period.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { findLookups, type FoundLookup, type FoundPage } from "../../gateway/find_lookups.ts";
import { foundQuery, isWithinTenant, readSearch, whyOf, foundCursor } from "../../http/found_lookup.ts";
import { UNFILLED } from "../form.ts";
import { card, empty, facts, heading, notice, type Content, type Html } from "../html.ts";
import { outcomeBadge } from "../outcomes.ts";
import { portalPage, Redirect, type PortalCall } from "../page.ts";
import { fieldOf } from "../read_form.ts";
import { LOOKUPS_TEXTS } from "./lookups_texts.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";

const searchQuery = z.object({
  text: z.string().max(128).optional(),
  to: z.string().max(10).optional(),
  cursor: foundQuery.shape.cursor,
  wrong: z.literal("cpf").optional().catch(undefined),
});

type Call = PortalCall<string, typeof searchQuery>;

/** `GET /portal/lookups`: one lookup, by what the partner knows of it. */
export const showLookups = portalPage({
  method: "GET",
  path: "/portal/lookups",
  scope: "usage:read",
  query: searchQuery,
  handle: async (call) => {
    const { say, query } = call;
    const text = query.text?.trim() ?? "";
    const isCpf = query.wrong === "cpf";
    const found = text === "" || isCpf ? null : await find(text, call);
    if (found !== null && !found.ok) return found;
    const title = say(PORTAL_TEXTS.lookups);
    const refused = isCpf ? notice(say(LOOKUPS_TEXTS.cpfRefused), "bad") : "";
    const results = found === null ? "" : shownResults(found.value, text, call);
    return ok({ title, body: html`${heading(title)} ${refused} ${searchForm(isCpf ? "" : text, call)} ${results}` });
  },
});

/** `POST /portal/lookups`: looks for a CPF in what was typed before it becomes part of an address. */
export const searchLookups = portalPage({
  method: "POST",
  path: "/portal/lookups",
  scope: "usage:read",
  handle: ({ form }) => {
    const text = fieldOf(form, "text");
    if (looksLikeCpf(text)) return ok(new Redirect("/portal/lookups?wrong=cpf"));
    const asked = new URLSearchParams({ text, to: fieldOf(form, "to") });
    return ok(new Redirect(`/portal/lookups?${asked.toString()}`));
  },
});

/** A lookup's id is looked up as such. Anything else is tried as a reference, then as a request's id. */
async function find(text: string, call: Call): Promise<Result<FoundPage, Failure>> {
  const { services, partner, nowMs, query } = call;
  const modes = partner.mode === "test" ? (["test"] as const) : MODES;
  const range = { to: query.to || undefined, cursor: query.cursor };
  const asked = isSearchedBy("id", text)
    ? [{ id: text }]
    : [{ reference: text }, ...(isSearchedBy("requestId", text) ? [{ requestId: text }] : [])];
  let page: FoundPage = { lookups: [], next: null };
  for (const name of asked) {
    const read = readSearch({ ...range, ...name }, nowMs);
    if (!read.ok) return read;
    const { search, place } = read.value;
    if (!isWithinTenant(place)) return fail({ code: "not_found" });
    const found = await findLookups(services, { tenantId: partner.tenant.id, modes, ...search }, place);
    if (!found.ok) return found;
    page = { lookups: [...page.lookups, ...found.value.lookups], next: page.next ?? found.value.next };
    if (page.lookups.length > 0) break;
  }
  return ok(page);
}

function isSearchedBy(name: "id" | "requestId", text: string): boolean {
  return foundQuery.shape[name].safeParse(text).success;
}

function searchForm(text: string, { say, fields, token, query, nowMs }: Call): Html {
  const form = fields(UNFILLED);
  return html`<form class="filters" method="post" action="/portal/lookups" role="search">
      ${token}
      <div class="field grow">
        <label for="f-text">${say(LOOKUPS_TEXTS.text)}</label>
        <input
          id="f-text"
          name="text"
          type="search"
          value="${text}"
          required
          maxlength="128"
          autocomplete="off"
          aria-describedby="h-text"
        />
      </div>
      ${form.input("to", { label: say(LOOKUPS_TEXTS.until), type: "date", value: query.to || saoPauloDate(nowMs) })}
      <button class="first" type="submit">${say(LOOKUPS_TEXTS.search)}</button>
    </form>
    <p class="small quiet" id="h-text">${say(LOOKUPS_TEXTS.hint)}</p>`;
}

function shownResults({ lookups, next }: FoundPage, text: string, call: Call): Html {
  const { say, query } = call;
  const cursor = foundCursor(call.context, next);
  const more =
    cursor === null
      ? ""
      : html`<p>
          <a
            class="button"
            href="/portal/lookups?${new URLSearchParams({ text, to: query.to ?? "", cursor }).toString()}"
            >${say(LOOKUPS_TEXTS.more)}</a
          >
        </p>`;
  return html`${lookups.length === 0 ? empty(say(LOOKUPS_TEXTS.none)) : lookups.map((found) => shownLookup(found, call))}
  ${more}`;
}

function shownLookup(found: FoundLookup, { say, format }: Call): Html {
  const { event, period, isClosed } = found;
  const time = (ms: number | null) => (ms === null ? "–" : format.time(ms));
  const span = (ms: number | null) => (ms === null ? "–" : format.milliseconds(ms));
  const code = (text: string | null): Content => (text === null ? "–" : html`<code>${text}</code>`);
  const charge = html`${format.money(event.amountMicros)}
    <span class="quiet">(${say(LOOKUPS_TEXTS[whyOf(event)])})</span>`;
  const failure =
    event.failureCode === null
      ? "–"
      : html`<a href="/docs/errors#${event.failureCode}"><code>${event.failureCode}</code></a>`;
  const statement =
    event.mode === "test"
      ? say(LOOKUPS_TEXTS.notInStatement)
      : html`<a href="/portal/statements/${period}">${format.month(period)}</a
          >${isClosed ? "" : html` <span class="quiet">…</span>`}, seq ${event.seq}`;
  return card(
    event.id,
    facts([
      [say(LOOKUPS_TEXTS.outcome), outcomeBadge(event.outcome, say)],
      [say(LOOKUPS_TEXTS.code), failure],
      [say(LOOKUPS_TEXTS.charged), charge],
      [say(LOOKUPS_TEXTS.admitted), time(event.admittedAtMs)],
      [say(LOOKUPS_TEXTS.when), time(event.occurredAtMs)],
      [say(LOOKUPS_TEXTS.tookToAdmit), span(event.admitMs)],
      [say(LOOKUPS_TEXTS.tookClaro), span(event.claroMs)],
      [say(PORTAL_TEXTS.key), code(event.keyId)],
      [say(LOOKUPS_TEXTS.reference), code(event.reference)],
      [say(LOOKUPS_TEXTS.requestId), code(event.requestId)],
      [say(LOOKUPS_TEXTS.transaction), code(event.transactionId)],
      [say(LOOKUPS_TEXTS.statement), statement],
    ]),
  );
}
