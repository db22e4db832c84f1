import { html } from "hono/html";
import { TEST_LOOKUPS_A_DAY } from "../../domain/ledger/limits.ts";
import { DEFAULT_READS_PER_MINUTE, type NoTermsLeft } from "../../domain/plan.ts";
import { ok } from "../../domain/result.ts";
import { settledPlans } from "../../gateway/tenants.ts";
import type { Text } from "../../http/language.ts";
import { inline } from "../../http/pages/layout.ts";
import { PROBLEMS } from "../../http/texts/problem_texts.ts";
import { COMMON } from "../common_texts.ts";
import { card, facts, heading, table, type Content, type Html } from "../html.ts";
import { portalPage, type PortalCall } from "../page.ts";
import { partnerAdvice } from "./advice.ts";
import { INTEGRATE_TEXTS, QUESTION_TEXTS, STEP_TEXTS } from "./integrate_texts.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";
import { SAMPLES } from "./samples.ts";

type Step = { readonly title: Text; readonly text: Text; readonly code?: "env" | "call" | "answer" | "claro" };

const STEPS: readonly Step[] = [
  { title: STEP_TEXTS.secretTitle, text: STEP_TEXTS.secret, code: "env" },
  { title: STEP_TEXTS.firstTitle, text: STEP_TEXTS.first, code: "call" },
  { title: STEP_TEXTS.answerTitle, text: STEP_TEXTS.answer, code: "answer" },
  { title: STEP_TEXTS.errorsTitle, text: STEP_TEXTS.errors },
  { title: STEP_TEXTS.repeatTitle, text: STEP_TEXTS.repeat },
  { title: STEP_TEXTS.purposeTitle, text: STEP_TEXTS.purpose },
  { title: STEP_TEXTS.liveTitle, text: STEP_TEXTS.live },
  { title: STEP_TEXTS.claroTitle, text: STEP_TEXTS.claro, code: "claro" },
];

const QUESTIONS: readonly (readonly [question: Text, answer: Text])[] = [
  [QUESTION_TEXTS.charged, QUESTION_TEXTS.chargedAnswer],
  [QUESTION_TEXTS.kept, QUESTION_TEXTS.keptAnswer],
  [QUESTION_TEXTS.slow, QUESTION_TEXTS.slowAnswer],
  [QUESTION_TEXTS.leaked, QUESTION_TEXTS.leakedAnswer],
  [QUESTION_TEXTS.closes, QUESTION_TEXTS.closesAnswer],
];

/** The errors that an integration meets; all of them are in the reference. */
const COMMON_ERRORS = [
  "invalid_cpf",
  "purpose_required",
  "rejected_by_claro",
  "invalid_api_key",
  "insufficient_scope",
  "ip_not_allowed",
  "score_not_found",
  "idempotency_in_progress",
  "rate_limited",
  "quota_exceeded",
  "spend_cap_reached",
  "claro_failed",
  "claro_unreachable",
  "claro_timeout",
] as const;

/** `GET /portal/integrate`: what a partner's developer needs, on a page to print. */
export const showIntegrate = portalPage({
  method: "GET",
  path: "/portal/integrate",
  scope: null,
  handle: (call) => {
    const { say } = call;
    const title = say(PORTAL_TEXTS.integrate);
    const actions = html`<a class="button" href="/docs">${say(INTEGRATE_TEXTS.reference)}</a>
      <a class="button" href="/openapi.json?audience=partner">${say(INTEGRATE_TEXTS.document)}</a>`;
    return ok({
      title,
      body: html`${heading(title, { note: say(INTEGRATE_TEXTS.note), actions })}
      ${card(
        say(INTEGRATE_TEXTS.steps),
        html`<ol class="steps">
          ${STEPS.map((step) => shownStep(step, call))}
        </ol>`,
      )}
      ${limitsCard(call)} ${errorsCard(call)} ${questionsCard(call)}`,
    });
  },
});

function shownStep({ title, text, code }: Step, call: PortalCall): Html {
  return html`<li>
    <h3>${call.say(title)}</h3>
    <p>${inline(call.say(text))}</p>
    ${code === undefined ? "" : html`<pre tabindex="0"><code>${codeOf(code, new URL(call.context.req.url).origin)}</code></pre>`}
  </li>`;
}

function codeOf(code: NonNullable<Step["code"]>, origin: string): string {
  switch (code) {
    case "env":
      return "export API_KEY=csg_test_…";
    case "call":
      return SAMPLES.curl.text(origin).trimEnd();
    case "answer":
      return JSON.stringify(
        { id: "lkp_…", score: 540, mode: "test", billed: false, reference: "pedido-1234" },
        null,
        2,
      );
    case "claro":
      return `POST ${origin}/oauth2/v1/token\nPOST ${origin}/customers/v1/scores`;
  }
}

function limitsCard({ say, format, partner, nowMs }: PortalCall): Html {
  const { name: _name, tiers: _tiers, ...terms } = settledPlans(partner.tenant, nowMs).plan;
  const { ratePerSecond, burst, readsPerMinute, monthlySpendCapMicros: cap, allowance, ...rest } = terms;
  rest satisfies NoTermsLeft;
  const limits: (readonly [string, Content])[] = [
    [say(INTEGRATE_TEXTS.rate), format.count(ratePerSecond)],
    [say(INTEGRATE_TEXTS.burst), format.count(burst)],
    [say(INTEGRATE_TEXTS.reads), format.count(readsPerMinute ?? DEFAULT_READS_PER_MINUTE)],
    [say(INTEGRATE_TEXTS.cap), cap === null ? say(COMMON.unlimited) : format.money(cap)],
    [say(INTEGRATE_TEXTS.allowance), allowance === null ? say(COMMON.unlimited) : format.count(allowance.requests)],
    [say(INTEGRATE_TEXTS.testQuota), format.count(TEST_LOOKUPS_A_DAY)],
    [
      say(INTEGRATE_TEXTS.requires),
      partner.tenant.requires.length === 0
        ? say(COMMON.none)
        : html`<code>${partner.tenant.requires.join(", ")}</code>`,
    ],
  ];
  return card(say(INTEGRATE_TEXTS.limits), facts(limits));
}

function errorsCard({ say, language }: PortalCall): Html {
  const rows = table<(typeof COMMON_ERRORS)[number]>(
    [
      {
        head: say(INTEGRATE_TEXTS.code),
        cell: (code) => html`<a href="/docs/errors#${code}"><code class="nowrap">${code}</code></a>`,
      },
      { head: say(INTEGRATE_TEXTS.status), cell: (code) => String(PROBLEMS[code].status), isNumber: true },
      {
        head: say(INTEGRATE_TEXTS.meaning),
        isName: true,
        cell: (code) =>
          html`${inline(PROBLEMS[code][language])} <span class="quiet">${inline(partnerAdvice(code, say))}</span>`,
      },
    ],
    COMMON_ERRORS,
  );
  return card(say(INTEGRATE_TEXTS.errors), rows, html`<a href="/docs/errors">${say(INTEGRATE_TEXTS.allErrors)}</a>`);
}

function questionsCard({ say }: PortalCall): Html {
  return card(
    say(INTEGRATE_TEXTS.questions),
    QUESTIONS.map(
      ([question, answer]) =>
        html`<h3>${say(question)}</h3>
          <p>${inline(say(answer))}</p>`,
    ),
  );
}
