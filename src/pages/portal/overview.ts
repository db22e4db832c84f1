import { ok } from "../../domain/result.ts";
import { card, facts, heading } from "../html.ts";
import { html } from "hono/html";
import { portalPage } from "../page.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";

/** `GET /portal`. */
export const showPortalOverview = portalPage({
  method: "GET",
  path: "/portal",
  scope: null,
  handle: ({ say, partner }) => {
    const { tenant, key, mode, scopes } = partner;
    const who = facts([
      [say(PORTAL_TEXTS.partner), tenant.name],
      [say(PORTAL_TEXTS.document), tenant.document],
      [
        say(PORTAL_TEXTS.signedInBy),
        key === null ? say(PORTAL_TEXTS.link) : html`<code>${key.id}</code> ${key.label ?? ""}`,
      ],
      [say(PORTAL_TEXTS.mode), say(PORTAL_TEXTS[mode])],
      [say(PORTAL_TEXTS.may), html`<code>${scopes.join(", ")}</code>`],
    ]);
    return ok({ title: say(PORTAL_TEXTS.overview), body: html`${heading(tenant.name)} ${card(null, who)}` });
  },
});
