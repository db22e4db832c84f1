import { DurableObject } from "cloudflare:workers";
import { periodOf, type Period } from "../../domain/period.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { writeEvents } from "../event_copy.ts";
import { gunzip, gzip } from "../gzip.ts";
import { logEvent, messageOf } from "../log.ts";
import { readSettings } from "../settings.ts";
import { BacklogBoard } from "./backlog_board.ts";
import { IdempotencyKeys } from "./idempotency_keys.ts";
import { LedgerBook } from "./ledger_book.ts";
import type { EventRow } from "./ledger_rows.ts";
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
  RecopyReply,
  SettleCall,
  SettleReply,
  UsageReply,
} from "./messages.ts";

/** Never less than it once was: D1 may have a batch of that many that it has not confirmed, and takes none within it. */
const FLUSH_ROWS = 500;
/**
 * A flush writes some seven rows of its own, whatever it brings: fewer events than these wait for more, the longest time
 * that the settings allow; more wait only a little. The ledger itself knows them all at once, and whoever reads events from
 * D1 has the ledger flush first.
 */
const WORTHWHILE_ROWS = 50;
const LITTLE_WHILE_MS = 60_000;
/** As many batches as one alarm sends before it lets others in. */
const FLUSH_BATCHES = 20;
const D1_TIMEOUT_MS = 15_000;
const LONGEST_BACKOFF_MS = 60_000;
/** From this age of the oldest waiting event on, every failed flush is a warning of a backlog. */
const BACKLOG_WARNING_MS = 300_000;
const BOARD_TIMEOUT_MS = 5000;
/** Sooner than a report is forgotten. */
const REPORT_AGAIN_MS = 1_800_000;
/** As many batches as one call writes to D1 again. */
const RECOPIED_BATCHES = 20;

/**
 * One tenant's ledger in one mode, as a Durable Object: `admit` before Claro is called, `settle` before the answer
 * leaves. Replies are held by the output gate until what they say is durable. D1 gets a copy from the alarm.
 */
export class TenantLedger extends DurableObject<Env> {
  readonly #store: LedgerStore;
  readonly #idempotency: IdempotencyKeys;
  readonly #book: LedgerBook;
  readonly #clock: Clock;
  readonly #longestWaitMs: number;
  readonly #littleWhileMs: number;
  #alarmAtMs: number | null = null;
  #flushing: Promise<FlushReply> | null = null;
  #committing: Promise<void> | null = null;
  #failedFlushes = 0;
  #reportedAtMs: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(`misconfigured: ${settings.failure.names.join(", ")}`);
    this.#clock = shiftedClock(settings.value.clockOffsetMs);
    this.#longestWaitMs = settings.value.ledgerFlushMs;
    this.#littleWhileMs = Math.min(this.#longestWaitMs, LITTLE_WHILE_MS);
    this.#store = new LedgerStore(ctx.storage.sql);
    this.#idempotency = new IdempotencyKeys(ctx.storage.sql);
    this.#book = new LedgerBook(
      { store: this.#store, idempotency: this.#idempotency },
      { nowMs: this.#clock.nowMs(), intentTtlMs: settings.value.intentTtlMs },
    );
    // A crash between an alarm's start and its next setting leaves nothing to wake the object with.
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = await ctx.storage.getAlarm();
      this.#wakeForWork();
    });
  }

  /**
   * Takes the register's word on the tenant and its keys. It is effective for every answer at once, and when this returns
   * also for what is sent to Claro: words that were given before have ended by then.
   */
  async configure(terms: LedgerTerms): Promise<void> {
    const { wordsEndInMs } = this.#book.configure(terms, this.#clock.nowMs());
    if (wordsEndInMs > 0) await scheduler.wait(wordsEndInMs);
  }

  authorize(call: AccessCall): AccessReply {
    const reply = this.#book.authorize(call, this.#clock.nowMs());
    if (this.#book.hasUnsavedKeyUses) this.#wakeWithin(this.#littleWhileMs);
    return reply;
  }

  /** Decides on a lookup and records its intent. */
  async admit(call: AdmitCall): Promise<AdmitReply> {
    await this.#committing;
    const reply = this.#book.admit(call, this.#clock.nowMs());
    this.#noteWrites();
    // A key's use is told by the lookup's own row, where there is one.
    if (reply.kind === "admitted") this.#wakeWithin(this.#longestWaitMs);
    else if (this.#book.hasUnsavedKeyUses) this.#wakeWithin(this.#littleWhileMs);
    return reply;
  }

  /** Turns an intent into its one event. */
  async settle(call: SettleCall): Promise<SettleReply> {
    await this.#committing;
    const reply = this.#book.settle(call, this.#clock.nowMs());
    this.#noteWrites();
    const waiting = this.#book.lastSeq - this.#book.flushedThrough;
    if (waiting >= FLUSH_ROWS && this.#failedFlushes === 0) this.#wakeWithin(0);
    else this.#wakeWithin(waiting >= WORTHWHILE_ROWS ? this.#littleWhileMs : this.#longestWaitMs);
    return reply;
  }

  /** The caller of a lookup was told that it has no answer: what the ledger says is put right. */
  withdraw(lookupId: string): void {
    this.#book.withdraw(lookupId, this.#clock.nowMs());
    this.#wakeWithin(this.#longestWaitMs);
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

  /** Writes to D1 again what it once had after `afterSeq`, some batches a call, for a D1 that has lost it. */
  async recopy(afterSeq: number): Promise<RecopyReply> {
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

  /** Forgets the events up to `through`: their month is closed, and the archive has them. */
  release(through: number): void {
    this.#book.release(through, this.#clock.nowMs());
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
    this.#wakeWithin(this.#longestWaitMs);
    return reply;
  }

  /** Lets no event fall into an ended period any more, whatever the clocks say, and brings to D1 what it holds. */
  async closePeriod(period: Period): Promise<ClosePeriodReply> {
    this.#book.endOverdue(this.#clock.nowMs());
    this.#book.closeThrough(period);
    const flushed = await this.flush();
    return flushed.kind === "failed" ? flushed : { kind: "closed", range: this.#book.seqRange(period) };
  }

  /** Also ends what nobody settled and re-arms the alarm of an object that lost it: a sweep calls this. */
  status(): LedgerStatus {
    this.#book.endOverdue(this.#clock.nowMs());
    this.#wakeForWork();
    return {
      lastSeq: this.#book.lastSeq,
      flushedThrough: this.#book.flushedThrough,
      openIntents: this.#book.openIntents,
      oldestUnflushedAtMs: this.#store.oldestUnflushedAtMs(this.#book.flushedThrough),
      isFailing: this.#failedFlushes > 0,
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

  // Calls that come while a commit is under way wait for its end and then run one after the other without an await
  // between them, so that they share the next commit: under load it is the commits that cost most. A call that finds
  // none under way waits for nothing.
  #noteWrites(): void {
    this.#committing ??= this.ctx.storage.sync().finally(() => {
      this.#committing = null;
    });
  }

  // One batch at a time, however many ask: the promise is shared, with no await between check and assignment.
  #flushOnce(): Promise<FlushReply> {
    this.#flushing ??= this.#flushBatch().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  async #flushBatch(): Promise<FlushReply> {
    const events = ofOneMonth(this.#store.eventsAfter(this.#book.flushedThrough, FLUSH_ROWS));
    const last = events.at(-1);
    if (last === undefined) return { kind: "flushed", flushedThrough: this.#book.flushedThrough };
    const batch = JSON.stringify(events);
    const packed = await gzip(batch);
    const failure = await this.#writeToD1(batch);
    if (failure !== null) {
      this.#failedFlushes += 1;
      logEvent("warn", { event: "ledger_flush_failed", error: failure });
      await this.#reportBacklog();
      return { kind: "failed", reason: "D1 does not take the events now" };
    }
    this.#failedFlushes = 0;
    this.#book.markFlushed(last.seq, packed, this.#clock.nowMs());
    await this.#takeBackReport();
    return { kind: "flushed", flushedThrough: last.seq };
  }

  /** Null when D1 has the events, else why not; it may have them all the same. */
  async #writeToD1(events: string): Promise<string | null> {
    const { terms } = this.#book;
    if (terms === null) return "the ledger has no terms";
    try {
      const written = await withDeadline(D1_TIMEOUT_MS, () => writeEvents(this.env.DB, terms, events));
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
      await withDeadline(BOARD_TIMEOUT_MS, () => use(new BacklogBoard(this.env.KEYS)));
    } catch (error) {
      logEvent("warn", { event: "ledger_report_failed", error: messageOf(error) });
    }
  }

  #wakeForWork(): void {
    const { lastSeq, flushedThrough, openIntents } = this.#book;
    const unflushed = lastSeq - flushedThrough;
    const nextMaintenanceAtMs = this.#idempotency.nextMaintenanceAtMs();
    if (this.#failedFlushes > 0 && unflushed > 0) {
      this.#wakeWithin(Math.min(this.#littleWhileMs * 2 ** Math.min(this.#failedFlushes, 10), LONGEST_BACKOFF_MS));
    } else if (unflushed >= FLUSH_ROWS) {
      this.#wakeWithin(0);
    } else if (openIntents > 0 || unflushed >= WORTHWHILE_ROWS) {
      this.#wakeWithin(this.#littleWhileMs);
    } else if (unflushed > 0) {
      this.#wakeWithin(this.#longestWaitMs);
    } else if (nextMaintenanceAtMs !== null) {
      this.#wakeWithin(Math.max(nextMaintenanceAtMs - this.#clock.nowMs(), this.#littleWhileMs));
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

/** Those of the first one's month: when a month is archived, D1 lets go of whole batches. */
function ofOneMonth(events: readonly EventRow[]): readonly EventRow[] {
  const [first] = events;
  const nextMonth = events.findIndex(
    (event) => first !== undefined && periodOf(event.occurred_at) !== periodOf(first.occurred_at),
  );
  return nextMonth === -1 ? events : events.slice(0, nextMonth);
}
