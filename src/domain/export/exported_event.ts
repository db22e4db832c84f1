import type { MeterEvent, Mode, Outcome } from "../meter_event.ts";
import { formatSaoPaulo, type Period } from "../period.ts";

/** One event as every format shows it: the same fields, in this order. Times are RFC 3339, money is micros of BRL. */
export type ExportedEvent = {
  readonly seq: number;
  readonly id: string;
  readonly occurredAt: string;
  readonly occurredAtSaoPaulo: string;
  readonly tenantId: string;
  readonly keyId: string | null;
  readonly keyLabel: string | null;
  readonly reference: string | null;
  readonly mode: Mode;
  readonly outcome: Outcome | null;
  readonly billed: boolean;
  readonly unitPriceMicros: number | null;
  readonly amountMicros: number;
  readonly transactionId: string | null;
  readonly cpfReference: string | null;
  readonly kind: MeterEvent["kind"];
  readonly corrects: string | null;
};

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
    tenantId: event.tenantId,
    keyId: event.keyId,
    keyLabel: event.keyId === null ? null : (context.keyLabels.get(event.keyId) ?? null),
    reference: event.reference,
    mode: event.mode,
    outcome: event.outcome,
    billed: event.billed,
    unitPriceMicros: event.unitPriceMicros,
    amountMicros: event.amountMicros,
    transactionId: event.transactionId,
    cpfReference: event.cpfReference,
    kind: event.kind,
    corrects: event.corrects,
  };
}
