import { html } from "hono/html";
import type { AppContext } from "../context.ts";
import { lookupExample } from "./examples.ts";
import { answerPage, code, inline, type Html, type PageContext, type Say } from "./layout.ts";

/** `GET /`: what this is, for whoever comes by. */
export function getHome(context: AppContext): Response | Promise<Response> {
  return answerPage(context, (page) => ({ title: "Claro Score Gateway", path: "/", body: home(page) }));
}

function home({ say, origin }: PageContext): Html {
  const { request, answer } = lookupExample(origin);
  return html` <h1>
      ${say("O score de crédito da Claro, pronto para a sua operação", "Claro's credit score, ready for production")}
    </h1>
    <p class="lead">
      ${say(
        "Envie um CPF, receba um score de 0 a 1000: quanto maior, menor o risco de inadimplência. O gateway cuida do token da Claro, dos limites, da medição e da fatura de cada parceiro.",
        "Send a CPF, get a score from 0 to 1000: the higher, the lower the risk of default. The gateway takes care of Claro's token, and of each partner's limits, metering and bill.",
      )}
    </p>
    <p class="actions">
      <a class="first" href="/docs">${say("Ler a referência", "Read the reference")}</a>
      <a href="/docs#sandbox">${say("Testar no sandbox", "Try the sandbox")}</a>
      <a href="/openapi.json">OpenAPI 3.1</a>
    </p>
    ${code(request)} ${code(answer)}
    <div class="cards">
      ${features(say).map(
        ([title, text]) =>
          html`<section>
            <h3>${title}</h3>
            <p>${inline(text)}</p>
          </section>`,
      )}
    </div>
    <h2>${say("O caminho de uma consulta", "The path of a lookup")}</h2>
    <p>
      ${say(
        "Nenhum score é entregue sem registro, e nada é cobrado sem score entregue.",
        "No score is given that was not recorded, and nothing is charged without a score.",
      )}
    </p>
    ${picture(say)}`;
}

function features(say: Say): [string, string][] {
  return [
    [
      say("Só o score entregue é cobrado", "Only delivered scores are charged"),
      say(
        "CPF sem score, consulta recusada, falha ou demora da Claro: nada disso custa.",
        "No score, a rejection, a failure or a timeout of Claro: none of them costs anything.",
      ),
    ],
    [
      say("Repetir é seguro", "Repeating is safe"),
      say(
        "Com `Idempotency-Key`, a mesma requisição é cobrada uma única vez.",
        "With an `Idempotency-Key` the same request is charged once.",
      ),
    ],
    [
      say("Sua integração já serve", "Your integration already fits"),
      say(
        "Quem já fala com a Claro troca host, chave e segredo, e nada mais.",
        "Whoever speaks to Claro today changes host, key and secret, and nothing else.",
      ),
    ],
    [
      say("Sandbox completo", "A complete sandbox"),
      say(
        "Com uma chave de teste, CPFs mágicos produzem cada resposta e cada falha.",
        "With a test key, magic CPFs produce every answer and every failure.",
      ),
    ],
    [
      say("Consumo exato", "Exact usage"),
      say(
        "`/v1/usage` conta até a última consulta respondida.",
        "`/v1/usage` counts up to the last lookup that was answered.",
      ),
    ],
    [
      say("Erros que se explicam", "Errors that explain themselves"),
      say(
        "`problem+json` com um código estável, em português ou inglês.",
        "`problem+json` with a stable code, in Portuguese or English.",
      ),
    ],
  ];
}

function picture(say: Say): Html {
  const steps: [string, string][] = [
    [say("Autenticar", "Authenticate"), say("chave de API", "API key")],
    [say("Admitir", "Admit"), say("limites, intenção", "limits, intent")],
    ["Claro", say("um CPF, um score", "one CPF, one score")],
    [say("Registrar", "Settle"), say("um evento medido", "one meter event")],
    [say("Responder", "Answer"), say("com o score", "with the score")],
  ];
  return html`<figure>
    <svg
      viewBox="0 0 760 96"
      role="img"
      aria-label="${steps.map(([name]) => name).join(" → ")}"
      fill="none"
      stroke="currentColor"
    >
      ${steps.map(([name, note], index) => {
        const x = 4 + index * 154;
        return html`<rect x="${x}" y="14" width="132" height="66" rx="9" stroke-opacity=".35" />
          <text
            x="${x + 66}"
            y="43"
            text-anchor="middle"
            font-size="16"
            font-weight="600"
            fill="currentColor"
            stroke="none"
            >${name}</text
          >
          <text
            x="${x + 66}"
            y="64"
            text-anchor="middle"
            font-size="12.5"
            fill="currentColor"
            fill-opacity=".65"
            stroke="none"
            >${note}</text
          >
          ${index === 0 ? "" : html`<path d="M${x - 20} 47h14m-5-5l5 5-5 5" stroke-opacity=".6" />`}`;
      })}
    </svg>
  </figure>`;
}
