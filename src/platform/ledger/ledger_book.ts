import {
  decideLimits,
  peekLimits,
  usesAllowance,
  type HeldAtPrice,
  type LimitNotices,
} from "../../domain/admission.ts";
import { refuseAccess, type KeyGrant } from "../../domain/authorization.ts";
import type { Failure } from "../../domain/failure.ts";
import { ANSWER_KEPT_MS, decideIdempotency, KEY_KEPT_MS, type IdempotencyDecision } from "../../domain/idempotency.ts";
import type { Outcome } from "../../domain/meter_event.ts";
import { periodBounds, periodOf, saoPauloDate, type Period } from "../../domain/period.ts";
import type { PriceTier } from "../../domain/plan.ts";
import { unitPriceMicros } from "../../domain/pricing.ts";
import { FULL_BUCKET, refilled, takeToken, type Bucket } from "../../domain/rate_limit.ts";
import type { LedgerStore, OpenIntentRow } from "./ledger_store.ts";
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

const MAINTENANCE_ROWS = 1000;
const MINUTE_MS = 60_000;

type OpenIntent = {
  readonly n: number;
  readonly admittedAtMs: number;
  readonly priceVersion: number;
  readonly idempotencyKey: string | null;
};

/**
 * A tenant's ledger as it decides: the rules of admission and settling over the object's tables. It never awaits, so
 * each call is one atomic step; what it keeps in memory is a sum of what the tables hold, and is read again at a start.
 */
export class LedgerBook {
  readonly #store: LedgerStore;
  readonly #intentTtlMs: number;
  readonly #open = new Map<string, OpenIntent>();
  readonly #openByPrice = new Map<number, number>();
  readonly #prices: Map<number, readonly PriceTier[]>;
  readonly #keyUses: Map<string, number>;
  readonly #unsavedKeyUses: Set<string>;
  #grants = new Map<string, KeyGrant>();
  #terms: LedgerTerms | null;
  #priceVersion: number;
  #lastSeq: number;
  #flushedThrough: number;
  #lastIntent = 0;
  #allowanceUsed: number;
  #period: Period;
  #periodEndMs: number;
  /** No event occurs before this instant: the start of the latest event's period, or the end of a closed one. */
  #periodFloorMs: number;
  #billedInPeriod: number;
  #spentInPeriodMicros: number;
  #bucket: Bucket;
  #savedBucket: Bucket;

  constructor(store: LedgerStore, options: { nowMs: number; intentTtlMs: number }) {
    this.#store = store;
    this.#intentTtlMs = options.intentTtlMs;
    const head = store.head();
    this.#terms = head.terms;
    this.#grants = grantsOf(head.terms);
    this.#priceVersion = head.priceVersion;
    this.#prices = store.prices();
    this.#flushedThrough = head.flushedThrough;
    this.#lastSeq = Math.max(head.flushedThrough, store.lastSeq());
    this.#periodFloorMs = head.periodFloorMs;
    this.#period = periodOf(head.periodFloorMs === 0 ? options.nowMs : head.periodFloorMs);
    this.#periodEndMs = periodBounds(this.#period).endMs;
    const totals = store.totals(`${this.#period}-01`, head.flushedThrough);
    this.#allowanceUsed = totals.allowance_used;
    this.#billedInPeriod = totals.billed;
    this.#spentInPeriodMicros = totals.spent;
    this.#keyUses = store.keyUses();
    this.#unsavedKeyUses = new Set(this.#keyUses.keys());
    for (const row of store.openIntents()) this.#remember(row);
    this.#savedBucket = store.bucket() ?? FULL_BUCKET;
    this.#bucket = this.#restoredBucket(options.nowMs);
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
    return this.#unsavedKeyUses.size > 0;
  }

  get terms(): LedgerTerms | null {
    return this.#terms;
  }

  /** Takes the register's word, unless a newer one is here already. */
  configure(terms: LedgerTerms, nowMs: number): void {
    if (this.#terms !== null && terms.version < this.#terms.version) return;
    const current = this.#prices.get(this.#priceVersion);
    if (current === undefined || JSON.stringify(current) !== JSON.stringify(terms.plan.tiers)) {
      this.#priceVersion += 1;
      this.#prices.set(this.#priceVersion, terms.plan.tiers);
      this.#store.savePrice(this.#priceVersion, terms.plan.tiers);
    }
    if (this.#terms !== null) this.#bucket = refilled(this.#terms.plan, this.#bucket, nowMs);
    this.#terms = terms;
    this.#grants = grantsOf(terms);
    this.#store.saveTerms(terms, this.#priceVersion);
  }

  /** Whether a key may do something now. */
  authorize(call: AccessCall, nowMs: number): AccessReply {
    const failure = this.#refuse(call, nowMs);
    return failure === null ? { kind: "allowed", notices: this.#notices(nowMs) } : { kind: "refused", failure };
  }

  /** Decides on a lookup and, when it may be made, records the intent. Repeating an admitted call changes nothing. */
  admit(call: AdmitCall, nowMs: number): AdmitReply {
    this.endOverdue(nowMs);
    const refusal = this.#refuse(call, nowMs);
    if (refusal !== null) return { kind: "refused", failure: refusal, notices: null };
    const terms = this.#terms as LedgerTerms;
    const known = this.#open.get(call.lookupId);
    if (known !== undefined) return this.#admitted(terms, known.admittedAtMs, this.#notices(nowMs));

    const earlier = this.#earlierRequest(call, nowMs);
    if (earlier.kind === "replay") return { ...earlier, notices: this.#notices(nowMs) };
    const conflict = idempotencyFailure(earlier);
    if (conflict !== null) return { kind: "refused", failure: conflict, notices: this.#notices(nowMs) };

    const decision = decideLimits(this.#limitState(nowMs));
    this.#bucket = decision.bucket;
    if (decision.refusal !== null) return { kind: "refused", failure: decision.refusal, notices: decision.notices };
    this.#recordIntent(call, nowMs);
    return this.#admitted(terms, nowMs, decision.notices);
  }

  /** Ends an intent as exactly one event. Repeating a settle gives the first one's answer. */
  settle(call: SettleCall, nowMs: number): SettleReply {
    this.endOverdue(nowMs);
    const intent = this.#open.get(call.lookupId);
    if (intent !== undefined) return { kind: "settled", seq: this.#end(call, intent, nowMs) };
    const event = this.#store.eventById(call.lookupId);
    if (event === undefined) return { kind: "no_intent" };
    return event.outcome === call.outcome
      ? { kind: "settled", seq: event.n }
      : { kind: "ended", outcome: event.outcome };
  }

  /** Ends as `unknown` what nobody settled in time. A clock that jumped back over an hour ends it too, not never. */
  endOverdue(nowMs: number): void {
    for (const [lookupId, intent] of this.#open) {
      const ageMs = nowMs - intent.admittedAtMs;
      if (ageMs < this.#intentTtlMs && ageMs > -60 * MINUTE_MS) break;
      this.#end({ lookupId, outcome: "unknown", transactionId: null, answer: null }, intent, nowMs);
    }
  }

  /** Adds a correction as an event of the open period. Its id makes a repeat harmless, however late it comes. */
  adjust(adjustment: AdjustCall, nowMs: number): AdjustReply {
    const known = this.#store.adjustment(adjustment.id);
    if (known !== undefined) return known;
    const occurredAtMs = this.#enterPeriod(nowMs);
    const seq = ++this.#lastSeq;
    this.#store.insertAdjustment({ ...adjustment, seq, occurredAtMs, day: saoPauloDate(occurredAtMs) });
    return { seq, occurredAtMs };
  }

  /** From now on no event falls into `period` or before it, whatever the clock says. */
  closeThrough(period: Period): void {
    const { endMs } = periodBounds(period);
    if (endMs > this.#periodFloorMs) this.#raiseFloor(endMs);
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
          : { limit: allowance.requests, used: this.#allowanceUsed + this.#open.size, endsAt: allowance.endsAt },
      asOfMs: nowMs,
    };
  }

  /** D1 has everything up to `through`: it is counted into its days; what no settle can repeat any more leaves. */
  markFlushed(through: number, nowMs: number): void {
    this.#store.markFlushed({ from: this.#flushedThrough, through }, nowMs);
    this.#flushedThrough = through;
  }

  /** Drops, erases and forgets what has had its time; bounded, so it may have to be called again. */
  maintain(nowMs: number): void {
    // Before the rows go that tell of it.
    if (this.#bucket !== this.#savedBucket) this.#store.saveBucket(this.#bucket);
    this.#savedBucket = this.#bucket;
    this.#store.dropFlushed(this.#flushedThrough, nowMs - this.#intentTtlMs);
    this.#store.eraseAnswers(nowMs - ANSWER_KEPT_MS, MAINTENANCE_ROWS);
    this.#store.forgetIdempotency(nowMs - KEY_KEPT_MS, MAINTENANCE_ROWS);
    for (const keyId of this.#unsavedKeyUses) this.#store.setKeyUse(keyId, this.#keyUses.get(keyId) ?? nowMs);
    this.#unsavedKeyUses.clear();
  }

  /** When each key was last used, to the minute. */
  keyUses(): Record<string, number> {
    return Object.fromEntries(this.#keyUses);
  }

  #refuse(call: AccessCall, nowMs: number): Failure | null {
    if (this.#terms === null) return { code: "invalid_api_key" };
    const failure = refuseAccess(this.#grants.get(call.keyId), this.#terms.status, call, nowMs);
    if (failure === null) this.#noteKeyUse(call.keyId, nowMs);
    return failure;
  }

  #noteKeyUse(keyId: string, nowMs: number): void {
    const minute = nowMs - (nowMs % MINUTE_MS);
    if (this.#keyUses.get(keyId) === minute) return;
    this.#keyUses.set(keyId, minute);
    this.#unsavedKeyUses.add(keyId);
  }

  #earlierRequest(call: AdmitCall, nowMs: number): IdempotencyDecision {
    if (call.idempotency === null) return { kind: "new" };
    const row = this.#store.idempotency(call.idempotency.keyHash);
    if (row === undefined) return { kind: "new" };
    const kept = {
      requestHash: row.request_hash,
      createdAtMs: row.created_at,
      state: row.state,
      answer: row.answer === null ? null : new Uint8Array(row.answer),
    };
    const decision = decideIdempotency(kept, call.idempotency.requestHash, nowMs);
    if (decision.kind === "new") this.#store.dropIdempotency(call.idempotency.keyHash);
    return decision;
  }

  #recordIntent(call: AdmitCall, nowMs: number): void {
    const idempotencyKey = call.idempotency?.keyHash ?? null;
    const intent: OpenIntent = {
      n: --this.#lastIntent,
      admittedAtMs: nowMs,
      priceVersion: this.#priceVersion,
      idempotencyKey,
    };
    this.#store.insertIntent({ ...intent, ...call });
    if (call.idempotency !== null) {
      this.#store.startIdempotency(call.idempotency.keyHash, call.idempotency.requestHash, nowMs);
    }
    this.#hold(call.lookupId, intent);
  }

  #end(call: SettleCall, intent: OpenIntent, nowMs: number): number {
    const occurredAtMs = this.#enterPeriod(nowMs);
    const billed = call.outcome === "delivered" && this.#terms?.mode === "live";
    const tiers = this.#prices.get(intent.priceVersion) ?? [];
    const price = billed ? unitPriceMicros(tiers, this.#billedInPeriod + 1) : 0;
    const seq = this.#lastSeq + 1;
    this.#store.settleIntent({
      n: intent.n,
      seq,
      occurredAtMs,
      day: saoPauloDate(occurredAtMs),
      outcome: call.outcome,
      billed,
      unitPriceMicros: price,
      amountMicros: price,
      transactionId: call.transactionId,
    });
    if (intent.idempotencyKey !== null) this.#endIdempotency(intent.idempotencyKey, call);
    this.#lastSeq = seq;
    this.#release(call.lookupId, intent);
    this.#count(call.outcome, billed, price);
    return seq;
  }

  // What `failed` cost nobody anything and is worth repeating: the next try with the key runs anew.
  #endIdempotency(keyHash: string, call: { outcome: Outcome; answer: Uint8Array | null }): void {
    if (call.outcome === "failed") this.#store.dropIdempotency(keyHash);
    else this.#store.endIdempotency(keyHash, call.answer);
  }

  #count(outcome: Outcome, billed: boolean, priceMicros: number): void {
    if (usesAllowance(outcome)) this.#allowanceUsed += 1;
    if (billed) this.#billedInPeriod += 1;
    this.#spentInPeriodMicros += priceMicros;
  }

  // Events never fall behind the period of the one before, so that a period is one range of seq, even if a clock
  // jumps back: then they stand at that period's first instant.
  #enterPeriod(nowMs: number): number {
    const occurredAtMs = Math.max(nowMs, this.#periodFloorMs);
    const { startMs } = periodBounds(periodOf(occurredAtMs));
    if (startMs > this.#periodFloorMs) this.#raiseFloor(startMs);
    return occurredAtMs;
  }

  #raiseFloor(floorMs: number): void {
    this.#periodFloorMs = floorMs;
    this.#store.setPeriodFloor(floorMs);
    const period = periodOf(floorMs);
    if (period === this.#period) return;
    this.#period = period;
    this.#periodEndMs = periodBounds(period).endMs;
    this.#billedInPeriod = 0;
    this.#spentInPeriodMicros = 0;
  }

  #limitState(nowMs: number): Parameters<typeof decideLimits>[0] {
    const terms = this.#terms as LedgerTerms;
    const isThisPeriod = nowMs < this.#periodEndMs;
    return {
      nowMs,
      // Test lookups cost nothing and use up nothing: only the rate holds for them.
      plan: terms.mode === "live" ? terms.plan : { ...terms.plan, allowance: null, monthlySpendCapMicros: null },
      allowanceUsed: this.#allowanceUsed,
      billedInPeriod: isThisPeriod ? this.#billedInPeriod : 0,
      spentInPeriodMicros: isThisPeriod ? this.#spentInPeriodMicros : 0,
      held: this.#held(),
      bucket: this.#bucket,
    };
  }

  #held(): HeldAtPrice[] {
    return [...this.#openByPrice].map(([version, count]) => ({ tiers: this.#prices.get(version) ?? [], count }));
  }

  #notices(nowMs: number): LimitNotices {
    return peekLimits(this.#limitState(nowMs));
  }

  #admitted(terms: LedgerTerms, admittedAtMs: number, notices: LimitNotices): AdmitReply {
    return { kind: "admitted", customerId: terms.customerId, admittedAtMs, notices };
  }

  #remember(row: OpenIntentRow): void {
    this.#lastIntent = Math.min(this.#lastIntent, row.n);
    this.#hold(row.id, {
      n: row.n,
      admittedAtMs: row.admitted_at,
      priceVersion: row.price_version,
      idempotencyKey: row.idempotency_key,
    });
  }

  #hold(lookupId: string, intent: OpenIntent): void {
    this.#open.set(lookupId, intent);
    this.#openByPrice.set(intent.priceVersion, (this.#openByPrice.get(intent.priceVersion) ?? 0) + 1);
  }

  #release(lookupId: string, intent: OpenIntent): void {
    this.#open.delete(lookupId);
    const left = (this.#openByPrice.get(intent.priceVersion) ?? 1) - 1;
    if (left === 0) this.#openByPrice.delete(intent.priceVersion);
    else this.#openByPrice.set(intent.priceVersion, left);
  }

  // The bucket lives in memory. What `maintain` saved of it and the admissions since then tell how full it is.
  #restoredBucket(nowMs: number): Bucket {
    if (this.#terms === null) return FULL_BUCKET;
    const { plan } = this.#terms;
    const saved = this.#savedBucket;
    const sinceMs = Math.max(saved.atMs, nowMs - (plan.burst / plan.ratePerSecond) * 1000);
    return this.#store
      .recentAdmissions(sinceMs)
      .reduce((bucket, admittedAtMs) => takeToken(plan, bucket, Math.min(admittedAtMs, nowMs)).bucket, saved);
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

function grantsOf(terms: LedgerTerms | null): Map<string, KeyGrant> {
  return new Map(terms?.keys.map((grant) => [grant.keyId, grant]));
}
