import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { usageError } from "../ctl_error.ts";
import { contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, print, tableText } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { signedReais } from "./read_arguments.ts";
import { shownCount, utcMinute } from "./shown_values.ts";
import { month } from "./statements.ts";

type Adjustment = { readonly id: string; readonly period: string; readonly seq: number; readonly amount: string };
type Difference = {
  readonly reason: string;
  readonly date: string;
  readonly customerId: string;
  readonly lookupId: string | null;
  readonly transactionId: string | null;
  readonly quantity: number;
  readonly amount: string;
};
type Reconciliation = {
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
  readonly delta: number;
  readonly deltaAmount: string;
};

/** A charge by hand of so much is asked about. */
const UNUSUAL_CHARGE_REAIS = 1000;

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
      .command("reconcile")
      .description("Compares a month with Claro's report: CSV of transactionId,occurredAt,customerId,status.")
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
  const amount = adjustment.amount.replace("-", "");
  if (isCredit || Number(amount) >= UNUSUAL_CHARGE_REAIS) {
    await confirm(`${isCredit ? "Credit" : "Charge"} BRL ${amount} to ${tenantId}?`, { yes: yes === true });
  }
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

async function reconcile(file: string, { period }: { period: string }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const csv = await readFile(file, "utf8").catch(() => {
    throw usageError(`${file} cannot be read`);
  });
  const answer = await withSpinner(`Comparing ${period}`, () =>
    api.postCsv<Reconciliation>("/reconciliations", csv, { period }),
  );
  print(answer, { json, human: () => reconciliationText(answer) });
}

function reconciliationText(answer: Reconciliation): string {
  const { matched, onlyOurs, onlyClaro, unknownResolved, resolved, sharedCustomerIds, delta, deltaAmount } = answer;
  const sides = [
    ...onlyOurs.map((difference) => ({ side: "ours", ...difference })),
    ...onlyClaro.map((difference) => ({ side: "Claro", ...difference })),
  ];
  const about = fieldsText([
    ["Matched", shownCount(matched)],
    ["Unknown resolved", shownCount(unknownResolved)],
    ["Ours less Claro's", `${shownCount(delta)} lookups, BRL ${deltaAmount}`],
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
      { title: "AMOUNT (BRL)", cell: ({ amount }) => amount, align: "right" },
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
