import { html } from "hono/html";
import type { FailureCode } from "../../domain/failure.ts";
import type { AppContext } from "../context.ts";
import { PROBLEMS, type Advice } from "../texts/problem_texts.ts";
import { answerPage, inline, type Html, type PageContext, type Say } from "./layout.ts";

/** `GET /docs/errors`: every code at an anchor of its own, which is where a problem's `type` leads. */
export function getErrors(context: AppContext): Response | Promise<Response> {
  return answerPage(context, (page) => ({
    title: `${page.say("Erros", "Errors")} · Claro Score Gateway`,
    path: "/docs/errors",
    body: errors(page),
  }));
}

function errors({ say, language }: PageContext): Html {
  const codes = Object.entries(PROBLEMS) as [FailureCode, (typeof PROBLEMS)[FailureCode]][];
  return html` <h1>${say("Erros", "Errors")}</h1>
    <p class="lead">
      ${inline(
        say(
          "O `code` de cada falha é estável: decida por ele, e mostre `detail` às pessoas.",
          "Each failure's `code` is stable: decide by it, and show `detail` to people.",
        ),
      )}
    </p>
    ${codes.map(
      ([code, text]) =>
        html`<section class="error" id="${code}">
          <div class="status">${text.status}</div>
          <div>
            <h3>
              <a href="#${code}"><code>${code}</code></a>
            </h3>
            <p>${inline(text[language])}</p>
            <p class="quiet">${inline(adviceText(PROBLEMS[code].advice, say))}</p>
          </div>
        </section>`,
    )}`;
}

/** What helps against a failure, in words. */
export function adviceText(advice: Advice, say: Say): string {
  switch (advice) {
    case "change_request":
      return say("Repetir a mesma requisição não ajuda: corrija-a.", "The same request fails again: change it.");
    case "change_credentials":
      return say("Corrija ou troque a credencial e repita.", "Correct or replace the credentials, then repeat.");
    case "ask_operator":
      return say("Fale com o operador e informe o `requestId`.", "Talk to the operator and name the `requestId`.");
    case "wait":
      return say(
        "Espere (quando vem `Retry-After`, o tempo que ele diz) e repita.",
        "Wait (where `Retry-After` is given, the time that it says), then repeat.",
      );
    case "repeat":
      return say(
        "Pode ser repetida, de preferência com a mesma `Idempotency-Key` e uma pausa que cresce a cada tentativa.",
        "It can be repeated, best with the same `Idempotency-Key` and a pause that grows with each try.",
      );
    case "final":
      return say(
        "É a resposta final desta consulta; uma nova tentativa é uma nova consulta.",
        "This is the lookup's final answer; another try is another lookup.",
      );
  }
}
