import { meterEventOf, type StoredEventRow } from "../domain/event_row.ts";
import type { MeterEvent } from "../domain/meter_event.ts";
import {
  eventPages,
  eventsIn,
  type LedgerKey,
  MissingEventError,
  PAGE_EVENTS,
  type SeqRange,
} from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { StoreError } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";

/**
 * The events of a range in order, page by page: from D1, and what D1 has lost or could not take from the ledger, which
 * keeps a month's events until they are archived. Throws what D1 throws, and `MissingEventError` where nobody has one.
 */
export async function* ledgerEvents(
  services: Services,
  ledger: LedgerKey,
  range: SeqRange,
): AsyncGenerator<MeterEvent[], void, void> {
  for (let first = range.first; first <= range.last; first += PAGE_EVENTS) {
    yield await readPage(services, ledger, { first, last: Math.min(range.last, first + PAGE_EVENTS - 1) });
  }
}

async function readPage(services: Services, ledger: LedgerKey, range: SeqRange): Promise<MeterEvent[]> {
  const events: MeterEvent[] = [];
  while (events.length < eventsIn(range)) {
    const first = range.first + events.length;
    const missing = await addFromD1(services, ledger, { events, range: { ...range, first } });
    if (missing !== null) events.push(...(await heldBy(services, ledger, { ...range, first: missing })));
  }
  return events;
}

/** Adds what D1 has from the range's first event on without a hole; gives the first that it misses. */
async function addFromD1(
  services: Services,
  ledger: LedgerKey,
  { events, range }: { events: MeterEvent[]; range: SeqRange },
): Promise<number | null> {
  try {
    for await (const page of eventPages(services.db, ledger, range)) events.push(...page);
    return null;
  } catch (error) {
    if (!(error instanceof MissingEventError)) throw error;
    const last = error.seq - 1;
    if (last >= range.first) await addFromD1(services, ledger, { events, range: { ...range, last } });
    return error.seq;
  }
}

async function heldBy(services: Services, ledger: LedgerKey, { first, last }: SeqRange): Promise<MeterEvent[]> {
  const held = await callLedger(services.ledgers, ledger, (stub) => stub.heldEvents(first));
  if (!held.ok) throw new StoreError("the ledger cannot be asked for events that D1 does not have");
  const events = JSON.parse(held.value ?? "[]") as StoredEventRow[];
  const wanted = events.map((event) => meterEventOf(event, ledger)).filter(({ seq }) => seq <= last);
  const gap = wanted.findIndex(({ seq }, index) => seq !== first + index);
  if (wanted.length === 0 || gap !== -1) throw new MissingEventError(first + Math.max(gap, 0));
  return wanted;
}
