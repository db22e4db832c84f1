import type { Command } from "commander";
import { contextOf, withExamples } from "../program.ts";
import { note, print, tableText } from "../terminal/output.ts";
import { printable } from "../terminal/table.ts";
import { withSpinner } from "../terminal/progress.ts";
import { addAuditChainCommands } from "./audit_verify.ts";
import { wholeNumber } from "./read_arguments.ts";
import { saoPauloTime, shownMany, utcTime } from "./shown_values.ts";

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
const NOTHING = "none";

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
      onEntries: ({ length }) => report(shownMany(length, "entry", "entries")),
    }),
  );
  print(page, { json, human: () => auditText(page.data, after) });
  const last = page.data.at(-1);
  if (page.nextCursor !== null && last !== undefined && !json) note(`There is more: npx ctl audit --after ${last.n}`);
}

/** Each entry's line, and below it what was changed, which can be long. */
function auditText(entries: readonly Entry[], after: number): string {
  const [head = "", ...lines] = tableText(
    entries,
    [
      { title: "N", cell: (entry) => String(entry.n), align: "right" },
      { title: "AT", cell: (entry) => utcTime(entry.at) },
      { title: "ACTOR", cell: (entry) => entry.actor, elastic: true },
      { title: "ACTION", cell: (entry) => entry.action },
      { title: "TARGET", cell: (entry) => entry.target },
      { title: "SÃO PAULO", cell: (entry) => saoPauloTime(entry.at), optional: true },
    ],
    after === 0 ? "Nothing has been changed yet." : `Nothing has been changed after entry ${after}.`,
  ).split("\n");
  const detailed = lines.map((line, index) => {
    const entry = entries[index];
    const changed = entry === undefined ? "" : changes(entry);
    return changed === "" ? line : `${line}\n${INDENT}${changed}`;
  });
  return [head, ...detailed].join("\n");
}

/** What an entry changed, `status: active → suspended`; of something new, all its values. */
function changes({ before, after }: Entry): string {
  const [was, is] = [flat(before ?? {}), flat(after ?? {})];
  const changed = [...is]
    .filter(([name, value]) => value !== (was.get(name) ?? NOTHING))
    .map(([name, value]) => (was.has(name) ? `${name}: ${was.get(name)} → ${value}` : `${name}: ${value}`));
  const removed = [...was].filter(([name, value]) => !is.has(name) && value !== NOTHING);
  return [...changed, ...removed.map(([name, value]) => `${name}: ${value} → ${NOTHING}`)].join("; ");
}

/** Values under names such as `plan.burst`. */
function flat(value: Readonly<Record<string, unknown>>, prefix = ""): Map<string, string> {
  const entries = Object.entries(value).flatMap(([name, inner]): (readonly [string, string])[] => {
    const isNested = typeof inner === "object" && inner !== null && !Array.isArray(inner);
    if (isNested) return [...flat(inner as Record<string, unknown>, `${prefix}${name}.`)];
    return [[`${prefix}${name}`, shownValue(inner)]];
  });
  return new Map(entries);
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined) return NOTHING;
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
