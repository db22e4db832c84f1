import { CLOCKS_DIFFER_MS } from "../domain/claro_report.ts";
import type { ExportedEvent } from "../domain/event_row.ts";
import type { MeterEvent } from "../domain/meter_event.ts";
import { nextPeriod, type Period, periodBounds, previousPeriod } from "../domain/period.ts";
import { RECORDED_LATE_MS } from "../domain/plausible_unknowns.ts";
import type { ReconciledEvent } from "../domain/reconciliation.ts";
import { linesOf } from "../platform/lines.ts";
import { StoreError } from "../platform/outage.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { readEventsFile, signedEventsFile } from "./archived_events.ts";
import { hasStatement, openPeriodEvents } from "./open_statement.ts";
import { closedStatement, manifestOf } from "./read_statement.ts";

/** Of a file whose end is wanted, as much as is read first. */
const TAIL_BYTES = 1024 * 1024;

type Compared = Pick<
  MeterEvent,
  "seq" | "id" | "occurredAtMs" | "kind" | "outcome" | "amountMicros" | "transactionId"
> & {
  readonly customerId?: string | null;
};

/** What is known of the months on both sides of the one that is compared. */
export type Neighbours = { readonly isPreviousReconciled: boolean; readonly isNextReconciled: boolean };

/**
 * A tenant's lookups that a month's report may name: the month's, and those of the minutes before and after it, for Claro's
 * clock is not ours. An intent of the last seconds ends as an `unknown` of the next month, so these come from longer after.
 */
export async function* comparedEvents(
  services: Services,
  tenant: Tenant,
  { period, neighbours }: { period: Period; neighbours: Neighbours },
): AsyncGenerator<ReconciledEvent, void, void> {
  const { startMs, endMs } = periodBounds(period);
  let elsewhere: Set<number> | null = null;
  for await (const event of eventsOf(services, tenant, period)) {
    const isNearStart = event.occurredAtMs < startMs + CLOCKS_DIFFER_MS;
    const isNearEnd = event.occurredAtMs >= endMs - CLOCKS_DIFFER_MS;
    let place: ReconciledEvent["place"] = "within";
    if (isNearStart || isNearEnd) {
      elsewhere ??= await services.reconciliations.matchedElsewhere(tenant.id, period);
      const isDecided = isNearStart ? neighbours.isPreviousReconciled : neighbours.isNextReconciled;
      place = elsewhere.has(event.seq) ? "neighbours" : isDecided ? "within" : "edge";
    }
    const compared = toReconciled(event, tenant, { period, place });
    if (compared !== null) yield compared;
  }
  yield* eventsBefore(services, tenant, previousPeriod(period));
  yield* eventsAfter(services, tenant, nextPeriod(period));
}

/** A month's events from where they are: a closed one's in R2, an open one's in D1 and the ledger. */
async function* eventsOf(services: Services, tenant: Tenant, period: Period): AsyncGenerator<Compared, void, void> {
  if (!hasStatement(tenant, period, services.clock.nowMs())) return;
  const stored = await storedMonth(services, tenant.id, period);
  if (stored !== null) {
    if (manifestOf(stored).seq.count > 0) yield* archivedEvents(services, stored, null);
    return;
  }
  const open = await openPeriodEvents(services, tenant.id, period);
  if (!open.ok) throw new StoreError("an open month cannot be read now");
  for await (const page of open.value.pages) yield* page;
}

async function storedMonth(services: Services, tenantId: string, period: Period): Promise<StoredStatement | null> {
  const stored = await closedStatement(services, tenantId, period);
  if (!stored.ok) throw new StoreError("whether a month is closed cannot be read now");
  return stored.value;
}

async function* eventsAfter(services: Services, tenant: Tenant, period: Period): AsyncGenerator<ReconciledEvent, void> {
  const { startMs } = periodBounds(period);
  for await (const event of eventsOf(services, tenant, period)) {
    if (event.occurredAtMs >= startMs + RECORDED_LATE_MS) return;
    if (event.outcome !== "unknown" && event.occurredAtMs >= startMs + CLOCKS_DIFFER_MS) continue;
    const compared = toReconciled(event, tenant, { period, place: "neighbours" });
    if (compared !== null) yield compared;
  }
}

async function* eventsBefore(
  services: Services,
  tenant: Tenant,
  period: Period,
): AsyncGenerator<ReconciledEvent, void> {
  if (!hasStatement(tenant, period, services.clock.nowMs())) return;
  const fromMs = periodBounds(period).endMs - CLOCKS_DIFFER_MS;
  const stored = await storedMonth(services, tenant.id, period);
  const events = stored === null ? eventsOf(services, tenant, period) : tailOf(services, stored, fromMs);
  for await (const event of events) {
    if (event.occurredAtMs < fromMs || event.outcome === "unknown") continue;
    const compared = toReconciled(event, tenant, { period, place: "neighbours" });
    if (compared !== null) yield compared;
  }
}

/** The last events of an archived month, back to an instant at least. */
async function* tailOf(
  services: Services,
  stored: StoredStatement,
  fromMs: number,
): AsyncGenerator<Compared, void, void> {
  if (manifestOf(stored).seq.count === 0) return;
  const size = signedEventsFile(stored).bytes;
  for (let length = TAIL_BYTES; ; length *= 8) {
    const offset = Math.max(size - length, 0);
    const events: Compared[] = [];
    for await (const event of archivedEvents(services, stored, offset)) events.push(event);
    if (offset > 0 && (events[0]?.occurredAtMs ?? Number.POSITIVE_INFINITY) >= fromMs) continue;
    yield* events;
    return;
  }
}

/** From an offset on the first line is half a line, and left out. */
async function* archivedEvents(
  services: Services,
  stored: StoredStatement,
  offset: number | null,
): AsyncGenerator<Compared, void, void> {
  const range = offset === null || offset === 0 ? undefined : { offset };
  const body = await readEventsFile(services, stored.prefix, range);
  let isHalf = range !== undefined;
  for await (const line of linesOf(body)) {
    if (!isHalf) yield toCompared(JSON.parse(line) as ExportedEvent);
    isHalf = false;
  }
}

// Months closed before events had a customer id of their own have none: then the tenant's counts.
function toCompared({ occurredAt, ...event }: ExportedEvent): Compared {
  return { ...event, occurredAtMs: Date.parse(occurredAt) };
}

function toReconciled(
  event: Compared,
  tenant: Tenant,
  { period, place }: Pick<ReconciledEvent, "period" | "place">,
): ReconciledEvent | null {
  const { seq, id, occurredAtMs, outcome, amountMicros, transactionId, kind } = event;
  if (kind !== "lookup" || outcome === null) return null;
  const customerId = event.customerId ?? tenant.customerId;
  return {
    tenantId: tenant.id,
    customerId,
    period,
    seq,
    id,
    occurredAtMs,
    outcome,
    amountMicros,
    transactionId,
    place,
  };
}
