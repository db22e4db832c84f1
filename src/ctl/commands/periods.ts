import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { PriceTier } from "../../domain/plan.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { fieldsText, note, print, tableText } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { month, priceTiers } from "./read_arguments.ts";
import { shownCount, shownMany } from "./shown_values.ts";

type Totals = {
  readonly quantity: number;
  readonly amount: string;
  readonly adjustments: string;
  readonly carriedOut: string;
  readonly total: string;
  readonly claroCost: string | null;
  readonly margin: string | null;
};
type PeriodOfAll = {
  readonly period: string;
  readonly open: number;
  readonly totals: Totals;
  readonly tenants: readonly { tenantId: string; name: string; totals: Totals | null }[];
};

/** `periods`: a month over all tenants, and what Claro charges for it. */
export function addPeriodCommands(program: Command): void {
  const group = addGroup(
    program,
    "periods",
    "Shows an ended month over all tenants, with Claro's cost and the margin.",
  );
  withExamples(group, ["periods show 2026-11"]);
  withExamples(
    group
      .command("show")
      .description("Shows what each tenant owes for an ended month, as in the closed statements.")
      .argument("<month>", "YYYY-MM, a month of São Paulo", month)
      .option("--csv <file>", "write it as CSV instead")
      .option("--pt-br", "with --csv: for a spreadsheet under Brazilian settings")
      .action(showPeriod),
    ["periods show 2026-11", "periods show 2026-11 --csv november.csv --pt-br"],
  );
  withExamples(
    group
      .command("upstream-prices")
      .description("Says what Claro charges from a month on, for all tenants together. No statement changes.")
      .argument("<month>", "YYYY-MM, the first month that it holds for", month)
      .requiredOption("--price <tiers>", "reais a lookup: 0.09, or 100000:0.09,rest:0.07", priceTiers)
      .action(setPrices),
    ["periods upstream-prices 2026-11 --price 100000:0.09,rest:0.07"],
  );
}

async function showPeriod(period: string, options: { csv?: string; ptBr?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  if (options.csv !== undefined) {
    const response = await api.open(`/periods/${period}.${options.ptBr === true ? "pt-br.csv" : "csv"}`);
    await writeFile(options.csv, new Uint8Array(await response.arrayBuffer()), { flag: "wx" });
    print({ file: options.csv, period }, { json, human: () => `${period} is in ${options.csv}` });
    return;
  }
  const answer = await withSpinner("Adding up the month", () => api.get<PeriodOfAll>(`/periods/${period}`));
  print(answer, { json, human: () => periodText(answer) });
  if (answer.open > 0 && !json)
    note(`The month of ${shownMany(answer.open, "tenant")} is still open, and not in the total.`);
}

function periodText({ tenants, totals }: PeriodOfAll): string {
  const money = (text: string | null | undefined) => text ?? "-";
  return tableText(
    [...tenants, { tenantId: "total", name: "", totals }],
    [
      { title: "TENANT", cell: ({ tenantId }) => tenantId },
      { title: "NAME", cell: ({ name }) => name },
      {
        title: "QUANTITY",
        cell: ({ totals: own }) => (own === null ? "open" : shownCount(own.quantity)),
        align: "right",
      },
      { title: "AMOUNT", cell: ({ totals: own }) => money(own?.amount), align: "right" },
      { title: "ADJUSTMENTS", cell: ({ totals: own }) => money(own?.adjustments), align: "right" },
      { title: "CARRIED", cell: ({ totals: own }) => money(own?.carriedOut), align: "right" },
      { title: "TOTAL (BRL)", cell: ({ totals: own }) => money(own?.total), align: "right" },
      { title: "CLARO", cell: ({ totals: own }) => money(own?.claroCost), align: "right" },
      { title: "MARGIN", cell: ({ totals: own }) => money(own?.margin), align: "right" },
    ],
    "There are no tenants.",
  );
}

async function setPrices(period: string, { price: tiers }: { price: PriceTier[] }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const answer = await api.put<{ period: string }>(`/upstream-prices/${period}`, { tiers });
  print(answer, { json, human: () => fieldsText([["Claro's prices", `hold from ${answer.period} on`]]) });
}
