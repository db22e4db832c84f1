import type { ExportedEvent } from "../event_row.ts";
import type { MeterEvent } from "../meter_event.ts";
import { formatSaoPaulo, type Period } from "../period.ts";

/** What the events of a period do not carry themselves. */
export type ExportContext = {
  readonly period: Period;
  readonly tenantName: string | null;
  /** Labels by key id; a key without one is absent. */
  readonly keyLabels: ReadonlyMap<string, string>;
};

/** One format. Encoders keep no state, so any number of them can share one pass over the events. */
export interface EventEncoder {
  /** What stands before the first event, or nothing. */
  header(): string;
  /** One event with its line end. */
  line(event: ExportedEvent, context: ExportContext): string;
  /** What stands after the last event, where a format has it. */
  footer?(): string;
}

/** The one place where an event takes the shape that leaves the gateway. */
export function exportedEvent(event: MeterEvent, context: Pick<ExportContext, "keyLabels">): ExportedEvent {
  return {
    seq: event.seq,
    id: event.id,
    occurredAt: new Date(event.occurredAtMs).toISOString(),
    occurredAtSaoPaulo: formatSaoPaulo(event.occurredAtMs),
    admittedAt: event.admittedAtMs === null ? null : new Date(event.admittedAtMs).toISOString(),
    admitMs: event.admitMs,
    tenantId: event.tenantId,
    keyId: event.keyId,
    keyLabel: event.keyId === null ? null : (context.keyLabels.get(event.keyId) ?? null),
    reference: event.reference,
    customerId: event.customerId,
    mode: event.mode,
    outcome: event.outcome,
    failureCode: event.failureCode,
    upstreamStatus: event.upstreamStatus,
    billed: event.billed,
    units: event.units,
    unitPriceMicros: event.unitPriceMicros,
    amountMicros: event.amountMicros,
    priceVersion: event.priceVersion,
    transactionId: event.transactionId,
    cpfReference: event.cpfReference,
    purpose: event.purpose,
    legalBasis: event.legalBasis,
    consentId: event.consentId,
    requestedBy: event.requestedBy,
    requestId: event.requestId,
    claroMs: event.claroMs,
    kind: event.kind,
    corrects: event.corrects,
  };
}
