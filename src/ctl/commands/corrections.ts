import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, print, tableText } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { month, signedReais } from "./read_arguments.ts";
import { shownCount, shownMany, utcMinute } from "./shown_values.ts";

type Adjustment = { readonly id: string; readonly period: string; readonly seq: number; readonly amount: string };
type Difference = {
  readonly reason: string;
  readonly date: string;
  readonly customerId: string;
  readonly lookupId: string | null;
  readonly transactionId: string | null;
  readonly quantity: number;
  readonly amount: string;
  readonly cost: string | null;
};
type Listed = {
  readonly id: string;
  readonly period: string | null;
  readonly units: number;
  readonly amount: string;
  readonly corrects: string | null;
  readonly reason: string;
};
type Run =
  | { readonly id: string; readonly status: "running"; readonly progress: { done: number; steps: number } }
  | { readonly id: string; readonly status: "failed" }
  | Reconciliation;
type Reconciliation = {
  readonly id: string;
  readonly status: "done";
  readonly matched: number;
  readonly onlyOurs: readonly Difference[];
  readonly onlyClaro: readonly Difference[];
  readonly unknownResolved: number;
  readonly resolved: readonly {
    readonly tenantId: string;
    readonly lookupId: string;
    readonly transactionId: string | null;
    readonly occurredAt: string;
  }[];
  readonly sharedCustomerIds: readonly string[];
  readonly deltaQuantity: number;
  readonly deltaCost: string | null;
  readonly unexplained: number;
  readonly nextCursor: string | null;
};

/** Charges of this much or more are confirmed. */
const UNUSUAL_CHARGE_REAIS = 1000;
/** Adjustments of this many lookups or more are confirmed. */
const UNUSUAL_UNITS = 1000;

/** `adjust` and `reconcile`: what is put right after the fact. */
export function addCorrectionCommands(program: Command): void {
  withExamples(
    program
      .command("adjust")
      .description("Corrects what a tenant is charged, in the open month. A repeat with the same --id changes nothing.")
      .argument("<tenant-id>")
      .requiredOption("--amount <reais>", "such as -12,34 or 12.34; below zero for a credit", signedReais)
      .requiredOption("--reason <text>", "for the statement")
      .option("--units <n>", "lookups; below zero for a credit", signedNumber, 0)
      .option("--corrects <what>", "a lookup's id or a month")
      .option("--id <id>", "your own id of the correction")
      .option("--yes", "do not ask, even for a credit or a large charge")
      .action(adjust),
    ['adjust <tenant-id> --amount=-0.15 --units=-1 --corrects 2026-10 --reason "Cobrança em dobro" --id corr-17'],
  );
  withExamples(
    program
      .command("adjustments")
      .description("Lists what was corrected for a tenant, the oldest first.")
      .argument("<tenant-id>")
      .action(listAdjustments),
    ["adjustments <tenant-id>"],
  );
  withExamples(
    program
      .command("reconcile")
      .description(
        "Compares a month with Claro's report: CSV (, or ;) or JSON lines of transactionId,occurredAt,customerId,status.",
      )
      .argument("<file>")
      .requiredOption("--period <month>", "YYYY-MM, a month of São Paulo", month)
      .action(reconcile),
    ["reconcile claro-2026-11.csv --period 2026-11"],
  );
}

async function adjust(
  tenantId: string,
  { yes, ...adjustment }: { amount: string; reason: string; units: number; corrects?: string; id?: string; yes?: true },
  command: Command,
): Promise<void> {
  const { api, json } = contextOf(command);
  const isCredit = adjustment.amount.startsWith("-");
  const amount = Number(adjustment.amount.replace("-", ""));
  const units = adjustment.units === 0 ? "" : `, and ${shownMany(adjustment.units, "lookup")},`;
  const question = `${isCredit ? "Credit" : "Charge"} BRL ${amount.toFixed(2)}${units} to ${tenantId}?`;
  // Scripts may charge small amounts without confirmation; credits and large charges need it.
  const isOnTerminal = process.stdin.isTTY && process.stderr.isTTY;
  const isUnusual = amount >= UNUSUAL_CHARGE_REAIS || Math.abs(adjustment.units) >= UNUSUAL_UNITS;
  const isAsked = isCredit || adjustment.units < 0 || isUnusual || isOnTerminal;
  await confirm(question, { yes: yes === true || !isAsked });
  const made = await api.post<Adjustment>(`/tenants/${encodeURIComponent(tenantId)}/adjustments`, adjustment);
  const human = () =>
    fieldsText([
      ["Adjustment", made.id],
      ["Month", made.period],
      ["Seq", String(made.seq)],
      ["Amount", `BRL ${made.amount}`],
    ]);
  print(made, { json, human });
}

async function listAdjustments(tenantId: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const page = await api.list<Listed>(`/tenants/${encodeURIComponent(tenantId)}/adjustments`, { most: 10_000 });
  const human = () =>
    tableText(
      page.data,
      [
        { title: "ADJUSTMENT", cell: ({ id }) => id },
        { title: "MONTH", cell: ({ period }) => period ?? "-" },
        { title: "UNITS", cell: ({ units }) => shownCount(units), align: "right" },
        { title: "AMOUNT (BRL)", cell: ({ amount }) => amount, align: "right" },
        { title: "CORRECTS", cell: ({ corrects }) => corrects ?? "-" },
        { title: "REASON", cell: ({ reason }) => reason },
      ],
      "Nothing was adjusted.",
    );
  print(page, { json, human });
}

async function reconcile(file: string, { period }: { period: string }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  // Its bytes go as they are: the gateway tells UTF-8 from Windows-1252.
  const csv = await readFile(file).catch(() => {
    throw usageError(`${file} cannot be read`);
  });
  const type = file.endsWith(".jsonl") || file.endsWith(".ndjson") ? "application/x-ndjson" : "text/csv";
  const answer = await withSpinner(`Comparing ${period}`, async (report) => {
    let run = await api.postReport<Run>("/reconciliations", { bytes: csv, type }, { period });
    while (run.status === "running") {
      report(`${shownCount(run.progress.done)} of ${shownMany(run.progress.steps, "step")}`);
      run = await api.post<Run>(`/reconciliations/${run.id}`);
    }
    if (run.status === "failed") throw new CtlError(EXIT.refused, "The comparison has failed: send the report again.");
    return run;
  });
  print(answer, { json, human: () => reconciliationText(answer) });
}

function reconciliationText(answer: Reconciliation): string {
  const { matched, onlyOurs, onlyClaro, unknownResolved, resolved, sharedCustomerIds } = answer;
  const { id, deltaQuantity, deltaCost, unexplained, nextCursor } = answer;
  const sides = [
    ...onlyOurs.map((difference) => ({ side: "ours", ...difference })),
    ...onlyClaro.map((difference) => ({ side: "Claro", ...difference })),
  ];
  const cost = deltaCost === null ? "" : `, BRL ${deltaCost} at Claro's price`;
  const about = fieldsText([
    ["Reconciliation", nextCursor === null ? id : `${id} (more than is listed here)`],
    ["Matched", shownCount(matched)],
    ["Unknown resolved", shownCount(unknownResolved)],
    ["Ours less Claro's", `${shownMany(deltaQuantity, "lookup")}${cost}`],
    ["Unexplained", shownCount(unexplained)],
    ["Shared customer ids", sharedCustomerIds.join(", ") || "none"],
  ]);
  const rows = tableText(
    sides,
    [
      { title: "ONLY", cell: ({ side }) => side },
      { title: "DAY", cell: ({ date }) => date },
      { title: "CUSTOMER", cell: ({ customerId }) => customerId, elastic: true },
      { title: "WHY", cell: ({ reason }) => reason },
      { title: "COUNT", cell: ({ quantity }) => shownCount(quantity), align: "right" },
      { title: "CHARGED (BRL)", cell: ({ amount }) => amount, align: "right" },
      { title: "COST (BRL)", cell: ({ cost: each }) => each ?? "-", align: "right" },
      { title: "LOOKUP", cell: ({ lookupId }) => lookupId ?? "-", elastic: true },
      { title: "TRANSACTION", cell: ({ transactionId }) => transactionId ?? "-", elastic: true, optional: true },
    ],
    "Both sides say the same.",
  );
  const confirmed = tableText(
    resolved,
    [
      { title: "RESOLVED", cell: ({ lookupId }) => lookupId },
      { title: "TENANT", cell: ({ tenantId }) => tenantId },
      { title: "RECORDED", cell: ({ occurredAt }) => utcMinute(occurredAt), optional: true },
      { title: "TRANSACTION", cell: ({ transactionId }) => transactionId ?? "-", elastic: true, optional: true },
    ],
    "No unknown is resolved.",
  );
  return `${about}\n\n${rows}\n\n${confirmed}`;
}

function signedNumber(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new InvalidArgumentError("It is a whole number such as -1.");
  return Number(text);
}
