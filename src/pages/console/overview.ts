import { html } from "hono/html";
import { ok } from "../../domain/result.ts";
import { heading } from "../html.ts";
import { consolePage } from "../page.ts";
import { NAV_TEXTS } from "./console_texts.ts";

/** `GET /console`. */
export const showOverview = consolePage({
  method: "GET",
  path: "/console",
  role: "read",
  handle: ({ say }) => ok({ title: say(NAV_TEXTS.overview), body: html`${heading(say(NAV_TEXTS.overview))}` }),
});
