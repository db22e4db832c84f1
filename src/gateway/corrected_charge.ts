import type { ExportedEvent } from "../domain/event_row.ts";
import { EVENTS_FILE } from "../domain/export/export_files.ts";
import { parsePeriod, type Period, periodOf, previousPeriod } from "../domain/period.ts";
import { withdrawalId } from "../domain/ledger/withdrawal_id.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { linesOf } from "../platform/lines.ts";
import { StoreError } from "../platform/outage.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { FLUSH_TIMEOUT_MS, hasStatement } from "./open_statement.ts";

/** What an adjustment corrects, as it was charged, in micros. */
export type CorrectedCharge = {
  /** Null where it is all that the tenant was ever charged. */
  readonly period: Period | null;
  readonly chargedMicros: number;
  /** What the month came to; the same where it is the month that is corrected. */
  readonly periodMicros: number;
};

/** A month is looked for in the archive from the newest back, so many at most. */
const MOST_MONTHS = 36;

/** The charge that `corrects` names, a lookup's or a month's, if it is there and the tenant's; null if not. */
export async function correctedCharge(
  services: Services,
  tenant: Tenant,
  corrects: string | null,
): Promise<CorrectedCharge | null> {
  const nowPeriod = periodOf(services.clock.nowMs());
  if (corrects === null) {
    const all = await chargedBetween(services, tenant.id, { from: periodOf(tenant.createdAtMs), to: nowPeriod });
    return { period: null, chargedMicros: all, periodMicros: all };
  }
  const period = parsePeriod(corrects);
  if (period.ok) {
    if (!hasStatement(tenant, period.value, services.clock.nowMs())) return null;
    const chargedMicros = await chargedBetween(services, tenant.id, { from: period.value, to: period.value });
    return { period: period.value, chargedMicros, periodMicros: chargedMicros };
  }
  const lookup =
    (await openLookup(services, tenant.id, corrects)) ?? (await archivedLookup(services, tenant, corrects));
  if (lookup === null) return null;
  const month = { from: lookup.period, to: lookup.period };
  return { ...lookup, periodMicros: await chargedBetween(services, tenant.id, month) };
}

/** What the lookups of some months cost: the ledger knows it for every month, closed or open. */
async function chargedBetween(
  services: Services,
  tenantId: string,
  range: { from: Period; to: Period },
): Promise<number> {
  const ledger = { tenantId, mode: "live" } as const;
  const months = await callLedger(services.ledgers, ledger, (stub) => stub.monthTotals(range));
  if (!months.ok) throw new StoreError("the ledger cannot say now what was charged");
  return months.value.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
}

type LookupCharge = { readonly period: Period; readonly chargedMicros: number };

/** A lookup of a month whose events are in D1, less what a withdrawal has given back for it. */
async function openLookup(services: Services, tenantId: string, id: string): Promise<LookupCharge | null> {
  const ledger = { tenantId, mode: "live" } as const;
  const flushed = await callLedger(services.ledgers, ledger, (stub) => stub.flush(), { timeoutMs: FLUSH_TIMEOUT_MS });
  if (!flushed.ok || flushed.value.kind === "failed") throw new StoreError("D1 is not up to date");
  return chargeOf(await services.adjustments.eventsAbout(tenantId, id), id);
}

/** A lookup of an archived month: of the one that its id tells, or of any, the newest first. */
async function archivedLookup(services: Services, tenant: Tenant, id: string): Promise<LookupCharge | null> {
  let period = periodOf(services.clock.nowMs());
  for (let months = 0; months < MOST_MONTHS && period >= periodOf(tenant.createdAtMs); months += 1) {
    const stored = await services.statements.statement(tenant.id, period);
    const body = stored === null ? null : await services.archive.read(stored.prefix, EVENTS_FILE);
    if (body !== null) {
      const about: EventAbout[] = [];
      for await (const line of linesOf(body)) if (line.includes(id)) about.push(JSON.parse(line) as EventAbout);
      const charge = chargeOf(about, id);
      if (charge !== null) return charge;
    }
    period = previousPeriod(period);
  }
  return null;
}

type EventAbout = Pick<ExportedEvent, "id" | "occurredAt" | "kind" | "amountMicros" | "corrects">;

function chargeOf(events: readonly EventAbout[], id: string): LookupCharge | null {
  const lookup = events.find((event) => event.kind === "lookup" && event.id === id);
  if (lookup === undefined) return null;
  const withdrawn = events.filter((event) => event.kind === "adjustment" && event.id === withdrawalId(id));
  const chargedMicros = withdrawn.reduce((sum, { amountMicros }) => sum + amountMicros, lookup.amountMicros);
  return { period: periodOf(Date.parse(lookup.occurredAt)), chargedMicros };
}
