import type { Tag } from "../operation.ts";

/** The calls in Portuguese, by operation id. The document itself speaks English. */
export const PORTUGUESE_SUMMARIES: Readonly<Record<string, string>> = {
  checkHealth: "Se o gateway está funcionando",
  lookUpScore: "Consultar o score de um CPF",
  getUsage: "Consumo por dia",
  listStatements: "Os extratos, mês a mês",
  getStatement: "O extrato de um mês",
  getStatementFile: "Um arquivo do extrato de um mês",
  getExportKeys: "As chaves que assinam os extratos",
  issueToken: "Obter um token de acesso",
  lookUpScoreInClarosShape: "Consultar o score de um CPF, no formato da Claro",
  listTenants: "Listar os parceiros",
  createTenant: "Criar um parceiro",
  getTenant: "Ver um parceiro",
  changeTenant: "Alterar um parceiro",
  getTenantUsage: "Consumo de um parceiro por dia",
  listTenantStatements: "Os extratos de um parceiro, mês a mês",
  getTenantStatement: "O extrato de um mês de um parceiro",
  getTenantStatementFile: "Um arquivo do extrato de um parceiro",
  listKeys: "Listar as chaves de um parceiro",
  issueKey: "Emitir uma chave de API",
  rotateKey: "Trocar uma chave por uma nova",
  revokeKey: "Revogar uma chave",
  closePeriod: "Fechar um mês encerrado de todos os parceiros",
  listAudit: "Ler a auditoria",
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
