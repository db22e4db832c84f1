import type { Command } from "commander";
import { formatMicros } from "../../domain/money.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import { contextOf, withExamples } from "../program.ts";
import { fieldsText, print } from "../terminal/output.ts";
import { shownCount, shownMany, shownTime } from "./shown_values.ts";

type Alarm = {
  readonly kind: "enumeration" | "spend" | "failed_logins";
  readonly tenantId: string | null;
  readonly since: string;
  readonly observed: number;
  readonly usual: number;
};

export type Health = {
  readonly gateway: {
    readonly version: string;
    readonly commit: string;
    readonly environment: string;
    readonly ledgerSchema: number;
    readonly deployedAt: string | null;
  };
  readonly claro: {
    readonly breaker: { state: string; since: string | null; openings: number } | null;
    readonly token: { ageSeconds: number | null; expiresAt: string | null; failures: number } | null;
  };
  readonly ledgers: {
    readonly behind: number;
    readonly oldestUnflushed: { tenantId: string; mode: string; occurredAt: string; ageSeconds: number } | null;
  };
  /** Missing in answers of earlier releases. */
  readonly archive?: { reachable: boolean };
  readonly database: { sizeBytes: number; limitBytes: number; state: string; schema?: string | null } | null;
  readonly reconciliations: {
    readonly months: readonly { period: string; id: string; unexplained: number }[];
    readonly lostAtEdges: number;
  } | null;
  readonly months: {
    readonly stuck: number;
    readonly oldest: readonly { tenantId: string; period: string; step: string; reason: string; retryAt: string }[];
  } | null;
  readonly alarms: readonly Alarm[] | null;
  readonly issuer: { readonly missing: readonly string[] };
  readonly operators: {
    readonly working: number;
    readonly everyAccessIdentityIsAdmin: boolean;
    readonly breakGlassUsedAt: string | null;
  } | null;
};

/** `health`: what is deployed where, whether Claro answers, how old its token is, how far D1 is behind. `tell` is told whether all is well. */
export function addHealthCommand(program: Command, tell: (isWell: boolean) => void): void {
  withExamples(
    program
      .command("health")
      .description(
        "Shows what is deployed, the state of Claro's breaker and token, and the oldest event that is not in D1 yet. Ends with 4 when " +
          "something is not well.",
      )
      .action(async (_options: unknown, command: Command) => tell(await showHealth(command))),
    ["health", "health --json", "health > /dev/null || page-somebody"],
  );
}

async function showHealth(command: Command): Promise<boolean> {
  const { api, json } = contextOf(command);
  const health = await api.get<Health>("/health").catch((error: unknown) => {
    throw error instanceof CtlError && isOurFault(error)
      ? new CtlError(EXIT.unwell, error.message, error.details)
      : error;
  });
  const problems = problemsOf(health);
  const human = () =>
    fieldsText([
      ["Gateway", api.url],
      ["Health", problems.length === 0 ? "well" : `NOT WELL: ${problems.join(", ")}`],
      ["Version", shownVersion(health.gateway)],
      ["Breaker", shownBreaker(health.claro.breaker)],
      ["Token", shownToken(health.claro.token)],
      ["D1", shownCopy(health.ledgers)],
      ["D1's size", shownSize(health.database)],
      ["D1's schema", health.database?.schema ?? "could not be asked"],
      ["Months", shownMonths(health.months)],
      ["Claro's reports", shownReconciliations(health.reconciliations)],
      ["Operators", shownOperators(health.operators)],
      ["Alarms", shownAlarms(health.alarms)],
      ["Issuer", shownIssuer(health.issuer)],
    ]);
  print(health, { json, human });
  return problems.length === 0;
}

/** A 5xx is a verdict too: the gateway is misconfigured, or cannot read its stores. */
function isOurFault({ details }: CtlError): boolean {
  return typeof details["status"] === "number" && details["status"] >= 500;
}

/** What somebody should look at. docs/operations.md says of each what to do. */
export const HEALTH_ALARMS: readonly { readonly says: string; readonly isRaised: (health: Health) => boolean }[] = [
  { says: "the breaker could not be asked", isRaised: ({ claro }) => claro.breaker === null },
  {
    says: "the breaker is not closed",
    isRaised: ({ claro }) => claro.breaker !== null && claro.breaker.state !== "closed",
  },
  { says: "the token could not be asked", isRaised: ({ claro }) => claro.token === null },
  { says: "Claro gives no new token", isRaised: ({ claro }) => (claro.token?.failures ?? 0) > 0 },
  {
    says: "D1 does not take every event",
    isRaised: ({ ledgers }) => ledgers.behind > 0 || ledgers.oldestUnflushed !== null,
  },
  { says: "D1 is nearly full", isRaised: ({ database }) => database?.state === "nearly_full" },
  { says: "R2 could not be asked", isRaised: ({ archive }) => archive?.reachable === false },
  { says: "a month does not close", isRaised: ({ months }) => (months?.stuck ?? 0) > 0 },
  {
    says: "a reconciliation leaves something unexplained",
    isRaised: ({ reconciliations }) => (reconciliations?.months.length ?? 0) > 0,
  },
  {
    says: "lookups at a month's edge are in no report",
    isRaised: ({ reconciliations }) => (reconciliations?.lostAtEdges ?? 0) > 0,
  },
  { says: "an alarm was raised", isRaised: ({ alarms }) => (alarms?.length ?? 0) > 0 },
];

export function problemsOf(health: Health): string[] {
  return HEALTH_ALARMS.filter(({ isRaised }) => isRaised(health)).map(({ says }) => says);
}

function shownVersion({ version, commit, environment, ledgerSchema, deployedAt }: Health["gateway"]): string {
  const since = deployedAt === null ? "" : `, since ${shownTime(deployedAt)}`;
  return `${version} (${commit}), ledger schema ${ledgerSchema}, environment ${environment}${since}`;
}

function shownBreaker(breaker: Health["claro"]["breaker"]): string {
  if (breaker === null) return "could not be asked; lookups pass";
  const { state, since, openings } = breaker;
  if (state === "closed") return "closed: lookups reach Claro";
  return `${state.replace("_", " ")} since ${shownTime(since)}, opened ${shownMany(openings, "time")}`;
}

function shownToken(token: Health["claro"]["token"]): string {
  if (token === null) return "could not be asked";
  const { ageSeconds, expiresAt, failures } = token;
  const failed = failures === 0 ? "" : `, ${shownMany(failures, "call")} for a new one failed`;
  if (ageSeconds === null) return `none: no live lookup has needed one yet${failed}`;
  return `${shownCount(ageSeconds)} s old, until ${shownTime(expiresAt)}${failed}`;
}

function shownOperators(operators: Health["operators"]): string {
  if (operators === null) return "could not be asked";
  const { working, everyAccessIdentityIsAdmin, breakGlassUsedAt } = operators;
  const open = everyAccessIdentityIsAdmin ? "; everyone whom Cloudflare Access lets through is an admin" : "";
  const used = breakGlassUsedAt === null ? "" : `; ADMIN_TOKEN was last used ${shownTime(breakGlassUsedAt)}`;
  return `${shownCount(working)}${open}${used}`;
}

function shownAlarms(alarms: Health["alarms"]): string {
  if (alarms === null) return "could not be asked";
  return alarms.length === 0 ? "none in the last 24 hours" : alarms.map(shownAlarm).join("; ");
}

function shownAlarm({ kind, tenantId, since, observed, usual }: Alarm): string {
  const who = tenantId ?? "the gateway";
  switch (kind) {
    case "enumeration":
      return `${who} looked up ${shownMany(observed, "person")} for the first time in the hour ${since} (usual: ${shownCount(usual)})`;
    case "spend":
      return `${who} spent BRL ${formatMicros(observed)} on ${since} (usual: ${formatMicros(usual)})`;
    case "failed_logins":
      return `${shownMany(observed, "failed login")} within ten minutes of ${since}`;
  }
}

function shownIssuer({ missing }: Health["issuer"]): string {
  return missing.length === 0 ? "told" : `unset: ${missing.join(", ")}`;
}

function shownCopy({ behind, oldestUnflushed: oldest }: Health["ledgers"]): string {
  if (oldest === null) return "takes every ledger's events";
  const { tenantId, mode, ageSeconds } = oldest;
  return `behind ${shownMany(behind, "ledger")}; the oldest event waits for ${shownCount(ageSeconds)} s (${tenantId}, ${mode})`;
}

function shownSize(database: Health["database"]): string {
  if (database === null) return "could not be asked";
  const { sizeBytes, limitBytes, state } = database;
  return `${(sizeBytes / 1e9).toFixed(2)} of ${(limitBytes / 1e9).toFixed(0)} GB: ${state.replace("_", " ")}`;
}

function shownReconciliations(reconciliations: Health["reconciliations"]): string {
  if (reconciliations === null) return "could not be asked";
  const { months, lostAtEdges } = reconciliations;
  const unexplained = months.map((month) => `${month.period}: ${shownCount(month.unexplained)} unexplained`);
  const lost = lostAtEdges === 0 ? [] : [`${shownCount(lostAtEdges)} at a month's edge in no report`];
  return [...unexplained, ...lost].join("; ") || "leave nothing unexplained";
}

function shownMonths(months: Health["months"]): string {
  if (months === null) return "could not be asked";
  if (months.stuck === 0) return "all that have ended are closed and archived in their turn";
  const lines = months.oldest.map(({ tenantId, period, step, reason, retryAt }) => {
    return `${tenantId} ${period}: ${step} ${reason}, again at ${shownTime(retryAt)}`;
  });
  return [`${shownMany(months.stuck, "is", "are")} stuck`, ...lines].join("; ");
}
