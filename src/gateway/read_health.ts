import type { TokenStatus } from "../platform/claro/access_token.ts";
import type { BreakerStatus } from "../platform/claro/claro_breaker.ts";
import type { BacklogReport } from "../platform/ledger/backlog_reports.ts";
import type { RaisedAlarm } from "../platform/alarms.ts";
import { databaseSchema, databaseSize, type DatabaseSize } from "../platform/database_size.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { UnexplainedMonth } from "../platform/reconciliation_records.ts";
import type { OperatorsStatus } from "../platform/operators.ts";
import { unlessDown } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";
import type { StatementProblem } from "../platform/statement_records.ts";

export type Health = {
  readonly breaker: BreakerStatus | null;
  readonly token: TokenStatus | null;
  /** Ledgers that said that D1 does not take their events. */
  readonly ledgersBehind: number;
  /** Null when D1 could not be asked. */
  readonly operators: OperatorsStatus | null;
  /** The oldest event that is not in D1, of those ledgers. */
  readonly oldestUnflushed: BacklogReport | null;
  /** What waits in the ledgers that were asked. */
  readonly uncopiedEvents: number;
  /** Null when D1 could not be asked. */
  readonly database: DatabaseSize | null;
  /** The last migration that D1 has; null when D1 could not be asked. */
  readonly databaseSchema: string | null;
  /** Whether R2 answers. */
  readonly isArchiveThere: boolean;
  /** What comparisons with Claro's reports leave unexplained; null when D1 could not be asked. */
  readonly reconciliations: {
    readonly months: readonly UnexplainedMonth[];
    readonly lostAtEdges: number;
  } | null;
  /** Months that cannot be closed or archived; null when D1 could not be asked. */
  readonly months: { readonly stuck: number; readonly oldest: readonly StatementProblem[] } | null;
  /** Tenants whose register was put above their ledger lately, because D1 had been restored; null when D1 is away. */
  readonly lifted: readonly { readonly id: string; readonly liftedAtMs: number }[] | null;
  /** What was far from the usual in the last day, the newest first; null when D1 is away. */
  readonly alarms: readonly RaisedAlarm[] | null;
  /** Settings that documents need to say who bills, and that nobody has set. */
  readonly issuerMissing: readonly string[];
  /** Calls that wait in D1 until their ledger takes them; null when D1 is away. */
  readonly strayCalls: number | null;
};

/** A restored register is shown for as long as it takes to look at what it lost. */
const LIFTED_SHOWN_MS = 30 * 86_400_000;

/** As many ledgers as are asked, however many are behind: those that were behind first. */
const LEDGERS_ASKED = 10;
const PROBLEMS_SHOWN = 10;
const ALARMS_SHOWN_MS = 86_400_000;
const ALARMS_SHOWN = 20;
/** Three years of them. */
const MONTHS_SHOWN = 36;

/** The state of what the gateway leans on, in a bounded number of calls. Null is what could not be asked. */
export async function readHealth(services: Services): Promise<Health> {
  const { register, strayCalls: stray, clock } = services;
  const [
    breaker,
    token,
    reports,
    operators,
    database,
    schema,
    problems,
    reconciliations,
    lifted,
    strayCalls,
    alarms,
    archive,
  ] = await Promise.all([
    services.gate.status(),
    services.tokens.status("live"),
    services.backlog.reports(),
    unlessDown(() => services.operators.status(clock.nowMs())),
    unlessDown(() => databaseSize(services.db)),
    unlessDown(() => databaseSchema(services.db)),
    unlessDown(() => services.statements.problems(PROBLEMS_SHOWN)),
    unlessDown(() => services.reconciliations.alarms(MONTHS_SHOWN)),
    unlessDown(() => register.lifted(clock.nowMs() - LIFTED_SHOWN_MS)),
    unlessDown(() => stray.count()),
    unlessDown(() => services.alarms.since(clock.nowMs() - ALARMS_SHOWN_MS, ALARMS_SHOWN)),
    unlessDown(() => services.archive.probe()),
  ]);
  const asked = await Promise.all(reports.slice(0, LEDGERS_ASKED).map((report) => asItIsNow(services, report)));
  const behind = asked.filter((report) => report !== null);
  const oldest = behind.toSorted((left, right) => left.oldestUnflushedAtMs - right.oldestUnflushedAtMs)[0] ?? null;
  const recovered = asked.length - behind.length;
  const months = problems && { stuck: problems.count, oldest: problems.oldest };
  const ledgersBehind = reports.length - recovered;
  const isArchiveThere = archive !== null;
  const stores = {
    isArchiveThere,
    database,
    databaseSchema: schema,
    months,
    reconciliations,
    lifted,
    strayCalls,
    alarms,
  };
  const uncopiedEvents = behind.reduce((sum, ledger) => sum + ledger.uncopiedEvents, 0);
  const issuerMissing = missingOf(services.settings.issuer);
  const copies = { ledgersBehind, oldestUnflushed: oldest, uncopiedEvents };
  return { breaker, token, operators, issuerMissing, ...copies, ...stores };
}

function missingOf({ legalName, document, address }: Services["settings"]["issuer"]): string[] {
  const values = { ISSUER_LEGAL_NAME: legalName, ISSUER_DOCUMENT: document, ISSUER_ADDRESS: address };
  return Object.entries(values).flatMap(([name, value]) => (value === null ? [name] : []));
}

type Backlog = BacklogReport & { readonly uncopiedEvents: number };

/** A report may be older than the ledger's recovery. */
async function asItIsNow(services: Services, report: BacklogReport): Promise<Backlog | null> {
  const status = await callLedger(services.ledgers, report, (ledger) => ledger.status());
  if (!status.ok) return { ...report, uncopiedEvents: 0 };
  const { oldestUnflushedAtMs, isFailing, lastSeq, flushedThrough } = status.value;
  if (oldestUnflushedAtMs === null || !isFailing) return null;
  return { ...report, oldestUnflushedAtMs, uncopiedEvents: lastSeq - flushedThrough };
}
