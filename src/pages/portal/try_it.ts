import { html } from "hono/html";
import { maskCpf, parseCpf, type Cpf } from "../../domain/cpf.ts";
import type { Failure } from "../../domain/failure.ts";
import { lifeState } from "../../domain/life_state.ts";
import { ok } from "../../domain/result.ts";
import { describeFailure, problemBody } from "../../http/answer_failure.ts";
import { runLookup } from "../../http/lookup_call.ts";
import { inline } from "../../http/pages/layout.ts";
import { scoreBody } from "../../http/scores.ts";
import { PROBLEMS } from "../../http/texts/problem_texts.ts";
import type { Caller } from "../../platform/key_directory.ts";
import { MAGIC_CPFS, type MagicCpf } from "../../sandbox/magic_cpfs.ts";
import { copyButton } from "../copy_button.ts";
import { UNFILLED, type Filled } from "../form.ts";
import { badge, card, heading, notice, type Html } from "../html.ts";
import { portalPage, type PortalCall } from "../page.ts";
import { fieldOf } from "../read_form.ts";
import { partnerAdvice } from "./advice.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";
import { SAMPLE_LANGUAGES, SAMPLES } from "./samples.ts";
import { TRY_TEXTS } from "./try_texts.ts";

const REFERENCE = "portal-teste";

/** `GET /portal/try`: the sandbox, and the same call in eight languages. */
export const showTry = portalPage({
  method: "GET",
  path: "/portal/try",
  scope: null,
  handle: async (call) => ok(await tryPage(call, { answered: "", filled: UNFILLED })),
});

/** `POST /portal/try`: one lookup of the sandbox. The CPF is in the form's body alone, and comes back masked. */
export const tryLookup = portalPage({
  method: "POST",
  path: "/portal/try",
  scope: "scores:read",
  handle: async (call) => {
    const caller = await testCaller(call);
    if (caller === null) return ok(await tryPage(call, { answered: "", filled: UNFILLED }));
    const cpf = readCpf(call.form);
    if (cpf === null) {
      // What was typed is not shown again: it may be most of somebody's CPF.
      const filled: Filled = { values: {}, issues: [{ path: "cpf", code: "cpf" }] };
      return ok({ ...(await tryPage(call, { answered: "", filled })), status: 422 as const });
    }
    return ok(await tryPage(call, { answered: await lookUp(call, caller, cpf), filled: UNFILLED }));
  },
});

/** A magic one by its name, or one that was typed. */
function readCpf(form: FormData): Cpf | null {
  const magic = MAGIC_CPFS.find(({ name }) => name === fieldOf(form, "magic"));
  if (magic !== undefined) return magic.cpf;
  const typed = parseCpf(fieldOf(form, "cpf"));
  return typed.ok ? typed.value : null;
}

/** The session's own key where it is a test one, else the tenant's newest that works; never a live one. */
async function testCaller({ services, partner, nowMs }: PortalCall): Promise<Caller | null> {
  const { tenant, key } = partner;
  const keys = await services.register.keysOfTenant(tenant.id);
  const usable = keys.filter(
    (one) => one.mode === "test" && lifeState(one, nowMs) === "active" && one.scopes.includes("scores:read"),
  );
  const chosen = usable.find(({ id }) => id === key?.id) ?? usable.at(-1);
  return chosen === undefined ? null : { tenantId: tenant.id, keyId: chosen.id, mode: "test" };
}

async function lookUp(call: PortalCall, caller: Caller, cpf: Cpf): Promise<Html> {
  const { context, say, format } = call;
  const grounds = { purpose: null, legalBasis: null, consentId: null, requestedBy: null };
  const startedAtMs = Date.now();
  const answered = await runLookup(
    { context, caller, authMs: 0 },
    { ...grounds, cpf, reference: REFERENCE, idempotencyKey: null },
  );
  const tookMs = Date.now() - startedAtMs;
  const request = `POST ${new URL(context.req.url).origin}/v1/scores\nAuthorization: Bearer ${caller.keyId}_…\nContent-Type: application/json\n\n${JSON.stringify({ cpf: maskCpf(cpf), reference: REFERENCE })}`;
  const shown = answered.ok
    ? { status: 200, body: scoreBody(answered.value.answer, REFERENCE), headers: answered.value.headers, code: null }
    : failedAnswer(call, answered.failure);
  const tone = shown.status < 300 ? "good" : shown.status < 500 ? "warn" : "bad";
  const headers = Object.entries(shown.headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
  return card(
    say(TRY_TEXTS.answer),
    html`<p class="row">
        ${badge(`HTTP ${shown.status}`, tone)}
        <span class="quiet">${say(TRY_TEXTS.took)} ${format.milliseconds(tookMs)}</span>
      </p>
      <pre tabindex="0"><code>${JSON.stringify(shown.body, null, 2)}</code></pre>
      ${shown.code === null ? "" : html`<p><b>${say(TRY_TEXTS.whatHelps)}:</b> ${inline(partnerAdvice(shown.code, say))}</p>`}
      <details class="more">
        <summary>${say(TRY_TEXTS.request)}</summary>
        <pre tabindex="0"><code>${request}</code></pre>
      </details>
      ${
        headers === ""
          ? ""
          : html`<details class="more">
              <summary>${say(TRY_TEXTS.headers)}</summary>
              <pre tabindex="0"><code>${headers}</code></pre>
            </details>`
      }`,
  );
}

function failedAnswer({ context, language }: PortalCall, failure: Failure) {
  const told = describeFailure(context, failure, language);
  const retry = failure.retryAfterSeconds;
  const headers: Record<string, string> = retry === undefined ? {} : { "Retry-After": String(retry) };
  return { status: told.status as number, body: problemBody(told), headers, code: failure.code };
}

async function tryPage(
  call: PortalCall,
  { answered, filled }: { answered: Html | string; filled: Filled },
): Promise<{ title: string; body: Html }> {
  const { say, may } = call;
  const title = say(PORTAL_TEXTS.tryIt);
  const caller = may("scores:read") ? await testCaller(call) : null;
  const sandbox =
    caller !== null
      ? choices(call, caller, filled)
      : notice(say(may("scores:read") ? TRY_TEXTS.needsTestKey : TRY_TEXTS.needsScope));
  return {
    title,
    body: html`${heading(title, { note: say(TRY_TEXTS.note) })}
      <div id="answer" aria-live="polite">${answered}</div>
      ${sandbox} ${samples(call)}`,
  };
}

function choices({ say, language, token, fields }: PortalCall, { keyId }: Caller, filled: Filled): Html {
  const button = ({ name, description, failure: code }: MagicCpf) => {
    const status = code === null ? "200" : `${PROBLEMS[code].status} ${code}`;
    return html`<button type="submit" name="magic" value="${name}" formnovalidate>
      <span>${language === "en" ? description.en : description.ptBr}</span>
      <span class="small quiet"
        >${say(TRY_TEXTS.gets)} ${status}${name === "timeout" ? ` (${say(TRY_TEXTS.slowNote)})` : ""}</span
      >
    </button>`;
  };
  return card(
    say(TRY_TEXTS.choose),
    html`<form
      method="post"
      action="/portal/try"
      data-again
      hx-post="/portal/try"
      hx-select="#answer"
      hx-target="#answer"
      hx-swap="outerHTML"
    >
      ${token}
      <div class="choices">${MAGIC_CPFS.map(button)}</div>
      <div class="form">
        ${fields(filled).input("cpf", { label: say(TRY_TEXTS.own), hint: say(TRY_TEXTS.ownHint), inputmode: "numeric" })}
        <div><button class="first" type="submit">${say(TRY_TEXTS.send)}</button></div>
      </div>
    </form>`,
    html`${say(TRY_TEXTS.withKey)} <code>${keyId}</code>`,
  );
}

function samples({ say, context }: PortalCall): Html {
  const { origin } = new URL(context.req.url);
  return card(
    say(TRY_TEXTS.samples),
    html`<p class="quiet">${say(TRY_TEXTS.samplesNote)}</p>
      ${SAMPLE_LANGUAGES.map((language, index) => {
        const { name, file, run, text } = SAMPLES[language];
        return html`<details class="act" ${index === 0 ? "open" : ""}>
          <summary>${name} <span class="small quiet">${file}</span></summary>
          <pre tabindex="0" id="sample-${language}"><code>${text(origin)}</code></pre>
          <p class="row small">
            <span class="quiet">${say(TRY_TEXTS.run)}: <code>${run}</code></span>
            ${copyButton(`sample-${language}`, say)}
          </p>
        </details>`;
      })}`,
  );
}
