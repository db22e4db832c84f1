import type { Text } from "../../http/language.ts";

/** Finding a lookup, and what became of it. */
export const LOOKUPS = {
  lead: {
    "pt-BR": "Procure uma consulta pelo id, pelo id da requisição ou pela referência do parceiro.",
    en: "Find a lookup by its id, its request id or the tenant's reference.",
  },
  text: { "pt-BR": "Id, id da requisição ou referência", en: "Id, request id or reference" },
  kind: { "pt-BR": "O que é", en: "What it is" },
  id: { "pt-BR": "id da consulta (lkp_…)", en: "lookup id (lkp_…)" },
  requestId: { "pt-BR": "id da requisição", en: "request id" },
  reference: { "pt-BR": "referência do parceiro", en: "tenant's reference" },
  tenant: { "pt-BR": "Id do parceiro", en: "Tenant's id" },
  tenantHint: {
    "pt-BR": "Vazio: de qualquer parceiro. Com ele também as dos últimos minutos e as de teste.",
    en: "Empty: of any tenant. With it, those of the last minutes and of test mode too.",
  },
  from: { "pt-BR": "De", en: "From" },
  to: { "pt-BR": "Até", en: "To" },
  find: { "pt-BR": "Procurar", en: "Find" },
  noCpf: {
    "pt-BR": "Isso parece um CPF. CPFs não são procurados aqui: use a referência ou o id da consulta.",
    en: "That looks like a CPF. CPFs are not looked for here: use the reference or the lookup's id.",
  },
  nothing: { "pt-BR": "Nenhuma consulta encontrada.", en: "No lookup was found." },
  found: { "pt-BR": "Encontradas", en: "Found" },
  failures: { "pt-BR": "Falhas das últimas 24 horas", en: "Failures of the last 24 hours" },
  noFailures: { "pt-BR": "Nenhuma falha nas últimas 24 horas.", en: "No failure in the last 24 hours." },
  count: { "pt-BR": "Quantas", en: "How many" },
  tenants: { "pt-BR": "Parceiros", en: "Tenants" },
  last: { "pt-BR": "A última", en: "The last one" },
  advice: { "pt-BR": "O que fazer", en: "What to do" },
  phases: { "pt-BR": "Fases", en: "Phases" },
  admit: { "pt-BR": "admissão", en: "admission" },
  claro: { "pt-BR": "Claro", en: "Claro" },
  rest: { "pt-BR": "registro e resposta", en: "settling and answering" },
  outcome: { "pt-BR": "Desfecho", en: "Outcome" },
  failureCode: { "pt-BR": "Causa", en: "Cause" },
  upstream: { "pt-BR": "Status da Claro", en: "Claro's status" },
  charged: { "pt-BR": "Cobrança", en: "Charge" },
  statement: { "pt-BR": "Extrato", en: "Statement" },
  began: { "pt-BR": "Começou", en: "Began" },
  ended: { "pt-BR": "Terminou", en: "Ended" },
  transaction: { "pt-BR": "Transação na Claro", en: "Claro's transaction" },
  keyUsed: { "pt-BR": "Chave", en: "Key" },
  event: { "pt-BR": "evento", en: "event" },
} as const satisfies Readonly<Record<string, Text>>;

/** Why a lookup was charged, or was not. */
export const WHY_TEXTS = {
  score_delivered: { "pt-BR": "cobrada: o score foi entregue", en: "charged: the score was delivered" },
  test_mode: { "pt-BR": "não cobrada: modo de teste", en: "not charged: test mode" },
  no_score: { "pt-BR": "não cobrada: a Claro não tem score", en: "not charged: Claro has no score" },
  rejected: { "pt-BR": "não cobrada: a Claro recusou", en: "not charged: Claro rejected it" },
  no_answer_in_time: {
    "pt-BR": "não cobrada: a Claro não respondeu a tempo",
    en: "not charged: no answer of Claro in time",
  },
  price_zero: { "pt-BR": "não cobrada: o preço é zero", en: "not charged: the price is zero" },
  failed: { "pt-BR": "não cobrada: a consulta falhou", en: "not charged: the lookup failed" },
} as const satisfies Readonly<Record<string, Text>>;

/** What helps against a failure. */
export const ADVICE_TEXTS = {
  change_request: { "pt-BR": "O parceiro corrige a requisição.", en: "The tenant corrects its request." },
  change_credentials: { "pt-BR": "O parceiro troca a credencial.", en: "The tenant uses another credential." },
  ask_operator: { "pt-BR": "Veja plano, chave ou situação do parceiro.", en: "See the tenant's plan, key or status." },
  wait: { "pt-BR": "Passa sozinho: o parceiro espera.", en: "It passes: the tenant waits." },
  repeat: {
    "pt-BR": "Repetir é seguro. Se persistir, veja Saúde.",
    en: "Repeating is safe. If it goes on, see Health.",
  },
  ask_claro: {
    "pt-BR": "Fale com a Claro: credencial, contrato ou endereço liberado.",
    en: "Ask Claro: credentials, contract, or the address that is allowed.",
  },
  final: { "pt-BR": "É a resposta final da Claro.", en: "It is Claro's final answer." },
} as const satisfies Readonly<Record<string, Text>>;
