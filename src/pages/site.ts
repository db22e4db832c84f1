import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { trimTrailingSlash } from "hono/trailing-slash";
import type { Place } from "../platform/page_sessions.ts";
import type { AppEnv } from "../http/context.ts";
import { SCRIPT, STYLE } from "./built_assets.ts";
import { CONSOLE } from "./console/console.ts";
import { PORTAL } from "./portal/portal.ts";
import { answerUnknownPage, runPage, type PlaceOfPages } from "./run_page.ts";

const PLACES: Readonly<Record<Place, PlaceOfPages>> = { console: CONSOLE, portal: PORTAL };

const YEAR_SECONDS = 31_536_000;

/** Pages run our script and style only, send forms to us only and are in nobody's frame. */
const secured = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
  // With `no-referrer` a browser would send forms with the origin `null`.
  referrerPolicy: "same-origin",
});

/** The console and the portal, with their style and script. */
export const site = new Hono<AppEnv>();

for (const [place, parts] of Object.entries(PLACES) as [Place, PlaceOfPages][]) {
  site.use(`/${place}/*`, secured, trimTrailingSlash({ alwaysRedirect: true }));
  for (const page of parts.pages) {
    site.on(page.method, page.path, (context) => runPage(page, parts, context));
  }
  site.all(`/${place}/*`, (context) => answerUnknownPage(place, parts, context));
}

for (const [{ path, text }, type] of [
  [STYLE, "text/css; charset=utf-8"],
  [SCRIPT, "text/javascript; charset=utf-8"],
] as const) {
  // The name holds the content's hash, so that a cached copy is never out of date.
  const headers = { "content-type": type, "cache-control": `public, max-age=${YEAR_SECONDS}, immutable` };
  site.get(path, (context) => context.body(text, 200, headers));
}
