import type { Command } from "commander";
import { assert } from "../../domain/assert.ts";
import type { AdminApi } from "../api/admin_api.ts";
import { untilAnswered } from "../api/until_answered.ts";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { print } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { shownCount, shownMany } from "./shown_values.ts";

type Step = { readonly ledgers: number; readonly events: number; readonly nextCursor: string | null };

type Restored = {
  readonly status: "not_needed" | "restoring" | "restored";
  readonly through: number;
  readonly lastSeq: number | null;
  readonly ownEvents: number | null;
  readonly nextCursor: string | null;
};

type Compared = {
  readonly findings: readonly Finding[];
  readonly months: number;
  readonly events: number;
  readonly nextCursor: string | null;
};

type Finding = {
  readonly code: keyof typeof FOUND;
  readonly period: string | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly what: string | null;
};

type Verdict = {
  readonly tenantId: string;
  readonly findings: readonly Finding[];
  readonly months: number;
  readonly events: number;
};

const FOUND = {
  not_ready: "the ledger does not serve",
  ledger_behind: "the ledger lacks events that are recorded",
  terms_differ: "the ledger has other terms than the register",
  events_missing: "events are missing",
  events_differ: "events differ from the ledger's",
  sums_differ: "the month's sums differ",
  usage_differs: "D1's usage of the day differs",
  month_not_recorded: "D1 has no row of the closed month",
  month_not_in_archive: "R2 has no closed.json of the month",
  month_differs: "D1 and R2 have the month closed differently",
  file_damaged: "a file is not what its manifest says",
} as const;

/** `ledger`: what is done when D1, R2 or an object has lost something. */
export function addLedgerCommands(program: Command): void {
  const ledger = addGroup(program, "ledger", "Compares ledgers, D1 and R2, and puts back what one of them lost.");
  withExamples(ledger, ["ledger verify --all", "ledger restore ten_0123456789abcdef0123", "ledger rebuild"]);
  withExamples(
    ledger
      .command("verify")
      .description("Compares ledger, D1 and R2: sequence, events, sums, closed months, terms. Changes nothing.")
      .argument("[tenant-id]")
      .option("--all", "every tenant, one after the other")
      .action(verify),
    ["ledger verify ten_0123456789abcdef0123", "ledger verify --all --json"],
  );
  withExamples(
    ledger
      .command("restore")
      .description(
        "Puts back the ledger of a tenant whose object was lost, or is back at an earlier point, from D1 and R2.",
      )
      .argument("<tenant-id>")
      .option("--stop", "also a ledger that serves: it is stopped first")
      .option("--yes", "do not ask")
      .action(restore),
    ["ledger restore ten_0123456789abcdef0123"],
  );
  withExamples(
    ledger
      .command("rebuild")
      .description("Writes to D1 again what the ledgers have of the months that are not closed. It can be repeated.")
      .action(rebuild),
    ["ledger rebuild", "ledger rebuild --json"],
  );
}

async function verify(tenantId: string | undefined, options: { all?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  if ((tenantId === undefined) !== (options.all === true)) throw usageError("Name a tenant, or say --all.");
  const verdicts = await withSpinner("Comparing ledgers, D1 and R2", async (report) => {
    const tenants =
      tenantId === undefined
        ? (await api.list<{ id: string }>("/tenants", { most: 1_000_000 })).data.map(({ id }) => id)
        : [tenantId];
    const done: Verdict[] = [];
    for (const id of tenants) {
      done.push(await compare(api, id, (events) => report(`${id}: ${shownMany(events, "event")}`)));
    }
    return done;
  });
  const findings = verdicts.reduce((sum, verdict) => sum + verdict.findings.length, 0);
  if (findings > 0) {
    const words = `${shownMany(findings, "finding")}; docs/recovery.md says what to do.`;
    throw new CtlError(EXIT.unwell, `${verdicts.map(findingsText).filter(Boolean).join("\n")}\n${words}`, {
      data: verdicts,
    });
  }
  const events = verdicts.reduce((sum, verdict) => sum + verdict.events, 0);
  print(
    { data: verdicts },
    {
      json,
      human: () =>
        `Ledger, D1 and R2 agree: ${shownMany(verdicts.length, "tenant")}, ${shownMany(events, "event")} in D1.`,
    },
  );
}

async function compare(api: AdminApi, tenantId: string, onEvents: (events: number) => void): Promise<Verdict> {
  const findings: Finding[] = [];
  const sum = { months: 0, events: 0 };
  for (let cursor: string | null | undefined; cursor !== null;) {
    const path = `/tenants/${encodeURIComponent(tenantId)}/ledger/verify`;
    const query = { cursor };
    const isBegun = cursor !== undefined;
    const step: Compared = await untilAnswered(() => api.get<Compared>(path, query), { isBegun });
    findings.push(...step.findings);
    sum.months += step.months;
    sum.events += step.events;
    onEvents(sum.events);
    cursor = step.nextCursor;
  }
  return { tenantId, findings, ...sum };
}

function findingsText({ tenantId, findings }: Verdict): string {
  return findings
    .map(({ code, period, first, last, what }) => {
      const events = first === null ? null : first === last ? `event ${first}` : `events ${first} to ${last}`;
      const details = [period, events, what].filter((detail) => detail !== null).join(", ");
      return `  ${tenantId}  ${code}: ${FOUND[code]}${details === "" ? "" : ` (${details})`}`;
    })
    .join("\n");
}

async function restore(
  tenantId: string,
  { stop = false, yes = false }: { stop?: boolean; yes?: boolean },
  command: Command,
): Promise<void> {
  const { api, json } = contextOf(command);
  const found = await withSpinner("Comparing ledger, D1 and R2", () => compare(api, tenantId, () => undefined));
  const question = [
    `Put the live ledger of ${tenantId} back from D1 and R2?`,
    found.findings.length === 0 ? "  Nothing was found that needs it." : findingsText(found),
    "  Lookups that D1 had not got before the loss are not on record: Claro's report shows them.",
    "  Idempotency keys of before the loss may be unknown: a request that is repeated is charged again.",
  ];
  await confirm(question.join("\n"), { yes });
  const path = `/tenants/${encodeURIComponent(tenantId)}/ledger/restore`;
  const done = await withSpinner("Putting the ledger back", async (report) => {
    let step = await api.post<Restored>(`${path}?stop=${stop}`);
    while (step.nextCursor !== null) {
      report(shownMany(step.through, "event"));
      const next = `${path}?cursor=${encodeURIComponent(step.nextCursor)}`;
      step = await untilAnswered(() => api.post<Restored>(next), { isBegun: true });
    }
    return step;
  });
  print(done, { json, human: () => restoredText(tenantId, done) });
}

function restoredText(tenantId: string, { status, through, lastSeq, ownEvents }: Restored): string {
  if (status === "not_needed") return "The ledger serves: there was nothing to put back.";
  assert(lastSeq !== null && ownEvents !== null, "a ledger that serves again does not say from where on");
  return (
    `The ledger serves again, from event ${lastSeq + 1} on: ${shownCount(through)} were recorded, ` +
    `${shownCount(ownEvents)} only the object had. Compare it: npm run ctl -- ledger verify ${tenantId}`
  );
}

async function rebuild(_options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const done = await withSpinner("Writing the ledgers' events to D1", async (report) => {
    const sum = { ledgers: 0, events: 0 };
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query: string = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const isBegun = cursor !== undefined;
      const step: Step = await untilAnswered(() => api.post<Step>(`/ledger/rebuild${query}`), { isBegun });
      sum.ledgers += step.ledgers;
      sum.events += step.events;
      cursor = step.nextCursor;
      report(`${shownMany(sum.events, "event")} of ${shownMany(sum.ledgers, "ledger")}`);
    }
    return sum;
  });
  print(done, {
    json,
    human: () => `In D1: ${shownMany(done.events, "event")} of ${shownMany(done.ledgers, "ledger")}.`,
  });
}
