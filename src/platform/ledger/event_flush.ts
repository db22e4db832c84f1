import type { StoredEventRow } from "../../domain/event_row.ts";
import { periodOf } from "../../domain/period.ts";
import type { Clock } from "../clock.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { writeEvents } from "../event_copy.ts";
import { gunzip, gzip } from "../gzip.ts";
import { logEvent, messageOf } from "../log.ts";
import { BacklogBoard } from "./backlog_board.ts";
import type { LedgerBook } from "./ledger_book.ts";
import type { LedgerStore } from "./ledger_store.ts";
import type { FlushReply, RecopyReply } from "./messages.ts";

/** Never less than it once was: D1 may have a batch of that many that it has not confirmed, and takes none within it. */
export const FLUSH_ROWS = 500;
const D1_TIMEOUT_MS = 15_000;
/** From this age of the oldest waiting event on, every failed flush is a warning of a backlog. */
const BACKLOG_WARNING_MS = 300_000;
const BOARD_TIMEOUT_MS = 5000;
/** Sooner than a report is forgotten. */
const REPORT_AGAIN_MS = 1_800_000;
/** As many batches as one call writes to D1 again. */
const RECOPIED_BATCHES = 20;

/** A ledger's events on their way to D1, a batch at a time, and what the operator is told while D1 does not take them. */
export class EventFlush {
  readonly #book: LedgerBook;
  readonly #store: LedgerStore;
  readonly #clock: Clock;
  readonly #bindings: () => Pick<Env, "DB" | "KEYS">;
  #flushing: Promise<FlushReply> | null = null;
  #failures = 0;
  #reportedAtMs: number | null = null;

  constructor(
    ledger: { readonly book: LedgerBook; readonly store: LedgerStore; readonly clock: Clock },
    bindings: () => Pick<Env, "DB" | "KEYS">,
  ) {
    this.#book = ledger.book;
    this.#store = ledger.store;
    this.#clock = ledger.clock;
    this.#bindings = bindings;
  }

  /** In a row, up to now. */
  get failures(): number {
    return this.#failures;
  }

  /** Something else than D1 went wrong: the next try comes later, too. */
  noteFailure(): void {
    this.#failures += 1;
  }

  /** Brings to D1 all that had ended when it was called. */
  async all(): Promise<FlushReply> {
    const target = this.#book.lastSeq;
    for (;;) {
      if (this.#book.flushedThrough >= target) {
        return { kind: "flushed", flushedThrough: this.#book.flushedThrough };
      }
      const reply = await this.once();
      if (reply.kind === "failed") return reply;
    }
  }

  /** One batch. However many ask, it is one at a time: the promise is shared, with no await between check and assignment. */
  once(): Promise<FlushReply> {
    this.#flushing ??= this.#flushBatch().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  /** Writes to D1 again what it once had after `afterSeq`, some batches a call, for a D1 that has lost it. */
  async again(afterSeq: number): Promise<RecopyReply> {
    const { terms } = this.#book;
    const rows = terms === null ? [] : this.#store.batchesAfter(afterSeq, RECOPIED_BATCHES);
    let through = afterSeq;
    let events = 0;
    for (const row of rows) {
      const failure = await this.#writeToD1(await gunzip(new Uint8Array(row.events)));
      if (failure !== null) return { kind: "failed", reason: failure };
      events += row.last_seq - row.first_seq + 1;
      through = row.last_seq;
    }
    return { kind: "recopied", through, events, isDone: rows.length < RECOPIED_BATCHES };
  }

  async #flushBatch(): Promise<FlushReply> {
    const events = ofOneMonth(this.#store.eventsAfter(this.#book.flushedThrough, FLUSH_ROWS));
    const last = events.at(-1);
    if (last === undefined) return { kind: "flushed", flushedThrough: this.#book.flushedThrough };
    const batch = JSON.stringify(events);
    const packed = await gzip(batch);
    const failure = await this.#writeToD1(batch);
    if (failure !== null) {
      this.#failures += 1;
      logEvent("warn", { event: "ledger_flush_failed", error: failure });
      await this.#reportBacklog();
      return { kind: "failed", reason: "D1 does not take the events now" };
    }
    this.#failures = 0;
    this.#book.markFlushed(last.seq, packed, this.#clock.nowMs());
    await this.#takeBackReport();
    return { kind: "flushed", flushedThrough: last.seq };
  }

  /** Null when D1 has the events, else why not; it may have them all the same. */
  async #writeToD1(events: string): Promise<string | null> {
    const { terms } = this.#book;
    if (terms === null) return "the ledger has no terms";
    try {
      const written = await withDeadline(D1_TIMEOUT_MS, () => writeEvents(this.#bindings().DB, terms, events));
      return isDeadlinePassed(written) ? `D1 gave no answer within ${D1_TIMEOUT_MS} ms` : null;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #reportBacklog(): Promise<void> {
    const { terms, flushedThrough, lastSeq } = this.#book;
    const oldestUnflushedAtMs = this.#store.oldestUnflushedAtMs(flushedThrough);
    if (terms === null || oldestUnflushedAtMs === null) return;
    const { tenantId, mode } = terms;
    const ageMs = this.#clock.nowMs() - oldestUnflushedAtMs;
    if (ageMs >= BACKLOG_WARNING_MS) {
      const events = lastSeq - flushedThrough;
      logEvent("warn", { event: "ledger_backlog", tenantId, mode, events, ageSeconds: Math.round(ageMs / 1000) });
    }
    if (this.#reportedAtMs !== null && Date.now() - this.#reportedAtMs < REPORT_AGAIN_MS) return;
    this.#reportedAtMs = Date.now();
    await this.#onBoard((board) => board.report({ tenantId, mode, oldestUnflushedAtMs }));
  }

  async #takeBackReport(): Promise<void> {
    const { terms } = this.#book;
    if (this.#reportedAtMs === null || terms === null) return;
    this.#reportedAtMs = null;
    await this.#onBoard((board) => board.takeBack(terms));
  }

  // A report is a help to the operator; a flush does not fail for it.
  async #onBoard(use: (board: BacklogBoard) => Promise<void>): Promise<void> {
    try {
      await withDeadline(BOARD_TIMEOUT_MS, () => use(new BacklogBoard(this.#bindings().KEYS)));
    } catch (error) {
      logEvent("warn", { event: "ledger_report_failed", error: messageOf(error) });
    }
  }
}

/** Those of the first one's month: when a month is archived, D1 lets go of whole batches. */
function ofOneMonth(events: readonly StoredEventRow[]): readonly StoredEventRow[] {
  const [first] = events;
  const nextMonth = events.findIndex(
    (event) => first !== undefined && periodOf(event.occurred_at) !== periodOf(first.occurred_at),
  );
  return nextMonth === -1 ? events : events.slice(0, nextMonth);
}
