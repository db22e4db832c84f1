import { assertPresent } from "../domain/assert.ts";
import type { ReportRow } from "../domain/claro_report.ts";
import type { Failure } from "../domain/failure.ts";
import { nextPeriod, type Period, periodBounds, previousPeriod } from "../domain/period.ts";
import { type EdgeLookup, partOf, Reconciler, type Reconciliation } from "../domain/reconciliation.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { RunState } from "../platform/reconciliation_files.ts";
import type { EdgeRecord, ReconciliationRun } from "../platform/reconciliation_records.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { comparedEvents, type Neighbours } from "./compared_events.ts";
import { LaterEvents } from "./later_events.ts";
import { hasStatement } from "./open_statement.ts";
import type { Actor } from "./tenants.ts";

/** A report up to so many lines is compared in the call that brings it, when its tenants are not too many. */
const LINES_IN_A_CALL = 250_000;
/** Rows that a part holds at most; an isolate holds a part. With 250,000 it reached 124 MiB of the 128 that it may have. */
export const ROWS_A_PART = 80_000;
/** Rows of a report that are kept in memory before they are written. */
const ROWS_A_FILE = 20_000;
/** Of a report that does not say how long it is. */
const PARTS_OF_UNKNOWN_LENGTH = 12;
/** What a line of a report has at least, for guessing how many parts it will take. */
const BYTES_A_LINE = 60;

const TENANTS_A_PAGE = 100;
/** A tenant's month and its neighbours: at most three reads of R2, D1 or a ledger each. */
const CALLS_A_TENANT = 9;
/** The files of its rows and of its events. */
const CALLS_A_PART = 100;

/** What one step may use up. */
type Budget = { calls: number; readonly endsAtMs: number };
const BY_CALL = { calls: 6000, timeMs: 60_000 };
const BY_CRON = { calls: 1500, timeMs: 20_000 };

const WAITING_A_RUN = 10;

/** Takes a report's rows as they come. */
export class ReportReceiver {
  readonly #services: Services;
  readonly id = `rec_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
  readonly parts: number;
  #buffers: ReportRow[][];
  #buffered = 0;
  #files = 0;
  #lines = 0;

  /** `bytes` is how long the report says that it is; null when it does not. */
  constructor(services: Services, bytes: number | null) {
    this.#services = services;
    this.parts = bytes === null ? PARTS_OF_UNKNOWN_LENGTH : Math.max(Math.ceil(bytes / BYTES_A_LINE / ROWS_A_PART), 1);
    this.#buffers = Array.from({ length: this.parts }, () => []);
  }

  get lines(): number {
    return this.#lines;
  }

  /** A promise where it has to wait for R2. */
  add(row: ReportRow): Promise<void> | void {
    this.#lines += 1;
    if (!row.isCharged) return;
    const buffer = this.#buffers[partOf(row.transactionId, this.parts)];
    assertPresent(buffer, "a row is of no part of its report").push(row);
    this.#buffered += 1;
    if (this.#buffered >= ROWS_A_FILE) return this.#write();
  }

  async finish(): Promise<void> {
    await this.#write();
  }

  /** Forgets a report that was refused. */
  async drop(): Promise<void> {
    if (this.#files > 0) await this.#services.reconciliationFiles.forgetWork(this.id);
  }

  async #write(): Promise<void> {
    const buffers = this.#buffers;
    this.#buffers = buffers.map(() => []);
    this.#buffered = 0;
    this.#files += 1;
    for (const [part, rows] of buffers.entries()) {
      if (rows.length > 0)
        await this.#services.reconciliationFiles.writeRows(this.id, { part, number: this.#files }, rows);
    }
  }
}

/**
 * Compares a month with what Claro says that it charges, over all tenants, and keeps which `unknown`s Claro confirms.
 * Events do not change: what was possibly a cost becomes one, and the tenant is charged nothing for it. A long report, or
 * one over many tenants, is worked through step by step, by calls and by the cron.
 */
export async function startReconciliation(
  services: Services,
  actor: Actor,
  { period, report, reportSha256 }: { period: Period; report: ReportReceiver; reportSha256: string },
): Promise<Result<ReconciliationRun, Failure>> {
  if (periodBounds(period).startMs > services.clock.nowMs()) {
    await report.drop();
    return fail({ code: "period_open" });
  }
  await report.finish();
  const { id, lines, parts } = report;
  const startedAtMs = services.clock.nowMs();
  await services.reconciliationFiles.begin(id, parts);
  const { closed, remaining } = await services.statements.progress(period, periodBounds(period).endMs);
  const steps = (closed + remaining) * parts;
  await services.reconciliations.insert(
    { id, period, reportSha256, actor, lines, startedAtMs, steps },
    {
      atMs: startedAtMs,
      actor,
      action: "period.reconcile",
      target: period,
      before: null,
      after: { id, reportSha256, lines },
    },
  );
  if (lines > LINES_IN_A_CALL) return await runOf(services, id);
  return await continueReconciliation(services, id);
}

/** Does a step of a comparison, and gives where it stands then. One that has ended stays as it is. */
export async function continueReconciliation(
  services: Services,
  id: string,
  most: { calls: number; timeMs: number } = BY_CALL,
): Promise<Result<ReconciliationRun, Failure>> {
  const run = await services.reconciliations.run(id);
  if (run === null) return fail({ code: "not_found" });
  if (run.finishedAtMs === null) await step(services, run, { calls: most.calls, endsAtMs: Date.now() + most.timeMs });
  return await runOf(services, id);
}

/** What the cron does for comparisons: it goes on with those that nobody has ended, and one that fails stops no other. */
export async function continueReconciliations(services: Services): Promise<void> {
  const endsAtMs = Date.now() + BY_CRON.timeMs;
  for (const { id } of await services.reconciliations.waiting(WAITING_A_RUN)) {
    if (Date.now() >= endsAtMs) return;
    try {
      const run = await continueReconciliation(services, id, { ...BY_CRON, timeMs: endsAtMs - Date.now() });
      logEvent("info", { event: "reconciliation_continued", id, done: run.ok ? run.value.done : null });
    } catch (error) {
      logEvent("warn", { event: "reconciliation_not_continued", id, error: messageOf(error) });
    }
  }
}

async function runOf(services: Services, id: string): Promise<Result<ReconciliationRun, Failure>> {
  const run = await services.reconciliations.run(id);
  return run === null ? fail({ code: "not_found" }) : ok(run);
}

async function step(services: Services, run: ReconciliationRun, budget: Budget): Promise<void> {
  const held = await services.reconciliationFiles.readState(run.id);
  if (held === null) return await services.reconciliations.fail(run.id, "its work is lost", services.clock.nowMs());
  const { period } = run;
  const neighbours: Neighbours = {
    isPreviousReconciled: await services.reconciliations.isReconciled(previousPeriod(period)),
    isNextReconciled: await services.reconciliations.isReconciled(nextPeriod(period)),
  };
  const reconciler = Reconciler.restore(held.state.reconciler);
  const customers = new Map(Object.entries(held.state.customers));
  const { parts, eventFiles } = held.state;
  const later = eventFiles === undefined ? null : new LaterEvents(services.reconciliationFiles, run.id, eventFiles);
  let { part, after } = held.state;
  let done = run.done;
  // One that died while it wrote its result has no part left.
  let isOver = part >= parts;
  while (!isOver && budget.calls > 0 && Date.now() < budget.endsAtMs) {
    if (after === null) {
      for await (const rows of services.reconciliationFiles.rowsOf(run.id, part)) {
        for (const row of rows) reconciler.addRow(row);
      }
    }
    if (part > 0 && later !== null) {
      for await (const events of later.eventsOf(part)) {
        for (const { event, told } of events) reconciler.addEvent(event, told);
      }
      reconciler.endPart();
      budget.calls -= CALLS_A_PART;
      done += run.steps / parts;
      part += 1;
      isOver = part >= parts;
      continue;
    }
    const page: Tenant[] = await services.register.tenants({ after, limit: TENANTS_A_PAGE });
    budget.calls -= 1;
    after ??= [0, ""];
    for (const tenant of page) {
      if (budget.calls <= 0 || Date.now() >= budget.endsAtMs) break;
      const isNew = part === 0 && hasStatement(tenant, period, services.clock.nowMs());
      if (isNew) customers.set(tenant.customerId, (customers.get(tenant.customerId) ?? 0) + 1);
      budget.calls -= CALLS_A_TENANT;
      await feedTenant(services, { reconciler, later }, { tenant, period, neighbours, part, parts });
      after = [tenant.createdAtMs, tenant.id];
      done += 1;
    }
    if (page.length < TENANTS_A_PAGE && (page.length === 0 || after[1] === page.at(-1)?.id)) {
      reconciler.endPart();
      [part, after] = [part + 1, null];
      isOver = part >= parts;
    }
  }
  const state: RunState = {
    part,
    parts,
    after,
    customers: Object.fromEntries(customers),
    reconciler: reconciler.save(),
    ...(later === null ? {} : { eventFiles: await later.finish() }),
  };
  // Whoever else has gone on with it meanwhile has done what this step did.
  if ((await services.reconciliationFiles.writeState(run.id, state, held.etag)) === null) return;
  if (isOver) await finish(services, run, { reconciler, customers });
  else await services.reconciliations.setProgress(run.id, done);
}

type Fed = {
  readonly tenant: Tenant;
  readonly period: Period;
  readonly neighbours: Neighbours;
  readonly part: number;
  readonly parts: number;
};

async function feedTenant(
  services: Services,
  { reconciler, later }: { reconciler: Reconciler; later: LaterEvents | null },
  fed: Fed,
): Promise<void> {
  const { tenant, period, neighbours, part, parts } = fed;
  const earlier = new Map<Period, Map<number, { transactionId: string | null }>>();
  for await (const event of comparedEvents(services, tenant, { period, neighbours })) {
    let told: { transactionId: string | null } | undefined;
    if (event.outcome === "unknown") {
      if (!earlier.has(event.period)) {
        earlier.set(event.period, await services.reconciliations.resolved(tenant.id, event.period));
      }
      told = earlier.get(event.period)?.get(event.seq);
    }
    const eventPart = partOf(event.transactionId ?? told?.transactionId ?? null, parts);
    if (eventPart === part) reconciler.addEvent(event, told);
    else if (later !== null) {
      const written = later.add(eventPart, told === undefined ? { event } : { event, told });
      if (written !== undefined) await written;
    }
  }
}

async function finish(
  services: Services,
  run: ReconciliationRun,
  { reconciler, customers }: { reconciler: Reconciler; customers: ReadonlyMap<string, number> },
): Promise<void> {
  const { id, period } = run;
  const prices = await services.upstreamPrices.of(period);
  const result = reconciler.finish(prices?.tiers ?? null);
  const pages = await services.reconciliationFiles.writePages(id, result);
  const { matched, deltaQuantity, deltaCostMicros, unitCostMicros, unexplained, resolved } = result;
  await services.reconciliationFiles.writeResult(id, {
    matched,
    unknownResolved: resolved.length,
    sharedCustomerIds: sharedIds(result, customers),
    deltaQuantity,
    deltaCostMicros,
    unitCostMicros,
    unexplained,
    pages,
  });
  const edges = result.edges.map((edge) => edgeRecord(edge, period));
  await services.reconciliations.finish(id, { resolved, edges, unexplained }, services.clock.nowMs());
  const level = unexplained === 0 ? "info" : "warn";
  logEvent(level, { event: "reconciled", id, period, matched, deltaQuantity, unexplained, resolved: resolved.length });
  try {
    await services.reconciliationFiles.forgetWork(id);
  } catch (error) {
    logEvent("warn", { event: "reconciliation_work_kept", id, error: messageOf(error) });
  }
}

/** Customer ids of what Claro has more that several tenants share: whose it is cannot be told from the report. */
function sharedIds({ resolved, onlyClaro }: Reconciliation, customers: ReadonlyMap<string, number>): string[] {
  const claros = new Set([...resolved, ...onlyClaro].map(({ customerId }) => customerId));
  return [...claros].filter((customerId) => (customers.get(customerId) ?? 0) > 1).toSorted();
}

/** In whose report it may be instead: the month's that is nearer. */
function edgeRecord({ tenantId, period, seq, id, occurredAtMs, isMatched }: EdgeLookup, reported: Period): EdgeRecord {
  const { startMs, endMs } = periodBounds(period);
  const neighbour = occurredAtMs - startMs < endMs - occurredAtMs ? previousPeriod(period) : nextPeriod(period);
  return { tenantId, period, seq, neighbour, lookupId: id, matchedIn: isMatched ? reported : null };
}
