import { z } from "zod";
import {
  isReportHeader,
  parseReportRow,
  REPORT_COLUMNS,
  reportCells,
  type ReportRow,
} from "../../domain/claro_report.ts";
import type { Failure } from "../../domain/failure.ts";
import { OUTCOMES } from "../../domain/meter_event.ts";
import { CURRENCY, formatMicros } from "../../domain/money.ts";
import { parsePeriod, type Period } from "../../domain/period.ts";
import type { ResolvedUnknown } from "../../domain/reconciliation.ts";
import type { Difference } from "../../domain/reconciliation_differences.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { reconcile as reconcileReport, type Reconciled } from "../../gateway/reconcile.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import {
  currencyField,
  exactReais,
  lookupIdField,
  monthQuery,
  periodField,
  sha256Field,
  tenantIdField,
  timeField,
  transactionIdField,
} from "../shared_fields.ts";

/** Some 250,000 lines: a month's report of a busy operator, and what an isolate holds with ease. */
const MAX_REPORT_BYTES = 20 * 1024 * 1024;
/** So many resolved lookups are listed; an answer with every line of the largest report would fill the isolate. */
const MOST_RESOLVED_LISTED = 10_000;

const difference = z
  .object({
    reason: z.enum(["not_in_report", "unknown_to_us", "repeated", "not_delivered"]).meta(
      told(
        {
          "pt-BR": "Por que não combina. `not_delivered`: a Claro entregou, e aqui terminou como `outcome` diz.",
          en: "Why it does not match. `not_delivered`: Claro delivered it, and here it ended as `outcome` says.",
        },
        { examples: ["not_in_report"] },
      ),
    ),
    date: z.iso
      .date()
      .meta(told({ "pt-BR": "O dia em São Paulo.", en: "The São Paulo day." }, { examples: ["2026-11-27"] })),
    customerId: z
      .string()
      .meta(told({ "pt-BR": "O `X-CustomerID`.", en: "The `X-CustomerID`." }, { examples: ["loja_exemplo"] })),
    tenantId: tenantIdField.nullable(),
    lookupId: lookupIdField.nullable(),
    outcome: z
      .enum(OUTCOMES)
      .nullable()
      .meta(
        told(
          { "pt-BR": "Como a consulta terminou aqui.", en: "How the lookup ended here." },
          { examples: ["unknown"] },
        ),
      ),
    transactionId: transactionIdField,
    quantity: z.int().meta(
      told(
        {
          "pt-BR": "Mais de uma quando as consultas de um dia e cliente não se distinguem.",
          en: "More than one where lookups of a day and customer cannot be told apart.",
        },
        { examples: [1] },
      ),
    ),
    amount: exactReais.meta(
      told(
        {
          "pt-BR": "Em reais, exato. Nossa: o que foi cobrado. Da Claro: pelo preço do parceiro.",
          en: "BRL, exact. Ours: what was charged. Claro's: at the tenant's price.",
        },
        { examples: ["0.1500"] },
      ),
    ),
  })
  .meta({ id: "Difference" });

const resolvedUnknown = z
  .object({
    tenantId: tenantIdField,
    lookupId: lookupIdField,
    transactionId: transactionIdField,
    occurredAt: timeField({
      "pt-BR": "Quando a consulta foi registrada como `unknown`.",
      en: "When the lookup was recorded as `unknown`.",
    }),
  })
  .meta({ id: "ResolvedUnknown" });

const reconciliation = z
  .object({
    period: periodField,
    reportSha256: sha256Field.meta(
      told({ "pt-BR": "O hash dos bytes do relatório.", en: "The hash of the report's bytes." }),
    ),
    matched: z
      .int()
      .meta(
        told(
          { "pt-BR": "Consultas que os dois lados entregaram.", en: "Lookups that both sides delivered." },
          { examples: [118] },
        ),
      ),
    onlyOurs: z.array(difference).meta(told({ "pt-BR": "O que só nós temos.", en: "What only we have." })),
    onlyClaro: z.array(difference).meta(told({ "pt-BR": "O que só a Claro tem.", en: "What only Claro has." })),
    unknownResolved: z.int().meta(
      told(
        {
          "pt-BR": "Consultas `unknown` que este relatório confirma: agora são custo, e continuam sem cobrança.",
          en: "`unknown`s that this report confirms: a cost now, and still no charge.",
        },
        { examples: [1] },
      ),
    ),
    resolved: z.array(resolvedUnknown).meta(
      told({
        "pt-BR": `Quais são elas, no máximo ${MOST_RESOLVED_LISTED}.`,
        en: `Which those are, the first ${MOST_RESOLVED_LISTED} of them.`,
      }),
    ),
    sharedCustomerIds: z.array(z.string()).meta(
      told(
        {
          "pt-BR":
            "Os `customerId` de `resolved` ou `onlyClaro` que são de mais de um parceiro: de qual deles é, e a que preço, o " +
            "relatório não diz.",
          en:
            "Customer ids in `resolved` or `onlyClaro` that several tenants have: which tenant's it is, and at which price, " +
            "the report does not tell.",
        },
        { examples: [["grupo_exemplo"]] },
      ),
    ),
    delta: z.int().meta(
      told(
        {
          "pt-BR": "Nossas menos as da Claro, em consultas: a soma das diferenças.",
          en: "Ours less Claro's, in lookups: the sum of the differences.",
        },
        { examples: [-1] },
      ),
    ),
    deltaAmount: exactReais.meta(
      told({ "pt-BR": "O mesmo em reais.", en: "The same in BRL." }, { examples: ["-0.1500"] }),
    ),
    currency: currencyField,
  })
  .meta({ id: "Reconciliation" });

/** `POST /admin/v1/reconciliations?period=2026-11`. */
export const reconcile = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/reconciliations",
  id: "reconcile",
  tag: "Operations",
  summary: { "pt-BR": "Comparar um mês com o relatório da Claro", en: "Compare a month with Claro's report" },
  description: {
    "pt-BR":
      "CSV com as colunas `transactionId,occurredAt,customerId,status`, no máximo 20 MiB. Compara por transação quando o " +
      "relatório a traz; senão, pela quantidade por dia de São Paulo e cliente. Um `status` 2xx ou `delivered` é o que a " +
      "Claro cobra. O que a Claro tem a mais resolve consultas `unknown`: pela quantidade do mesmo dia e cliente ou, em uma " +
      "linha com transação, a mais próxima do cliente, registrada até 5 minutos antes e 2 horas depois. Enviar o mesmo " +
      "relatório de novo não muda nada; uma linha malformada é apontada pelo número, e então nada é aplicado.",
    en:
      "CSV with the columns `transactionId,occurredAt,customerId,status`, at most 20 MiB. By transaction where the report " +
      "names it, else by the number of a São Paulo day and customer. A `status` of 2xx or `delivered` is what Claro " +
      "charges. What Claro has beyond that resolves `unknown`s: by number of the same day and customer, or, for a line with " +
      "a transaction, the customer's nearest that was recorded at most 5 minutes before and 2 hours after it. The same report " +
      "again changes nothing; a malformed line is named by its number, and then nothing is applied.",
  },
  role: "finance",
  audit: "in_change",
  headers: HEADERS.cacheControl,
  query: z.object({
    period: monthQuery.meta(
      told({ "pt-BR": "O mês do relatório.", en: "The report's month." }, { examples: ["2026-11"] }),
    ),
  }),
  body: {
    schema: z.string(),
    types: ["text/csv"],
    isStreamed: true,
    maxBytes: MAX_REPORT_BYTES,
    example:
      `${REPORT_COLUMNS.join(",")}\n` +
      "0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58,2026-11-27T18:20:40-03:00,loja_exemplo,200\n",
  },
  answers: {
    200: {
      description: { "pt-BR": "O que combina e o que não combina.", en: "What matches and what does not." },
      content: reconciliation,
    },
  },
  failures: ["period_open", "statement_unavailable"],
  outage: "statement_unavailable",
  handle: async ({ context, services, actor, query, readLines }) => {
    const period = parsePeriod(query.period);
    if (!period.ok) return invalidRequest("period", "month");
    const report = await readReport(readLines, period.value);
    if (!report.ok) return report;
    const { rows, sha256: reportSha256 } = report.value;
    const asked = { period: period.value, rows, reportSha256 };
    const result = await reconcileReport(services, actor, asked);
    return result.ok ? ok(context.json(shown(result.value, { period: period.value, reportSha256 }))) : result;
  },
});

type ReadLines = (
  onLine: (line: string, number: number) => Result<unknown, Failure>,
) => Promise<Result<{ readonly sha256: string }, Failure>>;

async function readReport(
  readLines: ReadLines,
  period: Period,
): Promise<Result<{ rows: ReportRow[]; sha256: string }, Failure>> {
  const rows: ReportRow[] = [];
  const read = await readLines((line, number) => {
    if (line.trim() === "") return ok(undefined);
    const cells = reportCells(line);
    if (number === 1 && cells !== null && isReportHeader(cells)) return ok(undefined);
    const row = parseReportRow(cells, period);
    if (!row.ok) return fail({ code: "invalid_request", issues: [{ path: `line ${number}`, ...row.failure }] });
    if (row.value.isCharged) rows.push(row.value);
    return row;
  });
  return read.ok ? ok({ rows, sha256: read.value.sha256 }) : read;
}

function shown(
  result: Reconciled,
  { period, reportSha256 }: { period: Period; reportSha256: string },
): z.infer<typeof reconciliation> {
  return {
    period,
    reportSha256,
    matched: result.matched,
    onlyOurs: result.onlyOurs.map(shownDifference),
    onlyClaro: result.onlyClaro.map(shownDifference),
    unknownResolved: result.resolved.length,
    resolved: result.resolved.slice(0, MOST_RESOLVED_LISTED).map(shownResolved),
    sharedCustomerIds: [...result.sharedCustomerIds],
    delta: result.delta,
    deltaAmount: formatMicros(result.deltaAmountMicros),
    currency: CURRENCY,
  };
}

function shownResolved(unknown: ResolvedUnknown): z.infer<typeof resolvedUnknown> {
  const { tenantId, lookupId, transactionId, occurredAtMs } = unknown;
  return { tenantId, lookupId, transactionId, occurredAt: new Date(occurredAtMs).toISOString() };
}

function shownDifference({ amountMicros, ...entry }: Difference): z.infer<typeof difference> {
  return { ...entry, amount: formatMicros(amountMicros) };
}
