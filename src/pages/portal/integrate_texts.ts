import type { Text } from "../../http/language.ts";

export const INTEGRATE_TEXTS = {
  note: {
    "pt-BR": "Do primeiro teste à produção. Esta página pode ser impressa e entregue a quem desenvolve.",
    en: "From the first test to production. This page can be printed and handed to whoever develops.",
  },
  steps: { "pt-BR": "Passo a passo", en: "Step by step" },
  errors: { "pt-BR": "Erros e o que fazer", en: "Errors and what to do" },
  limits: { "pt-BR": "Os seus limites", en: "Your limits" },
  questions: { "pt-BR": "Perguntas frequentes", en: "Frequent questions" },
  reference: { "pt-BR": "Referência completa", en: "Full reference" },
  allErrors: { "pt-BR": "todos os erros", en: "all errors" },
  document: { "pt-BR": "documento OpenAPI", en: "OpenAPI document" },
  status: { "pt-BR": "Status", en: "Status" },
  code: { "pt-BR": "Código", en: "Code" },
  meaning: { "pt-BR": "Significa", en: "Meaning" },
  rate: { "pt-BR": "Consultas por segundo", en: "Lookups a second" },
  burst: { "pt-BR": "De uma vez, no máximo", en: "At once, at most" },
  reads: {
    "pt-BR": "Leituras por minuto (consumo, extratos, buscas)",
    en: "Reads a minute (usage, statements, searches)",
  },
  cap: { "pt-BR": "Teto de gasto por mês", en: "Spend cap a month" },
  allowance: { "pt-BR": "Franquia", en: "Allowance" },
  requires: { "pt-BR": "Campos obrigatórios em cada consulta", en: "Fields that each lookup must have" },
  testQuota: { "pt-BR": "Consultas de teste por dia", en: "Test lookups a day" },
} as const satisfies Readonly<Record<string, Text>>;

/** The steps from the first test to production. */
export const STEP_TEXTS = {
  secretTitle: { "pt-BR": "Guarde a chave de teste fora do código", en: "Keep the test key out of your code" },
  secret: {
    "pt-BR":
      "Uma chave `csg_test_…` é respondida pelo sandbox e nunca é cobrada. Deixe-a no cofre de segredos ou no ambiente, nunca em um aplicativo ou no navegador.",
    en: "A `csg_test_…` key is answered by the sandbox and never charged. Keep it in your secret store or the environment, never in an app or a browser.",
  },
  firstTitle: { "pt-BR": "Faça a primeira consulta", en: "Make the first lookup" },
  first: {
    "pt-BR":
      "Envie o CPF no corpo, nunca na URL. A sua referência (um número de pedido, por exemplo) volta na resposta e em todos os arquivos.",
    en: "Send the CPF in the body, never in a URL. Your reference (an order number, say) comes back in the answer and in every file.",
  },
  answerTitle: { "pt-BR": "Leia a resposta", en: "Read the answer" },
  answer: {
    "pt-BR":
      "O score vai de 0 a 1000. `billed` diz se a consulta custa; guarde `id`, que encontra a consulta depois em Consultas.",
    en: "A score is from 0 to 1000. `billed` says whether the lookup costs; keep `id`, which finds the lookup later at Lookups.",
  },
  errorsTitle: { "pt-BR": "Trate cada erro pelo código", en: "Treat each error by its code" },
  errors: {
    "pt-BR":
      "Decida pelo campo `code` e mostre `detail` às pessoas. Em Testar há um botão para cada resposta que pode vir: passe por todos antes da produção.",
    en: "Decide by the field `code`, and show `detail` to people. Try it has a button for each answer that can come: go through all of them before production.",
  },
  repeatTitle: { "pt-BR": "Repita sem pagar duas vezes", en: "Repeat without paying twice" },
  repeat: {
    "pt-BR":
      "Mande um `Idempotency-Key` novo em cada consulta e o mesmo quando repetir. A repetição devolve a primeira resposta por 24 horas e a cobrança não se repete por 35 dias. Espere 30 segundos pela resposta.",
    en: "Send a new `Idempotency-Key` with each lookup, and the same one when you repeat. A repeat gives the first answer for 24 hours, and the charge is not repeated for 35 days. Wait 30 seconds for an answer.",
  },
  purposeTitle: { "pt-BR": "Diga para que consulta", en: "Say what you look up for" },
  purpose: {
    "pt-BR":
      "`purpose` (concessão, revisão, cobrança, prevenção à fraude…) e `legalBasis` registram a finalidade e a base legal da LGPD em cada consulta.",
    en: "`purpose` (granting, review, collection, fraud prevention …) and `legalBasis` record what the LGPD asks for with each lookup.",
  },
  liveTitle: { "pt-BR": "Troque pela chave de produção", en: "Change to the live key" },
  live: {
    "pt-BR":
      "Só a chave muda: `csg_live_…` no lugar de `csg_test_…`. Restrinja-a aos endereços IP dos seus servidores e troque-a quando alguém que a conhecia sair.",
    en: "Only the key changes: `csg_live_…` instead of `csg_test_…`. Restrict it to your servers' IP addresses, and rotate it when somebody who knew it leaves.",
  },
  claroTitle: { "pt-BR": "Já integra com a Claro?", en: "Integrated with Claro already?" },
  claro: {
    "pt-BR":
      "Mude só o endereço, o `client_id` (o id da chave) e o `client_secret` (a última parte dela): o gateway responde no mesmo formato.",
    en: "Change only the host, the `client_id` (the key's id) and the `client_secret` (its last part): the gateway answers in the same shape.",
  },
} as const satisfies Readonly<Record<string, Text>>;

/** What partners ask. */
export const QUESTION_TEXTS = {
  charged: { "pt-BR": "O que é cobrado?", en: "What is charged?" },
  chargedAnswer: {
    "pt-BR":
      "Só a consulta com score entregue, uma vez. CPF sem score, recusa, falha e falta de resposta não são cobrados.",
    en: "Only a lookup whose score was delivered, once. No score, a rejection, a failure and no answer are not charged.",
  },
  kept: { "pt-BR": "O gateway guarda o CPF?", en: "Does the gateway keep the CPF?" },
  keptAnswer: {
    "pt-BR":
      "Não. Fica uma referência cifrada, que só diz se duas consultas são da mesma pessoa, e que deixa de existir depois de alguns anos.",
    en: "No. What is kept is a keyed reference, which only tells whether two lookups are of one person, and which ends after some years.",
  },
  slow: { "pt-BR": "Recebi 429. E agora?", en: "I got a 429. What now?" },
  slowAnswer: {
    "pt-BR":
      "Espere o tempo de `Retry-After`. Sem ele, um limite do plano ou da chave acabou: `detail` diz qual e quando volta.",
    en: "Wait for what `Retry-After` says. Without it, a limit of the plan or the key is used up: `detail` says which, and when it begins anew.",
  },
  leaked: { "pt-BR": "A chave vazou. O que faço?", en: "The key has leaked. What do I do?" },
  leakedAnswer: {
    "pt-BR":
      "Revogue-a em Chaves (ou peça ao operador): ela deixa de valer na requisição seguinte. Depois olhe o consumo por chave.",
    en: "Revoke it at Keys (or ask the operator): it fails on the very next request. Then look at the usage by key.",
  },
  closes: { "pt-BR": "Quando o mês fecha?", en: "When is a month closed?" },
  closesAnswer: {
    "pt-BR":
      "Um dia depois do fim do mês, no horário de São Paulo. Um mês fechado nunca muda; o que precisa de correção vem como ajuste no mês aberto.",
    en: "A day after its end, São Paulo time. A closed month never changes; what needs correcting comes as an adjustment in the open month.",
  },
} as const satisfies Readonly<Record<string, Text>>;
