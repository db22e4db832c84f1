import type { Tag } from "../operation.ts";

/** The calls of partners in Portuguese, by operation id. The document itself speaks English. */
export const PORTUGUESE_SUMMARIES: Readonly<Record<string, string>> = {
  checkHealth: "Se o gateway está funcionando",
  lookUpScore: "Consultar o score de um CPF",
  getUsage: "Consumo por dia",
  getStatementFile: "Os eventos de um mês em arquivo",
  issueToken: "Obter um token de acesso",
  lookUpScoreInClarosShape: "Consultar o score de um CPF, no formato da Claro",
};

/** The groups of calls. */
export const PORTUGUESE_TAGS: Readonly<Record<Tag, string>> = {
  Scores: "Consultas",
  "Claro's shape": "Formato da Claro",
  Usage: "Consumo",
  Statements: "Extratos",
  Gateway: "Gateway",
  Tenants: "Operador: parceiros",
  Keys: "Operador: chaves",
  Operations: "Operador: rotinas",
};
