import { DurableObject } from "cloudflare:workers";
import type { Period } from "../../domain/period.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { logEvent, messageOf } from "../log.ts";
import { readSettings } from "../settings.ts";
import { EventFlush, FLUSH_ROWS } from "./event_flush.ts";
import { IdempotencyKeys } from "./idempotency_keys.ts";
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
  LookupCall,
  LookupReply,
  MonthTotals,
  RecopyReply,
  SettleCall,
  SettleReply,
  UsageReply,
} from "./messages.ts";

/**
 * A flush writes some seven rows of its own, whatever it brings: fewer events than these wait for more, the longest time
 * that the settings allow; more wait only a little. The ledger itself knows them all at once, and whoever reads events from
 * D1 has the ledger flush first.
 */
const WORTHWHILE_ROWS = 50;
const LITTLE_WHILE_MS = 60_000;
/** As many batches as one alarm sends before it lets others in. */
const FLUSH_BATCHES = 20;
const LONGEST_BACKOFF_MS = 60_000;

/**
 * One tenant's ledger in one mode, as a Durable Object: `admit` before Claro is called, `settle` before the answer
 * leaves. Replies are held by the output gate until what they say is durable. D1 gets a copy from the alarm.
 */
export class TenantLedger extends DurableObject<Env> {
  readonly #store: LedgerStore;
  readonly #idempotency: IdempotencyKeys;
  readonly #book: LedgerBook;
  readonly #copy: EventFlush;
  readonly #clock: Clock;
  readonly #longestWaitMs: number;
  readonly #littleWhileMs: number;
  #alarmAtMs: number | null = null;
  #committing: Promise<void> | null = null;

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
    this.#copy = new EventFlush({ book: this.#book, store: this.#store, clock: this.#clock }, () => this.env);
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
    if (waiting >= FLUSH_ROWS && this.#copy.failures === 0) this.#wakeWithin(0);
    else this.#wakeWithin(waiting >= WORTHWHILE_ROWS ? this.#littleWhileMs : this.#longestWaitMs);
    return reply;
  }

  /** What several lookups ask at once, each decided for itself and all of it durable together. A reply for each, in order. */
  async lookupCalls(calls: readonly LookupCall[]): Promise<PromiseSettledResult<LookupReply>[]> {
    return await Promise.allSettled(
      calls.map(async ({ kind, call }) => (kind === "admit" ? await this.admit(call) : await this.settle(call))),
    );
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
    return await this.#copy.all();
  }

  /** Writes to D1 again what it once had after `afterSeq`, some batches a call, for a D1 that has lost it. */
  async recopy(afterSeq: number): Promise<RecopyReply> {
    return await this.#copy.again(afterSeq);
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
      isFailing: this.#copy.failures > 0,
      lastUsedAtMs: this.#book.keyUses(),
    };
  }

  // Nothing may be thrown here: after six failures in a row the platform deletes an alarm.
  override async alarm(): Promise<void> {
    this.#alarmAtMs = null;
    try {
      this.#book.endOverdue(this.#clock.nowMs());
      for (let batch = 0; batch < FLUSH_BATCHES && this.#book.flushedThrough < this.#book.lastSeq; batch += 1) {
        if ((await this.#copy.once()).kind === "failed") break;
      }
      this.#book.maintain(this.#clock.nowMs());
    } catch (error) {
      this.#copy.noteFailure();
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

  #wakeForWork(): void {
    const { lastSeq, flushedThrough, openIntents } = this.#book;
    const unflushed = lastSeq - flushedThrough;
    const nextMaintenanceAtMs = this.#idempotency.nextMaintenanceAtMs();
    if (this.#copy.failures > 0 && unflushed > 0) {
      this.#wakeWithin(Math.min(this.#littleWhileMs * 2 ** Math.min(this.#copy.failures, 10), LONGEST_BACKOFF_MS));
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
