import type { Mode, Outcome } from "../meter_event.ts";

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  delivered: "entregue",
  not_found: "não encontrado",
  rejected: "rejeitado",
  failed: "falhou",
  unknown: "sem confirmação",
};
const MODES: Readonly<Record<Mode, string>> = { live: "produção", test: "teste" };

/** What a field's values are called in Portuguese, by the field's name. */
export const PORTUGUESE_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  outcome: OUTCOMES,
  mode: MODES,
  billed: { true: "sim", false: "não" },
  kind: { lookup: "consulta", adjustment: "ajuste" },
  purpose: {
    credit_granting: "concessão de crédito",
    credit_review: "revisão de crédito",
    collection: "cobrança",
    fraud_prevention: "prevenção a fraudes",
    subject_request: "pedido do titular",
  },
  legalBasis: {
    credit_protection: "proteção do crédito",
    consent: "consentimento",
    contract: "execução de contrato",
    legitimate_interest: "legítimo interesse",
    legal_obligation: "obrigação legal",
  },
};
