import type { Command } from "commander";
import { CtlError, EXIT } from "../ctl_error.ts";
import { newSigningKey } from "../local/dev_vars.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, print, tableText } from "../terminal/output.ts";
import { withProgressBar, withSpinner } from "../terminal/progress.ts";
import { month } from "./read_arguments.ts";
import { shownCount, shownMany, shownTime, utcMinute } from "./shown_values.ts";
import { addDownloadCommand } from "./statement_download.ts";
import { addVerifyCommand } from "./statement_verify.ts";

type Listed = {
  readonly period: string;
  readonly status: "open" | "closed";
  readonly closedAt: string | null;
  readonly requests: number;
  readonly billed: number;
  readonly adjustments: number;
  readonly amount: string | null;
  readonly exactAmount: string;
};

type Statement = {
  readonly period: string;
  readonly status: "open" | "closed";
  readonly seq: { readonly first: number; readonly last: number; readonly count: number };
  readonly lines: readonly {
    readonly kind: string;
    readonly quantity: number;
    readonly unitPrice: string | null;
    readonly amount: string;
  }[];
  readonly amount: string;
  readonly exactAmount: string;
  readonly claroPossibleCost: { delivered: number; unknown: number; confirmed: number };
  readonly closedAt: string | null;
  readonly keyId: string | null;
};

type Closing = {
  readonly status: "closed" | "closing";
  readonly closed: number;
  readonly remaining: number;
  readonly failures: readonly { tenantId: string; period: string; reason: string; seq: number | null }[];
};

/** `statements`: months as they are and as they are closed, downloaded and checked. */
export function addStatementCommands(program: Command): void {
  const group = addGroup(program, "statements", "Shows, closes, downloads and verifies months.");
  withExamples(group, ["statements list <tenant-id>", "statements close --period 2026-11"]);
  withExamples(
    group
      .command("list")
      .description("Lists a tenant's months, the newest first.")
      .argument("<tenant-id>")
      .action(listStatements),
    ["statements list <tenant-id>"],
  );
  withExamples(
    group
      .command("show")
      .description("Shows what a month comes to.")
      .argument("<tenant-id>")
      .requiredOption("--period <month>", "YYYY-MM, a month of São Paulo", month)
      .action(showStatement),
    ["statements show <tenant-id> --period 2026-11"],
  );
  withExamples(
    group
      .command("close")
      .description("Closes an ended month for all tenants, and the months before it. Once closed it never changes.")
      .requiredOption("--period <month>", "YYYY-MM, a month of São Paulo", month)
      .option("--yes", "do not ask")
      .action(closeMonth),
    ["statements close --period 2026-11", "statements close --period 2026-11 --yes"],
  );
  addDownloadCommand(group);
  addVerifyCommand(group);
  withExamples(
    group
      .command("revoke-key")
      .description("Disowns a key that may have been stolen, after another was deployed. It cannot be undone.")
      .argument("<kid>", "the key's name, as export-keys.json lists it")
      .option("--yes", "do not ask")
      .action(revokeKey),
    ["statements revoke-key export-1a2b3c4d"],
  );
  withExamples(
    group
      .command("new-key")
      .description("Prints a new key to sign statements with, as EXPORT_SIGNING_KEY takes it. It is a secret.")
      .action(() => {
        process.stdout.write(`${newSigningKey()}\n`);
      }),
    ["statements new-key | npx wrangler secret put EXPORT_SIGNING_KEY"],
  );
}

async function revokeKey(kid: string, { yes = false }: { yes?: boolean }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  await confirm(`Disown ${kid} for ever? Months that only it vouches for will no longer verify.`, { yes });
  const key = await api.post<{ revokedAt: string }>(`/export-keys/${encodeURIComponent(kid)}/revoke`);
  print(key, { json, human: () => `${kid} is disowned since ${shownTime(key.revokedAt)}.` });
}

async function listStatements(tenantId: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const path = `/tenants/${encodeURIComponent(tenantId)}/statements`;
  const page = await withSpinner("Reading the months", () => api.list<Listed>(path, { most: 10_000 }));
  const human = () =>
    tableText(
      page.data,
      [
        { title: "MONTH", cell: ({ period }) => period },
        { title: "STATUS", cell: ({ status }) => status },
        { title: "REQUESTS", cell: ({ requests }) => shownCount(requests), align: "right" },
        { title: "BILLED", cell: ({ billed }) => shownCount(billed), align: "right" },
        { title: "ADJUSTMENTS", cell: ({ adjustments }) => shownCount(adjustments), align: "right", optional: true },
        { title: "AMOUNT (BRL)", cell: ({ amount, exactAmount }) => amount ?? `${exactAmount} so far`, align: "right" },
        { title: "CLOSED", cell: ({ closedAt }) => utcMinute(closedAt), optional: true },
      ],
      "There are no months yet.",
    );
  print(page, { json, human });
}

async function showStatement(tenantId: string, options: { period: string }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const path = `/tenants/${encodeURIComponent(tenantId)}/statements/${options.period}`;
  const statement = await withSpinner("Adding up the month", () => api.get<Statement>(path));
  print(statement, { json, human: () => statementText(statement) });
}

function statementText(statement: Statement): string {
  const { period, status, seq, lines, amount, exactAmount, claroPossibleCost: claro, closedAt, keyId } = statement;
  const total = { kind: "total", quantity: null, unitPrice: null, amount };
  const rows = tableText(
    [...lines, total],
    [
      { title: "LINE", cell: ({ kind }) => kind },
      {
        title: "QUANTITY",
        cell: ({ quantity }) => (quantity === null ? "" : shownCount(quantity)),
        align: "right",
      },
      { title: "PRICE (BRL)", cell: ({ unitPrice }) => unitPrice ?? "", align: "right" },
      { title: "AMOUNT (BRL)", cell: (line) => line.amount, align: "right" },
    ],
    "",
  );
  const about = fieldsText([
    ["Month", `${period}, ${status}`],
    ["Closed", closedAt === null ? "-" : `${shownTime(closedAt)}, signed with ${keyId}`],
    ["Events", seq.count === 0 ? "none" : `${shownCount(seq.count)} (seq ${seq.first} to ${seq.last})`],
    ["Exact amount", `BRL ${exactAmount}`],
    ["Claro may charge", `${claro.delivered} delivered, ${claro.unknown} unknown (${claro.confirmed} confirmed)`],
  ]);
  return `${about}\n\n${rows}`;
}

async function closeMonth({ period, yes = false }: { period: string; yes?: boolean }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  await confirm(`Close ${period}, and what is open before it, for all tenants and for ever?`, { yes });
  const step = () => api.post<Closing>(`/periods/${period}/close`);
  const first = await withSpinner(`Closing ${period}`, step);
  const steps = { message: `Closing ${period}`, steps: first.remaining };
  const last = await withProgressBar(steps, async (bar) => {
    let report = first;
    // Each call retries what failed, so a call without progress is the last.
    for (let before = Number.POSITIVE_INFINITY; report.remaining > 0 && report.remaining < before;) {
      before = report.remaining;
      report = await step();
      bar.advance(`${shownMany(report.closed, "tenant")} closed`, before - report.remaining);
    }
    return report;
  });
  if (last.remaining > 0) throw notClosed(period, last);
  print(last, { json, human: () => `${period} is closed for ${shownMany(last.closed, "tenant")}.` });
}

function notClosed(period: string, { remaining, failures }: Closing): CtlError {
  const lines = failures.map(({ tenantId, reason, seq, period: failed }) => {
    return `  ${tenantId} ${failed}: ${reason}${seq === null ? "" : ` at seq ${seq}`}`;
  });
  const message = [`${period} is not closed for ${shownMany(remaining, "tenant")}:`, ...lines].join("\n");
  return new CtlError(EXIT.refused, message, { remaining, failures });
}
