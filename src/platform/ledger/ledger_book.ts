import { decideLimits, peekLimits, type LimitNotices } from "../../domain/admission.ts";
import { ampleRoom, PromisedLookups, WAY_MS, WORD_AND_WAY_MS } from "../../domain/ample_room.ts";
import type { Failure } from "../../domain/failure.ts";
import type { IdempotencyDecision } from "../../domain/idempotency.ts";
import { periodBounds, saoPauloDate, type Period } from "../../domain/period.ts";
import type { PriceTier } from "../../domain/plan.ts";
import { unitPriceMicros } from "../../domain/pricing.ts";
import { EndedLookups, MOST_ENDED } from "./ended_lookups.ts";
import type { IdempotencyKeys } from "./idempotency_keys.ts";
import { breaksWords, LedgerKeys } from "./ledger_keys.ts";
import type { LedgerStore } from "./ledger_store.ts";
import type {
  AccessCall,
  AccessReply,
  AdjustCall,
  AdjustReply,
  AdmitCall,
  AdmitReply,
  LedgerTerms,
  MonthTotals,
  SettleCall,
  SettleReply,
  UsageReply,
} from "./messages.ts";
import { OpenIntents, type OpenIntent } from "./open_intents.ts";
import { RateBucket } from "./rate_bucket.ts";
import { RunningSums } from "./running_sums.ts";

/**
 * A tenant's ledger as it decides: the rules of admission and settling over the object's tables. It never awaits, so
 * each call is one atomic step; what it keeps in memory is a sum of what the tables hold, and is read again at a start.
 */
export class LedgerBook {
  readonly #store: LedgerStore;
  readonly #idempotency: IdempotencyKeys;
  readonly #intentTtlMs: number;
  readonly #open: OpenIntents;
  readonly #ended: EndedLookups;
  readonly #sums: RunningSums;
  readonly #prices: Map<number, readonly PriceTier[]>;
  readonly #keys: LedgerKeys;
  readonly #bucket: RateBucket;
  #terms: LedgerTerms | null;
  #priceVersion: number;
  #lastSeq: number;
  #flushedThrough: number;
  readonly #promised = new PromisedLookups();

  constructor(
    tables: { store: LedgerStore; idempotency: IdempotencyKeys },
    options: { nowMs: number; intentTtlMs: number },
  ) {
    const { store } = tables;
    this.#store = store;
    this.#idempotency = tables.idempotency;
    this.#intentTtlMs = options.intentTtlMs;
    const head = store.head();
    this.#terms = head.terms;
    this.#priceVersion = head.priceVersion;
    this.#prices = store.prices();
    this.#flushedThrough = head.flushedThrough;
    this.#lastSeq = Math.max(head.flushedThrough, store.lastSeq());
    this.#sums = new RunningSums(store, head, options.nowMs);
    this.#keys = new LedgerKeys(store, head.terms);
    this.#open = new OpenIntents(store.openIntents());
    const ended = store.endedSince(options.nowMs - options.intentTtlMs, MOST_ENDED);
    this.#ended = new EndedLookups(options.intentTtlMs, ended);
    this.#bucket = new RateBucket(store, head.terms?.plan ?? null, options.nowMs);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get flushedThrough(): number {
    return this.#flushedThrough;
  }

  get openIntents(): number {
    return this.#open.size;
  }

  /** Whether `maintain` has something to remember that no table tells yet. */
  get hasUnsavedKeyUses(): boolean {
    return this.#keys.hasUnsavedUses;
  }

  get terms(): LedgerTerms | null {
    return this.#terms;
  }

  /**
   * Takes the register's terms, unless newer ones are here already. They hold from now on for all that is admitted; gives
   * the time until nothing is sent to Claro any more on a word that was given under the terms before.
   */
  configure(terms: LedgerTerms, nowMs: number): { wordsEndInMs: number } {
    if (this.#terms !== null && terms.version < this.#terms.version) return { wordsEndInMs: 0 };
    const wordsEndMs = this.#terms !== null && breaksWords(this.#terms, terms) ? this.#promised.endMs(nowMs) : null;
    const current = this.#prices.get(this.#priceVersion);
    if (current === undefined || JSON.stringify(current) !== JSON.stringify(terms.plan.tiers)) {
      this.#priceVersion += 1;
      this.#prices.set(this.#priceVersion, terms.plan.tiers);
      this.#store.savePrice(this.#priceVersion, terms.plan.tiers);
    }
    if (this.#terms !== null) this.#bucket.refill(this.#terms.plan, nowMs);
    this.#terms = terms;
    this.#keys.take(terms);
    this.#store.saveTerms(terms, this.#priceVersion);
    return { wordsEndInMs: wordsEndMs === null ? 0 : Math.max(wordsEndMs - WAY_MS - nowMs, 0) };
  }

  /** Whether a key may do something now. */
  authorize(call: AccessCall, nowMs: number): AccessReply {
    const failure = this.#refuse(call, nowMs);
    if (failure === null) return { kind: "allowed", notices: this.#notices(nowMs) };
    // Who is no key of this tenant is told nothing of its limits.
    const isKnown = this.#terms !== null && failure.code !== "invalid_api_key";
    return { kind: "refused", failure, notices: isKnown ? this.#notices(nowMs) : null };
  }

  /**
   * Decides on a lookup and, when it may be made, records the intent. Repeating an admitted call changes nothing, and one
   * that comes after its lookup's end is refused: it is nobody's any more.
   */
  admit(call: AdmitCall, nowMs: number): AdmitReply {
    this.endOverdue(nowMs);
    const known = this.#open.get(call.lookupId);
    if (known === undefined && this.#ended.has(call.lookupId)) {
      return { kind: "refused", failure: { code: "ledger_unavailable", retryAfterSeconds: 1 }, notices: null };
    }
    if (call.isSent === true) this.#promised.take(nowMs);
    const refusal = known?.refusal ?? this.#refuse(call, nowMs);
    if (refusal !== null) return this.#refused(call, refusal, { nowMs, notices: null });
    if (known !== undefined) {
      return this.#admitted(call, known.admittedAtMs, { nowMs, notices: this.#notices(nowMs) });
    }

    const earlier = this.#idempotency.decide(call.idempotency, nowMs);
    if (earlier.kind === "replay") return { ...earlier, notices: this.#notices(nowMs) };
    const conflict = idempotencyFailure(earlier);
    if (conflict !== null) return { kind: "refused", failure: conflict, notices: this.#notices(nowMs) };

    const refused = call.refuseNew ?? null;
    if (refused !== null) return { kind: "refused", failure: refused, notices: this.#notices(nowMs) };
    const decision = decideLimits(this.#limitState(nowMs));
    this.#bucket.become(decision.bucket);
    const { notices } = decision;
    if (decision.refusal !== null) return this.#refused(call, decision.refusal, { nowMs, notices });
    this.#recordIntent(call, { nowMs, refusal: null });
    return this.#admitted(call, nowMs, { nowMs, notices });
  }

  /** Ends an intent as exactly one event. Repeating a settle gives the first one's answer. */
  settle(call: SettleCall, nowMs: number): SettleReply {
    this.endOverdue(nowMs);
    const intent = this.#open.get(call.lookupId);
    if (intent !== undefined) {
      const { withinMs = this.#intentTtlMs } = call;
      const isLate = call.outcome === "delivered" && nowMs - intent.admittedAtMs > withinMs;
      const isRefused = intent.refusal !== null && call.outcome !== "failed";
      if (!isLate && !isRefused) return { kind: "settled", seq: this.#end(call, intent, nowMs) };
      this.#endUnknown(call.lookupId, intent, nowMs);
      return { kind: "ended", outcome: "unknown" };
    }
    const event = this.#store.eventById(call.lookupId);
    if (event === undefined) return { kind: "no_intent" };
    return event.outcome === call.outcome
      ? { kind: "settled", seq: event.n }
      : { kind: "ended", outcome: event.outcome };
  }

  /** Ends as `unknown` what nobody settled in time. */
  endOverdue(nowMs: number): void {
    for (const [lookupId, intent] of this.#open.overdue(nowMs, { ttlMs: this.#intentTtlMs })) {
      this.#endUnknown(lookupId, intent, nowMs);
    }
  }

  /**
   * The caller of a lookup was given no answer, whatever the ledger says: an open intent ends as `unknown`, and a charge
   * is corrected. Where the answer was kept for an idempotency key it can still be had, and the charge stands.
   */
  withdraw(lookupId: string, nowMs: number): void {
    const intent = this.#open.get(lookupId);
    if (intent !== undefined) return this.#endUnknown(lookupId, intent, nowMs);
    const event = this.#store.eventById(lookupId);
    if (event === undefined || event.billed !== 1 || event.idempotency_key !== null) return;
    const amountMicros = 0 - event.amount_micros;
    const reason = "the answer was not sent";
    this.adjust({ id: `${lookupId}_withdrawn`, units: -1, amountMicros, reason, corrects: lookupId }, nowMs);
  }

  /** Adds a correction as an event of the open period. Its id makes a repeat harmless, however late it comes. */
  adjust(adjustment: AdjustCall, nowMs: number): AdjustReply {
    const known = this.#store.adjustment(adjustment.id);
    if (known !== undefined) return known;
    const occurredAtMs = this.#sums.enterPeriod(nowMs);
    const seq = ++this.#lastSeq;
    this.#store.insertAdjustment({ ...adjustment, seq, occurredAtMs, day: saoPauloDate(occurredAtMs) });
    return { seq, occurredAtMs };
  }

  /** From now on no event falls into `period` or before it, whatever the clock says. */
  closeThrough(period: Period): void {
    this.#sums.raiseFloor(periodBounds(period).endMs);
  }

  /** The seq of the period's first and last event, or null when it has none. */
  seqRange(period: Period): { first: number; last: number } | null {
    return this.#store.seqRange(`${period}-01`, `${period}-31`, this.#flushedThrough);
  }

  /** What the months from one to another come to so far; a month without an event is not among them. */
  monthTotals(range: { from: Period; to: Period }, nowMs: number): MonthTotals[] {
    this.endOverdue(nowMs);
    return this.#store.monthTotals(`${range.from}-01`, `${range.to}-31`, this.#flushedThrough);
  }

  usage(range: { from: string; to: string }, nowMs: number): UsageReply {
    this.endOverdue(nowMs);
    const allowance = this.#terms?.mode === "live" ? this.#terms.plan.allowance : null;
    return {
      days: this.#store.usageDays(range.from, range.to, this.#flushedThrough),
      allowance:
        allowance === null
          ? null
          : { limit: allowance.requests, used: this.#sums.allowanceUsed + this.#open.size, endsAt: allowance.endsAt },
      asOfMs: nowMs,
    };
  }

  /** D1 has everything up to `through`, given to it as `batch`: that is counted into its days and kept packed. */
  markFlushed(through: number, batch: Uint8Array, nowMs: number): void {
    this.#store.markFlushed({ from: this.#flushedThrough, through, batch }, nowMs);
    this.#flushedThrough = through;
  }

  /** Forgets the events up to `through` that D1 was given: their month is closed, and the archive has them. */
  release(through: number, nowMs: number): void {
    this.#store.dropBatches(Math.min(through, this.#flushedThrough));
    this.#store.spendFlushed(this.#flushedThrough, nowMs - this.#intentTtlMs);
    this.#store.dropSpent(through);
  }

  /** Drops, erases and forgets what has had its time; bounded, so it may have to be called again. */
  maintain(nowMs: number): void {
    // Before the rows go that tell of it.
    if (this.#terms !== null) this.#bucket.save(this.#terms.plan, nowMs);
    this.#store.spendFlushed(this.#flushedThrough, nowMs - this.#intentTtlMs);
    this.#idempotency.maintain(nowMs);
    this.#keys.save(nowMs);
  }

  /** When each key was last used, to the minute. */
  keyUses(): Record<string, number> {
    return this.#keys.lastUses();
  }

  #refuse(call: AccessCall, nowMs: number): Failure | null {
    if (this.#terms === null) return { code: "invalid_api_key" };
    return this.#keys.refuse(call, this.#terms.status, nowMs);
  }

  // What Claro was asked before it was refused is recorded all the same: it may have been billed to us.
  #refused(
    call: AdmitCall,
    failure: Failure,
    { nowMs, notices }: { nowMs: number; notices: LimitNotices | null },
  ): AdmitReply {
    const isNew = this.#terms !== null && this.#open.get(call.lookupId) === undefined;
    if (call.isSent === true && isNew) this.#recordIntent(call, { nowMs, refusal: failure });
    return { kind: "refused", failure, notices };
  }

  #recordIntent(call: AdmitCall, { nowMs, refusal }: { nowMs: number; refusal: Failure | null }): void {
    const intent: OpenIntent = {
      n: this.#open.nextN(),
      admittedAtMs: nowMs,
      priceVersion: this.#priceVersion,
      idempotencyKey: call.idempotency?.keyHash ?? null,
      refusal,
    };
    this.#store.insertIntent({ ...intent, ...call });
    if (call.idempotency !== null) this.#idempotency.start(call.idempotency, nowMs);
    this.#open.add(call.lookupId, intent);
  }

  #endUnknown(lookupId: string, intent: OpenIntent, nowMs: number): void {
    this.#end({ lookupId, outcome: "unknown", transactionId: null, answer: null }, intent, nowMs);
  }

  #end(call: SettleCall, intent: OpenIntent, nowMs: number): number {
    const occurredAtMs = this.#sums.enterPeriod(nowMs);
    const billed = call.outcome === "delivered" && this.#terms?.mode === "live";
    const tiers = this.#prices.get(intent.priceVersion) ?? [];
    const priceMicros = billed ? unitPriceMicros(tiers, this.#sums.billedInPeriod + 1) : 0;
    const seq = this.#lastSeq + 1;
    this.#store.settleIntent({
      n: intent.n,
      seq,
      occurredAtMs,
      day: saoPauloDate(occurredAtMs),
      outcome: call.outcome,
      billed,
      unitPriceMicros: priceMicros,
      amountMicros: priceMicros,
      transactionId: call.transactionId,
    });
    if (intent.idempotencyKey !== null) this.#idempotency.end(intent.idempotencyKey, call.outcome, call.answer);
    this.#lastSeq = seq;
    this.#open.remove(call.lookupId, intent);
    this.#ended.add(call.lookupId, nowMs);
    this.#sums.count(call.outcome, { billed, priceMicros });
    return seq;
  }

  #limitState(nowMs: number): Parameters<typeof decideLimits>[0] {
    const terms = this.#terms as LedgerTerms;
    return {
      nowMs,
      // Test lookups cost nothing and use up nothing: only the rate holds for them.
      plan: terms.mode === "live" ? terms.plan : { ...terms.plan, allowance: null, monthlySpendCapMicros: null },
      ...this.#sums.forLimits(nowMs),
      held: this.#open.heldAt(this.#prices),
      bucket: this.#bucket.state,
    };
  }

  #notices(nowMs: number): LimitNotices {
    return peekLimits(this.#limitState(nowMs));
  }

  #admitted(
    call: AdmitCall,
    admittedAtMs: number,
    { nowMs, notices }: { nowMs: number; notices: LimitNotices },
  ): AdmitReply {
    const { customerId } = this.#terms as LedgerTerms;
    return { kind: "admitted", customerId, admittedAtMs, notices, room: this.#promise(call, nowMs) };
  }

  #promise({ keyId, roomAsked: asked = 0 }: AdmitCall, nowMs: number): number | null {
    const key = this.#keys.grant(keyId);
    if (key === undefined) return null;
    const state = this.#limitState(nowMs);
    const room = ampleRoom(state, key, { asked, promised: this.#promised.left(nowMs) });
    this.#promised.add(room ?? 0, nowMs + WORD_AND_WAY_MS);
    return room;
  }
}

function idempotencyFailure(decision: Exclude<IdempotencyDecision, { kind: "replay" }>): Failure | null {
  switch (decision.kind) {
    case "new":
      return null;
    case "mismatch":
      return { code: "idempotency_mismatch" };
    case "in_progress":
      return { code: "idempotency_in_progress", retryAfterSeconds: 1 };
    case "expired":
      return { code: "idempotency_expired" };
  }
}
