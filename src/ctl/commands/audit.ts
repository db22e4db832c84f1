import type { Command } from "commander";
import { contextOf, withExamples } from "../program.ts";
import { note, print, tableText } from "../terminal/output.ts";
import { printable } from "../terminal/table.ts";
import { withSpinner } from "../terminal/progress.ts";
import { addAuditChainCommands } from "./audit_verify.ts";
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

const INDENT = "     ";

/** `audit`: who changed what. */
export function addAuditCommands(program: Command): void {
  const audit = withExamples(
    program
      .command("audit")
      .description("Shows who changed what and when, oldest first. Nothing in it is ever changed.")
      .option("--after <n>", "only entries after this number", wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
      .option("--limit <n>", "at most so many", wholeNumber(1, 1_000_000), 1000)
      .action(showAudit),
    ["audit", "audit --after 1200 --limit 50", "audit --json"],
  );
  addAuditChainCommands(audit);
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
  print(page, { json, human: () => auditText(page.data) });
  const last = page.data.at(-1);
  if (page.nextCursor !== null && last !== undefined && !json)
    note(`There is more: npm run ctl -- audit --after ${last.n}`);
}

/** Each entry's line, and below it what was changed, which can be long. */
function auditText(entries: readonly Entry[]): string {
  const [head = "", ...lines] = tableText(
    entries,
    [
      { title: "N", cell: (entry) => String(entry.n), align: "right" },
      { title: "AT", cell: (entry) => shownTime(entry.at) },
      { title: "ACTOR", cell: (entry) => entry.actor, elastic: true },
      { title: "ACTION", cell: (entry) => entry.action },
      { title: "TARGET", cell: (entry) => entry.target },
    ],
    "Nothing has been changed yet.",
  ).split("\n");
  const detailed = lines.map((line, index) => {
    const entry = entries[index];
    const changed = entry === undefined ? "" : changes(entry);
    return changed === "" ? line : `${line}\n${INDENT}${changed}`;
  });
  return [head, ...detailed].join("\n");
}

/** What an entry changed: `status: active → suspended`; of a thing that was made, its values. */
function changes({ before, after }: Entry): string {
  const was = flat(before ?? {});
  return [...flat(after ?? {})]
    .filter(([name, value]) => value !== was.get(name) && value !== "null")
    .map(([name, value]) => (was.has(name) ? `${name}: ${was.get(name)} → ${value}` : `${name}: ${value}`))
    .join("; ");
}

/** Values under names such as `plan.burst`. */
function flat(value: Readonly<Record<string, unknown>>, prefix = ""): Map<string, string> {
  const entries = Object.entries(value).flatMap(([name, inner]): (readonly [string, string])[] => {
    const isNested = typeof inner === "object" && inner !== null && !Array.isArray(inner);
    if (isNested) return [...flat(inner as Record<string, unknown>, `${prefix}${name}.`)];
    return [[`${prefix}${name}`, printable(typeof inner === "string" ? inner : JSON.stringify(inner))]];
  });
  return new Map(entries);
}
