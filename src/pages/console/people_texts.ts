import type { Text } from "../../http/language.ts";

/** People and the law: what is held on somebody, and who must not be asked about. */
export const PEOPLE = {
  title: { "pt-BR": "Pessoas e LGPD", en: "People and law" },
  lead: {
    "pt-BR":
      "O CPF digitado não fica em nenhum endereço nem página: ele volta mascarado. Cada busca fica na auditoria.",
    en: "A CPF that is typed stands in no address and on no page: it comes back masked. Each search is in the audit.",
  },
  access: { "pt-BR": "O que há sobre uma pessoa", en: "What is held on a person" },
  cpf: { "pt-BR": "CPF", en: "CPF" },
  reason: { "pt-BR": "Motivo", en: "Reason" },
  reasonHint: {
    "pt-BR": "Ex.: pedido de acesso 2026-118. Sem dados pessoais.",
    en: "E.g. access request 2026-118. No personal data.",
  },
  from: { "pt-BR": "De", en: "From" },
  to: { "pt-BR": "Até", en: "To" },
  find: { "pt-BR": "Procurar", en: "Find" },
  goOn: { "pt-BR": "Digite o CPF de novo para continuar a busca.", en: "Type the CPF again to go on with the search." },
  found: { "pt-BR": "Consultas sobre", en: "Lookups of" },
  progress: { "pt-BR": "Parceiros vistos", en: "Tenants looked into" },
  nothing: { "pt-BR": "Nenhuma consulta encontrada.", en: "No lookup was found." },
  tenant: { "pt-BR": "Quem consultou", en: "Who asked" },
  when: { "pt-BR": "Quando", en: "When" },
  purpose: { "pt-BR": "Finalidade", en: "Purpose" },
  basis: { "pt-BR": "Base legal", en: "Legal basis" },
  outcome: { "pt-BR": "Desfecho", en: "Outcome" },
  restrict: { "pt-BR": "Restringir uma pessoa", en: "Restrict a person" },
  restrictNote: {
    "pt-BR": "Todo parceiro passa a receber 403 para esta pessoa: nada é enviado à Claro, nada é cobrado.",
    en: "Every tenant gets a 403 for this person from then on: nothing is sent to Claro, nothing is charged.",
  },
  restrictButton: { "pt-BR": "Restringir", en: "Restrict" },
  until: { "pt-BR": "Até o fim do dia", en: "Until the end of the day" },
  untilHint: { "pt-BR": "Vazio: sem fim.", en: "Empty: without an end." },
  restrictions: { "pt-BR": "Restrições", en: "Restrictions" },
  noRestrictions: { "pt-BR": "Nenhuma restrição.", en: "No restriction." },
  ofThePerson: { "pt-BR": "Restrições desta pessoa", en: "This person's restrictions" },
  inForce: { "pt-BR": "em vigor", en: "in force" },
  ended: { "pt-BR": "encerrada", en: "ended" },
  by: { "pt-BR": "Por", en: "By" },
  end: { "pt-BR": "Encerrar", en: "End it" },
  endNote: { "pt-BR": "Os parceiros podem consultar de novo na hora.", en: "Tenants can make lookups again at once." },
  restricted: { "pt-BR": "Restrição em vigor.", en: "The restriction is in force." },
  unrestricted: { "pt-BR": "Restrição encerrada.", en: "The restriction has ended." },
  retention: { "pt-BR": "Retenção das referências", en: "Retention of references" },
  retentionNote: {
    "pt-BR":
      "Cada evento tem uma referência ao CPF sob a chave do seu ano. Destruída a chave, ninguém liga o evento à pessoa.",
    en: "Each event refers to the CPF under its year's key. Once that is destroyed, nobody can link the event to the person.",
  },
  year: { "pt-BR": "Ano", en: "Year" },
  ends: { "pt-BR": "Termina em", en: "Ends on" },
  destroyed: { "pt-BR": "Destruída em", en: "Destroyed at" },
} as const satisfies Readonly<Record<string, Text>>;
