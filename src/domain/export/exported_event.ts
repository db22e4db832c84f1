import type { ExportedEvent } from "../event_row.ts";
import type { MeterEvent } from "../meter_event.ts";
import { formatSaoPaulo, formatUtc, type Period } from "../period.ts";

/** Somebody who bills or is billed. Null is what nobody has said. */
export type Party = {
  readonly name: string | null;
  readonly legalName: string | null;
  /** CNPJ without punctuation. */
  readonly document: string | null;
  readonly address: string | null;
};

/** What the events of a period do not carry themselves. */
export type ExportContext = {
  readonly period: Period;
  readonly tenantId: string;
  readonly tenant: Party;
  /** Who bills. */
  readonly issuer: Party;
  /** Labels by key id; a key without one is absent. */
  readonly keyLabels: ReadonlyMap<string, string>;
  /** The month before came to less than nothing: what it could not give back, in centavos below zero. */
  readonly carriedIn: { readonly from: Period; readonly centavos: number } | null;
  readonly status: "open" | "closed";
  /** Test events have no statement: files of theirs are for rehearsing. */
  readonly mode?: "test";
  readonly issuedAtMs: number;
};

/** The one place where an event takes the shape that leaves the gateway. */
export function exportedEvent(event: MeterEvent, context: Pick<ExportContext, "keyLabels">): ExportedEvent {
  return {
    seq: event.seq,
    id: event.id,
    occurredAt: formatUtc(event.occurredAtMs),
    occurredAtSaoPaulo: formatSaoPaulo(event.occurredAtMs),
    admittedAt: event.admittedAtMs === null ? null : formatUtc(event.admittedAtMs),
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
