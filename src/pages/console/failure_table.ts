import { html } from "hono/html";
import type { Text } from "../../http/language.ts";
import { adviceFor } from "../../http/texts/problem_texts.ts";
import type { FailureGroup } from "../../platform/event_search.ts";
import { table, type Html } from "../html.ts";
import type { PageTools } from "../page.ts";
import { PART_TEXTS } from "./console_texts.ts";
import { ADVICE_TEXTS, LOOKUPS } from "./lookups_texts.ts";

/** How lookups failed, by code, and what helps. */
export function failureTable(failures: readonly FailureGroup[], { say, format }: PageTools): Html {
  return table<FailureGroup>(
    [
      { head: say(PART_TEXTS.code), cell: ({ code }) => html`<a href="/docs/errors#${code}"><code>${code}</code></a>` },
      { head: say(LOOKUPS.count), isNumber: true, cell: ({ failures: count }) => format.count(count) },
      { head: say(LOOKUPS.tenants), isNumber: true, cell: ({ tenants }) => format.count(tenants) },
      { head: say(LOOKUPS.last), cell: ({ lastAtMs }) => html`<span class="nowrap">${format.time(lastAtMs)}</span>` },
      { head: say(LOOKUPS.advice), isName: true, cell: ({ code }) => say(operatorAdvice(code)) },
    ],
    failures,
    { caption: say(LOOKUPS.failures) },
  );
}

/** What helps. Where the docs tell a partner to ask the operator for what Claro says, the operator asks Claro. */
export function operatorAdvice(code: string): Text {
  const advice = adviceFor(code);
  return advice === "ask_operator" && code.startsWith("claro_") ? ADVICE_TEXTS.ask_claro : ADVICE_TEXTS[advice];
}
