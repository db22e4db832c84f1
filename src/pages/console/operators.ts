import { html } from "hono/html";
import { lifeState } from "../../domain/life_state.ts";
import { ok } from "../../domain/result.ts";
import { ROLES } from "../../domain/roles.ts";
import * as endpoints from "../../http/admin/operators.ts";
import type { RegisteredOperator } from "../../platform/operators.ts";
import { COMMON } from "../common_texts.ts";
import { statusOf, UNFILLED, type Filled } from "../form.ts";
import { card, empty, heading, table, type Html } from "../html.ts";
import { lifeBadge } from "../life_badge.ts";
import { consolePage, Redirect, type PageTools, type ShownPage } from "../page.ts";
import { chosenOf, fieldOf, typedDayEnd, valuesOf } from "../read_form.ts";
import { callEndpoint } from "./call_endpoint.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { OPERATORS, ROLE_TEXTS } from "./operate_texts.ts";
import { act, faults, secretOnce } from "./parts.ts";

const MOST_OPERATORS = 500;
const STATE_TEXTS = { active: PART_TEXTS.active, expired: OPERATORS.isExpired, revoked: OPERATORS.isRevoked };

/** `GET /console/operators`. */
export const showOperators = consolePage({
  method: "GET",
  path: "/console/operators",
  role: "admin",
  handle: async (call) => ok(await operatorsPage(call, null)),
});

/** Whose roles were refused, and what is wrong with them. */
type Refused = { readonly operatorId: string; readonly filled: Filled };

async function operatorsPage(call: PageTools, refused: Refused | null): Promise<ShownPage> {
  const { services, say, format, nowMs } = call;
  const operators = await services.operators.page({ after: null, limit: MOST_OPERATORS });
  const title = say(NAV_TEXTS.operators);
  const list = table<RegisteredOperator>(
    [
      {
        head: say(OPERATORS.name),
        isName: true,
        cell: ({ id, name, email }) =>
          html`<span
            >${name}<br /><span class="quiet small">${email ?? ""} <code>${id}</code></span></span
          >`,
      },
      { head: say(OPERATORS.roles), cell: ({ roles }) => html`<code>${roles.join(", ")}</code>` },
      { head: say(PART_TEXTS.state), cell: (operator) => lifeBadge(operator, STATE_TEXTS, call) },
      {
        head: say(OPERATORS.lastSeen),
        cell: ({ lastUsedAtMs }) =>
          lastUsedAtMs === null ? say(COMMON.never) : html`<span class="nowrap">${format.time(lastUsedAtMs)}</span>`,
      },
      {
        head: say(OPERATORS.expires),
        cell: ({ expiresAtMs }) => (expiresAtMs === null ? say(OPERATORS.endless) : format.day(expiresAtMs)),
      },
      {
        head: say(OPERATORS.change),
        cell: (operator) => (lifeState(operator, nowMs) !== "active" ? "" : actions(call, operator, refused)),
      },
    ],
    operators.toReversed(),
    { caption: title },
  );
  const create = html`<a class="button first" href="/console/operators/new">${say(OPERATORS.create)}</a>`;
  return {
    title,
    body: html`${heading(title, { actions: create })} ${operators.length === 0 ? empty(say(OPERATORS.none)) : list}`,
    ...(refused === null ? {} : { status: 422 as const }),
  };
}

function actions(call: PageTools, { id, roles }: RegisteredOperator, refused: Refused | null): Html {
  const { say, fields } = call;
  const isRefused = refused?.operatorId === id;
  const made = fields(isRefused ? refused.filled : UNFILLED);
  const choices = ROLES.map((role) => [role, say(ROLE_TEXTS[role])] as const);
  const change = act(call, {
    to: `/console/operators/${id}/roles`,
    title: OPERATORS.changeRoles,
    note: OPERATORS.changeRolesNote,
    button: PART_TEXTS.save,
    isOpen: isRefused,
    fields: made.checks("roles", { label: say(OPERATORS.roles), choices, checked: roles }),
  });
  const revoke = act(call, {
    to: `/console/operators/${id}/revoke`,
    title: OPERATORS.revoke,
    note: OPERATORS.revokeNote,
    button: OPERATORS.revoke,
    isDanger: true,
  });
  return html`${change} ${revoke}`;
}

/** `GET /console/operators/new`. */
export const showNewOperator = consolePage({
  method: "GET",
  path: "/console/operators/new",
  role: "admin",
  handle: (call) => ok(operatorForm(call, UNFILLED)),
});

/** `POST /console/operators`: the token is on this answer and nowhere else. */
export const createOperator = consolePage({
  method: "POST",
  path: "/console/operators",
  role: "admin",
  handle: async (call) => {
    const { form, say } = call;
    const email = fieldOf(form, "email");
    const body = {
      name: fieldOf(form, "name"),
      email: email === "" ? null : email,
      roles: chosenOf(form, "roles", ROLES),
      expiresAt: typedDayEnd(fieldOf(form, "expiresAt")),
    };
    const made = await callEndpoint<{ name: string; token: string }>(call, endpoints.createOperator, { body });
    if (!made.ok) {
      if (made.failure.issues === undefined) return made;
      return ok(operatorForm(call, { values: valuesOf(form), issues: made.failure.issues }));
    }
    const title = say(OPERATORS.made);
    const content = html`${secretOnce(call, made.value.token, OPERATORS.once)}
      <p><a href="/console/operators">${say(COMMON.back)}</a></p>`;
    return ok({
      title,
      body: html`${heading(`${title}: ${made.value.name}`, { crumbs: crumbs(call) })} ${card(null, content)}`,
    });
  },
});

/** `POST /console/operators/{id}/roles`. */
export const changeRoles = consolePage({
  method: "POST",
  path: "/console/operators/:operatorId/roles",
  role: "admin",
  handle: async (call) => {
    const { form, params } = call;
    const body = { roles: chosenOf(form, "roles", ROLES) };
    const changed = await callEndpoint(call, endpoints.changeOperator, { params, body });
    if (changed.ok) return ok(new Redirect("/console/operators", "roles-saved"));
    if (changed.failure.issues === undefined) return changed;
    const filled = { values: { sent: "yes", ...valuesOf(form) }, issues: changed.failure.issues };
    return ok(await operatorsPage(call, { operatorId: params.operatorId, filled }));
  },
});

/** `POST /console/operators/{id}/revoke`. */
export const revokeOperator = consolePage({
  method: "POST",
  path: "/console/operators/:operatorId/revoke",
  role: "admin",
  handle: async (call) => {
    const revoked = await callEndpoint(call, endpoints.revokeOperator, { params: call.params });
    return revoked.ok ? ok(new Redirect("/console/operators", "operator-revoked")) : revoked;
  },
});

function operatorForm(call: PageTools, filled: Filled): ShownPage {
  const { say, fields, token } = call;
  const made = fields(filled);
  const roles = ROLES.map((role) => [role, say(ROLE_TEXTS[role])] as const);
  const content = html`<form method="post" action="/console/operators" class="form">
    ${token} ${faults(call, filled, ["name", "email", "roles", "expiresAt"])}
    ${made.input("name", { label: say(OPERATORS.name), isRequired: true })}
    ${made.input("email", { label: say(OPERATORS.email), hint: say(COMMON.optional) })}
    ${made.checks("roles", { label: say(OPERATORS.roles), choices: roles, checked: ["read"] })}
    ${made.input("expiresAt", { label: say(OPERATORS.expires), hint: say(OPERATORS.expiresHint), type: "date" })}
    <div class="row">
      <button type="submit" class="first">${say(OPERATORS.createButton)}</button>
      <a href="/console/operators">${say(COMMON.back)}</a>
    </div>
  </form>`;
  const title = say(OPERATORS.create);
  return { title, body: html`${heading(title, { crumbs: crumbs(call) })} ${card(null, content)}`, ...statusOf(filled) };
}

function crumbs({ say }: PageTools) {
  return [{ to: "/console/operators", text: say(NAV_TEXTS.operators) }];
}
