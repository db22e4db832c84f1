import { html } from "hono/html";
import * as z from "zod";
import { ok } from "../../domain/result.ts";
import { exportAudit } from "../../http/admin/audit_chain.ts";
import type { NumberedAuditEntry } from "../../platform/audit.ts";
import { searchAudit } from "../../platform/audit_search.ts";
import { COMMON } from "../common_texts.ts";
import { UNFILLED } from "../form.ts";
import { badge, empty, heading, table, type Html } from "../html.ts";
import { consolePage, type PageTools } from "../page.ts";
import { fileOf } from "./call_endpoint.ts";
import { NAV_TEXTS } from "./console_texts.ts";
import { AUDIT, HEALTH } from "./operate_texts.ts";

const ENTRIES_A_PAGE = 50;

const text = z.string().trim().max(200).default("");
const auditQuery = z.object({
  actor: text,
  action: text,
  target: text,
  tenant: text,
  before: z.coerce.number().int().min(1).catch(Number.MAX_SAFE_INTEGER).default(Number.MAX_SAFE_INTEGER),
});
type Asked = z.output<typeof auditQuery>;

/** `GET /console/audit`: who did what to what, the newest first. */
export const showAudit = consolePage({
  method: "GET",
  path: "/console/audit",
  role: "read",
  query: auditQuery,
  handle: async (call) => {
    const { services, say, query, fields, nowMs } = call;
    const orNull = (value: string) => (value === "" ? null : value);
    const [{ entries, next }, rewritten] = await Promise.all([
      searchAudit(services.db, {
        actor: orNull(query.actor),
        action: orNull(query.action),
        target: orNull(query.target),
        tenantId: orNull(query.tenant),
        before: query.before,
        limit: ENTRIES_A_PAGE,
      }),
      services.auditChain.findRewritten(nowMs),
    ]);
    const { before: _, ...values } = query;
    const made = fields({ ...UNFILLED, values });
    const chain = rewritten === null ? badge(say(HEALTH.chainWhole), "good") : badge(say(HEALTH.chainBroken), "bad");
    const title = say(NAV_TEXTS.audit);
    const body = html`${heading(title, {
        note: html`${say(AUDIT.lead)} ${say(HEALTH.chain)}: ${chain}`,
        actions: html`<a class="button" href="/console/audit/audit.jsonl">${say(AUDIT.download)}</a>`,
      })}
      <form class="filters" role="search">
        ${made.input("actor", { label: say(AUDIT.who) })}
        ${made.input("action", { label: say(AUDIT.what), placeholder: "key.revoke" })}
        ${made.input("target", { label: say(AUDIT.whom) })} ${made.input("tenant", { label: say(AUDIT.tenant) })}
        <button type="submit">${say(COMMON.filter)}</button>
      </form>
      ${entries.length === 0 ? empty(say(next === null ? AUDIT.nothing : AUDIT.nothingHere)) : entriesTable(entries, call)}
      <nav class="pager" aria-label="${say(AUDIT.older)}">
        <span
          >${query.before === Number.MAX_SAFE_INTEGER ? "" : html`<a href="${address(query, null)}">← ${say(AUDIT.newest)}</a>`}</span
        >
        <span
          >${next === null ? "" : html`<a class="button" rel="next" href="${address(query, next)}">${say(AUDIT.older)} →</a>`}</span
        >
      </nav>`;
    return ok({ title, body });
  },
});

/** `GET /console/audit/audit.jsonl`: all of it, with its chain. */
export const downloadAudit = fileOf("/console/audit/audit.jsonl", exportAudit);

function address({ actor, action, target, tenant }: Asked, before: number | null): string {
  const filters = Object.entries({ actor, action, target, tenant }).filter(([, value]) => value !== "");
  const search = new URLSearchParams(filters);
  if (before !== null) search.set("before", String(before));
  return `/console/audit?${search.toString()}`;
}

function entriesTable(entries: readonly NumberedAuditEntry[], { say, format }: PageTools): Html {
  return table<NumberedAuditEntry>(
    [
      { head: say(AUDIT.when), cell: ({ atMs }) => html`<span class="nowrap">${format.time(atMs)}</span>` },
      { head: say(AUDIT.who), cell: ({ actor }) => html`<span class="nowrap">${actor}</span>` },
      { head: say(AUDIT.what), cell: ({ action }) => html`<code class="nowrap">${action}</code>` },
      { head: say(AUDIT.whom), isName: true, cell: ({ target }) => targetLink(target) },
      { head: say(AUDIT.change), cell: (entry) => change(entry, { say }) },
    ],
    entries,
    { caption: say(NAV_TEXTS.audit) },
  );
}

function targetLink(target: string): Html {
  const [tenantId = ""] = /^ten_[0-9A-Za-z_]+/.exec(target) ?? [];
  return tenantId === ""
    ? html`<code>${target}</code>`
    : html`<a class="mono" href="/console/tenants/${tenantId}">${target}</a>`;
}

/** Only what differs, name by name. */
function change({ before, after }: NumberedAuditEntry, { say }: Pick<PageTools, "say">): Html | string {
  const [was, is] = [before, after].map((value) => (value ?? {}) as Record<string, unknown>) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
    (name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]),
  );
  if (names.length === 0) return "–";
  return html`<details class="more">
    <summary>${say(AUDIT.show)}: ${names.join(", ")}</summary>
    <pre
      tabindex="0"
    ><code>${names.map((name) => `${name}: ${written(was[name])} → ${written(is[name])}`).join("\n")}</code></pre>
  </details>`;
}

function written(value: unknown): string {
  return value === undefined ? "–" : JSON.stringify(value);
}
