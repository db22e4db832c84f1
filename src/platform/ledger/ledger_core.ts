import { assert } from "../../domain/assert.ts";
import { batchText, type EventRow, type StoredEventRow } from "../../domain/event_row.ts";
import { apply } from "../../domain/ledger/apply.ts";
import type { Command, Facts, KeyedRequest, Replies } from "../../domain/ledger/commands.ts";
import { countEvents, type DaySums } from "../../domain/ledger/day_sums.ts";
import { decide } from "../../domain/ledger/decide.ts";
import type { Entry } from "../../domain/ledger/entries.ts";
import { identitiesOf } from "../../domain/ledger/identities.ts";
import { overdueLookups } from "../../domain/ledger/settle.ts";
import type { LedgerState } from "../../domain/ledger/state.ts";
import { withdrawalId } from "../../domain/ledger/withdrawal_id.ts";
import { saoPauloDate } from "../../domain/period.ts";
import type { AnsweredKeys } from "./answered_keys.ts";
import type { Batches } from "./batches.ts";
import { asciiJson, type Journal } from "./journal.ts";
import { LARGEST_ROW_CHARS } from "./tables.ts";
import type { SideTables } from "./side_tables.ts";

/** A cut is made when so many events wait, or the journal has so many rows since the last checkpoint. */
export const CUT_EVENTS = 500;
const CUT_ROWS = 1000;
/** An object that is out of memory before each lookup reads these rows each time: from here on a cut is cheaper. */
const MANY_RECOVERED_ROWS = 64;
/** One call may not fill a turn's row. */
const LARGEST_CALL_CHARS = LARGEST_ROW_CHARS - 50_000;

/** How a call of a turn ended: with its reply, or alone with what its decision threw. */
export type TurnResult =
  | { readonly status: "fulfilled"; readonly value: Replies[Command["kind"]] }
  | { readonly status: "rejected"; readonly reason: unknown };

/** A call that waits for its turn. */
export type WaitingCall = {
  readonly command: Command;
  readonly callerNowMs: number | undefined;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
};

export type Tables = {
  readonly journal: Journal;
  readonly batches: Batches;
  readonly answered: AnsweredKeys;
  readonly side: SideTables;
};

/**
 * A ledger over its tables: runs the commands of a turn by the pure rules, and writes what they say. It never awaits, so a
 * turn is one atomic step; where anything but a decision throws, memory is ahead of the disk and the object must abort.
 */
export class LedgerCore {
  readonly #tables: Tables;
  readonly #intentTtlMs: number;
  #state: LedgerState;
  /** Entries that are not worth a row of their own; they are applied, and written with the next row. */
  #deferred: Entry[] = [];

  constructor(tables: Tables, options: { intentTtlMs: number }) {
    this.#tables = tables;
    this.#intentTtlMs = options.intentTtlMs;
    this.#state = tables.journal.recover();
  }

  /** For reading; `apply` alone changes it. */
  get state(): Readonly<LedgerState> {
    return this.#state;
  }

  get hasDeferred(): boolean {
    return this.#deferred.length > 0;
  }

  /** Whether the commands of a turn wrote a row. */
  run(commands: readonly { readonly command: Command; readonly nowMs: number }[]): {
    results: TurnResult[];
    isWritten: boolean;
  } {
    const turn: Entry[] = [];
    const results: TurnResult[] = [];
    const isWritten = this.#tables.journal.writes();
    let chars = 0;
    for (const { command, nowMs } of commands) {
      chars += this.#expire(turn, nowMs);
      const decided = this.#decide(command, nowMs);
      if (decided.status === "rejected") {
        results.push(decided);
        continue;
      }
      const size = sizeOf(decided.value.entries);
      if (size > LARGEST_CALL_CHARS) {
        results.push({ status: "rejected", reason: new RangeError("a call is too large for the ledger") });
        continue;
      }
      // Replies are held back until the turn is durable, so a long turn may take several rows.
      if (chars + size > LARGEST_CALL_CHARS) {
        this.#append(turn.splice(0));
        chars = 0;
      }
      chars += size;
      for (const entry of decided.value.entries) this.#take(turn, command, entry);
      results.push({ status: "fulfilled", value: decided.value.reply });
      if (this.#mustCut(turn)) {
        this.#append(turn.splice(0));
        this.cut();
        chars = 0;
      }
    }
    if (turn.length > 0) this.#append(turn);
    return { results, isWritten: isWritten() };
  }

  /** Ends what is overdue, without a call. */
  expire(nowMs: number): void {
    const turn: Entry[] = [];
    this.#expire(turn, nowMs);
    if (turn.length > 0) this.#append(turn);
  }

  /** Writes deferred entries, where no call comes whose row they could share. */
  appendDeferred(): void {
    this.#append([]);
  }

  /** Goes on from another state than the journal's entries come to: the object is put back after a loss. */
  replaceState(state: LedgerState): void {
    this.appendDeferred();
    this.#state = state;
    this.#tables.journal.checkpoint(state);
  }

  /** The events that the next cut packs: those that wait, up to the first of another month. */
  nextBatch(): EventRow[] {
    const events: EventRow[] = [];
    for (const event of this.#state.waiting.values()) {
      if (events.length === CUT_EVENTS || (events[0] !== undefined && event.period !== events[0].period)) break;
      events.push(event);
    }
    return events;
  }

  /** Packs the next batch, and writes a checkpoint. */
  cut(): void {
    // The checkpoint has applied them: a start must not apply them again.
    this.appendDeferred();
    const events = this.nextBatch();
    const last = events.at(-1);
    if (last !== undefined) {
      this.#tables.batches.pack(events);
      for (const sums of this.#countDays(events)) this.#tables.side.saveDay(sums);
      const entry: Entry = { type: "cut", v: 1, throughSeq: last.seq };
      apply(this.#state, entry);
    }
    this.#tables.journal.checkpoint(this.#state);
  }

  /** Packs all that waits. */
  cutAll(): void {
    while (this.#state.waiting.size > 0) this.cut();
  }

  /** Packs what waits where it costs starts too many rows. Else it may go to D1 as it is: a cut is four rows and more. */
  cutIfDue(): void {
    const { waiting, terms } = this.#state;
    const isDue = terms?.mode === "test" || this.#tables.journal.recoveredRows >= MANY_RECOVERED_ROWS;
    if (isDue || this.nextBatch().length < waiting.size) this.cutAll();
  }

  /** What days come to, the waiting events included. */
  daySums(range: { from: string; to: string }): DaySums[] {
    const packed = this.#tables.side.days(range);
    const waiting = [...this.#state.waiting.values()].filter(({ day }) => isWithin(dayOf({ day }), range));
    const changed = this.#countDays(waiting);
    const byDate = new Map([...packed, ...changed].map((sums) => [sums.date, sums]));
    return [...byDate.values()].toSorted((left, right) => (left.date < right.date ? -1 : 1));
  }

  /** The event of a lookup or an adjustment, of any age that is here still. */
  event(id: string): StoredEventRow | undefined {
    return this.#state.waiting.get(id) ?? this.#tables.batches.find(id);
  }

  /** The events from `seq` on in its batch, packed or still waiting, as text; null where they are gone. */
  heldFrom(seq: number): string | null {
    const packed = this.#tables.batches.heldFrom(seq);
    if (packed !== null) return packed;
    const events = this.nextBatch();
    return (events[0]?.seq ?? Number.POSITIVE_INFINITY) > seq
      ? null
      : batchText(events.filter((event) => event.seq >= seq));
  }

  /** The events after a seq, packed or waiting, in order. */
  *eventsAfter(seq: number): Generator<StoredEventRow, void, void> {
    yield* this.#tables.batches.eventsAfter(seq);
    for (const event of this.#state.waiting.values()) if (event.seq > seq) yield event;
  }

  #countDays(events: readonly EventRow[]): DaySums[] {
    return countEvents(events, { dayOf, find: (date) => this.#tables.side.day(date) });
  }

  // A lookup ends at the end of its time, whenever that is noticed.
  #expire(turn: Entry[], nowMs: number): number {
    let chars = 0;
    for (const lookupId of overdueLookups(this.#state, nowMs)) {
      const command = { kind: "expire", lookupId } as const;
      const { entries } = decide(this.#state, command, { intentTtlMs: this.#intentTtlMs }, nowMs);
      for (const entry of entries) this.#take(turn, command, entry);
      chars += sizeOf(entries);
    }
    return chars;
  }

  #decide(
    command: Command,
    nowMs: number,
  ): { status: "fulfilled"; value: ReturnType<typeof decide> } | { status: "rejected"; reason: unknown } {
    try {
      return { status: "fulfilled", value: decide(this.#state, command, this.#factsOf(command), nowMs) };
    } catch (reason) {
      // Nothing was applied: this call alone is wrong.
      return { status: "rejected", reason };
    }
  }

  // Read at the command's turn, after the rows of the calls before it in the turn were written.
  #factsOf(command: Command): Facts {
    const intentTtlMs = this.#intentTtlMs;
    switch (command.kind) {
      case "admit": {
        const { lookupId, idempotency } = command.call;
        const event = this.#state.open.has(lookupId) ? undefined : this.event(lookupId);
        return { intentTtlMs, event, idempotency: this.#answerTo(idempotency) };
      }
      case "settle": {
        const { lookupId } = command.call;
        return { intentTtlMs, event: this.#state.open.has(lookupId) ? undefined : this.event(lookupId) };
      }
      case "put_right": {
        const { lookupId, idempotency } = command.call;
        if (this.#state.open.has(lookupId)) return { intentTtlMs };
        const event = this.event(lookupId);
        const adjustment = this.#tables.side.adjustment(withdrawalId(lookupId));
        return { intentTtlMs, event, adjustment, idempotency: this.#answerTo(idempotency) };
      }
      case "adjust":
        return { intentTtlMs, adjustment: this.#tables.side.adjustment(command.call.id) };
      default:
        return { intentTtlMs };
    }
  }

  #answerTo(request: KeyedRequest | null): Facts["idempotency"] {
    return request === null ? undefined : this.#tables.answered.find(identitiesOf(request));
  }

  /** Makes an entry true: its rows beside the journal, and the state. */
  #take(turn: Entry[], command: Command, entry: Entry): void {
    this.#writeRows(command, entry);
    apply(this.#state, entry);
    if (ON_ROWS[entry.type].isDeferred) this.#defer(turn, entry);
    else turn.push(...this.#deferred.splice(0), entry);
  }

  #writeRows(command: Command, entry: Entry): void {
    const { side, answered } = this.#tables;
    if (entry.type === "configured") {
      const { terms, priceVersion, nextPriceVersion } = entry;
      side.savePrice(priceVersion, terms.plan.tiers);
      const next = terms.nextPlan ?? null;
      if (nextPriceVersion !== null && next !== null) side.savePrice(nextPriceVersion, next.plan.tiers);
    } else if (entry.type === "adjusted") {
      side.addAdjustment(entry.id, { seq: entry.seq, occurredAtMs: entry.time.occurredAtMs });
    } else if (entry.type === "ended") {
      const intent = this.#state.open.get(entry.lookupId);
      assert(intent !== undefined, `the lookup ${entry.lookupId} ends and is not open`);
      const { idempotency } = intent.lookup;
      // What failed cost nobody anything and is worth repeating: the next request with the key runs anew.
      if (idempotency === null || entry.outcome === "failed") return;
      const answer = command.kind === "settle" && command.call.outcome === entry.outcome ? command.call.answer : null;
      for (const identity of identitiesOf(idempotency)) {
        const { unitPriceMicros } = entry;
        answered.add(identity, { createdAtMs: intent.admittedAtMs, answer, unitPriceMicros });
      }
    }
  }

  /** Waits for an entry that is worth a row; too many of them are. */
  #defer(turn: Entry[], entry: Entry): void {
    this.#deferred.push(entry);
    if (this.#deferred.length > MOST_DEFERRED) turn.push(...this.#deferred.splice(0));
  }

  #append(entries: readonly Entry[]): void {
    if (entries.length === 0 && this.#deferred.length === 0) return;
    // Deferred entries came after these: replayed in another order they would meet other terms.
    this.#tables.journal.append([...entries, ...this.#deferred.splice(0)]);
  }

  #mustCut(turn: readonly Entry[]): boolean {
    const { waiting } = this.#state;
    return waiting.size >= CUT_EVENTS || (turn.length > 0 && this.#tables.journal.uncheckedRows >= CUT_ROWS);
  }
}

/**
 * How an entry comes to the journal. One that `isDeferred` waits for another's row, and may be lost with the object's memory: at
 * worst a limit of reads begins anew. One that `isLong` has a size of its own; what is long in any other are a lookup's texts.
 */
const ON_ROWS: Readonly<Record<Entry["type"], { readonly isDeferred: boolean; readonly isLong: boolean }>> = {
  configured: { isDeferred: false, isLong: true },
  key_revoked: { isDeferred: false, isLong: false },
  accessed: { isDeferred: true, isLong: false },
  streamed: { isDeferred: true, isLong: false },
  admitted: { isDeferred: false, isLong: false },
  refused_after_sending: { isDeferred: false, isLong: false },
  replayed: { isDeferred: true, isLong: false },
  ended: { isDeferred: false, isLong: false },
  adjusted: { isDeferred: false, isLong: true },
  period_closed: { isDeferred: false, isLong: false },
  cut: { isDeferred: false, isLong: false },
  stopped: { isDeferred: false, isLong: false },
};

/** Some hundred bytes each. */
const MOST_DEFERRED = 1000;

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + sizeOfEntry(entry), 0);
}

// Cheaper than a serialization, and never below it by much: what is long in an entry is its texts.
function sizeOfEntry(entry: Entry): number {
  return ON_ROWS[entry.type].isLong ? asciiJson(JSON.stringify(entry)).length : lookupSize(entry);
}

const ENTRY_CHARS = 1200;

function lookupSize(entry: Entry): number {
  if (entry.type !== "admitted" && entry.type !== "refused_after_sending") return ENTRY_CHARS;
  const { reference, consentId, requestedBy, requestId, cpfReference } = entry.lookup;
  const texts = [reference, consentId, requestedBy, requestId, cpfReference];
  return texts.reduce((sum, text) => sum + 6 * (text?.length ?? 0), ENTRY_CHARS);
}

function dayOf(event: Pick<StoredEventRow, "day"> & { occurred_at?: number }): string {
  return event.day ?? saoPauloDate(event.occurred_at ?? Number.NaN);
}

function isWithin(date: string, { from, to }: { from: string; to: string }): boolean {
  return date >= from && date <= to;
}
