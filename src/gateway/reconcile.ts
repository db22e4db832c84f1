import type { ReportRow } from "../domain/claro_report.ts";
import type { ExportedEvent } from "../domain/event_row.ts";
import type { Failure } from "../domain/failure.ts";
import type { MeterEvent } from "../domain/meter_event.ts";
import { type Period, periodBounds } from "../domain/period.ts";
import { unitPriceMicros } from "../domain/pricing.ts";
import { type ReconciledEvent, Reconciler, type Reconciliation } from "../domain/reconciliation.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { eventPages } from "../platform/event_copy.ts";
import { linesOf } from "../platform/lines.ts";
import { logEvent } from "../platform/log.ts";
import { StoreError } from "../platform/outage.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { hasStatement, openPeriodEvents, whileReadable } from "./open_statement.ts";
import { manifestOf } from "./read_statement.ts";
import type { Actor } from "./tenants.ts";

const TENANTS_A_PAGE = 200;

/** With the customer ids of what Claro has more that several tenants share: whose it is cannot be told from the report. */
export type Reconciled = Reconciliation & { readonly sharedCustomerIds: readonly string[] };

type Compared = Pick<MeterEvent, "seq" | "id" | "occurredAtMs" | "kind" | "outcome" | "amountMicros" | "transactionId">;

/**
 * Compares a month with what Claro says that it charges, over all tenants, and keeps which `unknown`s Claro confirms.
 * Events do not change: what was possibly a cost becomes one, and the tenant is charged nothing for it.
 */
export async function reconcile(
  services: Services,
  actor: Actor,
  { period, rows, reportSha256 }: { period: Period; rows: readonly ReportRow[]; reportSha256: string },
): Promise<Result<Reconciled, Failure>> {
  if (periodBounds(period).startMs > services.clock.nowMs()) return fail({ code: "period_open" });
  return await whileReadable(async () => {
    const reconciler = new Reconciler();
    for (const row of rows) reconciler.addRow(row);
    const prices = new Map<string, number>();
    const shared = new Set<string>();
    for await (const { tenant, stored } of tenantsOf(services, period)) {
      const fed = await feedTenant(services, reconciler, { tenant, period, stored });
      if (!fed.ok) return fed;
      if (prices.has(tenant.customerId)) shared.add(tenant.customerId);
      else {
        prices.set(tenant.customerId, unitPriceMicros(tenant.plan.tiers, fed.value.billed + 1));
      }
    }
    const result = reconciler.finish((customerId) => prices.get(customerId) ?? 0);
    const { matched, delta, resolved } = result;
    const atMs = services.clock.nowMs();
    await services.reconciliations.insert(
      { period, reportSha256, atMs, matched, delta, resolved },
      {
        atMs,
        actor,
        action: "period.reconcile",
        target: period,
        before: null,
        after: { reportSha256, matched, delta, unknownResolved: resolved.length },
      },
    );
    logEvent(delta === 0 ? "info" : "warn", { event: "reconciled", period, matched, delta, resolved: resolved.length });
    const claros = new Set([...resolved, ...result.onlyClaro].map(({ customerId }) => customerId));
    return ok({ ...result, sharedCustomerIds: [...claros].filter((customerId) => shared.has(customerId)).toSorted() });
  });
}

type PeriodTenant = { readonly tenant: Tenant; readonly stored: StoredStatement | null };

/** Every tenant that has the month, with its statement where that is closed. */
async function* tenantsOf(services: Services, period: Period): AsyncGenerator<PeriodTenant, void, void> {
  for (let after: readonly [number, string] | null = null; ;) {
    const page: Tenant[] = await services.register.tenants({ after, limit: TENANTS_A_PAGE });
    const tenants = page.filter((tenant) => hasStatement(tenant, period, services.clock.nowMs()));
    const closed = await services.statements.ofTenants(
      period,
      tenants.map(({ id }) => id),
    );
    for (const tenant of tenants) yield { tenant, stored: closed.get(tenant.id) ?? null };
    const last = page.at(-1);
    if (last === undefined || page.length < TENANTS_A_PAGE) return;
    after = [last.createdAtMs, last.id];
  }
}

async function feedTenant(
  services: Services,
  reconciler: Reconciler,
  { tenant, period, stored }: PeriodTenant & { period: Period },
): Promise<Result<{ billed: number }, Failure>> {
  const { id: tenantId, customerId } = tenant;
  const events = await eventsOf(services, { tenantId, period, stored });
  if (!events.ok) return events;
  let earlier: Map<number, { transactionId: string | null }> | null = null;
  let billed = 0;
  for await (const page of events.value) {
    for (const event of page) {
      if (event.kind !== "lookup" || event.outcome === null) continue;
      if (event.outcome === "delivered") billed += 1;
      if (event.outcome === "unknown") earlier ??= await services.reconciliations.resolved(tenantId, period);
      const { seq, id, occurredAtMs, outcome, amountMicros, transactionId } = event;
      const compared: ReconciledEvent = {
        tenantId,
        customerId,
        seq,
        id,
        occurredAtMs,
        outcome,
        amountMicros,
        transactionId,
      };
      reconciler.addEvent(compared, outcome === "unknown" ? earlier?.get(seq) : undefined);
    }
  }
  return ok({ billed });
}

/** A month's events from where they are: its archive when they have left D1, else D1, brought up to date while open. */
async function eventsOf(
  services: Services,
  { tenantId, period, stored }: { tenantId: string; period: Period; stored: StoredStatement | null },
): Promise<Result<AsyncIterable<readonly Compared[]>, Failure>> {
  if (stored === null) {
    const open = await openPeriodEvents(services, tenantId, period);
    return open.ok ? ok(open.value.pages) : open;
  }
  if (manifestOf(stored).seq.count === 0) return ok(noEvents());
  if (stored.isArchived) return ok(archivedEvents(services, stored));
  const range = { first: stored.firstSeq, last: stored.lastSeq };
  return ok(eventPages(services.db, { tenantId, mode: "live" }, range));
}

async function* archivedEvents(services: Services, stored: StoredStatement): AsyncGenerator<Compared[], void, void> {
  const body = await services.archive.read(stored.prefix, "events.jsonl");
  if (body === null) throw new StoreError("a file of a closed statement is not in R2");
  for await (const line of linesOf(body)) {
    const { occurredAt, ...event } = JSON.parse(line) as ExportedEvent;
    yield [{ ...event, occurredAtMs: Date.parse(occurredAt) }];
  }
}

async function* noEvents(): AsyncGenerator<Compared[], void, void> {
  // A month without an event has nothing to compare.
}
