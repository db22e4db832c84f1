import type { ExportContext } from "../domain/export/exported_event.ts";
import type { Failure } from "../domain/failure.ts";
import type { MeterEvent } from "../domain/meter_event.ts";
import { type Period, periodBounds, periodOf, previousPeriod } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { type BilledPlan, carriedOut, type Manifest } from "../domain/statement.ts";
import type { CarriedCredit } from "../domain/statement_totals.ts";
import type { SeqRange } from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import { isOutage } from "../platform/outage.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { ledgerEvents } from "./ledger_events.ts";

/** A flush sends what waits, which can be a whole hour of lookups. */
export const FLUSH_TIMEOUT_MS = 30_000;

/** A period's live events as they are now, to be read once from first to last. */
export type PeriodEvents = {
  readonly tenant: Tenant;
  /** An empty one has `last` one below `first`. */
  readonly range: SeqRange;
  readonly pages: AsyncGenerator<MeterEvent[], void, void>;
  readonly context: ExportContext;
};

/**
 * A period that is not closed, with every lookup answered before this call: the ledger brings D1 up to date first. The
 * first page is read here, so that D1 being down is an answer instead of a broken stream.
 */
export async function openPeriodEvents(
  services: Services,
  tenantId: string,
  period: Period,
): Promise<Result<PeriodEvents, Failure>> {
  return await whileReadable(async () => {
    const tenant = await services.register.tenant(tenantId);
    if (tenant === null || !hasStatement(tenant, period, services.clock.nowMs())) return fail({ code: "not_found" });
    const carriedIn = await carriedInto(services, tenant, period);
    const context = await exportContext(services, { tenant, period, status: "open", carriedIn });
    const range = await flushedRange(services, tenantId, period);
    if (!range.ok) return range;
    const pages = ledgerEvents(services, { tenantId, mode: "live" }, range.value);
    return ok({ tenant, range: range.value, pages: await withFirstRead(pages), context });
  });
}

/** The terms that a manifest names. */
export function billedPlan({ plan, version }: Tenant): BilledPlan {
  return { name: plan.name, version, tiers: plan.tiers };
}

/** Whether a tenant has a statement of a period: from the month of its making to the month that runs. */
export function hasStatement(tenant: Tenant, period: Period, nowMs: number): boolean {
  return period >= periodOf(tenant.createdAtMs) && periodBounds(period).startMs <= nowMs;
}

/** What the month before could not give back; null where it is open or had nothing to carry. */
async function carriedInto(services: Services, { id }: Tenant, period: Period): Promise<CarriedCredit | null> {
  const previous = await services.statements.statement(id, previousPeriod(period));
  return previous === null ? null : carriedOut(JSON.parse(previous.manifest) as Manifest);
}

/** What all files of a period share. */
export async function exportContext(
  services: Services,
  about: Pick<ExportContext, "period" | "status" | "carriedIn"> & { readonly tenant: Tenant },
): Promise<ExportContext> {
  const { tenant, period, status, carriedIn } = about;
  const keys = await services.register.keysOfTenant(tenant.id);
  const labelled = keys.flatMap(({ id, label }) => (label === null ? [] : [[id, label] as const]));
  return {
    period,
    tenantId: tenant.id,
    tenant: { name: tenant.name, legalName: null, document: tenant.document, address: null },
    issuer: services.settings.issuer,
    keyLabels: new Map(labelled),
    carriedIn,
    status,
    issuedAtMs: services.clock.nowMs(),
  };
}

/** Brings D1 up to date and gives the period's seq range there. */
async function flushedRange(services: Services, tenantId: string, period: Period): Promise<Result<SeqRange, Failure>> {
  const ledger = { tenantId, mode: "live" } as const;
  const flushed = await callLedger(services.ledgers, ledger, (stub) => stub.flush(), { timeoutMs: FLUSH_TIMEOUT_MS });
  if (!flushed.ok) return unavailable();
  if (flushed.value.kind === "failed") return unavailable();
  const range = await callLedger(services.ledgers, ledger, (stub) => stub.seqRange(period));
  if (!range.ok) return unavailable();
  const { flushedThrough } = flushed.value;
  if (range.value === null || range.value.first > flushedThrough) {
    return ok({ first: flushedThrough + 1, last: flushedThrough });
  }
  return ok({ first: range.value.first, last: Math.min(range.value.last, flushedThrough) });
}

/** What D1 or R2 throws when it cannot be asked, as a failure that can be tried again. A mistake of ours stays one. */
export async function whileReadable<Value>(
  work: () => Promise<Result<Value, Failure>>,
): Promise<Result<Value, Failure>> {
  try {
    return await work();
  } catch (error) {
    if (!isOutage(error)) throw error;
    logEvent("warn", { event: "statement_unavailable", error: messageOf(error) });
    return unavailable();
  }
}

function unavailable(): Result<never, Failure> {
  return fail({ code: "statement_unavailable", retryAfterSeconds: 5 });
}

async function withFirstRead<Page>(pages: AsyncGenerator<Page, void, void>): Promise<AsyncGenerator<Page, void, void>> {
  const first = await pages.next();
  return (async function* () {
    try {
      if (first.done !== true) yield first.value;
      yield* pages;
    } finally {
      await pages.return();
    }
  })();
}
