import { meterEventOf, type StoredEventRow } from "../domain/event_row.ts";
import type { LedgerName, MeterEvent } from "../domain/meter_event.ts";
import { MissingEventError, PAGE_EVENTS, readEvents, type SeqRange } from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { StoreError } from "../platform/outage.ts";
import type { Services } from "../platform/services.ts";

/**
 * The events of a range in order, page by page: from D1, and what D1 has lost or could not take from the ledger, which
 * keeps a month's events until they are archived. Throws what D1 throws, and `MissingEventError` where nobody has one.
 */
export async function* ledgerEvents(
  services: Services,
  ledger: LedgerName,
  range: SeqRange,
): AsyncGenerator<MeterEvent[], void, void> {
  for (let { first } = range; first <= range.last;) {
    const events: MeterEvent[] = [];
    // What is missing in a page is known before its first event leaves: a short answer has a hole behind it.
    do {
      const rest = { ...range, first: first + events.length };
      const copied = await readEvents(services.db, ledger, rest);
      events.push(...(copied.length > 0 ? copied : await heldBy(services, ledger, rest)));
    } while (events.length < PAGE_EVENTS && first + events.length <= range.last);
    yield events;
    first += events.length;
  }
}

async function heldBy(services: Services, ledger: LedgerName, { first, last }: SeqRange): Promise<MeterEvent[]> {
  const held = await callLedger(services.ledgers, ledger, (stub) => stub.heldEvents(first));
  if (!held.ok) throw new StoreError("the ledger cannot be asked for events that D1 does not have");
  const events = JSON.parse(held.value ?? "[]") as StoredEventRow[];
  const wanted = events.map((event) => meterEventOf(event, ledger)).filter(({ seq }) => seq <= last);
  const gap = wanted.findIndex(({ seq }, index) => seq !== first + index);
  if (wanted.length === 0 || gap !== -1) throw new MissingEventError(first + Math.max(gap, 0));
  return wanted;
}
