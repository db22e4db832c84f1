import { Option, type Command } from "commander";
import { usageError } from "../ctl_error.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { fieldsText, note, print } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { saoPauloDate } from "./read_arguments.ts";
import { saoPauloTime, shownTime } from "./shown_values.ts";

/** One lookup as the gateway tells of it: its fields are shown whatever they are, so that none is ever hidden. */
type Lookup = Readonly<Record<string, unknown>>;
type Found = { readonly data: readonly Lookup[]; readonly nextCursor?: string | null };
type Sought = { tenant?: string; by?: "request-id" | "reference"; from?: string; to?: string };

const INSTANT = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/;
const DAYS_BACK = 30;
const DAY_MS = 86_400_000;

/** `lookups`: what became of one lookup, and why. */
export function addLookupCommands(program: Command): void {
  const lookups = addGroup(program, "lookups", "What became of a lookup: times, outcome, cause, charge.");
  withExamples(lookups, ["lookups show lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20"]);
  withExamples(
    lookups
      .command("show")
      .description("Shows a lookup by its id, or a tenant's lookups by a request id or a reference.")
      .argument("<what>", "a lookup's id (lkp_…), a request id or a reference")
      .option("--tenant <tenant-id>", "whose request id or reference it is")
      .addOption(new Option("--by <name>", "what it is (default: either)").choices(["request-id", "reference"]))
      .option("--from <date>", "first day of São Paulo, YYYY-MM-DD (default: 30 days ago)", saoPauloDate)
      .option("--to <date>", "last day, inclusive; at most 31 days in all (default: today)", saoPauloDate)
      .action(showLookups),
    [
      "lookups show lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20",
      "lookups show order-1234 --tenant <tenant-id>",
      "lookups show 3f0c9f1e --tenant <tenant-id> --by request-id --from 2026-11-01 --to 2026-11-30",
    ],
  );
}

async function showLookups(what: string, sought: Sought, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const found = await withSpinner("Looking", async () => {
    const answers = await Promise.all(queriesFor(what, sought).map((query) => api.get<Found>("/lookups", query)));
    const data = answers.flatMap((answer) => answer.data);
    const once = new Map(data.map((lookup) => [lookup["id"], lookup]));
    return { data: [...once.values()], hasMore: answers.some(({ nextCursor }) => typeof nextCursor === "string") };
  });
  print(found, { json, human: () => found.data.map(lookupText).join("\n\n") || "There is no such lookup." });
  if (found.hasMore && !json) note("There are more: narrow the days with --from and --to.");
}

/** An id stands for itself; anything else is one tenant's, of some days. */
function queriesFor(what: string, { tenant, by, from, to }: Sought): Record<string, string>[] {
  if (what.startsWith("lkp_") && by === undefined) return [{ id: what }];
  if (tenant === undefined) throw usageError("A request id or a reference is a tenant's: give --tenant <tenant-id>");
  const days = { from: from ?? daysBefore(to ?? today(), DAYS_BACK), to: to ?? today() };
  const queries = { "request-id": { requestId: what }, reference: { reference: what } };
  const names = by === undefined ? (["request-id", "reference"] as const) : [by];
  return names.map((name) => ({ tenant, ...days, ...queries[name] }));
}

function today(): string {
  return saoPauloTime(new Date().toISOString()).slice(0, 10);
}

function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - days * DAY_MS).toISOString().slice(0, 10);
}

function lookupText(lookup: Lookup): string {
  return fieldsText(shownFields(lookup));
}

function shownFields(value: Lookup, prefix = ""): (readonly [name: string, value: string])[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const isNested = typeof inner === "object" && inner !== null && !Array.isArray(inner);
    if (isNested) return shownFields(inner as Lookup, `${prefix}${inWords(name)} `);
    return [[sentence(`${prefix}${inWords(name)}`), shownValue(inner)] as const];
  });
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (typeof value !== "string") return JSON.stringify(value);
  return INSTANT.test(value) ? shownTime(value) : value;
}

/** `upstreamStatus` as `upstream status`. */
function inWords(name: string): string {
  return name.replaceAll(
    /([a-z0-9])([A-Z])/g,
    (_match, last: string, first: string) => `${last} ${first.toLowerCase()}`,
  );
}

function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
