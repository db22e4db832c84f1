import type { StoredEventRow } from "../../domain/event_row.ts";
import type { PriceTier } from "../../domain/plan.ts";
import type { Bucket } from "../../domain/rate_limit.ts";
import type {
  BatchRow,
  EndedEvent,
  EndedIntent,
  LedgerHead,
  NewAdjustment,
  NewIntent,
  OpenIntentRow,
} from "./ledger_rows.ts";
import { SCHEMA, SQL } from "./ledger_sql.ts";
import type { AdjustReply, LedgerTerms, MonthTotals, UsageDay } from "./messages.ts";

/** About as many as intents can take between one flush and the next. */
const MOST_SPENT_ROWS = 1000;

/** The object's tables under their names; it decides nothing. Every call is synchronous, so calls commit together. */
export class LedgerStore {
  readonly #sql: SqlStorage;
  /** The seqs of the events whose rows new intents can have; none while `first` is past `last`. */
  #spent = { first: 1, last: 0 };

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  head(): LedgerHead {
    const row = this.#sql.exec<Record<string, SqlStorageValue>>(SQL.head).one();
    return {
      terms: row["terms"] === null ? null : (JSON.parse(row["terms"] as string) as LedgerTerms),
      priceVersion: row["price_version"] as number,
      flushedThrough: row["flushed_through"] as number,
      flushedAtMs: row["flushed_at"] as number | null,
      periodFloorMs: row["period_floor"] as number,
    };
  }

  lastSeq(): number {
    return this.#sql.exec<{ n: number | null }>(SQL.lastSeq).one().n ?? 0;
  }

  openIntents(): OpenIntentRow[] {
    return this.#sql.exec<OpenIntentRow>(SQL.openIntents).toArray();
  }

  /** The last `most` of the lookups whose rows are here still and that ended at `sinceMs` or later, in order. */
  endedSince(sinceMs: number, most: number): { id: string; endedAtMs: number }[] {
    return this.#sql.exec<{ id: string; endedAtMs: number }>(SQL.endedSince, sinceMs, most).toArray().toReversed();
  }

  /** Of the lookups that are open, and then of those that have ended, the last one first; read as they are taken. */
  *admissionsFromTheEnd(): Iterable<{ readonly admittedAtMs: number; readonly endedAtMs: number | null }> {
    for (const row of this.#sql.exec<{ admitted_at: number }>(SQL.openAdmissions)) {
      yield { admittedAtMs: row.admitted_at, endedAtMs: null };
    }
    for (const row of this.#sql.exec<{ admitted_at: number; occurred_at: number }>(SQL.endedAdmissions)) {
      yield { admittedAtMs: row.admitted_at, endedAtMs: row.occurred_at };
    }
  }

  totals(fromDate: string, flushedThrough: number): { allowance_used: number; billed: number; spent: number } {
    return this.#sql
      .exec<{ allowance_used: number; billed: number; spent: number }>(SQL.totals, fromDate, flushedThrough)
      .one();
  }

  /** Takes the row of an event that is kept for that, where there is one: a row written over is one write, not two. */
  insertIntent(intent: NewIntent): void {
    const reused = this.#spent.first <= this.#spent.last ? [this.#spent.first++] : [];
    this.#sql.exec(
      reused.length > 0 ? SQL.reuseRow : SQL.insertIntent,
      intent.n,
      intent.lookupId,
      intent.keyId,
      intent.reference,
      intent.cpfReference,
      intent.admittedAtMs,
      intent.priceVersion,
      intent.idempotencyKey,
      intent.refusal === null ? null : "unknown",
      ...reused,
    );
  }

  settleIntent(ended: EndedIntent): void {
    this.#sql.exec(
      SQL.settleIntent,
      ended.seq,
      ended.occurredAtMs,
      ended.day,
      ended.outcome,
      Number(ended.billed),
      Number(ended.billed),
      ended.unitPriceMicros,
      ended.amountMicros,
      ended.transactionId,
      ended.n,
    );
  }

  insertAdjustment(adjustment: NewAdjustment): void {
    const { seq, id, reason, occurredAtMs, day, units, amountMicros, corrects } = adjustment;
    const billed = Number(amountMicros !== 0);
    this.#sql.exec(
      SQL.insertAdjustment,
      seq,
      id,
      reason,
      occurredAtMs,
      occurredAtMs,
      day,
      billed,
      units,
      amountMicros,
      corrects,
    );
    this.#sql.exec(SQL.rememberAdjustment, id, seq, occurredAtMs);
  }

  adjustment(id: string): AdjustReply | undefined {
    return this.#sql.exec<AdjustReply>(SQL.adjustment, id).toArray()[0];
  }

  eventById(id: string): EndedEvent | undefined {
    return this.#sql.exec<EndedEvent>(SQL.eventById, id).toArray()[0];
  }

  eventsAfter(seq: number, limit: number): StoredEventRow[] {
    return this.#sql.exec<StoredEventRow>(SQL.eventsAfter, seq, limit).toArray();
  }

  oldestUnflushedAtMs(flushedThrough: number): number | null {
    return (
      this.#sql.exec<{ occurred_at: number }>(SQL.oldestUnflushed, flushedThrough).toArray()[0]?.occurred_at ?? null
    );
  }

  /** Counts the events after `from` up to `through` into their days, and remembers that, and as what, D1 has them. */
  markFlushed(flushed: { from: number; through: number; batch: Uint8Array }, nowMs: number): void {
    const { from, through, batch } = flushed;
    this.#sql.exec(SQL.foldDays, from, through);
    this.#sql.exec(SQL.insertBatch, through, from + 1, batch.slice().buffer);
    this.#sql.exec(SQL.setFlushed, through, nowMs);
  }

  /** The batches that end after `seq`, in order. */
  batchesAfter(seq: number, limit: number): BatchRow[] {
    return this.#sql.exec<BatchRow>(SQL.batchesAfter, seq, limit).toArray();
  }

  /** Drops the rows that wait for new intents and whose events are up to `through`. */
  dropSpent(through: number): void {
    const last = Math.min(through, this.#spent.last);
    this.#sql.exec(SQL.dropSpent, last);
    this.#spent.first = Math.max(this.#spent.first, last + 1);
  }

  /** Drops the batches all of whose events are up to `through`. */
  dropBatches(through: number): void {
    this.#sql.exec(SQL.dropBatches, through);
  }

  /** Lets new intents have the rows of events up to `through` that ended before; drops those that are too many to keep. */
  spendFlushed(through: number, endedBeforeMs: number): void {
    const { first, last } = this.#sql
      .exec<{ first: number | null; last: number }>(SQL.spentRows, through, endedBeforeMs)
      .one();
    if (first === null) return;
    this.#spent = { first: Math.max(first, last - MOST_SPENT_ROWS + 1), last };
    if (this.#spent.first > first) this.dropSpent(this.#spent.first - 1);
  }

  usageDays(from: string, to: string, flushedThrough: number): UsageDay[] {
    return this.#sql.exec<UsageDay>(SQL.usageDays, from, to, flushedThrough).toArray();
  }

  monthTotals(from: string, to: string, flushedThrough: number): MonthTotals[] {
    return this.#sql.exec<MonthTotals>(SQL.monthTotals, from, to, flushedThrough).toArray();
  }

  seqRange(from: string, to: string, flushedThrough: number): { first: number; last: number } | null {
    const row = this.#sql
      .exec<{ first: number | null; last: number | null }>(SQL.seqRange, from, to, flushedThrough)
      .one();
    return row.first === null || row.last === null ? null : { first: row.first, last: row.last };
  }

  saveTerms(terms: LedgerTerms, priceVersion: number): void {
    this.#sql.exec(SQL.setTerms, JSON.stringify(terms), priceVersion);
  }

  savePrice(version: number, tiers: readonly PriceTier[]): void {
    this.#sql.exec(SQL.insertPrice, version, JSON.stringify(tiers));
  }

  prices(): Map<number, readonly PriceTier[]> {
    const rows = this.#sql.exec<{ version: number; tiers: string }>(SQL.prices).toArray();
    return new Map(rows.map((row) => [row.version, JSON.parse(row.tiers) as readonly PriceTier[]]));
  }

  setPeriodFloor(floorMs: number): void {
    this.#sql.exec(SQL.setPeriodFloor, floorMs);
  }

  keyUses(): Map<string, number> {
    const rows = this.#sql.exec<{ key_id: string; last_used_at: number }>(SQL.keyUses).toArray();
    return new Map(rows.map((row) => [row.key_id, row.last_used_at]));
  }

  setKeyUse(keyId: string, atMs: number): void {
    this.#sql.exec(SQL.setKeyUse, keyId, atMs);
  }

  bucket(): Bucket | undefined {
    return this.#sql.exec<Bucket>(SQL.bucket).toArray()[0];
  }

  saveBucket(bucket: Bucket): void {
    this.#sql.exec(SQL.saveBucket, bucket.missing, bucket.atMs);
  }
}
