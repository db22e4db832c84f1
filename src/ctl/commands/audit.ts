import type { Command } from "commander";
import { contextOf, withExamples } from "../program.ts";
import { note, print, tableText } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { wholeNumber } from "./read_arguments.ts";
import { shownTime } from "./shown_values.ts";

type Entry = {
  readonly n: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
};

/** `audit`: who changed what. */
export function addAuditCommands(program: Command): void {
  withExamples(
    program
      .command("audit")
      .description("Shows who changed what and when, oldest first. Nothing in it is ever changed.")
      .option("--after <n>", "only entries after this number", wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
      .option("--limit <n>", "at most so many", wholeNumber(1, 1_000_000), 1000)
      .action(showAudit),
    ["audit", "audit --after 1200 --limit 50", "audit --json"],
  );
}

async function showAudit(options: { after: number; limit: number }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const { after, limit } = options;
  const page = await withSpinner("Reading the audit", (report) =>
    api.list<Entry>("/audit", {
      most: limit,
      query: { after },
      onEntries: ({ length }) => report(`${length} entries`),
    }),
  );
  const human = () =>
    tableText(
      page.data,
      [
        { title: "N", cell: (entry) => String(entry.n), align: "right" },
        { title: "AT", cell: (entry) => shownTime(entry.at) },
        { title: "ACTOR", cell: (entry) => entry.actor },
        { title: "ACTION", cell: (entry) => entry.action },
        { title: "TARGET", cell: (entry) => entry.target },
        { title: "CHANGED", cell: changes, elastic: true },
      ],
      "Nothing has been changed yet.",
    );
  print(page, { json, human });
  const last = page.data.at(-1);
  if (page.nextCursor !== null && last !== undefined && !json)
    note(`There is more: npm run ctl -- audit --after ${last.n}`);
}

/** What an entry changed: `status: active → suspended`; of a thing that was made, its values. */
function changes({ before, after }: Entry): string {
  return Object.entries(after ?? {})
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before?.[name]) && value !== null)
    .map(([name, value]) => {
      const was = before === null ? undefined : before[name];
      return was === undefined ? `${name}: ${written(value)}` : `${name}: ${written(was)} → ${written(value)}`;
    })
    .join("; ");
}

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
