import { existsSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { parseCpf, type Cpf } from "../../domain/cpf.ts";
import { accessReportHtml, type ReportedLookup } from "../../domain/export/access_report.ts";
import type { AdminApi } from "../api/admin_api.ts";
import { untilAnswered } from "../api/until_answered.ts";
import { usageError } from "../ctl_error.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, note, print, tableText } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { readSecret } from "../terminal/read_secret.ts";
import { instant, saoPauloDate } from "./read_arguments.ts";
import { shownCount, shownMany, shownTime, utcTime } from "./shown_values.ts";

type Restriction = {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly until: string | null;
  readonly endedAt: string | null;
  readonly endedBy: string | null;
};
type AccessPage = {
  readonly data: readonly ReportedLookup[];
  readonly nextCursor: string | null;
  readonly progress: { readonly tenants: number; readonly of: number };
  readonly restrictions: readonly Restriction[];
};
type Found = { readonly data: readonly ReportedLookup[]; readonly restrictions: readonly Restriction[] };
type AccessOptions = {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly reason?: string | undefined;
  readonly report?: string | undefined;
};

const MOST_LISTED = 100_000;
const PIPED = "< cpf.txt";

/** `subjects`: what is held on a person, and the restriction of lookups of them. */
export function addSubjectCommands(program: Command): void {
  const subjects = addGroup(program, "subjects", "Persons: who looked them up, and the refusal of lookups of them.");
  withExamples(subjects, ["subjects access --report acesso.html", 'subjects restrict --reason "oposição 2026-119"']);
  withExamples(
    subjects
      .command("access")
      .description("Finds every live lookup of a person, by all tenants. The CPF is asked for, or piped in.")
      .option("--from <day>", "the first day, of São Paulo", saoPauloDate)
      .option("--to <day>", "the last day, included", saoPauloDate)
      .option("--reason <text>", "why it is asked; it is kept in the audit")
      .option("--report <file>", "writes a page in Portuguese that can be handed to the person")
      .action(accessSubject),
    [
      'subjects access --reason "pedido 2026-118" --report acesso.html',
      `subjects access --from 2026-01-01 --json ${PIPED}`,
    ],
  );
  withExamples(
    subjects
      .command("restrict")
      .description("Refuses lookups of a person by every tenant. The CPF is asked for, or piped in.")
      .requiredOption("--reason <text>", "why; it is kept, and says nothing of who it is")
      .option("--until <time>", "when it ends by itself: 2027-01-31T23:59:59-03:00, or 90d (default: never)", instant)
      .action(restrictSubject),
    ['subjects restrict --reason "oposição 2026-119"', `subjects restrict --reason ordem --until 90d ${PIPED}`],
  );
  withExamples(
    subjects
      .command("restrictions")
      .description("Lists the restrictions, without whom they are of: `access` shows a person's.")
      .action(listRestrictions),
    ["subjects restrictions", "subjects restrictions --json"],
  );
  withExamples(
    subjects
      .command("unrestrict")
      .description("Ends a restriction.")
      .argument("<restriction-id>", "rst_…")
      .option("--yes", "do not ask")
      .action(unrestrictSubject),
    ["subjects unrestrict rst_0123456789abcdef0123"],
  );
}

async function accessSubject(options: AccessOptions, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const { from, to, reason, report } = options;
  if (report !== undefined && existsSync(report)) throw usageError(`${report}: the file is there already`);
  const cpf = await readCpf();
  const found = await withSpinner("Looking for lookups", (tell) => searchAll(api, { cpf, from, to, reason }, tell));
  if (report !== undefined) writeReport(report, { cpf, from, to, ...found });
  print(found, { json, human: () => accessText(found) });
  if (report !== undefined) note(`\nThe report for the person is in ${report}. Hand it over, then delete it.`);
}

/** Runs the search to its end, call by call: a complete answer, or none. */
async function searchAll(
  api: AdminApi,
  asked: { cpf: Cpf } & Omit<AccessOptions, "report">,
  tell: (detail: string) => void,
): Promise<Found> {
  const data: ReportedLookup[] = [];
  let soFar = "";
  for (let cursor: string | undefined; ;) {
    const page: AccessPage = await untilAnswered(() => api.post<AccessPage>("/subjects/access", { ...asked, cursor }), {
      isBegun: cursor !== undefined,
      onWait: () => tell(`${soFar}waiting for a store that is away`),
    });
    data.push(...page.data);
    soFar = `${shownCount(page.progress.tenants)} of ${shownMany(page.progress.of, "tenant")}, ${shownMany(data.length, "lookup")}; `;
    tell(soFar.slice(0, -2));
    if (page.nextCursor === null) return { data, restrictions: page.restrictions };
    cursor = page.nextCursor;
  }
}

/** Only its owner can read it, and it never overwrites a file. */
function writeReport(
  file: string,
  { cpf, from, to, data, restrictions }: Found & { cpf: Cpf } & Pick<AccessOptions, "from" | "to">,
): void {
  const span = { from: from ?? null, to: to ?? null };
  const text = accessReportHtml({ cpf, ...span, lookups: data, restrictions, issuedAtMs: Date.now() });
  try {
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const { code = "it cannot be written" } = error as NodeJS.ErrnoException;
    throw usageError(`${file}: ${code === "EEXIST" ? "the file is there already" : code}`);
  }
}

function accessText({ data, restrictions }: Found): string {
  const lookups = tableText(
    data,
    [
      { title: "ENDED", cell: ({ occurredAt }) => utcTime(occurredAt) },
      { title: "WHO", cell: ({ tenantName }) => tenantName, elastic: true },
      { title: "PURPOSE", cell: ({ purpose }) => purpose ?? "-" },
      { title: "LEGAL BASIS", cell: ({ legalBasis }) => legalBasis ?? "-", optional: true },
      { title: "OUTCOME", cell: ({ outcome }) => outcome ?? "-" },
      { title: "REFERENCE", cell: ({ reference }) => reference ?? "-", elastic: true, optional: true },
      { title: "LOOKUP", cell: ({ id }) => id, optional: true },
    ],
    "No lookup of this person can be found: there was none, or the key of its year has been destroyed.",
  );
  return restrictions.length === 0 ? lookups : `${lookups}\n\n${restrictionsText(restrictions)}`;
}

async function restrictSubject(options: { reason: string; until?: string }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const { reason, until } = options;
  const cpf = await readCpf();
  const made = await withSpinner("Telling every ledger", () =>
    api.post<Restriction>("/subjects/restrictions", { cpf, reason, until }),
  );
  const human = () =>
    fieldsText([
      ["Restriction", made.id],
      ["Reason", made.reason],
      ["In force since", shownTime(made.createdAt)],
      ["Until", made.until === null ? "somebody ends it" : shownTime(made.until)],
    ]);
  print(made, { json, human });
}

async function listRestrictions(_options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const page = await withSpinner("Reading restrictions", () =>
    api.list<Restriction>("/subjects/restrictions", { most: MOST_LISTED }),
  );
  print(page, { json, human: () => restrictionsText(page.data) });
}

async function unrestrictSubject(id: string, options: { yes?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  await confirm(`End ${id}? Tenants may look this person up again.`, { yes: options.yes === true });
  const path = `/subjects/restrictions/${encodeURIComponent(id)}`;
  const ended = await withSpinner("Telling every ledger", () => api.delete<Restriction>(path));
  print(ended, { json, human: () => `${ended.id} ended ${shownTime(ended.endedAt)}.` });
}

function restrictionsText(restrictions: readonly Restriction[]): string {
  return tableText(
    restrictions,
    [
      { title: "RESTRICTION", cell: ({ id }) => id },
      { title: "STATUS", cell: ({ status }) => status.replace("_", " ") },
      { title: "REASON", cell: ({ reason }) => reason, elastic: true },
      { title: "SINCE", cell: ({ createdAt }) => utcTime(createdAt) },
      { title: "UNTIL", cell: ({ until }) => utcTime(until) },
      { title: "ENDED", cell: ({ endedAt }) => utcTime(endedAt), optional: true },
      { title: "BY", cell: ({ createdBy }) => createdBy, elastic: true, optional: true },
    ],
    "No lookups are restricted.",
  );
}

/** Refuses what is not a CPF without repeating it: it may be one with a typo. */
async function readCpf(): Promise<Cpf> {
  const cpf = parseCpf(await readSecret("CPF"));
  if (!cpf.ok) throw usageError("That is no CPF: eleven digits with right check digits, or 000.000.000-00.");
  return cpf.value;
}
