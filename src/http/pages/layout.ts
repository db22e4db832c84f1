import { html, raw } from "hono/html";
import type { AppContext } from "../context.ts";
import { preferredLanguage, type Language } from "../language.ts";

export type Html = ReturnType<typeof html>;

/** Chooses between what is said in Portuguese and in English. */
export type Say = (portuguese: string, english: string) => string;

/** What a page is made with: whom it speaks to, and where it is served. */
export type PageContext = { readonly language: Language; readonly say: Say; readonly origin: string };

type Page = { readonly title: string; readonly path: string; readonly aside?: Html; readonly body: Html };

/** A page in the language that `?lang` names or else the browser prefers. */
export function answerPage(context: AppContext, make: (page: PageContext) => Page): Response | Promise<Response> {
  const asked = context.req.query("lang");
  const language =
    asked === "en" || asked === "pt-BR" ? asked : preferredLanguage(context.req.header("accept-language"));
  const say: Say = (portuguese, english) => (language === "en" ? english : portuguese);
  const page = make({ language, say, origin: new URL(context.req.url).origin });
  context.header("Content-Language", language);
  context.header("Vary", "Accept-Language");
  context.header("Cache-Control", "no-cache");
  return context.html(shell(page, { language, say }));
}

function shell({ title, path, aside, body }: Page, { language, say }: Pick<PageContext, "language" | "say">): Html {
  const other = language === "en" ? "pt-BR" : "en";
  const link = (to: string, text: string) =>
    html`<a href="${to}" ${to === path ? raw('aria-current="page"') : ""}>${text}</a>`;
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="stylesheet" href="/docs/style.css" />
        <link rel="icon" href="/docs/icon.svg" type="image/svg+xml" />
      </head>
      <body>
        <a class="skip" href="#main">${say("Ir para o conteúdo", "Skip to the content")}</a>
        <header class="top">
          <a class="brand" href="/"><img src="/docs/icon.svg" alt="" width="26" height="26" />Claro Score Gateway</a>
          <nav aria-label="${say("Páginas", "Pages")}">
            ${link("/docs", say("Referência", "Reference"))} ${link("/docs/errors", say("Erros", "Errors"))}
            ${link("/openapi.json", "OpenAPI")}
            <a class="language" href="${path}?lang=${other}" hreflang="${other}" lang="${other}"
              >${other === "en" ? "English" : "Português"}</a
            >
          </nav>
        </header>
        <div class="${aside === undefined ? "page" : "page with-aside"}">
          ${aside === undefined ? "" : html`<aside>${aside}</aside>`}
          <main id="main">${body}</main>
        </div>
      </body>
    </html> `;
}

/** Running text: paragraphs apart by an empty line, and `code` between backquotes. */
export function prose(text: string): Html {
  return html`${text.split("\n\n").map((paragraph) => html`<p>${inline(paragraph)}</p>`)}`;
}

/** One run of text with `code` between backquotes. */
export function inline(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`))}`;
}

/** What can be typed or is answered, with its lines as they are. */
export function code(text: string): Html {
  return html`<pre tabindex="0"><code>${text}</code></pre>`;
}

type Cells = readonly (Html | string)[];

/** `stacks`: on a phone a row's cells stand one below the other, where they speak for themselves. */
export function table(heads: readonly string[], rows: readonly Cells[], options?: { stacks: boolean }): Html {
  return html`<div class="scroll" tabindex="0">
    <table class="${options?.stacks === true ? "stacks" : ""}">
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
