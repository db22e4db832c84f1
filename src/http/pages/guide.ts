import { html } from "hono/html";
import { MAGIC_CPFS } from "../../sandbox/magic_cpfs.ts";
import { issueSentence, issueText } from "../texts/issue_texts.ts";
import { PROBLEMS } from "../texts/problem_texts.ts";
import { curl, jsonBody, lookupExample } from "./examples.ts";
import { code, inline, prose, table, type Html, type PageContext, type Say } from "./layout.ts";

/** A part of the reference that is written by hand: what a partner's developer has to know before the list of calls. */
export type GuideSection = { readonly id: string; readonly title: string; readonly body: Html };

export function guideSections(page: PageContext): GuideSection[] {
  const { say } = page;
  return [
    { id: "start", title: say("Primeira consulta", "First lookup"), body: start(page) },
    { id: "keys", title: say("Chaves de API", "API keys"), body: keys(say) },
    { id: "sandbox", title: "Sandbox", body: sandbox(page) },
    { id: "charges", title: say("O que é cobrado", "What is charged"), body: charges(say) },
    {
      id: "idempotency",
      title: say("Repetir sem pagar de novo", "Repeating without paying again"),
      body: repeats(say),
    },
    { id: "limits", title: say("Limites e cabeçalhos", "Limits and headers"), body: limits(say) },
    { id: "claros-shape", title: say("Integrações que já existem", "Existing integrations"), body: clarosShape(page) },
    { id: "errors", title: say("Erros", "Errors"), body: errors(page) },
  ];
}

function start({ say, origin }: PageContext): Html {
  const { request, answer } = lookupExample(origin);
  return html`${prose(
    say(
      "Guarde a sua chave de API em `API_KEY` e envie um CPF. Uma chave de teste (`csg_test_…`) é respondida pelo sandbox e nunca é cobrada.",
      "Keep your API key in `API_KEY` and send a CPF. A test key (`csg_test_…`) is answered by the sandbox and never charged.",
    ),
  )}${code(request)}${code(answer)}`;
}

function keys(say: Say): Html {
  return prose(
    say(
      "Envie a chave em `Authorization: Bearer …` ou em `x-api-key`, nunca na URL. Ela é mostrada uma única vez, quando é criada. As primeiras duas partes (`csg_live_a1B2c3D4e5`) identificam a chave e não são secretas.\n\nUma chave pode ter validade, uma lista de endereços IP e escopos: `scores:read`, `usage:read` e `statements:read`; com `keys:manage`, que só existe quando é pedido, ela cria, troca e revoga chaves do parceiro em `/v1/keys`. Uma chave revogada deixa de funcionar na requisição seguinte.",
      "Send the key in `Authorization: Bearer …` or in `x-api-key`, never in the URL. It is shown once, when it is made. Its first part (`csg_live_a1B2c3D4e5`) names the key and is not secret.\n\nA key can have an expiry, a list of IP addresses, and scopes: `scores:read`, `usage:read` and `statements:read`; with `keys:manage`, which has to be asked for, it creates, rotates and revokes the tenant's keys at `/v1/keys`. A revoked key fails on the very next request.",
    ),
  );
}

function sandbox({ say, language }: PageContext): Html {
  const rows = MAGIC_CPFS.map(({ cpf, failure, description }) => {
    return [
      html`<code>${cpf}</code>`,
      language === "en" ? description.en : description.ptBr,
      failure === null
        ? html`<code>200</code>`
        : html`<code>${PROBLEMS[failure].status}</code> <a href="/docs/errors#${failure}"><code>${failure}</code></a>`,
    ];
  });
  return html`${prose(
    say(
      "Com uma chave de teste, qualquer CPF válido tem um score fixo, e estes CPFs produzem cada resposta que a Claro pode dar:",
      "With a test key any valid CPF has a fixed score, and these CPFs produce every answer that can come from Claro:",
    ),
  )}${table(["CPF", say("A Claro", "Claro"), say("Você recebe", "You get")], rows, { stacks: true })}`;
}

function charges(say: Say): Html {
  const [yes, no] = [say("sim", "yes"), say("não", "no")];
  const rows: (readonly [string, string, string, string])[] = [
    ["delivered", say("um score de 0 a 1000", "a score from 0 to 1000"), yes, yes],
    ["not_found", say("não tem score para o CPF", "has no score for the CPF"), no, yes],
    ["rejected", say("recusou a consulta", "rejected the lookup"), no, yes],
    ["failed", say("falhou, ou estava fora do ar", "failed, or could not be reached"), no, no],
    ["unknown", say("não respondeu a tempo", "did not answer in time"), no, yes],
  ];
  return html`${table(
    [
      say("Resultado", "Outcome"),
      say("A Claro…", "Claro…"),
      say("Cobrado", "Charged"),
      say("Conta na franquia", "Counts to the allowance"),
    ],
    rows.map(([outcome, ...cells]) => [html`<code>${outcome}</code>`, ...cells]),
  )}${prose(
    say(
      "A franquia existe no plano de teste. Os resultados são os que aparecem em `/v1/usage`.",
      "The trial plan has an allowance. The outcomes are those of `/v1/usage`.",
    ),
  )}`;
}

function repeats(say: Say): Html {
  return prose(
    say(
      "Envie uma `Idempotency-Key` de 1 a 255 caracteres, uma para cada consulta que você quer fazer. A mesma chave com o mesmo corpo devolve a primeira resposta por 24 horas, com `Idempotency-Replayed: true`, e é cobrada uma vez.\n\nCom outro corpo: `422 idempotency_mismatch`. Enquanto a primeira ainda está em andamento: `409 idempotency_in_progress`, com `Retry-After`. Depois de 24 horas e até 35 dias: `409 idempotency_expired`; a resposta foi apagada, mas a cobrança não se repete. Falhas e limites não são guardados: a próxima tentativa consulta de novo. Um `504 claro_timeout` é guardado, porque a Claro pode ter respondido.",
      "Send an `Idempotency-Key` of 1 to 255 characters, one for each lookup that you mean to make. The same key with the same body gives the first answer again for 24 hours, with `Idempotency-Replayed: true`, and is charged once.\n\nWith another body: `422 idempotency_mismatch`. While the first is still running: `409 idempotency_in_progress`, with `Retry-After`. After 24 hours and up to 35 days: `409 idempotency_expired`; the answer is erased, the charge still not repeated. Failures and limits are not kept: the next try runs. A `504 claro_timeout` is kept, because Claro may have answered.",
    ),
  );
}

function limits(say: Say): Html {
  const rows: (readonly [string, string])[] = [
    [
      "X-Request-Id",
      say(
        "O id da requisição: o seu, se tiver de 1 a 128 caracteres de `[A-Za-z0-9._-]`. Informe-o ao pedir ajuda.",
        "The request's id: yours when it is 1 to 128 of `[A-Za-z0-9._-]`. Name it when you ask for help.",
      ),
    ],
    [
      "RateLimit-Policy",
      say(
        'O que o plano concede: `"rate";q=50;w=1` são 50 consultas por segundo.',
        'What the plan grants: `"rate";q=50;w=1` is 50 lookups a second.',
      ),
    ],
    [
      "RateLimit",
      say(
        'O que resta: `"rate";r=49;t=1`, e a franquia, quando há uma: `"allowance";r=999`.',
        'What is left of it: `"rate";r=49;t=1`, and of the allowance when there is one: `"allowance";r=999`.',
      ),
    ],
    [
      "Retry-After",
      say(
        "Segundos de espera depois dos quais uma nova tentativa pode dar certo. Sem ele, esperar não ajuda.",
        "Seconds after which another try can succeed. Without it waiting does not help.",
      ),
    ],
    [
      "Server-Timing",
      say(
        "Milissegundos de cada passo: `auth`, `admit`, `claro`, `settle`.",
        "Milliseconds of each step: `auth`, `admit`, `claro`, `settle`.",
      ),
    ],
  ];
  return table(
    [say("Cabeçalho", "Header"), say("Significa", "Means")],
    rows.map(([name, meaning]) => [html`<code>${name}</code>`, inline(meaning)]),
    { stacks: true },
  );
}

function clarosShape({ say, origin }: PageContext): Html {
  const token = curl("POST", `${origin}/oauth2/v1/token`, {
    headers: ['x-client-auth: Basic $(printf %s "$CLIENT_ID:$CLIENT_SECRET" | base64)'],
    body: { type: "application/x-www-form-urlencoded", text: "grant_type=client_credentials" },
  });
  const score = curl("POST", `${origin}/customers/v1/scores`, {
    headers: ["x-client-auth: Bearer $TOKEN"],
    body: jsonBody({ data: { customer: { idCpf: "52998224725" } } }),
  });
  return html`${prose(
    say(
      `Se o seu sistema já consulta a Claro, troque \`https://api.claro.com.br\` por \`${origin}\`, a chave pelo id da chave de API (\`csg_live_…\`, sem a última parte) e o segredo pela última parte. O restante fica como está; \`X-CustomerID\` é ignorado, e a Claro recebe o seu.`,
      `If your system calls Claro today, change \`https://api.claro.com.br\` to \`${origin}\`, the key to your API key's id (\`csg_live_…\` without its last part) and the secret to its last part. All else stays; \`X-CustomerID\` is ignored, and Claro is sent yours.`,
    ),
  )}${code(token)}${code(score)}`;
}

const ISSUE = { path: "cpf", code: "cpf" } as const;

function errors({ say, language, origin }: PageContext): Html {
  const problem = {
    type: `${origin}/docs/errors#invalid_cpf`,
    title: PROBLEMS.invalid_cpf.title[language],
    status: 400,
    detail: `${PROBLEMS.invalid_cpf[language]} ${issueSentence(ISSUE, language)}`,
    code: "invalid_cpf",
    requestId: "7b1c2f0e-6a53-4f0c-9a57-1d2f3b4c5d6e",
    issues: [{ ...ISSUE, message: issueText(ISSUE, language) }],
  };
  return html`${prose(
      say(
        "Toda falha é `application/problem+json` (RFC 9457), com um `code` que nunca muda, um `detail` para pessoas e, em `issues`, o que corrigir e onde; em português ou, com `Accept-Language: en`, em inglês. No formato da Claro, `code` e `issues` vêm dentro de `error`.",
        "Every failure is `application/problem+json` (RFC 9457), with a `code` that never changes, a `detail` for people and, in `issues`, what to mend and where; in Portuguese or, with `Accept-Language: en`, in English. In Claro's shape `code` and `issues` are within `error`.",
      ),
    )}${code(JSON.stringify(problem, null, 2))}
    <p><a href="/docs/errors">${say("Todos os códigos", "All codes")}</a></p>`;
}
