import { html } from "hono/html";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import { periodBounds, periodOf, saoPauloDate } from "../../domain/period.ts";
import { ok } from "../../domain/result.ts";
import type { Role } from "../../domain/roles.ts";
import type { Text } from "../../http/language.ts";
import { listLookups } from "../../http/admin/lookups.ts";
import { isPathPart } from "../../http/path_parameters.ts";
import { tenantTable } from "../../platform/tenant_table.ts";
import { COMMON } from "../common_texts.ts";
import { UNFILLED } from "../form.ts";
import { empty, heading, notice, type Html } from "../html.ts";
import { consolePage, type ConsoleCall, type ShownPage } from "../page.ts";
import { fieldOf } from "../read_form.ts";
import { callEndpoint } from "./call_endpoint.ts";
import type { FoundLookup } from "./lookups.ts";
import { LOOKUPS } from "./lookups_texts.ts";
import { CONSOLE_NAV } from "./nav.ts";
import { OPERATORS, SEARCH } from "./operate_texts.ts";
import { TENANTS } from "./tenants_texts.ts";

type Hit = { readonly to: string; readonly text: string; readonly kind: Text };

const MOST_TENANTS = 8;
const FEWEST_CHARACTERS = 4;
const KEY_ID = /^csg_(?:live|test)_[0-9A-Za-z]{10}/;
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

/** Pages and actions that are found by their names. */
const PLACES: readonly { readonly to: string; readonly name: Text; readonly kind: Text; readonly role: Role }[] = [
  ...CONSOLE_NAV.map(({ path, text, role }) => ({ to: path, name: text, kind: SEARCH.page, role })),
  { to: "/console/tenants/new", name: TENANTS.create, kind: SEARCH.action, role: "operate" },
  { to: "/console/operators/new", name: OPERATORS.create, kind: SEARCH.action, role: "admin" },
];

/** `GET /console/search`: the dialog of ⌘K as a page, for browsers without a script. */
export const showSearch = consolePage({
  method: "GET",
  path: "/console/search",
  role: "read",
  handle: async (call) => ok(await searchPage(call, "")),
});

/** `POST /console/search`: what is typed stands in no address; a CPF is refused, and not shown again. */
export const searchEverything = consolePage({
  method: "POST",
  path: "/console/search",
  role: "read",
  handle: async (call) => ok(await searchPage(call, fieldOf(call.form, "text").slice(0, 200))),
});

async function searchPage(call: ConsoleCall, typed: string): Promise<ShownPage> {
  const { say, token, fields } = call;
  const isCpf = looksLikeCpf(typed);
  const hits = isCpf ? [] : await find(call, typed);
  const title = say(COMMON.search);
  const made = fields({ ...UNFILLED, values: { text: isCpf ? "" : typed } });
  const shown = isCpf
    ? notice(say(LOOKUPS.noCpf), "bad")
    : hits.length === 0
      ? empty(say(SEARCH.nothing))
      : hitList(hits, call);
  const body = html`${heading(title, { note: say(SEARCH.lead) })}
    <form method="post" action="/console/search" class="filters" role="search" data-again>
      ${token}
      <div class="grow">${made.input("text", { label: say(SEARCH.text), type: "search" })}</div>
      <button type="submit" class="first">${title}</button>
    </form>
    <div id="hits">${shown} ${isCpf || typed.length < FEWEST_CHARACTERS ? "" : further(typed, call)}</div>`;
  return { title, body };
}

/** Continues in Lookups, where the search can be narrowed by days and tenant. */
function further(typed: string, { say, token }: ConsoleCall): Html {
  return html`<form method="post" action="/console/lookups">
    ${token}<input type="hidden" name="text" value="${typed}" />
    <input type="hidden" name="kind" value="${UUID.test(typed) ? "requestId" : "reference"}" />
    <button type="submit" class="plain small">${say(SEARCH.further)} →</button>
  </form>`;
}

function hitList(hits: readonly Hit[], { say }: ConsoleCall): Html {
  return html`<ul class="hits">
    ${hits.map(
      ({ to, text, kind }) =>
        html`<li>
          <a href="${to}"><span>${text}</span> <span class="quiet small">${say(kind)}</span></a>
        </li>`,
    )}
  </ul>`;
}

async function find(call: ConsoleCall, typed: string): Promise<Hit[]> {
  const places = placesFor(call, typed);
  if (typed === "") return places;
  if (isPathPart("lookupId", typed)) return [{ to: `/console/lookups/${typed}`, text: typed, kind: SEARCH.lookup }];
  // Uses only the public part of a key that was pasted whole.
  const [keyId] = KEY_ID.exec(typed) ?? [];
  if (keyId !== undefined) {
    const key = await call.services.register.key(keyId);
    if (key === null) return [];
    const tenant = `/console/tenants/${key.tenantId}`;
    const to = call.may("operate") ? `${tenant}/keys/${key.id}` : tenant;
    return [{ to, text: `${key.label ?? ""} ${key.id}`.trim(), kind: SEARCH.key }];
  }
  const month = isPathPart("period", typed)
    ? [{ to: `/console/months/${typed}`, text: call.format.month(typed), kind: SEARCH.page }]
    : [];
  const [tenants, lookups] = await Promise.all([tenantsFor(call, typed), lookupsFor(call, typed)]);
  return [...month, ...places, ...tenants, ...lookups];
}

/** Lookups by reference or request id. Only the newest that D1 has, because this runs while somebody types. */
async function lookupsFor(call: ConsoleCall, typed: string): Promise<Hit[]> {
  if (typed.length < FEWEST_CHARACTERS) return [];
  const found = await Promise.all(
    (["reference", "requestId"] as const).map(
      async (name) => await callEndpoint<{ data: FoundLookup[] }>(call, listLookups, { query: { [name]: typed } }),
    ),
  );
  const lookups = new Map(found.flatMap((one) => (one.ok ? one.value.data : [])).map((lookup) => [lookup.id, lookup]));
  return [...lookups.values()].map(({ id, reference, endedAt }) => ({
    to: `/console/lookups/${id}`,
    text: `${reference ?? typed}, ${call.format.time(Date.parse(endedAt))}`,
    kind: SEARCH.lookup,
  }));
}

function placesFor({ say, may }: ConsoleCall, typed: string): Hit[] {
  const plain = (text: string) => text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return PLACES.filter(({ name, role }) => may(role) && plain(say(name)).includes(plain(typed))).map(
    ({ to, name, kind }) => ({ to, text: say(name), kind }),
  );
}

async function tenantsFor({ services, nowMs }: ConsoleCall, text: string): Promise<Hit[]> {
  const { startMs } = periodBounds(periodOf(nowMs));
  const { rows } = await tenantTable(services.db, {
    text,
    status: null,
    order: "name",
    isDescending: false,
    offset: 0,
    limit: MOST_TENANTS,
    from: saoPauloDate(startMs),
    to: saoPauloDate(nowMs),
  });
  return rows.map(({ id, name }) => ({ to: `/console/tenants/${id}`, text: name, kind: SEARCH.tenant }));
}
