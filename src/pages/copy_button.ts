import { html } from "hono/html";
import { COMMON } from "./common_texts.ts";
import type { Html } from "./html.ts";
import type { Say } from "./page.ts";

/** Copies the text of the element with this id. Without a script there is no button. */
export function copyButton(id: string, say: Say): Html {
  return html`<button type="button" class="needs-script" data-copy="#${id}" data-copied="${say(COMMON.copied)}">
    ${say(COMMON.copy)}
  </button>`;
}
