import type { ExportedEvent } from "../../../src/domain/event_row.ts";
import type { ExportContext } from "../../../src/domain/export/exported_event.ts";

/** What a cell of the files in Portuguese has to hold, written from the contract and not from the code. */
export type Expected =
  | null
  | { readonly text: string }
  | { readonly integer: number }
  | { readonly micros: number }
  /** `2026-11-27T21:20:40`, São Paulo. */
  | { readonly time: string };

const WORDS: Readonly<Record<string, string>> = {
  delivered: "entregue",
  not_found: "não encontrado",
  rejected: "rejeitado",
  failed: "falhou",
  unknown: "sem confirmação",
  live: "produção",
  test: "teste",
  lookup: "consulta",
  adjustment: "ajuste",
  credit_granting: "concessão de crédito",
  credit_protection: "proteção do crédito",
};

/** The row of an event: header and cell, in their order. */
export function portugueseRow(event: ExportedEvent, { tenant }: ExportContext): [header: string, cell: Expected][] {
  const isLookup = event.kind === "lookup";
  return [
    ["Sequência", integer(event.seq)],
    ["Identificador", text(event.id)],
    ["Data e hora (São Paulo)", { time: event.occurredAtSaoPaulo.slice(0, 19) }],
    ["Admitida em (São Paulo)", event.admittedAt === null ? null : { time: inSaoPaulo(event.admittedAt) }],
    ["Admissão (ms)", integer(event.admitMs)],
    ["Parceiro", text(tenant.name)],
    ["CNPJ", text(tenant.document === "12ABC34501DE35" ? "12.ABC.345/01DE-35" : tenant.document)],
    ["Chave", text(event.keyId)],
    ["Nome da chave", text(event.keyLabel)],
    ["Referência", text(isLookup ? event.reference : null)],
    ["Motivo do ajuste", text(isLookup ? null : event.reference)],
    ["Cliente na Claro", text(event.customerId)],
    ["Modo", word(event.mode)],
    ["Resultado", word(event.outcome)],
    ["Código da falha", text(event.failureCode)],
    ["Status da Claro", integer(event.upstreamStatus)],
    ["Cobrado", { text: event.billed ? "sim" : "não" }],
    ["Unidades", integer(event.units)],
    ["Preço unitário (R$)", event.unitPriceMicros === null ? null : { micros: event.unitPriceMicros }],
    ["Valor (R$)", { micros: event.amountMicros }],
    ["Versão do preço", integer(event.priceVersion)],
    ["Transação da Claro", text(event.transactionId)],
    ["Referência do CPF", text(event.cpfReference)],
    ["Finalidade", word(event.purpose)],
    ["Base legal", word(event.legalBasis)],
    ["Consentimento", text(event.consentId)],
    ["Solicitado por", text(event.requestedBy)],
    ["Requisição", text(event.requestId)],
    ["Claro (ms)", integer(event.claroMs)],
    ["Tipo", word(event.kind)],
    ["Corrige", text(event.corrects)],
  ];
}

// São Paulo has been three hours behind UTC, without summer time, since 2019.
function inSaoPaulo(utc: string): string {
  return new Date(Date.parse(utc) - 3 * 3_600_000).toISOString().slice(0, 19);
}

function integer(value: number | null): Expected {
  return value === null ? null : { integer: value };
}

function text(value: string | null): Expected {
  return value === null || value === "" ? null : { text: value };
}

function word(value: string | null): Expected {
  return text(value === null ? null : (WORDS[value] ?? value));
}
