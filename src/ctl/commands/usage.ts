import { Option, type Command } from "commander";
import { contextOf, withExamples } from "../program.ts";
import { fieldsText, print, tableText } from "../terminal/output.ts";
import { saoPauloDate } from "./read_arguments.ts";
import { shownCount, shownTime } from "./shown_values.ts";

type Counts = {
  readonly requests: number;
  readonly delivered: number;
  readonly notFound: number;
  readonly rejected: number;
  readonly failed: number;
  readonly unknown: number;
  readonly billed: number;
  readonly amount: string;
};
type Usage = {
  readonly from: string;
  readonly to: string;
  readonly totals: Counts;
  readonly days: readonly ({ readonly date: string } & Counts)[];
  readonly allowance: { limit: number; used: number; remaining: number; endsAt: string | null } | null;
  readonly asOf: string;
};

/** `usage`: what a tenant has used, up to this instant. */
export function addUsageCommand(program: Command): void {
  withExamples(
    program
      .command("usage")
      .description("Shows what a tenant has used, day by day in São Paulo, up to this instant.")
      .argument("<tenant-id>")
      .option("--from <date>", "first day, YYYY-MM-DD (default: the first of this month)", saoPauloDate)
      .option("--to <date>", "last day, inclusive (default: the last of this month)", saoPauloDate)
      .addOption(new Option("--mode <mode>", "live or test (default: live)").choices(["live", "test"]))
      .option("--all-days", "also days without lookups")
      .action(showUsage),
    [
      "usage <tenant-id>",
      "usage <tenant-id> --from 2026-11-01 --to 2026-11-30",
      "usage <tenant-id> --mode test --json",
    ],
  );
}

async function showUsage(
  tenantId: string,
  options: { from?: string; to?: string; mode?: string; allDays?: true },
  command: Command,
): Promise<void> {
  const { api, json } = contextOf(command);
  const { from, to, mode } = options;
  const usage = await api.get<Usage>(`/tenants/${encodeURIComponent(tenantId)}/usage`, { from, to, mode });
  print(usage, { json, human: () => usageText(usage, options.allDays === true) });
}

function usageText(usage: Usage, allDays: boolean): string {
  const days = usage.days.filter((day) => allDays || day.requests > 0);
  const count = (title: string, of: (day: Counts) => number, optional?: true) => ({
    ...(optional ? { optional } : {}),
    title,
    cell: (day: Counts) => shownCount(of(day)),
    align: "right" as const,
  });
  const rows = tableText(
    [...days, { date: "total", ...usage.totals }],
    [
      { title: "DAY", cell: (day) => day.date },
      count("REQUESTS", (day) => day.requests),
      count("DELIVERED", (day) => day.delivered),
      count("NOT FOUND", (day) => day.notFound, true),
      count("REJECTED", (day) => day.rejected, true),
      count("FAILED", (day) => day.failed),
      count("UNKNOWN", (day) => day.unknown),
      count("BILLED", (day) => day.billed),
      { title: "AMOUNT (BRL)", cell: (day) => day.amount, align: "right" },
    ],
    "",
  );
  const { allowance } = usage;
  const until = allowance?.endsAt == null ? "" : `, until ${shownTime(allowance.endsAt)}`;
  const left =
    allowance === null
      ? "unlimited"
      : `${shownCount(allowance.remaining)} of ${shownCount(allowance.limit)} left${until}`;
  const about = fieldsText([
    ["From", `${usage.from} to ${usage.to} (São Paulo)`],
    ["Allowance", left],
    ["As of", shownTime(usage.asOf)],
  ]);
  return `${about}\n\n${rows}`;
}
