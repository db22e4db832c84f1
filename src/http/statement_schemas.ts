import { z } from "zod";
import { CURRENCY } from "../domain/money.ts";
import { TIME_ZONE } from "../domain/period.ts";
import { HEADERS } from "./openapi_parts.ts";
import type { Operation } from "./operation.ts";
import { pageAnswer, pageQuery } from "./paging.ts";

const reais = z.string().meta({ description: "BRL, exact.", examples: ["12.3450"] });
const centavos = z.string().meta({ description: "BRL, rounded to the centavo.", examples: ["12.35"] });
const period = z.string().meta({ description: "A month of `America/Sao_Paulo`.", examples: ["2026-11"] });
const sha256 = z.string().meta({ description: "SHA-256, lower-case hexadecimal." });
const status = z.enum(["open", "closed"]).meta({ description: "A closed month never changes." });

const lineKind = z.enum(["lookups", "credits", "charges"]);
const possibleCost = z
  .object({ delivered: z.int(), unknown: z.int(), units: z.int() })
  .meta({ description: "Lookups that Claro may charge the operator for, whatever the tenant pays." });

const outcomeCounts = {
  delivered: z.int(),
  notFound: z.int(),
  rejected: z.int(),
  failed: z.int(),
  unknown: z.int(),
};
const counts = { requests: z.int(), ...outcomeCounts, billed: z.int() };

export const listedStatement = z
  .object({
    period,
    status,
    closedAt: z.iso.datetime().nullable(),
    ...counts,
    adjustments: z.int(),
    amount: centavos
      .nullable()
      .meta({ description: "What is due, in BRL: the sum of the rounded lines; null while open." }),
    exactAmount: reais,
    currency: z.literal(CURRENCY),
  })
  .meta({ id: "ListedStatement" });

export const statement = z
  .object({
    period,
    status,
    timeZone: z.literal(TIME_ZONE),
    seq: z.object({ first: z.int(), last: z.int(), count: z.int() }),
    counts: z.object(counts),
    adjustments: z.int(),
    lines: z.array(
      z.object({
        kind: lineKind,
        quantity: z.int(),
        unitPrice: reais.nullable(),
        exactAmount: reais,
        amount: centavos,
      }),
    ),
    amount: centavos.meta({ description: "What is due, in BRL: the sum of the lines' amounts." }),
    exactAmount: reais,
    currency: z.literal(CURRENCY),
    claroPossibleCost: possibleCost.extend({
      confirmed: z.int().meta({ description: "Those of `unknown` that a report of Claro has confirmed." }),
    }),
    files: z.array(
      z.object({ name: z.string(), href: z.string(), bytes: z.int().optional(), sha256: sha256.optional() }),
    ),
    previousManifestSha256: sha256.nullable(),
    closedAt: z.iso.datetime().nullable(),
    keyId: z.string().nullable(),
  })
  .meta({ id: "Statement" });

/** `manifest.json` as it is; amounts are in micros and centavos of BRL besides the written ones. */
const manifest = z
  .object({
    version: z.literal(1),
    status,
    tenantId: z.string(),
    period,
    timeZone: z.literal(TIME_ZONE),
    seq: z.object({ first: z.int(), last: z.int(), count: z.int() }),
    counts: z.object({ ...outcomeCounts, billed: z.int(), amountMicros: z.int() }),
    adjustments: z.int(),
    lines: z.array(
      z.object({
        kind: lineKind,
        quantity: z.int(),
        unitPriceMicros: z.int().nullable(),
        amountMicros: z.int(),
        amountCentavos: z.int(),
      }),
    ),
    totals: z.object({
      currency: z.literal(CURRENCY),
      amount: centavos,
      amountCentavos: z.int(),
      exactAmount: reais,
      amountMicros: z.int(),
    }),
    claroPossibleCost: possibleCost,
    files: z.array(z.object({ name: z.string(), bytes: z.int(), sha256 })),
    previousManifestSha256: sha256.nullable(),
    closedAt: z.iso.datetime().nullable(),
    keyId: z.string().nullable(),
    signature: z.string().optional().meta({
      description: "Ed25519 over the canonical JSON (RFC 8785) of all other fields; base64url. None while open.",
    }),
  })
  .meta({ id: "Manifest" });

const READING = { tag: "Statements", access: "api-key", headers: HEADERS.cacheControl } as const;

export const listStatementsOperation: Operation = {
  ...READING,
  id: "listStatements",
  summary: "List the months",
  description: "The newest first, from the month of the tenant's creation. The open month counts up to this call.",
  query: pageQuery,
  answers: { 200: { description: "A page of months.", content: pageAnswer(listedStatement) } },
  failures: ["statement_unavailable"],
};

export const statementOperation: Operation = {
  ...READING,
  id: "getStatement",
  summary: "What a month comes to",
  answers: { 200: { description: "The statement.", content: statement } },
  failures: ["statement_unavailable"],
};

export const statementFileOperation: Operation = {
  ...READING,
  id: "getStatementFile",
  summary: "A file of a month",
  description:
    "`events.jsonl`, `events.csv`, `events.pt-br.csv`, `focus.csv` (live events in the order of `seq`) or " +
    "`manifest.json`. A closed month's files never change by a byte, have an `ETag` and can be had in ranges. While the " +
    "month is open they include every lookup that was answered before this call, and `Statement-Status` says `open`.",
  answers: {
    200: {
      description: "The file.",
      content: { "application/jsonl": z.string(), "text/csv": z.string(), "application/json": manifest },
      headers: HEADERS.statement,
    },
    206: {
      description: "The range of the file that was asked for.",
      content: { "application/jsonl": z.string(), "text/csv": z.string() },
      headers: HEADERS.statement,
    },
    304: { description: "The caller has it already.", content: {}, headers: HEADERS.statement },
  },
  failures: ["statement_unavailable"],
};

const AS_OPERATOR = { tag: "Tenants", access: "operator" } as const;

export const listTenantStatementsOperation: Operation = {
  ...listStatementsOperation,
  ...AS_OPERATOR,
  id: "listTenantStatements",
  summary: "List a tenant's months",
  failures: ["statement_unavailable", "ledger_unavailable"],
};
export const tenantStatementOperation: Operation = {
  ...statementOperation,
  ...AS_OPERATOR,
  id: "getTenantStatement",
  summary: "What a tenant's month comes to",
};
export const tenantStatementFileOperation: Operation = {
  ...statementFileOperation,
  ...AS_OPERATOR,
  id: "getTenantStatementFile",
  summary: "A file of a tenant's month",
};
