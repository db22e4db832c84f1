import { html } from "hono/html";
import { SCOPES, type Scope } from "../../domain/api_key.ts";
import { parseIpRange } from "../../domain/authorization.ts";
import type { Failure } from "../../domain/failure.ts";
import { HOUR_MS } from "../../domain/instant.ts";
import type { Issue } from "../../domain/issue.ts";
import { lifeState } from "../../domain/life_state.ts";
import { parseDate, startOfNextDayMs } from "../../domain/period.ts";
import { ok, type Result } from "../../domain/result.ts";
import type { IssuedKey } from "../../gateway/keys.ts";
import { issueOwnKey, revokeOwnKey, rotateOwnKey, type KeyManager, type OwnKeyAsked } from "../../gateway/own_keys.ts";
import { lastUses } from "../../http/admin/keys.ts";
import { freeText } from "../../http/printable.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import { COMMON, KEY_STATE_TEXTS } from "../common_texts.ts";
import { copyButton } from "../copy_button.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { badge, card, empty, heading, notice, table, type Html } from "../html.ts";
import { lifeBadge } from "../life_badge.ts";
import { portalPage, Redirect, type PageAnswer, type PortalCall } from "../page.ts";
import { chosenOf, fieldOf, valuesOf } from "../read_form.ts";
import { KEYS_TEXTS } from "./keys_texts.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";
import { keysOf, modeBadge } from "./usage_parts.ts";

const OVERLAPS_HOURS = [0, 1, 24, 168] as const;
const CONFIRMED_CHARACTERS = 4;
const MOST_ADDRESSES = 100;

/** `GET /portal/keys`. */
export const showKeys = portalPage({
  method: "GET",
  path: "/portal/keys",
  scope: "usage:read",
  handle: async (call) => ok(await keysPage(call, UNFILLED)),
});

/** `POST /portal/keys`: the answer is the only page that shows the key. */
export const createKey = portalPage({
  method: "POST",
  path: "/portal/keys",
  scope: "keys:manage",
  handle: async (call) => {
    const asked = readKey(call);
    if ("issues" in asked) return ok(await keysPage(call, asked));
    return await shownOnce(call, await issueOwnKey(call.services, managerOf(call), asked));
  },
});

/** `POST /portal/keys/{keyId}/rotate`. */
export const rotateKey = portalPage({
  method: "POST",
  path: "/portal/keys/:keyId/rotate",
  scope: "keys:manage",
  handle: async (call) => {
    const hours = OVERLAPS_HOURS.find((each) => String(each) === fieldOf(call.form, "overlap")) ?? 24;
    const asked = { keyId: call.params.keyId, overlapMs: hours * HOUR_MS };
    return await shownOnce(call, await rotateOwnKey(call.services, managerOf(call), asked));
  },
});

/** `POST /portal/keys/{keyId}/revoke`. */
export const revokeKey = portalPage({
  method: "POST",
  path: "/portal/keys/:keyId/revoke",
  scope: "keys:manage",
  handle: async (call) => {
    const { keyId } = call.params;
    if (fieldOf(call.form, "confirm") !== keyId.slice(-CONFIRMED_CHARACTERS)) {
      const issues: Issue[] = [{ path: `confirm-${keyId}`, code: "invalid_form" }];
      return ok(await keysPage(call, { values: {}, issues }));
    }
    const revoked = await revokeOwnKey(call.services, managerOf(call), keyId);
    return revoked.ok ? ok(new Redirect("/portal/keys", "key-revoked")) : revoked;
  },
});

/** Only a key has the scope: a session by link is for reading. */
function managerOf({ partner: { tenant, key } }: PortalCall): KeyManager {
  if (key === null) throw new Error("a session by link manages no keys");
  return { tenantId: tenant.id, actor: `key:${key.id}`, rights: key };
}

async function keysPage(call: PortalCall, filled: Filled): Promise<{ title: string; body: Html; status?: 422 }> {
  const { say, may, partner, context } = call;
  const [keys, uses] = await Promise.all([
    partner.mode === "test" ? keysOf(call) : call.services.register.keysOfTenant(partner.tenant.id),
    lastUses(context, partner.tenant.id),
  ]);
  const title = say(PORTAL_TEXTS.keys);
  const wrong = filled.issues.length > 0 ? notice(say(COMMON.wrongFields), "bad") : "";
  const manage = may("keys:manage")
    ? createForm(call, filled)
    : html`<p class="quiet">${say(KEYS_TEXTS.cannotManage)} <code>keys:manage</code>.</p>`;
  return {
    title,
    body: html`${heading(title, { note: say(KEYS_TEXTS.note) })} ${wrong} ${list(keys, uses, { call, filled })}
    ${manage}`,
    ...statusOf(filled),
  };
}

function list(
  keys: readonly RegisteredKey[],
  uses: Readonly<Record<string, number>>,
  { call, filled }: { call: PortalCall; filled: Filled },
): Html {
  const { say, format, nowMs, may, partner } = call;
  if (keys.length === 0) return empty(say(KEYS_TEXTS.none));
  const time = (ms: number | null | undefined) =>
    ms === null || ms === undefined
      ? html`<span class="quiet">${say(COMMON.never)}</span>`
      : html`<span class="nowrap">${format.time(ms)}</span>`;
  const isOver = (key: RegisteredKey) => lifeState(key, nowMs) !== "active";
  const rows = keys.toSorted(
    (left, right) => Number(isOver(left)) - Number(isOver(right)) || right.createdAtMs - left.createdAtMs,
  );
  const mine = (key: RegisteredKey) => (key.id === partner.key?.id ? badge(say(KEYS_TEXTS.current)) : "");
  return table<RegisteredKey>(
    [
      {
        head: say(PORTAL_TEXTS.key),
        cell: (key) =>
          html`<div>
            ${key.label ?? say(PORTAL_TEXTS.unlabelled)} ${mine(key)}<br /><code class="small quiet">${key.id}</code>
          </div>`,
        isName: true,
      },
      { head: say(KEYS_TEXTS.mode), cell: ({ mode }) => modeBadge(mode, say) },
      { head: say(KEYS_TEXTS.status), cell: (key) => lifeBadge(key, KEY_STATE_TEXTS, call) },
      { head: say(KEYS_TEXTS.scopes), cell: ({ scopes }) => html`<span class="small">${scopes.join(", ")}</span>` },
      { head: say(KEYS_TEXTS.lastUse), cell: ({ id }) => time(uses[id]) },
      { head: say(KEYS_TEXTS.expires), cell: ({ expiresAtMs }) => time(expiresAtMs) },
      ...(may("keys:manage")
        ? [
            {
              head: say(KEYS_TEXTS.manage),
              cell: (key: RegisteredKey) => (isOver(key) ? "" : actions(key, call, filled)),
            },
          ]
        : []),
    ],
    rows,
    { caption: say(PORTAL_TEXTS.keys) },
  );
}

function actions({ id }: RegisteredKey, { say, fields, token }: PortalCall, filled: Filled): Html {
  const form = fields(filled);
  const isWrong = filled.issues.some(({ path }) => path === `confirm-${id}`);
  return html`<div>
    <details class="act">
      <summary>${say(KEYS_TEXTS.rotate)}</summary>
      <form class="form" method="post" action="/portal/keys/${id}/rotate">
        ${token}
        <p class="small quiet">${say(KEYS_TEXTS.rotateNote)}</p>
        <label class="small" for="o-${id}">${say(KEYS_TEXTS.overlap)}</label>
        <select id="o-${id}" name="overlap">
          ${OVERLAPS_HOURS.map((hours) => html`<option value="${hours}" ${hours === 24 ? "selected" : ""}>${hours} h</option>`)}
        </select>
        <button type="submit">${say(KEYS_TEXTS.rotate)}</button>
      </form>
    </details>
    <details class="act" ${isWrong ? "open" : ""}>
      <summary>${say(KEYS_TEXTS.revoke)}</summary>
      <form class="form" method="post" action="/portal/keys/${id}/revoke">
        ${token}
        <p class="small quiet" id="r-${id}">
          ${say(KEYS_TEXTS.revokeNote)} <code>${id.slice(-CONFIRMED_CHARACTERS)}</code>
        </p>
        <input
          name="confirm"
          autocomplete="off"
          required
          maxlength="4"
          aria-label="${say(KEYS_TEXTS.confirm)}"
          aria-describedby="r-${id}"
        />
        ${isWrong ? form.rest([]) : ""}
        <button class="danger" type="submit">${say(KEYS_TEXTS.revoke)}</button>
      </form>
    </details>
  </div>`;
}

function createForm({ say, fields, token, partner }: PortalCall, filled: Filled): Html {
  const form = fields(filled);
  const held = partner.scopes.filter((scope) => scope !== "keys:manage");
  const modes = (["test", "live"] as const).filter((mode) => partner.mode === "live" || mode === "test");
  return card(
    say(KEYS_TEXTS.create),
    html`<form class="form" method="post" action="/portal/keys">
      ${token} ${form.input("label", { label: say(KEYS_TEXTS.label), hint: say(KEYS_TEXTS.labelHint) })}
      ${form.select("mode", {
        label: say(KEYS_TEXTS.mode),
        choices: modes.map((mode) => [mode, say(mode === "live" ? KEYS_TEXTS.liveChoice : KEYS_TEXTS.testChoice)]),
      })}
      ${form.checks("scopes", { label: say(KEYS_TEXTS.scopes), choices: partner.scopes.map((scope) => [scope, scope]), checked: held })}
      ${form.input("allowedIps", { label: say(KEYS_TEXTS.allowedIps), hint: say(KEYS_TEXTS.allowedIpsHint) })}
      ${form.input("expiresAt", { label: say(KEYS_TEXTS.expires), type: "date", hint: say(KEYS_TEXTS.expiresHint) })}
      <div><button class="first" type="submit">${say(KEYS_TEXTS.create)}</button></div>
    </form>`,
  );
}

/** The key that is asked for, or the form with what is wrong in it. */
function readKey({ form, nowMs, partner }: PortalCall): OwnKeyAsked | Filled {
  const issues: Issue[] = [];
  const text = fieldOf(form, "label");
  const label = text === "" ? null : text;
  if (label !== null && !freeText(100).safeParse(label).success) issues.push({ path: "label", code: "invalid_form" });
  const scopes = chosenOf<Scope>(form, "scopes", SCOPES);
  if (scopes.length === 0) issues.push({ path: "scopes", code: "required" });
  const written = fieldOf(form, "allowedIps")
    .split(/[\s,;]+/)
    .filter((range) => range !== "");
  const allowedIps = written.flatMap((range) => parseIpRange(range) ?? []);
  if (allowedIps.length < written.length || written.length > MOST_ADDRESSES)
    issues.push({ path: "allowedIps", code: "cidr" });
  const expiresAtMs = readEnd(fieldOf(form, "expiresAt"), nowMs, issues);
  const mode = partner.mode === "test" || fieldOf(form, "mode") !== "live" ? "test" : "live";
  if (issues.length > 0) return { values: valuesOf(form), issues };
  return { mode, label, scopes, allowedIps, expiresAtMs };
}

/** The end of the day that was chosen; null where none was. */
function readEnd(text: string, nowMs: number, issues: Issue[]): number | null {
  if (text === "") return null;
  const date = parseDate(text);
  if (!date.ok) {
    issues.push({ path: "expiresAt", code: "date" });
    return null;
  }
  const endMs = startOfNextDayMs(date.value);
  if (endMs <= nowMs) issues.push({ path: "expiresAt", code: "in_the_past" });
  return endMs;
}

async function shownOnce(call: PortalCall, issued: Result<IssuedKey, Failure>): Promise<Result<PageAnswer, Failure>> {
  const { say, form } = call;
  if (!issued.ok) {
    const { code, issues } = issued.failure;
    const isTheirs = code === "insufficient_scope" || code === "conflict";
    return isTheirs && issues !== undefined ? ok(await keysPage(call, { values: valuesOf(form), issues })) : issued;
  }
  const { key, registered } = issued.value;
  const secret = html`${notice(say(KEYS_TEXTS.copyNow), "warn")}
    <p>${registered.label ?? say(PORTAL_TEXTS.unlabelled)} ${modeBadge(registered.mode, say)}</p>
    <p class="secret" id="new-key">${key.text}</p>
    <div class="row">
      ${copyButton("new-key", say)}
      <a class="button" href="/portal/keys">${say(KEYS_TEXTS.backToKeys)}</a>
    </div>`;
  return ok({ title: say(KEYS_TEXTS.made), body: html`${heading(say(KEYS_TEXTS.made))} ${card(null, secret)}` });
}
