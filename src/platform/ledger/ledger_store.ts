import type { Outcome } from "../../domain/meter_event.ts";
import type { PriceTier } from "../../domain/plan.ts";
import type { Bucket } from "../../domain/rate_limit.ts";
import type { AdjustReply, LedgerTerms, MonthTotals, UsageDay } from "./messages.ts";

/**
 * What one ledger object holds, and every statement that touches it.
 *
 * | table       | holds                                                       | leaves when                                 |
 * |-------------|-------------------------------------------------------------|---------------------------------------------|
 * | ledger      | one row: the terms, how far D1 has the events               | never                                       |
 * | lookups     | n < 0: an open intent; n > 0: the event with seq = n        | D1 has it and no settle can be repeated     |
 * | prices      | tiers by version: an intent keeps the price it was admitted at | never (one row a price change)           |
 * | days        | counts of the São Paulo days whose events D1 has            | never (one row a day)                       |
 * | adjustments | ids of adjustments: a repeat must find its event even when that has left | never (one row an adjustment) |
 * | key_uses    | when each key was last used                                 | never (one row a key)                       |
 * | bucket      | one row: the rate's tokens as of the last maintenance       | never                                       |
 * | idempotency | keys, their request's hash, the encrypted answer            | the answer after 24 h, the row after 35 days |
 *
 * A lookup costs three written rows here: the intent's insert, the settle's update (which moves the row from its
 * negative number to its seq) and the delete after the flush.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY CHECK (id = 1), terms TEXT, price_version INTEGER NOT NULL DEFAULT 0,
    flushed_through INTEGER NOT NULL DEFAULT 0, flushed_at INTEGER, period_floor INTEGER NOT NULL DEFAULT 0,
    answers_erased_through INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  INSERT INTO ledger (id) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM ledger);
  CREATE TABLE IF NOT EXISTS lookups (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, key_id TEXT, reference TEXT, cpf_reference TEXT,
    admitted_at INTEGER NOT NULL, price_version INTEGER NOT NULL, idempotency_key TEXT,
    occurred_at INTEGER, day TEXT, outcome TEXT, billed INTEGER, units INTEGER, unit_price_micros INTEGER,
    amount_micros INTEGER, transaction_id TEXT, kind TEXT NOT NULL, corrects TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS prices (version INTEGER PRIMARY KEY, tiers TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS days (
    date TEXT PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    delivered INTEGER NOT NULL, not_found INTEGER NOT NULL, rejected INTEGER NOT NULL, failed INTEGER NOT NULL,
    unknown INTEGER NOT NULL, billed INTEGER NOT NULL, amount_micros INTEGER NOT NULL,
    adjustments INTEGER NOT NULL, adjustment_micros INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS adjustments (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, occurred_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS key_uses (key_id TEXT PRIMARY KEY, last_used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS bucket (
    id INTEGER PRIMARY KEY CHECK (id = 1), missing REAL NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS idempotency (
    n INTEGER PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, request_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL, state TEXT NOT NULL, answer BLOB
  ) STRICT;
`;

/** The counts of a set of rows of `lookups`, in the order of the columns of `days`. */
const DAY_COUNTS = `
  min(n) AS first_seq, max(n) AS last_seq,
  sum(outcome IS 'delivered') AS delivered, sum(outcome IS 'not_found') AS not_found,
  sum(outcome IS 'rejected') AS rejected, sum(outcome IS 'failed') AS failed, sum(outcome IS 'unknown') AS unknown,
  sum(CASE kind WHEN 'lookup' THEN billed ELSE 0 END) AS billed,
  sum(CASE kind WHEN 'lookup' THEN amount_micros ELSE 0 END) AS amount_micros,
  sum(kind = 'adjustment') AS adjustments,
  sum(CASE kind WHEN 'adjustment' THEN amount_micros ELSE 0 END) AS adjustment_micros`;

const SQL = {
  head: `SELECT terms, price_version, flushed_through, flushed_at, period_floor, answers_erased_through FROM ledger`,
  lastSeq: `SELECT max(n) AS n FROM lookups WHERE n > 0`,
  openIntents: `SELECT n, id, key_id, admitted_at, price_version, idempotency_key FROM lookups WHERE n < 0
    ORDER BY n DESC`,
  recentAdmissions: `SELECT admitted_at FROM lookups WHERE admitted_at > ? AND kind = 'lookup' ORDER BY admitted_at`,
  totals: `
    SELECT coalesce(sum(delivered + not_found + rejected + unknown), 0) AS allowance_used,
      coalesce(sum(CASE WHEN date >= ?1 THEN billed END), 0) AS billed,
      coalesce(sum(CASE WHEN date >= ?1 THEN amount_micros END), 0) AS spent
    FROM (SELECT date, delivered, not_found, rejected, unknown, billed, amount_micros FROM days
      UNION ALL SELECT date, delivered, not_found, rejected, unknown, billed, amount_micros FROM
        (SELECT day AS date, ${DAY_COUNTS} FROM lookups WHERE n > ?2 GROUP BY day))`,
  insertIntent: `
    INSERT INTO lookups (n, id, key_id, reference, cpf_reference, admitted_at, price_version, idempotency_key, kind)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'lookup')`,
  settleIntent: `
    UPDATE lookups SET n = ?, occurred_at = ?, day = ?, outcome = ?, billed = ?, units = ?, unit_price_micros = ?,
      amount_micros = ?, transaction_id = ? WHERE n = ?`,
  insertAdjustment: `
    INSERT INTO lookups (n, id, reference, admitted_at, price_version, occurred_at, day, billed, units, amount_micros,
      kind, corrects) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 'adjustment', ?)`,
  rememberAdjustment: `INSERT INTO adjustments (id, seq, occurred_at) VALUES (?, ?, ?)`,
  adjustment: `SELECT seq, occurred_at AS occurredAtMs FROM adjustments WHERE id = ?`,
  eventById: `SELECT n, outcome FROM lookups WHERE id = ? AND n > 0`,
  eventsAfter: `
    SELECT n AS seq, id, occurred_at, key_id, reference, outcome, billed, units, unit_price_micros, amount_micros,
      transaction_id, cpf_reference, kind, corrects FROM lookups WHERE n > ? ORDER BY n LIMIT ?`,
  oldestUnflushed: `SELECT occurred_at FROM lookups WHERE n > ? ORDER BY n LIMIT 1`,
  foldDays: `
    INSERT INTO days SELECT day, ${DAY_COUNTS} FROM lookups WHERE n > ? AND n <= ? GROUP BY day
    ON CONFLICT (date) DO UPDATE SET last_seq = excluded.last_seq, delivered = delivered + excluded.delivered,
      not_found = not_found + excluded.not_found, rejected = rejected + excluded.rejected,
      failed = failed + excluded.failed, unknown = unknown + excluded.unknown, billed = billed + excluded.billed,
      amount_micros = amount_micros + excluded.amount_micros, adjustments = adjustments + excluded.adjustments,
      adjustment_micros = adjustment_micros + excluded.adjustment_micros`,
  setFlushed: `UPDATE ledger SET flushed_through = ?, flushed_at = ?`,
  dropFlushed: `DELETE FROM lookups WHERE n > 0 AND n <= ? AND occurred_at < ?`,
  hasDroppable: `SELECT n FROM lookups WHERE n > 0 LIMIT 1`,
  usageDays: `
    SELECT date, sum(delivered) AS delivered, sum(not_found) AS notFound, sum(rejected) AS rejected,
      sum(failed) AS failed, sum(unknown) AS unknown, sum(billed) AS billed, sum(amount_micros) AS amountMicros
    FROM (SELECT date, delivered, not_found, rejected, failed, unknown, billed, amount_micros FROM days
        WHERE date >= ?1 AND date <= ?2
      UNION ALL SELECT date, delivered, not_found, rejected, failed, unknown, billed, amount_micros FROM
        (SELECT day AS date, ${DAY_COUNTS} FROM lookups WHERE n > ?3 AND day >= ?1 AND day <= ?2 GROUP BY day))
    GROUP BY date ORDER BY date`,
  monthTotals: `
    SELECT substr(date, 1, 7) AS month, sum(delivered) AS delivered, sum(not_found) AS notFound,
      sum(rejected) AS rejected, sum(failed) AS failed, sum(unknown) AS unknown, sum(billed) AS billed,
      sum(amount_micros) AS amountMicros, sum(adjustments) AS adjustments, sum(adjustment_micros) AS adjustmentMicros
    FROM (SELECT * FROM days WHERE date >= ?1 AND date <= ?2
      UNION ALL SELECT day AS date, ${DAY_COUNTS} FROM lookups WHERE n > ?3 AND day >= ?1 AND day <= ?2 GROUP BY day)
    GROUP BY month ORDER BY month`,
  seqRange: `
    SELECT min(first_seq) AS first, max(last_seq) AS last FROM
      (SELECT first_seq, last_seq FROM days WHERE date >= ?1 AND date <= ?2
      UNION ALL SELECT min(n), max(n) FROM lookups WHERE n > ?3 AND day >= ?1 AND day <= ?2)`,
  setTerms: `UPDATE ledger SET terms = ?, price_version = ?`,
  insertPrice: `INSERT INTO prices (version, tiers) VALUES (?, ?)`,
  prices: `SELECT version, tiers FROM prices`,
  setPeriodFloor: `UPDATE ledger SET period_floor = ?`,
  // What was not saved before the object went is told by the lookups that are still here.
  keyUses: `
    SELECT key_id, max(last_used_at) AS last_used_at FROM (SELECT key_id, last_used_at FROM key_uses
      UNION ALL SELECT key_id, max(admitted_at) / 60000 * 60000 FROM lookups WHERE kind = 'lookup' GROUP BY key_id)
    GROUP BY key_id`,
  setKeyUse: `
    INSERT INTO key_uses (key_id, last_used_at) VALUES (?, ?)
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
      WHERE excluded.last_used_at > last_used_at`,
  bucket: `SELECT missing, at AS atMs FROM bucket`,
  saveBucket: `
    INSERT INTO bucket (id, missing, at) VALUES (1, ?, ?)
    ON CONFLICT (id) DO UPDATE SET missing = excluded.missing, at = excluded.at`,
  idempotency: `SELECT request_hash, created_at, state, answer FROM idempotency WHERE key_hash = ?`,
  insertIdempotency: `INSERT INTO idempotency (key_hash, request_hash, created_at, state) VALUES (?, ?, ?, 'running')`,
  endIdempotency: `UPDATE idempotency SET state = 'ended', answer = ? WHERE key_hash = ?`,
  dropIdempotency: `DELETE FROM idempotency WHERE key_hash = ?`,
  answersFrom: `
    SELECT n, created_at FROM idempotency WHERE n > (SELECT answers_erased_through FROM ledger) ORDER BY n LIMIT ?`,
  eraseAnswers: `
    UPDATE idempotency SET answer = NULL WHERE n > (SELECT answers_erased_through FROM ledger) AND n <= ?`,
  setAnswersErased: `UPDATE ledger SET answers_erased_through = ?`,
  oldestIdempotency: `SELECT n, created_at FROM idempotency ORDER BY n LIMIT ?`,
  forgetIdempotency: `DELETE FROM idempotency WHERE n <= ?`,
} as const;

export type OpenIntentRow = {
  readonly n: number;
  readonly id: string;
  readonly key_id: string;
  readonly admitted_at: number;
  readonly price_version: number;
  readonly idempotency_key: string | null;
};

export type EventRow = {
  readonly seq: number;
  readonly id: string;
  readonly occurred_at: number;
  readonly key_id: string | null;
  readonly reference: string | null;
  readonly outcome: Outcome | null;
  readonly billed: number;
  readonly units: number;
  readonly unit_price_micros: number | null;
  readonly amount_micros: number;
  readonly transaction_id: string | null;
  readonly cpf_reference: string | null;
  readonly kind: "lookup" | "adjustment";
  readonly corrects: string | null;
};

export type IdempotencyRow = {
  readonly request_hash: string;
  readonly created_at: number;
  readonly state: "running" | "ended";
  readonly answer: ArrayBuffer | null;
};

export type LedgerHead = {
  readonly terms: LedgerTerms | null;
  readonly priceVersion: number;
  readonly flushedThrough: number;
  readonly flushedAtMs: number | null;
  readonly periodFloorMs: number;
};

export type NewIntent = {
  readonly n: number;
  readonly lookupId: string;
  readonly keyId: string;
  readonly reference: string | null;
  readonly cpfReference: string;
  readonly admittedAtMs: number;
  readonly priceVersion: number;
  readonly idempotencyKey: string | null;
};

export type EndedIntent = {
  readonly n: number;
  readonly seq: number;
  readonly occurredAtMs: number;
  readonly day: string;
  readonly outcome: Outcome;
  readonly billed: boolean;
  readonly unitPriceMicros: number;
  readonly amountMicros: number;
  readonly transactionId: string | null;
};

export type NewAdjustment = {
  readonly seq: number;
  readonly id: string;
  readonly reason: string;
  readonly occurredAtMs: number;
  readonly day: string;
  readonly units: number;
  readonly amountMicros: number;
  readonly corrects: string | null;
};

/** The object's tables under their names; it decides nothing. Every call is synchronous, so calls commit together. */
export class LedgerStore {
  readonly #sql: SqlStorage;

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

  recentAdmissions(sinceMs: number): number[] {
    return this.#sql
      .exec<{ admitted_at: number }>(SQL.recentAdmissions, sinceMs)
      .toArray()
      .map((row) => row.admitted_at);
  }

  totals(fromDate: string, flushedThrough: number): { allowance_used: number; billed: number; spent: number } {
    return this.#sql
      .exec<{ allowance_used: number; billed: number; spent: number }>(SQL.totals, fromDate, flushedThrough)
      .one();
  }

  insertIntent(intent: NewIntent): void {
    this.#sql.exec(
      SQL.insertIntent,
      intent.n,
      intent.lookupId,
      intent.keyId,
      intent.reference,
      intent.cpfReference,
      intent.admittedAtMs,
      intent.priceVersion,
      intent.idempotencyKey,
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

  eventById(id: string): { n: number; outcome: Outcome | null } | undefined {
    return this.#sql.exec<{ n: number; outcome: Outcome | null }>(SQL.eventById, id).toArray()[0];
  }

  eventsAfter(seq: number, limit: number): EventRow[] {
    return this.#sql.exec<EventRow>(SQL.eventsAfter, seq, limit).toArray();
  }

  oldestUnflushedAtMs(flushedThrough: number): number | null {
    return (
      this.#sql.exec<{ occurred_at: number }>(SQL.oldestUnflushed, flushedThrough).toArray()[0]?.occurred_at ?? null
    );
  }

  /** Counts the events after `from` up to `through` into their days, and remembers that D1 has them. */
  markFlushed(range: { from: number; through: number }, nowMs: number): void {
    this.#sql.exec(SQL.foldDays, range.from, range.through);
    this.#sql.exec(SQL.setFlushed, range.through, nowMs);
  }

  dropFlushed(through: number, endedBeforeMs: number): void {
    this.#sql.exec(SQL.dropFlushed, through, endedBeforeMs);
  }

  hasDroppable(): boolean {
    return this.#sql.exec(SQL.hasDroppable).toArray().length > 0;
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

  idempotency(keyHash: string): IdempotencyRow | undefined {
    return this.#sql.exec<IdempotencyRow>(SQL.idempotency, keyHash).toArray()[0];
  }

  startIdempotency(keyHash: string, requestHash: string, nowMs: number): void {
    this.#sql.exec(SQL.insertIdempotency, keyHash, requestHash, nowMs);
  }

  endIdempotency(keyHash: string, answer: Uint8Array | null): void {
    this.#sql.exec(SQL.endIdempotency, answer === null ? null : answer.slice().buffer, keyHash);
  }

  dropIdempotency(keyHash: string): void {
    this.#sql.exec(SQL.dropIdempotency, keyHash);
  }

  /** Erases the answers of requests made before `beforeMs`, at most `limit` a call. Their keys stay known. */
  eraseAnswers(beforeMs: number, limit: number): void {
    const through = this.#lastBefore(SQL.answersFrom, beforeMs, limit);
    if (through === null) return;
    this.#sql.exec(SQL.eraseAnswers, through);
    this.#sql.exec(SQL.setAnswersErased, through);
  }

  /** Forgets the keys of requests made before `beforeMs`, at most `limit` a call. */
  forgetIdempotency(beforeMs: number, limit: number): void {
    const through = this.#lastBefore(SQL.oldestIdempotency, beforeMs, limit);
    if (through !== null) this.#sql.exec(SQL.forgetIdempotency, through);
  }

  /** True while a kept answer or key will have to be erased some day. */
  keepsIdempotency(): boolean {
    return this.#sql.exec(SQL.oldestIdempotency, 1).toArray().length > 0;
  }

  // Rows are in the order of their making: the first that is too young ends the run.
  #lastBefore(statement: string, beforeMs: number, limit: number): number | null {
    const rows = this.#sql.exec<{ n: number; created_at: number }>(statement, limit).toArray();
    const tooYoung = rows.findIndex((row) => row.created_at >= beforeMs);
    return (tooYoung === -1 ? rows.at(-1) : rows[tooYoung - 1])?.n ?? null;
  }
}
