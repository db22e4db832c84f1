import { DurableObject } from "cloudflare:workers";
import type { Period } from "../../domain/period.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { writeEvents } from "../event_copy.ts";
import { logEvent, messageOf } from "../log.ts";
import { readSettings } from "../settings.ts";
import { LedgerBook } from "./ledger_book.ts";
import { LedgerStore } from "./ledger_store.ts";
import type {
  AccessCall,
  AccessReply,
  AdjustCall,
  AdjustReply,
  AdmitCall,
  AdmitReply,
  ClosePeriodReply,
  FlushReply,
  LedgerStatus,
  LedgerTerms,
  MonthTotals,
  SettleCall,
  SettleReply,
  UsageReply,
} from "./messages.ts";

const FLUSH_ROWS = 500;
/** As many batches as one alarm sends before it lets others in. */
const FLUSH_BATCHES = 20;
const D1_TIMEOUT_MS = 15_000;
const LONGEST_BACKOFF_MS = 60_000;
/** How often an object looks whether a kept answer or key has had its time, when nothing else wakes it. */
const HOUSEKEEPING_MS = 3_600_000;

/**
 * One tenant's ledger in one mode, as a Durable Object: `admit` before Claro is called, `settle` before the answer
 * leaves. Replies are held by the output gate until what they say is durable. D1 gets a copy from the alarm.
 */
export class TenantLedger extends DurableObject<Env> {
  readonly #store: LedgerStore;
  readonly #book: LedgerBook;
  readonly #clock: Clock;
  readonly #flushIntervalMs: number;
  #alarmAtMs: number | null = null;
  #flushing: Promise<FlushReply> | null = null;
  #failedFlushes = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(`misconfigured: ${settings.failure.names.join(", ")}`);
    this.#clock = shiftedClock(settings.value.clockOffsetMs);
    this.#flushIntervalMs = settings.value.ledgerFlushMs;
    this.#store = new LedgerStore(ctx.storage.sql);
    this.#book = new LedgerBook(this.#store, {
      nowMs: this.#clock.nowMs(),
      intentTtlMs: settings.value.intentTtlMs,
    });
    // A crash between an alarm's start and its next setting leaves nothing to wake the object with.
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = await ctx.storage.getAlarm();
      this.#wakeForWork();
    });
  }

  /** Takes the register's word on the tenant and its keys; effective for the next call. */
  configure(terms: LedgerTerms): void {
    this.#book.configure(terms, this.#clock.nowMs());
  }

  authorize(call: AccessCall): AccessReply {
    const reply = this.#book.authorize(call, this.#clock.nowMs());
    if (this.#book.hasUnsavedKeyUses) this.#wakeWithin(this.#flushIntervalMs);
    return reply;
  }

  /** Decides on a lookup and records its intent. */
  admit(call: AdmitCall): AdmitReply {
    const reply = this.#book.admit(call, this.#clock.nowMs());
    if (reply.kind === "admitted" || this.#book.hasUnsavedKeyUses) this.#wakeWithin(this.#flushIntervalMs);
    return reply;
  }

  /** Turns an intent into its one event. */
  settle(call: SettleCall): SettleReply {
    const reply = this.#book.settle(call, this.#clock.nowMs());
    const waiting = this.#book.lastSeq - this.#book.flushedThrough;
    this.#wakeWithin(waiting >= FLUSH_ROWS && this.#failedFlushes === 0 ? 0 : this.#flushIntervalMs);
    return reply;
  }

  /** Counts per São Paulo day, up to this very instant. */
  usage(range: { from: string; to: string }): UsageReply {
    return this.#book.usage(range, this.#clock.nowMs());
  }

  /** Brings to D1 all that had ended when it was called. */
  async flush(): Promise<FlushReply> {
    this.#book.endOverdue(this.#clock.nowMs());
    const target = this.#book.lastSeq;
    for (;;) {
      if (this.#book.flushedThrough >= target) {
        return { kind: "flushed", flushedThrough: this.#book.flushedThrough };
      }
      const reply = await this.#flushOnce();
      if (reply.kind === "failed") return reply;
    }
  }

  /** The seq of a period's first and last event so far. */
  seqRange(period: Period): { first: number; last: number } | null {
    this.#book.endOverdue(this.#clock.nowMs());
    return this.#book.seqRange(period);
  }

  /** What months come to so far; a month without an event is not among them. */
  monthTotals(range: { from: Period; to: Period }): MonthTotals[] {
    return this.#book.monthTotals(range, this.#clock.nowMs());
  }

  /** Records a correction in the open period. A repeat of its id gives the first one's answer. */
  adjust(call: AdjustCall): AdjustReply {
    const reply = this.#book.adjust(call, this.#clock.nowMs());
    this.#wakeWithin(this.#flushIntervalMs);
    return reply;
  }

  /** Lets no event fall into an ended period any more, whatever the clocks say, and brings to D1 what it holds. */
  async closePeriod(period: Period): Promise<ClosePeriodReply> {
    this.#book.endOverdue(this.#clock.nowMs());
    this.#book.closeThrough(period);
    const flushed = await this.flush();
    return flushed.kind === "failed" ? flushed : { kind: "closed", range: this.#book.seqRange(period) };
  }

  /** Also re-arms the alarm of an object that lost it: a sweep calls this. */
  status(): LedgerStatus {
    this.#wakeForWork();
    return {
      lastSeq: this.#book.lastSeq,
      flushedThrough: this.#book.flushedThrough,
      openIntents: this.#book.openIntents,
      oldestUnflushedAtMs: this.#store.oldestUnflushedAtMs(this.#book.flushedThrough),
      lastUsedAtMs: this.#book.keyUses(),
    };
  }

  // Nothing may be thrown here: after six failures in a row the platform deletes an alarm.
  override async alarm(): Promise<void> {
    this.#alarmAtMs = null;
    try {
      this.#book.endOverdue(this.#clock.nowMs());
      for (let batch = 0; batch < FLUSH_BATCHES && this.#book.flushedThrough < this.#book.lastSeq; batch += 1) {
        if ((await this.#flushOnce()).kind === "failed") break;
      }
      this.#book.maintain(this.#clock.nowMs());
    } catch (error) {
      this.#failedFlushes += 1;
      logEvent("warn", { event: "ledger_alarm_failed", error: messageOf(error) });
    }
    this.#wakeForWork();
  }

  // One batch at a time, however many ask: the promise is shared, with no await between check and assignment.
  #flushOnce(): Promise<FlushReply> {
    this.#flushing ??= this.#flushBatch().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  async #flushBatch(): Promise<FlushReply> {
    const { terms } = this.#book;
    const events = this.#store.eventsAfter(this.#book.flushedThrough, FLUSH_ROWS);
    const last = events.at(-1);
    if (terms === null || last === undefined) return { kind: "flushed", flushedThrough: this.#book.flushedThrough };
    try {
      const written = await withDeadline(D1_TIMEOUT_MS, () => writeEvents(this.env.DB, terms, events));
      if (isDeadlinePassed(written)) throw new Error(`D1 gave no answer within ${D1_TIMEOUT_MS} ms`);
    } catch (error) {
      this.#failedFlushes += 1;
      logEvent("warn", { event: "ledger_flush_failed", error: messageOf(error) });
      return { kind: "failed", reason: "D1 does not take the events now" };
    }
    this.#failedFlushes = 0;
    this.#book.markFlushed(last.seq, this.#clock.nowMs());
    return { kind: "flushed", flushedThrough: last.seq };
  }

  #wakeForWork(): void {
    const { lastSeq, flushedThrough, openIntents } = this.#book;
    const unflushed = lastSeq - flushedThrough;
    if (this.#failedFlushes > 0 && unflushed > 0) {
      this.#wakeWithin(Math.min(this.#flushIntervalMs * 2 ** Math.min(this.#failedFlushes, 10), LONGEST_BACKOFF_MS));
    } else if (unflushed >= FLUSH_ROWS) {
      this.#wakeWithin(0);
    } else if (openIntents > 0 || unflushed > 0 || this.#store.hasDroppable()) {
      this.#wakeWithin(this.#flushIntervalMs);
    } else if (this.#store.keepsIdempotency()) {
      this.#wakeWithin(HOUSEKEEPING_MS);
    }
  }

  // Setting an alarm is a written row: one that comes soon enough is left alone.
  #wakeWithin(delayMs: number): void {
    const atMs = Date.now() + delayMs;
    if (this.#alarmAtMs !== null && this.#alarmAtMs <= atMs) return;
    this.#alarmAtMs = atMs;
    void this.ctx.storage.setAlarm(atMs);
  }
}
