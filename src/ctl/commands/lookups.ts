import { Option, type Command } from "commander";
import type { AdminApi } from "../api/admin_api.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { fieldsText, note, print } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { saoPauloDate } from "./read_arguments.ts";
import { shownTime } from "./shown_values.ts";

/** One lookup. Every field that the gateway sends is shown, also those that this release does not know. */
type Lookup = Readonly<Record<string, unknown>>;
type Found = { readonly data: readonly Lookup[]; readonly nextCursor?: string | null };
type Query = Readonly<Record<string, string | undefined>>;
type Sought = { tenant?: string; by?: "request-id" | "reference"; from?: string; to?: string };

const INSTANT = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
const MOST_FOUND = 20;
/** `lookups`: what became of one lookup, and why. */
export function addLookupCommands(program: Command): void {
  const lookups = addGroup(program, "lookups", "What became of a lookup: times, outcome, cause, charge.");
  withExamples(lookups, ["lookups show lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20"]);
  withExamples(
    lookups
      .command("show")
      .description("Shows a lookup by its id, or lookups by a request id or a reference.")
      .argument("<what>", "a lookup's id (lkp_…), a request id or a reference")
      .option(
        "--tenant <tenant-id>",
        "whose it is: needed for test lookups, for those of the last minutes and of archived months",
      )
      .addOption(new Option("--by <name>", "what it is (default: either)").choices(["request-id", "reference"]))
      .option("--from <date>", "first day of São Paulo, YYYY-MM-DD (default: 30 days ago)", saoPauloDate)
      .option("--to <date>", "last day, inclusive; at most 31 days in all (default: today)", saoPauloDate)
      .action(showLookups),
    [
      "lookups show lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20",
      "lookups show order-1234",
      "lookups show 3f0c9f1e --tenant <tenant-id> --by request-id --from 2026-11-01 --to 2026-11-30",
    ],
  );
}

async function showLookups(what: string, sought: Sought, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const queries = queriesFor(what, sought);
  const found = await withSpinner("Looking", async () => {
    const answers = await Promise.all(queries.map((query) => findAll(api, query)));
    const once = new Map(answers.flatMap(({ data }) => data).map((lookup) => [lookup["id"], lookup]));
    return { data: [...once.values()], hasMore: answers.some(({ hasMore }) => hasMore) };
  });
  print(found, { json, human: () => found.data.map(lookupText).join("\n\n") || noneText(queries, sought) });
  if (found.hasMore && !json) note("There are more: narrow the days with --from and --to.");
}

/** Says where else to look: a search without a tenant does not cover everything. */
function noneText([first]: readonly Query[], { tenant }: Sought): string {
  const none = "There is no such lookup.";
  if (tenant !== undefined) return none;
  const more = first?.["id"] === undefined ? "Test lookups, those of the last minutes and" : "Those";
  return `${none} ${more} of archived months are found with --tenant <tenant-id> only.`;
}

/** Each call does a bounded piece of the search: a page can be empty and still have a next one. */
async function findAll(api: AdminApi, query: Query): Promise<{ data: Lookup[]; hasMore: boolean }> {
  const data: Lookup[] = [];
  let cursor: string | null | undefined;
  do {
    const page: Found = await api.get("/lookups", { ...query, cursor: cursor ?? undefined });
    data.push(...page.data);
    cursor = page.nextCursor ?? null;
  } while (cursor !== null && data.length < MOST_FOUND);
  return { data, hasMore: cursor !== null };
}

/** A lookup's id contains its time; anything else is searched within days. */
function queriesFor(what: string, { tenant, by, from, to }: Sought): Query[] {
  const days = { tenant, from, to };
  if (what.startsWith("lkp_") && by === undefined) return [{ id: what, ...days }];
  const isRequestId = by === "request-id" || (by === undefined && REQUEST_ID.test(what));
  return [
    ...(isRequestId ? [{ requestId: what, ...days }] : []),
    ...(by === "request-id" ? [] : [{ reference: what, ...days }]),
  ];
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
