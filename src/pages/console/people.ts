import { html } from "hono/html";
import type { z } from "zod";
import type { Failure } from "../../domain/failure.ts";
import type { LegalBasis, Purpose } from "../../domain/lookup_grounds.ts";
import { ok, type Result } from "../../domain/result.ts";
import { readReferenceKeys } from "../../http/admin/privacy.ts";
import {
  listRestrictions,
  restrictSubject,
  unrestrictSubject,
  type restriction,
} from "../../http/admin/restrictions.ts";
import { accessSubject, type subjectAnswer } from "../../http/admin/subjects.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { badge, card, empty, heading, notice, table, type Html } from "../html.ts";
import { outcomeBadge } from "../outcomes.ts";
import { consolePage, Redirect, type ConsoleCall, type PageTools, type ShownPage } from "../page.ts";
import { fieldOf, typedDayEnd, valuesOf } from "../read_form.ts";
import { callEndpoint } from "./call_endpoint.ts";
import { PART_TEXTS } from "./console_texts.ts";
import { act, faults, lookupLink, tenantLink } from "./parts.ts";
import { PEOPLE } from "./people_texts.ts";
import { GROUND_TEXTS } from "./tenants_texts.ts";

type Restriction = z.infer<typeof restriction>;
type Answer = z.infer<typeof subjectAnswer>;
type Lookup = Answer["data"][number];
type ReferenceKeys = { readonly data: readonly { name: string; endsAt: string | null; destroyedAt: string | null }[] };

/** A search takes several calls. A page makes at most this many, then asks for the CPF again. */
const CALLS_A_PAGE = 10;
const ACCESS_FIELDS = ["cpf", "reason", "from", "to"];

/** `GET /console/people`. */
export const showPeople = consolePage({
  method: "GET",
  path: "/console/people",
  role: "privacy",
  handle: async (call) => await peoplePage(call, {}),
});

/** `POST /console/people/access`: what is held on a person. The CPF is in the body only, and comes back masked. */
export const searchPerson = consolePage({
  method: "POST",
  path: "/console/people/access",
  role: "privacy",
  handle: async (call) => {
    const { form } = call;
    const found = await searchOn(call, form);
    const values = valuesOf(form, ["cpf"]);
    if (found.ok)
      return await peoplePage(call, { access: { values, issues: [] }, found: found.value, cpf: fieldOf(form, "cpf") });
    const { code, issues } = found.failure;
    if (issues === undefined && code !== "invalid_cpf") return found;
    return await peoplePage(call, { access: { values, issues: issues ?? [{ path: "cpf", code: "cpf" }] } });
  },
});

/** `POST /console/people/restrictions`. */
export const restrictPerson = consolePage({
  method: "POST",
  path: "/console/people/restrictions",
  role: "privacy",
  handle: async (call) => {
    const { form } = call;
    const body = {
      cpf: fieldOf(form, "restricted"),
      reason: fieldOf(form, "why"),
      until: typedDayEnd(fieldOf(form, "until")),
    };
    const made = await callEndpoint(call, restrictSubject, { body });
    if (made.ok) return ok(new Redirect("/console/people", "restricted"));
    const { code, issues = [] } = made.failure;
    if (code !== "invalid_cpf" && code !== "invalid_request") return made;
    const names: Readonly<Record<string, string>> = { cpf: "restricted", reason: "why" };
    const shown = issues.map((one) => ({ ...one, path: names[one.path] ?? one.path }));
    return await peoplePage(call, { restrict: { values: valuesOf(form, ["restricted"]), issues: shown } });
  },
});

/** `POST /console/people/restrictions/{id}/end`. */
export const unrestrictPerson = consolePage({
  method: "POST",
  path: "/console/people/restrictions/:restrictionId/end",
  role: "privacy",
  handle: async (call) => {
    const ended = await callEndpoint(call, unrestrictSubject, { params: call.params });
    return ended.ok ? ok(new Redirect("/console/people", "unrestricted")) : ended;
  },
});

async function searchOn(call: ConsoleCall, form: FormData): Promise<Result<Answer, Failure>> {
  const optional = (name: string) => (fieldOf(form, name) === "" ? {} : { [name]: fieldOf(form, name) });
  const asked = { cpf: fieldOf(form, "cpf"), ...optional("reason"), ...optional("from"), ...optional("to") };
  const lookups: Lookup[] = [];
  let soFar: Answer | null = null;
  let cursor = optional("cursor");
  for (let calls = 1; ; calls += 1) {
    const found = await callEndpoint<Answer>(call, accessSubject, { body: { ...asked, ...cursor } });
    // Shows what was found so far. Going on repeats the call that failed, and tells why if it fails again.
    if (!found.ok) return soFar === null ? found : ok({ ...soFar, data: lookups });
    soFar = found.value;
    const { data, nextCursor } = found.value;
    lookups.push(...data);
    if (nextCursor === null || calls === CALLS_A_PAGE) return ok({ ...found.value, data: lookups });
    cursor = { cursor: nextCursor };
  }
}

type Shown = { readonly access?: Filled; readonly restrict?: Filled; readonly found?: Answer; readonly cpf?: string };

async function peoplePage(
  call: ConsoleCall,
  { access = UNFILLED, restrict = UNFILLED, found, cpf = "" }: Shown,
): Promise<Result<ShownPage, Failure>> {
  const { say } = call;
  const restrictions = await callEndpoint<{ data: readonly Restriction[] }>(call, listRestrictions, {
    query: { limit: "200" },
  });
  if (!restrictions.ok) return restrictions;
  const keys = await callEndpoint<ReferenceKeys>(call, readReferenceKeys);
  if (!keys.ok) return keys;
  const title = say(PEOPLE.title);
  const body = html`${heading(title, { note: say(PEOPLE.lead) })}
    ${found === undefined ? "" : foundCard(found, mask(cpf), call)}
    <div class="grid">
      ${card(say(PEOPLE.access), accessForm(call, access, found?.nextCursor ?? null))}
      ${card(say(PEOPLE.restrict), restrictForm(call, restrict))}
    </div>
    ${card(say(PEOPLE.restrictions), restrictions.value.data.length === 0 ? empty(say(PEOPLE.noRestrictions)) : restrictionTable(restrictions.value.data.toReversed(), call))}
    ${card(
      say(PEOPLE.retention),
      html`<p class="quiet">${say(PEOPLE.retentionNote)}</p>
        ${keyTable(keys.value.data, call)}`,
    )}`;
  return ok({ title, body, ...statusOf(access, restrict) });
}

/** Enough to know whom one has asked about, and too little to know who it is. */
function mask(cpf: string): string {
  const digits = cpf.replaceAll(/\D/g, "");
  return `***.${digits.slice(3, 6)}.***-**`;
}

function accessForm(call: ConsoleCall, filled: Filled, cursor: string | null): Html {
  const { say, fields, token } = call;
  const made = fields(filled);
  const more =
    cursor === null
      ? ""
      : html`${notice(say(PEOPLE.goOn), "warn")}<input type="hidden" name="cursor" value="${cursor}" />`;
  return html`<form method="post" action="/console/people/access" class="form">
    ${token} ${more} ${faults(call, filled, ACCESS_FIELDS)}
    ${made.input("cpf", { label: say(PEOPLE.cpf), inputmode: "numeric", isRequired: true })}
    ${made.input("reason", { label: say(PEOPLE.reason), hint: say(PEOPLE.reasonHint), isRequired: true })}
    ${made.input("from", { label: say(PEOPLE.from), type: "date" })}
    ${made.input("to", { label: say(PEOPLE.to), type: "date" })}
    <div><button type="submit" class="first">${say(PEOPLE.find)}</button></div>
  </form>`;
}

function restrictForm(call: ConsoleCall, filled: Filled): Html {
  const { say, fields, token } = call;
  const made = fields(filled);
  return html`<form method="post" action="/console/people/restrictions" class="form">
    ${token}
    <p class="quiet">${say(PEOPLE.restrictNote)}</p>
    ${faults(call, filled, ["restricted", "why", "until"])}
    ${made.input("restricted", { label: say(PEOPLE.cpf), inputmode: "numeric", isRequired: true })}
    ${made.input("why", { label: say(PEOPLE.reason), hint: say(PEOPLE.reasonHint), isRequired: true })}
    ${made.input("until", { label: say(PEOPLE.until), hint: say(PEOPLE.untilHint), type: "date" })}
    <div><button type="submit" class="danger">${say(PEOPLE.restrictButton)}</button></div>
  </form>`;
}

function foundCard({ data, progress, restrictions }: Answer, masked: string, call: PageTools): Html {
  const { say, format } = call;
  const list = table<Lookup>(
    [
      {
        head: say(PEOPLE.when),
        cell: ({ occurredAt }) => html`<span class="nowrap">${format.time(Date.parse(occurredAt))}</span>`,
      },
      { head: say(PEOPLE.tenant), isName: true, cell: ({ tenantId, tenantName }) => tenantLink(tenantId, tenantName) },
      { head: say(PEOPLE.purpose), cell: ({ purpose }) => ground(purpose, call) },
      { head: say(PEOPLE.basis), cell: ({ legalBasis }) => ground(legalBasis, call) },
      { head: say(PEOPLE.outcome), cell: ({ outcome }) => outcomeBadge(outcome, say) },
      { head: say(PART_TEXTS.lookups), cell: ({ id }) => lookupLink(id) },
    ],
    data,
    { caption: say(PEOPLE.access) },
  );
  const told = `${say(PEOPLE.progress)}: ${format.count(progress.tenants)} / ${format.count(progress.of)}`;
  const own =
    restrictions.length === 0
      ? ""
      : html`<h3>${say(PEOPLE.ofThePerson)}</h3>
          ${restrictionTable(restrictions, call)}`;
  return card(
    `${say(PEOPLE.found)} ${masked}`,
    html`${data.length === 0 ? empty(say(PEOPLE.nothing)) : list} ${own}`,
    told,
  );
}

function ground(name: Purpose | LegalBasis | null, { say }: PageTools): string {
  return name === null ? "–" : say(GROUND_TEXTS[name]);
}

function restrictionTable(list: readonly Restriction[], call: PageTools): Html {
  const { say, format } = call;
  const time = (text: string | null) =>
    text === null ? "–" : html`<span class="nowrap">${format.time(Date.parse(text))}</span>`;
  return table<Restriction>(
    [
      { head: say(PART_TEXTS.since), cell: ({ createdAt }) => time(createdAt) },
      { head: say(PEOPLE.reason), isName: true, cell: ({ reason }) => reason },
      {
        head: say(PART_TEXTS.state),
        cell: ({ status }) => (status === "in_force" ? badge(say(PEOPLE.inForce), "warn") : badge(say(PEOPLE.ended))),
      },
      { head: say(PEOPLE.by), cell: ({ createdBy }) => createdBy },
      { head: say(PEOPLE.until), cell: ({ until, endedAt }) => time(endedAt ?? until) },
      {
        head: say(PEOPLE.end),
        cell: ({ id, status }) =>
          status === "in_force"
            ? act(call, {
                to: `/console/people/restrictions/${id}/end`,
                title: PEOPLE.end,
                note: PEOPLE.endNote,
                button: PEOPLE.end,
              })
            : "",
      },
    ],
    list,
    { caption: say(PEOPLE.restrictions) },
  );
}

function keyTable(keys: ReferenceKeys["data"], { say, format }: PageTools): Html {
  const day = (text: string | null) => (text === null ? "–" : format.day(Date.parse(text)));
  return table<ReferenceKeys["data"][number]>(
    [
      { head: say(PEOPLE.year), cell: ({ name }) => (name === "restrictions" ? say(PEOPLE.restrictions) : name) },
      { head: say(PEOPLE.ends), cell: ({ endsAt }) => day(endsAt) },
      { head: say(PEOPLE.destroyed), cell: ({ destroyedAt }) => day(destroyedAt) },
    ],
    keys,
    { caption: say(PEOPLE.retention) },
  );
}
