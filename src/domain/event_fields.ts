import type { Mode, Outcome } from "./meter_event.ts";
import type { Period, SaoPauloDate } from "./period.ts";

/** What the values of a field are, outside (JSON, CSV, spreadsheets) and in the stored row. */
export type FieldTypes = {
  integer: { exported: number; stored: number };
  /** Whole ones. */
  milliseconds: { exported: number; stored: number };
  /** RFC 3339 in UTC; stored as milliseconds since 1970. */
  time: { exported: string; stored: number };
  /** RFC 3339 with the offset of São Paulo. */
  saoPauloTime: { exported: string; stored: never };
  text: { exported: string; stored: string };
  /** Stored as 0 or 1. */
  boolean: { exported: boolean; stored: number };
  /** Millionths of a real. */
  micros: { exported: number; stored: number };
  mode: { exported: Mode; stored: Mode };
  outcome: { exported: Outcome; stored: Outcome };
  kind: { exported: "lookup" | "adjustment"; stored: "lookup" | "adjustment" };
  period: { exported: Period; stored: Period };
  date: { exported: SaoPauloDate; stored: SaoPauloDate };
};

export type EventField = {
  /** In JSON, in `events.csv` and, as `x_Name`, in `focus.csv`. */
  readonly name: string;
  /** In the stored row and in D1's view `events`. */
  readonly column: string | null;
  /**
   * Where it is kept: in the event from the `first` version on, in the event since a `later` one (absent in months that
   * were recorded before), beside the `batch` that the event came to D1 in, or nowhere (`none`), as it follows from others.
   */
  readonly stored: "first" | "later" | "batch" | "none";
  readonly type: keyof FieldTypes;
  readonly isNullable: boolean;
  /** What people read about it. */
  readonly en: string;
  readonly pt: string;
};

/** The fields of an event in the order of every format. Rows, D1's view, the files and their documentation follow it. */
export const EVENT_FIELDS = [
  {
    name: "seq",
    column: "seq",
    stored: "first",
    type: "integer",
    isNullable: false,
    header: "Sequência",
    en: "Number of the event, without a gap for a tenant.",
    pt: "Número do evento, sem falhas para um parceiro.",
  },
  {
    name: "id",
    column: "id",
    stored: "first",
    type: "text",
    isNullable: false,
    header: "Identificador",
    en: "Id of the lookup or of the adjustment.",
    pt: "Identificador da consulta ou do ajuste.",
  },
  {
    name: "occurredAt",
    column: "occurred_at",
    stored: "first",
    type: "time",
    isNullable: false,
    header: "Data e hora (UTC)",
    en: "When the lookup ended, in UTC.",
    pt: "Quando a consulta terminou, em UTC.",
  },
  {
    name: "occurredAtSaoPaulo",
    column: null,
    stored: "none",
    type: "saoPauloTime",
    isNullable: false,
    header: "Data e hora (São Paulo)",
    en: "The same instant on the clocks of São Paulo, which decide its month.",
    pt: "O mesmo instante no horário de São Paulo, que decide a competência.",
  },
  {
    name: "admittedAt",
    column: "admitted_at",
    stored: "later",
    type: "time",
    isNullable: true,
    header: "Admitida em (São Paulo)",
    en: "When the lookup was admitted, before Claro was asked.",
    pt: "Quando a consulta foi admitida, antes da chamada à Claro.",
  },
  {
    name: "admitMs",
    column: "admit_ms",
    stored: "later",
    type: "milliseconds",
    isNullable: true,
    header: "Admissão (ms)",
    en: "How long the admission took, in milliseconds.",
    pt: "Quanto durou a admissão, em milissegundos.",
  },
  {
    name: "tenantId",
    column: "tenant_id",
    stored: "batch",
    type: "text",
    isNullable: false,
    header: "Parceiro",
    en: "Id of the tenant.",
    pt: "Identificador do parceiro.",
  },
  {
    name: "keyId",
    column: "key_id",
    stored: "first",
    type: "text",
    isNullable: true,
    header: "Chave",
    en: "Public part of the API key; empty for an adjustment.",
    pt: "Parte pública da chave de API; vazio em um ajuste.",
  },
  {
    name: "keyLabel",
    column: null,
    stored: "none",
    type: "text",
    isNullable: true,
    header: "Nome da chave",
    en: "Label of the API key.",
    pt: "Nome dado à chave de API.",
  },
  {
    name: "reference",
    column: "reference",
    stored: "first",
    type: "text",
    isNullable: true,
    header: "Referência",
    en: "The partner's own reference; for an adjustment, its reason.",
    pt: "Referência do próprio parceiro; em um ajuste, o motivo.",
  },
  {
    name: "customerId",
    column: "customer_id",
    stored: "later",
    type: "text",
    isNullable: true,
    header: "Cliente na Claro",
    en: "Customer id that Claro was asked under.",
    pt: "Código de cliente usado na chamada à Claro.",
  },
  {
    name: "mode",
    column: "mode",
    stored: "batch",
    type: "mode",
    isNullable: false,
    header: "Modo",
    en: "`live` reaches Claro, `test` is simulated and free.",
    pt: "Produção (`live`) chega à Claro; teste (`test`) é simulado e gratuito.",
  },
  {
    name: "outcome",
    column: "outcome",
    stored: "first",
    type: "outcome",
    isNullable: true,
    header: "Resultado",
    en: "How the lookup ended; empty for an adjustment.",
    pt: "Como a consulta terminou; vazio em um ajuste.",
  },
  {
    name: "failureCode",
    column: "failure_code",
    stored: "later",
    type: "text",
    isNullable: true,
    header: "Código da falha",
    en: "Code of the failure that the partner was answered with.",
    pt: "Código da falha respondida ao parceiro.",
  },
  {
    name: "upstreamStatus",
    column: "upstream_status",
    stored: "later",
    type: "integer",
    isNullable: true,
    header: "Status da Claro",
    en: "HTTP status of Claro's answer; empty where none came.",
    pt: "Status HTTP da resposta da Claro; vazio se não houve resposta.",
  },
  {
    name: "billed",
    column: "billed",
    stored: "first",
    type: "boolean",
    isNullable: false,
    header: "Cobrado",
    en: "Whether the tenant pays (or gets back) money for it.",
    pt: "Se o parceiro paga (ou recebe de volta) por este evento.",
  },
  {
    name: "units",
    column: "units",
    stored: "first",
    type: "integer",
    isNullable: false,
    header: "Unidades",
    en: "Units that are charged; below zero where they are credited.",
    pt: "Unidades cobradas; negativas quando creditadas.",
  },
  {
    name: "unitPriceMicros",
    column: "unit_price_micros",
    stored: "first",
    type: "micros",
    isNullable: true,
    header: "Preço unitário (R$)",
    en: "Price of a unit in millionths of a real; empty for an adjustment.",
    pt: "Preço de uma unidade; vazio em um ajuste.",
  },
  {
    name: "amountMicros",
    column: "amount_micros",
    stored: "first",
    type: "micros",
    isNullable: false,
    header: "Valor (R$)",
    en: "Amount in millionths of a real; below zero where it is a credit.",
    pt: "Valor; negativo quando é um crédito.",
  },
  {
    name: "priceVersion",
    column: "price_version",
    stored: "later",
    type: "integer",
    isNullable: true,
    header: "Versão do preço",
    en: "Version of the prices that were in force.",
    pt: "Versão da tabela de preços em vigor.",
  },
  {
    name: "transactionId",
    column: "transaction_id",
    stored: "first",
    type: "text",
    isNullable: true,
    header: "Transação da Claro",
    en: "Claro's id of the transaction.",
    pt: "Identificador da transação na Claro.",
  },
  {
    name: "cpfReference",
    column: "cpf_reference",
    stored: "first",
    type: "text",
    isNullable: true,
    header: "Referência do CPF",
    en: "Keyed hash of the CPF; it cannot be turned back.",
    pt: "Código derivado do CPF com chave secreta; não pode ser revertido.",
  },
  {
    name: "purpose",
    column: "purpose",
    stored: "later",
    type: "text",
    isNullable: true,
    header: "Finalidade",
    en: "Purpose that the partner stated.",
    pt: "Finalidade declarada pelo parceiro.",
  },
  {
    name: "legalBasis",
    column: "legal_basis",
    stored: "later",
    type: "text",
    isNullable: true,
    header: "Base legal",
    en: "Legal basis that the partner stated.",
    pt: "Base legal declarada pelo parceiro.",
  },
  {
    name: "consentId",
    column: "consent_id",
    stored: "later",
    type: "text",
    isNullable: true,
    header: "Consentimento",
    en: "The partner's id of the person's consent.",
    pt: "Identificador do consentimento, dado pelo parceiro.",
  },
  {
    name: "requestedBy",
    column: "requested_by",
    stored: "later",
    type: "text",
    isNullable: true,
    header: "Solicitado por",
    en: "Who asked at the partner's, in the partner's words.",
    pt: "Quem solicitou, nas palavras do parceiro.",
  },
  {
    name: "requestId",
    column: "request_id",
    stored: "later",
    type: "text",
    isNullable: true,
    header: "Requisição",
    en: "Id of the HTTP request (`X-Request-Id`).",
    pt: "Identificador da requisição HTTP (`X-Request-Id`).",
  },
  {
    name: "claroMs",
    column: "claro_ms",
    stored: "later",
    type: "milliseconds",
    isNullable: true,
    header: "Claro (ms)",
    en: "How long Claro took to answer, in milliseconds.",
    pt: "Quanto a Claro demorou para responder, em milissegundos.",
  },
  {
    name: "kind",
    column: "kind",
    stored: "first",
    type: "kind",
    isNullable: false,
    header: "Tipo",
    en: "`lookup` or `adjustment`.",
    pt: "Consulta (`lookup`) ou ajuste (`adjustment`).",
  },
  {
    name: "corrects",
    column: "corrects",
    stored: "first",
    type: "text",
    isNullable: true,
    header: "Corrige",
    en: "What an adjustment corrects: a lookup's id or a month.",
    pt: "O que um ajuste corrige: uma consulta ou uma competência.",
  },
] as const satisfies readonly (EventField & { /** Column of the files in Portuguese. */ readonly header: string })[];

/** What the ledger writes down with an event for whoever reads it later; exported events do not have it. */
export const STORED_ONLY_FIELDS = [
  {
    name: "period",
    column: "period",
    stored: "later",
    type: "period",
    isNullable: true,
    en: "São Paulo month that the ledger put the event in.",
    pt: "Competência em que o evento foi registrado.",
  },
  {
    name: "day",
    column: "day",
    stored: "later",
    type: "date",
    isNullable: true,
    en: "São Paulo day that the ledger put the event in.",
    pt: "Dia de São Paulo em que o evento foi registrado.",
  },
] as const satisfies readonly EventField[];

/** Fields of which nearly each lookup has a value of its own; the others come in few combinations. */
export const OWN_FIELDS: ReadonlySet<(typeof EVENT_FIELDS)[number]["name"]> = new Set([
  "seq",
  "id",
  "occurredAt",
  "occurredAtSaoPaulo",
  "admittedAt",
  "admitMs",
  "reference",
  "transactionId",
  "cpfReference",
  "consentId",
  "requestedBy",
  "requestId",
  "claroMs",
] as const);
