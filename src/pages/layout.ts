import { html } from "hono/html";
import type { Visitor } from "../gateway/page_sessions.ts";
import type { Place } from "../platform/page_sessions.ts";
import type { Language, Text } from "../http/language.ts";
import { ICON } from "../http/pages/assets.ts";
import { SCRIPT, STYLE } from "./built_assets.ts";
import { LANGUAGES, THEMES, type Theme } from "./browser_state.ts";
import { COMMON } from "./common_texts.ts";
import { attribute, notice, type Html } from "./html.ts";
import type { Say, ShownPage } from "./page.ts";

/** A page in the list at the side. */
export type NavEntry = {
  readonly path: string;
  readonly text: Text;
  /** Another address whose pages belong to this entry. */
  readonly also?: string;
};

export type Frame = {
  readonly place: Place;
  readonly path: string;
  /** The address with its query, where the switches lead back to. */
  readonly address: string;
  readonly language: Language;
  readonly theme: Theme;
  readonly visitor: Visitor | null;
  readonly nav: readonly NavEntry[];
  /** Said above the page: what was just done. */
  readonly done: Text | null;
  readonly token: Html;
  readonly requestId: string;
};

/** Inlined, so that a page loads nothing but its style and script. */
const ICON_URL = `data:image/svg+xml;base64,${btoa(ICON)}`;
/** A part of a page that is refreshed keeps its folds open. */
const HTMX_CONFIG = JSON.stringify({
  includeIndicatorCSS: false,
  history: false,
  morphIgnore: ["data-htmx-powered", "open"],
});

/** A whole page: the frame that is round every one, and within it what the page shows. */
export function layout({ title, body }: ShownPage, frame: Frame): Html {
  const { language, theme, visitor, place, done } = frame;
  const say = (text: Text) => text[language];
  return html`<!doctype html>
    <html lang="${language}" ${theme === "auto" ? "" : html`data-theme="${theme}"`}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="htmx-config" content="${HTMX_CONFIG}" />
        <title>${title} · Claro Score Gateway</title>
        <link rel="stylesheet" href="${STYLE.path}" />
        <link rel="icon" href="${ICON_URL}" />
        <script src="${SCRIPT.path}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">${say(COMMON.skip)}</a>
        <header class="bar">
          <a class="brand" href="/${place}"
            ><img src="${ICON_URL}" alt="" width="26" height="26" />Claro Score Gateway
            <span>${say(COMMON[place])}</span></a
          >
          <div class="end">${visitor?.place === "console" ? searchLink(say) : ""} ${menu(frame, say)}</div>
        </header>
        ${
          visitor === null
            ? html`<main id="main" tabindex="-1">
                <div class="alone">${done === null ? "" : notice(say(done), "good")} ${body}</div>
              </main>`
            : html`<div class="frame">
                <nav class="pages" aria-label="${say(COMMON.pages)}">
                  ${frame.nav.map((entry) => html`<a href="${entry.path}" ${attribute('aria-current="page"', isCurrent(entry, frame))}>${say(entry.text)}</a>`)}
                </nav>
                <main id="main" tabindex="-1">${done === null ? "" : notice(say(done), "good")} ${body}</main>
                <footer class="foot">
                  <span>${say(COMMON.timesAre)}</span><a href="/docs">${say(COMMON.reference)}</a>
                  <span>${say(COMMON.requestId)} <span class="mono">${frame.requestId}</span></span>
                </footer>
              </div>`
        }
        ${visitor?.place === "console" ? searchDialog(frame, say) : ""}
      </body>
    </html> `;
}

function isCurrent({ path, also }: NavEntry, frame: Frame): boolean {
  if (frame.path === path) return true;
  // The first page's address is a prefix of every other one.
  return [path, also].some((one) => one !== undefined && one !== `/${frame.place}` && frame.path.startsWith(`${one}/`));
}

function searchLink(say: Say): Html {
  return html`<a class="find" href="/console/search" data-search
    >${say(COMMON.search)} <kbd class="needs-script">Ctrl K</kbd></a
  >`;
}

/** The search of ⌘K: the same form as the page of it, whose answer is put below. */
function searchDialog({ token }: Frame, say: Say): Html {
  return html`<dialog id="search" aria-label="${say(COMMON.search)}">
    <form
      method="post"
      action="/console/search"
      role="search"
      data-again
      hx-post="/console/search"
      hx-trigger="submit, input delay:250ms"
      hx-sync="replace"
      hx-select="#hits"
      hx-target="#dialog-hits"
      hx-swap="innerHTML"
    >
      ${token}
      <input
        type="search"
        name="text"
        autocomplete="off"
        aria-label="${say(COMMON.search)}"
        maxlength="200"
        autofocus
      />
    </form>
    <div id="dialog-hits" aria-live="polite"></div>
  </dialog>`;
}

function menu({ place, address, language, theme, visitor, token }: Frame, say: Say): Html {
  const to = (name: string, value: string) => `${address}${address.includes("?") ? "&" : "?"}${name}=${value}`;
  const themes = { auto: COMMON.auto, light: COMMON.light, dark: COMMON.dark } as const;
  const languages = { "pt-BR": "Português", en: "English" } as const;
  const name =
    visitor === null
      ? languages[language]
      : visitor.place === "console"
        ? visitor.name
        : (visitor.key?.label ?? visitor.tenant.name);
  return html`<details class="menu">
    <summary aria-label="${name}: ${say(COMMON.language)}, ${say(COMMON.theme)}"><span>${name}</span> ▾</summary>
    <div>
      <div class="choice">
        <b>${say(COMMON.language)}</b>
        ${LANGUAGES.map((one) => html`<a href="${to("lang", one)}" hreflang="${one}" lang="${one}" ${attribute('aria-current="true"', one === language)}>${languages[one]}</a>`)}
      </div>
      <div class="choice">
        <b>${say(COMMON.theme)}</b>
        ${THEMES.map((one) => html`<a href="${to("theme", one)}" ${attribute('aria-current="true"', one === theme)}>${say(themes[one])}</a>`)}
      </div>
      ${
        visitor === null
          ? ""
          : html`<form method="post" action="/${place}/sign-out">
              ${token}<button type="submit">${say(COMMON.signOut)}</button>
            </form>`
      }
    </div>
  </details>`;
}
