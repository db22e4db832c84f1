import { html } from "hono/html";
import { inline } from "../http/pages/layout.ts";
import type { Place } from "../platform/page_sessions.ts";
import type { ToldFailure } from "../http/problem.ts";
import { COMMON } from "./common_texts.ts";
import { heading } from "./html.ts";
import type { PageTools, ShownPage } from "./page.ts";

/** A failure as a page: what went wrong, what to do, and the code that support asks for. */
export function errorPage(
  { say }: PageTools,
  place: Place,
  { failure, status, detail, requestId }: ToldFailure,
): ShownPage {
  return {
    title: say(COMMON.failed),
    status,
    body: html`${heading(say(COMMON.failed))}
      <div class="notice bad" role="alert">
        <p>${inline(detail)}</p>
      </div>
      <p class="quiet small">
        <a href="/docs/errors#${failure.code}"><code>${failure.code}</code></a> · ${say(COMMON.requestId)}
        <code>${requestId}</code>
      </p>
      <p><a href="/${place}">${say(COMMON.home)}</a></p>`,
  };
}
