import { html } from "hono/html";
import type { z } from "zod";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import { DAY_MS } from "../../domain/instant.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Failure } from "../../domain/failure.ts";
import { listLookups } from "../../http/admin/lookups.ts";
import type { foundLookup } from "../../http/found_lookup.ts";
import { isPathPart } from "../../http/path_parameters.ts";
import { latestFailures } from "../../platform/event_search.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { capital } from "../format.ts";
import { card, empty, facts, heading, notice, table, type Html } from "../html.ts";
import { outcomeBadge } from "../outcomes.ts";
import { consolePage, Redirect, type ConsoleCall, type PageTools, type ShownPage } from "../page.ts";
import { fieldOf, valuesOf } from "../read_form.ts";
import { callEndpoint } from "./call_endpoint.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { operatorAdvice, failureTable } from "./failure_table.ts";
import { OVERVIEW } from "./overview_texts.ts";
import { LOOKUPS, WHY_TEXTS } from "./lookups_texts.ts";
import { lookupLink, tenantLink } from "./parts.ts";
import { phaseBar } from "../plots/phase_bar.ts";

export type FoundLookup = z.infer<typeof foundLookup>;
type Found = { readonly data: readonly FoundLookup[]; readonly nextCursor: string | null };

/** A page of a search can be empty without being the last. This many are read before the reader has to press on. */
const PAGES_A_SEARCH = 4;

/** `GET /console/lookups`: where to look for one, and how they fail lately. */
export const showLookups = consolePage({
  method: "GET",
  path: "/console/lookups",
  role: "read",
  handle: async (call) => ok(await searchPage(call, UNFILLED, null)),
});

/**
 * `POST /console/lookups`. Not a GET, because somebody may type a CPF by mistake, and addresses are kept in many
 * places.
 */
export const findLookup = consolePage({
  method: "POST",
  path: "/console/lookups",
  role: "read",
  handle: async (call) => {
    const { form } = call;
    const text = fieldOf(form, "text");
    const values = valuesOf(form);
    if (looksLikeCpf(text)) {
      const hidden = { ...values, text: "" };
      return ok(await searchPage(call, { values: hidden, issues: [{ path: "text", code: "looks_like_cpf" }] }, null));
    }
    if (isPathPart("lookupId", text)) return ok(new Redirect(`/console/lookups/${text}`));
    const [from, to, cursor] = [fieldOf(form, "from"), fieldOf(form, "to"), fieldOf(form, "cursor")];
    const [kind, otherKind] =
      fieldOf(form, "kind") === "requestId"
        ? (["requestId", "reference"] as const)
        : (["reference", "requestId"] as const);
    const tenant = fieldOf(form, "tenant");
    const where = {
      ...(tenant === "" ? {} : { tenant }),
      ...(from === "" ? {} : { from }),
      ...(to === "" ? {} : { to }),
    };
    const found = await searchLookups(call, { ...where, [kind]: text, ...(cursor === "" ? {} : { cursor }) });
    if (found.ok && cursor === "" && found.value.data.length === 0 && found.value.nextCursor === null) {
      // People paste ids without choosing their kind.
      const other = await searchLookups(call, { ...where, [otherKind]: text });
      if (other.ok && other.value.data.length > 0)
        return ok(await searchPage(call, { values: { ...values, kind: otherKind }, issues: [] }, other.value));
    }
    if (found.ok) return ok(await searchPage(call, { values, issues: [] }, found.value));
    if (found.failure.issues === undefined) return found;
    const issues = found.failure.issues.map((one) => ({ ...one, path: one.path === kind ? "text" : one.path }));
    return ok(await searchPage(call, { values, issues }, null));
  },
});

/** `GET /console/lookups/{id}`: what became of it. */
export const showLookup = consolePage({
  method: "GET",
  path: "/console/lookups/:lookupId",
  role: "read",
  handle: async (call) => {
    const { say, params, services } = call;
    const found = await searchLookups(call, { id: params.lookupId });
    if (!found.ok) return found;
    const [lookup] = found.value.data;
    if (lookup === undefined) return fail({ code: "not_found" });
    const names = await services.register.namesOf([lookup.tenantId]);
    const crumbs = [{ to: "/console/lookups", text: say(NAV_TEXTS.lookups) }];
    const body = html`${heading(lookup.id, { crumbs, note: outcomeBadge(lookup.outcome, call.say) })}
      <div class="grid">
        ${card(say(LOOKUPS.phases), phases(lookup, call))} ${card(say(LOOKUPS.outcome), outcomeFacts(lookup, call))}
      </div>
      ${card(null, aboutFacts(lookup, names, call))}`;
    return ok({ title: lookup.id, body });
  },
});

/** Searches as the API does, up to `PAGES_A_SEARCH` pages. */
async function searchLookups(call: ConsoleCall, query: Record<string, string>): Promise<Result<Found, Failure>> {
  let found = await callEndpoint<Found>(call, listLookups, { query });
  for (let page = 1; page < PAGES_A_SEARCH && found.ok; page += 1) {
    const { data, nextCursor } = found.value;
    if (data.length > 0 || nextCursor === null) break;
    found = await callEndpoint<Found>(call, listLookups, { query: { ...query, cursor: nextCursor } });
  }
  return found;
}

async function searchPage(call: ConsoleCall, filled: Filled, found: Found | null): Promise<ShownPage> {
  const { services, say, nowMs, token, fields } = call;
  const failures = await latestFailures(services.db, { sinceMs: nowMs - DAY_MS });
  const made = fields(filled);
  const kinds = [
    ["reference", say(LOOKUPS.reference)],
    ["requestId", say(LOOKUPS.requestId)],
    ["id", say(LOOKUPS.id)],
  ] as const;
  const isCpf = filled.issues.some(({ code }) => code === "looks_like_cpf");
  const title = say(NAV_TEXTS.lookups);
  const form = html`<form method="post" action="/console/lookups" class="form wide">
    ${token}
    ${filled.issues.length === 0 ? "" : html`<div class="all">${isCpf ? notice(say(LOOKUPS.noCpf), "bad") : ""} ${made.rest(["text", "tenant", "from", "to"])}</div>`}
    ${made.input("text", { label: say(LOOKUPS.text), isRequired: true, type: "search" })}
    ${made.select("kind", { label: say(LOOKUPS.kind), choices: kinds })}
    ${made.input("tenant", { label: say(LOOKUPS.tenant), hint: say(LOOKUPS.tenantHint), placeholder: "ten_…" })}
    ${made.input("from", { label: say(LOOKUPS.from), type: "date" })}
    ${made.input("to", { label: say(LOOKUPS.to), type: "date" })}
    <div class="all"><button type="submit" class="first">${say(LOOKUPS.find)}</button></div>
  </form>`;
  const body = html`${heading(title, { note: say(LOOKUPS.lead) })} ${card(null, form)}
  ${found === null ? "" : await foundTable(found, filled, call)}
  ${card(say(LOOKUPS.failures), failures.length === 0 ? empty(say(LOOKUPS.noFailures)) : failureTable(failures, call), say(OVERVIEW.byCodeNote))}`;
  return { title, body, ...statusOf(filled) };
}

async function foundTable({ data, nextCursor }: Found, { values }: Filled, call: PageTools): Promise<Html> {
  const { say, format, token, services } = call;
  const names = await services.register.namesOf([...new Set(data.map(({ tenantId }) => tenantId))]);
  const goOn =
    nextCursor === null
      ? ""
      : html`<form method="post" action="/console/lookups" class="pager">
          ${token}
          ${["text", "kind", "tenant", "from", "to"].map((name) => html`<input type="hidden" name="${name}" value="${values[name] ?? ""}" />`)}
          <input type="hidden" name="cursor" value="${nextCursor}" /><button type="submit">
            ${say(PART_TEXTS.pager)} →
          </button>
        </form>`;
  if (data.length === 0) return html`${card(say(LOOKUPS.found), empty(say(LOOKUPS.nothing)))} ${goOn}`;
  const list = table<FoundLookup>(
    [
      { head: say(PART_TEXTS.lookups), cell: ({ id }) => lookupLink(id) },
      { head: say(PART_TEXTS.tenant), cell: ({ tenantId }) => tenantLink(tenantId, names.get(tenantId) ?? tenantId) },
      {
        head: say(LOOKUPS.ended),
        cell: ({ endedAt }) => html`<span class="nowrap">${format.time(Date.parse(endedAt))}</span>`,
      },
      { head: say(LOOKUPS.outcome), cell: (lookup) => outcomeBadge(lookup.outcome, call.say) },
      { head: say(PART_TEXTS.amount), isNumber: true, cell: ({ charge }) => format.amount(charge.amount) },
    ],
    data,
    { caption: say(LOOKUPS.found) },
  );
  return html`${card(say(LOOKUPS.found), list)} ${goOn}`;
}

/** Where a lookup's time went. Files of closed months do not say how long each phase took. */
export function phases(
  { admittedAt, endedAt, admitMs, claroMs }: Pick<FoundLookup, "admittedAt" | "endedAt" | "admitMs" | "claroMs">,
  { say, format }: Pick<PageTools, "say" | "format">,
): Html {
  const wholeMs = admittedAt === null ? null : Date.parse(endedAt) - Date.parse(admittedAt);
  const restMs = wholeMs === null ? null : Math.max(wholeMs - (admitMs ?? 0) - (claroMs ?? 0), 0);
  const parts = [
    { name: say(LOOKUPS.admit), ms: admitMs },
    { name: say(LOOKUPS.claro), ms: claroMs },
    { name: say(LOOKUPS.rest), ms: restMs },
  ];
  const measured = parts.flatMap(({ name, ms }) => (ms === null ? [] : [{ name, ms }]));
  const times = facts([
    [say(LOOKUPS.began), admittedAt === null ? "–" : format.time(Date.parse(admittedAt))],
    ...parts.map(({ name, ms }) => [capital(name), ms === null ? "–" : format.milliseconds(ms)] as const),
    [say(LOOKUPS.ended), format.time(Date.parse(endedAt))],
  ]);
  return html`${phaseBar(measured, { title: say(LOOKUPS.phases), formatMs: format.milliseconds })} ${times}`;
}

function outcomeFacts(lookup: FoundLookup, call: PageTools): Html {
  const { say, format } = call;
  const { failureCode, upstreamStatus, charge, statement, tenantId } = lookup;
  const month =
    statement === null
      ? "–"
      : html`<a href="/console/tenants/${tenantId}/statements/${statement.period}">${format.month(statement.period)}</a>
          (${say(PART_TEXTS[statement.status])}), ${say(LOOKUPS.event)} ${statement.seq}`;
  return facts([
    [say(LOOKUPS.outcome), outcomeBadge(lookup.outcome, call.say)],
    [
      say(LOOKUPS.failureCode),
      failureCode === null ? "–" : html`<a href="/docs/errors#${failureCode}"><code>${failureCode}</code></a>`,
    ],
    ...(failureCode === null ? [] : [[say(LOOKUPS.advice), say(operatorAdvice(failureCode))] as const]),
    [say(LOOKUPS.upstream), upstreamStatus ?? "–"],
    [say(LOOKUPS.charged), html`${format.amount(charge.amount)}, ${say(WHY_TEXTS[charge.reason])}`],
    [say(LOOKUPS.statement), month],
  ]);
}

function aboutFacts(
  { tenantId, keyId, mode, reference, requestId, transactionId }: FoundLookup,
  names: ReadonlyMap<string, string>,
  { say }: PageTools,
): Html {
  return facts([
    [say(PART_TEXTS.tenant), tenantLink(tenantId, names.get(tenantId) ?? tenantId)],
    [say(LOOKUPS.keyUsed), html`<code>${keyId ?? "–"}</code>`],
    [say(PART_TEXTS.mode), say(PART_TEXTS[mode])],
    [capital(say(LOOKUPS.reference)), reference ?? "–"],
    [capital(say(LOOKUPS.requestId)), html`<code>${requestId ?? "–"}</code>`],
    [say(LOOKUPS.transaction), html`<code>${transactionId ?? "–"}</code>`],
  ]);
}
