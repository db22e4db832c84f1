import { DurableObject } from "cloudflare:workers";
import type { StoredEventRow } from "../../domain/event_row.ts";
import type {
  AccessCall,
  AccessReply,
  AdjustCall,
  AdjustReply,
  AdmitCall,
  AdmitReply,
  Command,
  ConfigureReply,
  PutRightCall,
  PutRightReply,
  Replies,
  SettleCall,
  SettleReply,
  StreamCall,
} from "../../domain/ledger/commands.ts";
import type { DaySums } from "../../domain/ledger/day_sums.ts";
import { believedNowMs } from "../../domain/ledger/event_time.ts";
import { notReady } from "../../domain/ledger/state.ts";
import type { LedgerTerms } from "../../domain/ledger/terms.ts";
import type { Period } from "../../domain/period.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { logEvent, messageOf } from "../log.ts";
import { readSettings } from "../settings.ts";
import { LedgerAlarm, wakeDelayMs } from "./alarm.ts";
import { AnsweredKeys } from "./answered_keys.ts";
import { Batches } from "./batches.ts";
import { EventCopy } from "./copy_events.ts";
import { Journal } from "./journal.ts";
import { LedgerCore, type TurnResult, type WaitingCall } from "./ledger_core.ts";
import type {
  BatchDigest,
  BeginRestoreReply,
  ClosePeriodReply,
  FinishRestoreReply,
  FlushReply,
  Inspection,
  LedgerStatus,
  LookupCall,
  LookupReply,
  MonthTotals,
  RecopyReply,
  RestorePart,
  RestorePartReply,
  UsageReply,
} from "./messages.ts";
import { fromOldCall, withOldFields, type OldAdmitCall, type OldAdmitReply } from "./old_shapes.ts";
import { inspectionOf, monthTotalsOf, seqRangeOf, standingOf, usageOfDays } from "./reports.ts";
import { Restoration } from "./restoration.ts";
import { SideTables } from "./side_tables.ts";
import { SCHEMA } from "./tables.ts";
import { isOldSchema, takeOver } from "./takeover.ts";

/** As many batches as one alarm copies before it lets others in. */
const COPIED_BATCHES = 20;
/** More calls than these wait for the next turn. */
const TURN_CALLS = 256;
/** The events of test mode that are kept; they are in no other place. */
const TEST_EVENTS = 1000;

/**
 * One tenant's ledger in one mode, as a Durable Object: the shell of `domain/ledger/`. It takes the calls that wait as one
 * turn, has them decided, appends one journal row, and its replies leave when that is durable (the output gate).
 */
export class TenantLedger extends DurableObject<Env> {
  readonly #core: LedgerCore;
  readonly #batches: Batches;
  readonly #side: SideTables;
  readonly #answered: AnsweredKeys;
  readonly #copy: EventCopy;
  readonly #clock: Clock;
  readonly #longestWaitMs: number;
  readonly #waiting: WaitingCall[] = [];
  #committing: Promise<void> | null = null;
  readonly #alarm: LedgerAlarm;
  readonly #restoration: Restoration;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(`misconfigured: ${settings.failure.names.join(", ")}`);
    const { intentTtlMs, clockOffsetMs, ledgerFlushMs } = settings.value;
    this.#clock = shiftedClock(clockOffsetMs);
    this.#longestWaitMs = ledgerFlushMs;
    const { sql } = ctx.storage;
    ctx.storage.transactionSync(() => {
      if (isOldSchema(sql)) takeOver(sql, { nowMs: this.#clock.nowMs(), intentTtlMs });
      else sql.exec(SCHEMA);
    });
    this.#batches = new Batches(sql);
    this.#side = new SideTables(sql);
    this.#answered = new AnsweredKeys(sql);
    const tables = { journal: new Journal(sql), batches: this.#batches, answered: this.#answered, side: this.#side };
    this.#core = new LedgerCore(tables, { intentTtlMs });
    this.#restoration = new Restoration(sql, { core: this.#core, batches: this.#batches, side: this.#side });
    this.#alarm = new LedgerAlarm(ctx.storage);
    this.#copy = new EventCopy(
      {
        core: this.#core,
        batches: this.#batches,
        side: this.#side,
        clock: this.#clock,
        onConflict: () => void this.#ask({ kind: "stop", reason: "diverged" }),
      },
      () => this.env,
    );
    // A crash between an alarm's start and its next setting leaves nothing to wake the object with.
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      this.#wakeForWork();
    });
  }

  /**
   * Takes the register's terms. They hold for every answer at once, and when this returns also for what is sent to Claro:
   * early calls under earlier terms have left by then.
   */
  async configure(terms: LedgerTerms): Promise<ConfigureReply> {
    const reply = await this.#ask({ kind: "configure", terms });
    if (reply.kind === "configured" && reply.waitMs > 0) await scheduler.wait(reply.waitMs);
    return reply;
  }

  /** Revokes a key without the register. Null when the ledger does not know the key. */
  async revokeNow(keyId: string): Promise<Replies["revoke_now"]> {
    const reply = await this.#ask({ kind: "revoke_now", keyId });
    if (reply !== null && reply.waitMs > 0) await scheduler.wait(reply.waitMs);
    return reply;
  }

  async authorize(call: AccessCall): Promise<AccessReply> {
    const reply = await this.#ask({ kind: "authorize", call }, call.callerNowMs);
    if (this.#core.hasDeferred) this.#alarm.wakeWithin(this.#longestWaitMs);
    return reply;
  }

  /** Counts a stream of the tenant's files: begins it, renews its lease or, with a lease of 0 ms, ends it. */
  async holdStream(call: StreamCall): Promise<{ readonly isHeld: boolean }> {
    return await this.#ask({ kind: "hold_stream", call });
  }

  /** Decides on a lookup and records its intent. */
  async admit(call: AdmitCall & OldAdmitCall): Promise<AdmitReply & OldAdmitReply> {
    return withOldFields(await this.#ask({ kind: "admit", call: fromOldCall(call) }, call.callerNowMs));
  }

  /** Turns an intent into its one event. */
  async settle(call: SettleCall): Promise<SettleReply> {
    return await this.#ask({ kind: "settle", call }, call.callerNowMs);
  }

  /** What several lookups ask at once, each decided for itself, all in one turn. A reply for each, in order. */
  async lookupCalls(calls: readonly LookupCall[]): Promise<PromiseSettledResult<LookupReply>[]> {
    const asked = calls.map((each): Promise<LookupReply> =>
      each.kind === "admit"
        ? this.#wait({ kind: "admit", call: fromOldCall(each.call) }, each.call.callerNowMs)
        : this.#wait({ kind: "settle", call: each.call }, each.call.callerNowMs),
    );
    this.#runTurn();
    const replies = await Promise.allSettled(asked);
    return replies.map((reply) =>
      reply.status === "fulfilled" ? { ...reply, value: withOldFields(reply.value) } : reply,
    );
  }

  /** A lookup's caller was given no answer: what the ledger has of it is put right. */
  async putRight(call: PutRightCall): Promise<PutRightReply> {
    return await this.#ask({ kind: "put_right", call }, call.callerNowMs);
  }

  /** As `putRight`, for Workers of the version before. */
  async withdraw(lookupId: string): Promise<void> {
    const call = { lookupId, sent: null, idempotency: null, outcome: "unknown", transactionId: null } as const;
    await this.#ask({ kind: "put_right", call });
  }

  /** Records a correction in the open period. A repeat of its id gives the first one's answer. */
  async adjust(call: AdjustCall): Promise<AdjustReply> {
    return await this.#ask({ kind: "adjust", call }, call.callerNowMs);
  }

  /** Counts per São Paulo day, up to this very instant. */
  usage(range: { from: string; to: string }): UsageReply {
    const nowMs = this.#upToDate();
    return usageOfDays(this.#core.state, this.#core.daySums(range), nowMs);
  }

  /** Brings to D1 all that had ended when it was called. */
  async flush(): Promise<FlushReply> {
    this.#upToDate();
    const { lastSeq, terms } = this.#core.state;
    const reason = notReady(this.#core.state);
    // A reader would take what D1 has from it for all that there is.
    if (reason !== null) return { kind: "failed", reason };
    this.#guarded(() => this.#core.cutAll());
    if (terms?.mode === "test") return { kind: "flushed", flushedThrough: lastSeq };
    return await this.#copy.through(lastSeq);
  }

  /** Writes to D1 again what it once had after `afterSeq`, some batches a call, for a D1 that has lost it. */
  async recopy(afterSeq: number): Promise<RecopyReply> {
    this.#packAll();
    const isTest = this.#core.state.terms?.mode === "test";
    return isTest ? { kind: "recopied", through: afterSeq, events: 0, isDone: true } : await this.#copy.again(afterSeq);
  }

  /** Forgets the events up to `through`: their month is closed, and the archive has them. */
  release(through: number): void {
    this.#batches.drop(Math.min(through, this.#side.copiedThrough()));
  }

  /** The seq of a period's first and last event so far. */
  seqRange(period: Period): { first: number; last: number } | null {
    return seqRangeOf(this.#daysOf(period, period));
  }

  /** What months come to so far; a month without an event is not among them. */
  monthTotals(range: { from: Period; to: Period }): MonthTotals[] {
    return monthTotalsOf(this.#daysOf(range.from, range.to));
  }

  /** The last events of test mode, oldest first; live ones are read from D1. */
  testEvents(): readonly StoredEventRow[] {
    this.#packAll();
    return [...this.#batches.eventsAfter(this.#core.state.lastSeq - TEST_EVENTS)];
  }

  /**
   * Lets no event fall into an ended period any more, whatever the clocks say, and brings to D1 what it holds. Where D1
   * does not take it the period is closed all the same: its events can be had from here.
   */
  async closePeriod(period: Period): Promise<ClosePeriodReply> {
    this.#upToDate();
    const reason = notReady(this.#core.state);
    if (reason !== null) return { kind: "not_ready", reason };
    await this.#ask({ kind: "close", period });
    const flushed = await this.flush();
    return { kind: "closed", range: this.seqRange(period), isCopied: flushed.kind === "flushed" };
  }

  /** The events from `seq` on in its batch, as D1 gets them, waiting ones packed first if not forbidden; null where they are gone. */
  heldEvents(seq: number, { pack = true } = {}): string | null {
    if (pack) this.#packAll();
    return this.#core.heldFrom(seq);
  }

  /** Begins to put this object back from what D1 and R2 have. What it is asked until the end it does not take. */
  async beginRestore(name: string, { stop = false } = {}): Promise<BeginRestoreReply> {
    this.#packAll();
    if (stop) await this.#ask({ kind: "stop", reason: "diverged" });
    return this.#guarded(() => this.#restoration.begin(name));
  }

  takeRecorded(part: RestorePart): RestorePartReply {
    return this.#guarded(() => this.#restoration.take(part));
  }

  finishRestore(end: { name: string; lastClosed: Period | null }): FinishRestoreReply {
    const reply = this.#guarded(() => this.#restoration.finish(end));
    this.#wakeForWork();
    return reply;
  }

  /** What a month comes to up to a seq, and its days, to be compared with D1 and R2. */
  inspect({ period, through }: { period: Period; through: number }): Inspection {
    return inspectionOf(this.#daysOf(period, period), this.#core.eventsAfter(through), period);
  }

  /** Hashes of the batches after a seq that D1 has. */
  batchDigests(afterSeq: number): BatchDigest[] {
    return this.#batches.digests(afterSeq, COPIED_BATCHES).filter(({ last }) => last <= this.#side.copiedThrough());
  }

  /** Also ends what nobody settled and re-arms the alarm of an object that lost it: a sweep calls this. */
  status(): LedgerStatus {
    this.#upToDate();
    this.#wakeForWork();
    const { state } = this.#core;
    const isTest = state.terms?.mode === "test";
    return {
      ...standingOf(state),
      flushedThrough: isTest ? state.lastSeq : this.#side.copiedThrough(),
      oldestUnflushedAtMs: isTest ? null : this.#copy.oldestUncopiedAtMs(),
      isFailing: this.#copy.failures > 0,
    };
  }

  /** The terms that are in force, for an operator who puts the register right. */
  terms(): LedgerTerms | null {
    return this.#core.state.terms;
  }

  // Nothing may be thrown here: after six failures in a row the platform deletes an alarm.
  override async alarm(): Promise<void> {
    this.#alarm.noteFired();
    try {
      const nowMs = this.#upToDate();
      this.#guarded(() => {
        this.#core.appendDeferred();
        this.#core.cutIfDue();
      });
      if (this.#core.state.terms?.mode === "test") this.#batches.drop(this.#core.state.lastSeq - 2 * TEST_EVENTS);
      else await this.#copy.through(this.#core.state.lastSeq, COPIED_BATCHES);
      this.#answered.maintain(nowMs);
    } catch (error) {
      this.#copy.noteFailure();
      logEvent("warn", { event: "ledger_alarm_failed", error: messageOf(error) });
    }
    this.#wakeForWork();
  }

  #daysOf(from: Period, to: Period): DaySums[] {
    this.#upToDate();
    return this.#core.daySums({ from: `${from}-01`, to: `${to}-31` });
  }

  /** Ends what is overdue, so that what is read next is as of now. */
  #upToDate(): number {
    const nowMs = this.#clock.nowMs();
    this.#guarded(() => this.#core.expire(nowMs));
    return nowMs;
  }

  #packAll(): void {
    this.#upToDate();
    this.#guarded(() => this.#core.cutAll());
  }

  #ask<Kind extends Command["kind"]>(
    command: Extract<Command, { kind: Kind }>,
    callerNowMs?: number,
  ): Promise<Replies[Kind]> {
    const reply = this.#wait<Kind>(command, callerNowMs);
    this.#runTurn();
    return reply;
  }

  #wait<Kind extends Command["kind"]>(
    command: Extract<Command, { kind: Kind }>,
    callerNowMs?: number,
  ): Promise<Replies[Kind]> {
    const { promise, resolve, reject } = Promise.withResolvers<Replies[Kind]>();
    this.#waiting.push({ command, callerNowMs, resolve: resolve as (reply: unknown) => void, reject });
    return promise;
  }

  // Calls that come while a commit is under way are the next turn: under load it is the rows and commits that cost most.
  // A call that finds none under way waits for nothing.
  #runTurn(): void {
    if (this.#committing !== null) return;
    const calls = this.#waiting.splice(0, TURN_CALLS);
    if (calls.length === 0) return;
    const nowMs = this.#clock.nowMs();
    const commands = calls.map(({ command, callerNowMs }) => ({ command, nowMs: believedNowMs(nowMs, callerNowMs) }));
    const { results, isWritten } = this.#guarded(() => this.#core.run(commands));
    for (const [index, { resolve, reject }] of calls.entries()) {
      const result: TurnResult | undefined = results[index];
      if (result?.status === "fulfilled") resolve(result.value);
      else reject(result?.reason);
    }
    if (isWritten) {
      this.#wakeForWork(true);
      this.#committing = this.ctx.storage.sync().finally(() => {
        this.#committing = null;
        this.#runTurn();
      });
    } else if (this.#waiting.length > 0) this.#runTurn();
  }

  /** Where anything but a decision throws, memory is ahead of the disk: the object starts again from what is durable. */
  #guarded<Value>(work: () => Value): Value {
    try {
      return work();
    } catch (error) {
      logEvent("error", { event: "ledger_aborted", error: messageOf(error) });
      this.ctx.abort(`the ledger could not write: ${messageOf(error)}`);
      throw error;
    }
  }

  /** `isBusy`: events were just written, and more may follow. */
  #wakeForWork(isBusy = false): void {
    const { lastSeq, open, terms, waiting } = this.#core.state;
    const uncopied = terms?.mode === "test" ? waiting.size : lastSeq - this.#side.copiedThrough();
    const maintenanceAtMs = isBusy ? null : this.#answered.nextMaintenanceAtMs();
    const delayMs = wakeDelayMs({
      uncopied,
      isTest: terms?.mode === "test",
      isBusy,
      openLookups: open.size,
      copyFailures: this.#copy.failures,
      maintenanceInMs: maintenanceAtMs === null ? null : maintenanceAtMs - this.#clock.nowMs(),
      longestWaitMs: this.#longestWaitMs,
    });
    if (delayMs !== null) this.#alarm.wakeWithin(delayMs);
  }
}
