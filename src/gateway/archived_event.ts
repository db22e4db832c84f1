import type { ExportedEvent } from "../domain/event_row.ts";
import type { MeterEvent, Mode } from "../domain/meter_event.ts";

/** An event as a line of a closed month's `events.jsonl` has it. */
export function archivedEvent(line: string, { tenantId, mode }: { tenantId: string; mode: Mode }): MeterEvent {
  const exported = JSON.parse(line) as ExportedEvent;
  return { ...LATER_FIELDS, ...exported, tenantId, mode, ...timesOf(exported) };
}

/** A file of before a field existed does not have it. */
const LATER_FIELDS = {
  admitMs: null,
  customerId: null,
  failureCode: null,
  upstreamStatus: null,
  priceVersion: null,
  purpose: null,
  legalBasis: null,
  consentId: null,
  requestedBy: null,
  requestId: null,
  claroMs: null,
  period: null,
  day: null,
} satisfies Partial<MeterEvent>;

function timesOf({ occurredAt, admittedAt }: ExportedEvent): Pick<MeterEvent, "occurredAtMs" | "admittedAtMs"> {
  return {
    occurredAtMs: Date.parse(occurredAt),
    admittedAtMs: typeof admittedAt === "string" ? Date.parse(admittedAt) : null,
  };
}
