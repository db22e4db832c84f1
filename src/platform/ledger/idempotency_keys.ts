import { ANSWER_KEPT_MS, decideIdempotency, KEY_KEPT_MS, type IdempotencyDecision } from "../../domain/idempotency.ts";
import type { Outcome } from "../../domain/meter_event.ts";

/** The most rows that are erased, and that are forgotten, at a time. */
const MAINTENANCE_ROWS = 1000;

/**
 * Rows are in the order of their making. `n` never comes a second time, not even when the newest row or all are gone:
 * `answers_erased_through` would pass over a row with an old number, and its answer would be kept for weeks.
 */
const SQL = {
  schema: `
    CREATE TABLE IF NOT EXISTS idempotency (
      n INTEGER PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, request_hash TEXT NOT NULL,
      created_at INTEGER NOT NULL, state TEXT NOT NULL, answer BLOB
    ) STRICT;`,
  find: `
    SELECT request_hash, created_at, answer,
      CASE WHEN state = 'ended' AND n <= (SELECT answers_erased_through FROM ledger) THEN 'erased' ELSE state END AS state
    FROM idempotency WHERE key_hash = ?`,
  start: `
    INSERT INTO idempotency (n, key_hash, request_hash, created_at, state)
    SELECT 1 + max(answers_erased_through, (SELECT coalesce(max(n), 0) FROM idempotency)), ?, ?, ?, 'running' FROM ledger`,
  end: `UPDATE idempotency SET state = 'ended', answer = ? WHERE key_hash = ?`,
  drop: `DELETE FROM idempotency WHERE key_hash = ?`,
  withAnswers: `
    SELECT n, created_at FROM idempotency WHERE n > (SELECT answers_erased_through FROM ledger) ORDER BY n LIMIT ?`,
  eraseAnswers: `
    UPDATE idempotency SET answer = NULL WHERE n > (SELECT answers_erased_through FROM ledger) AND n <= ?`,
  setAnswersErased: `UPDATE ledger SET answers_erased_through = ?`,
  oldest: `SELECT n, created_at FROM idempotency ORDER BY n LIMIT ?`,
  forget: `DELETE FROM idempotency WHERE n <= ?`,
} as const;

type Row = {
  readonly request_hash: string;
  readonly created_at: number;
  readonly state: "running" | "ended" | "erased";
  readonly answer: ArrayBuffer | null;
};

/** What a request with a key is known by: two keyed hashes, so that neither the key nor the CPF is in the object. */
export type RequestIdentity = { readonly keyHash: string; readonly requestHash: string };

/** The idempotency keys of a ledger: what each stands for, and its first answer for as long as that is kept. */
export class IdempotencyKeys {
  readonly #sql: SqlStorage;

  /** The table `ledger` must be there. */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SQL.schema);
  }

  /** What a request is, given what is remembered of its key. A key whose time is over is forgotten by it. */
  decide(identity: RequestIdentity | null, nowMs: number): IdempotencyDecision {
    if (identity === null) return { kind: "new" };
    const row = this.#sql.exec<Row>(SQL.find, identity.keyHash).toArray()[0];
    if (row === undefined) return { kind: "new" };
    const kept = {
      requestHash: row.request_hash,
      createdAtMs: row.created_at,
      state: row.state,
      answer: row.answer === null ? null : new Uint8Array(row.answer),
    };
    const decision = decideIdempotency(kept, identity.requestHash, nowMs);
    if (decision.kind === "new") this.#sql.exec(SQL.drop, identity.keyHash);
    return decision;
  }

  /** The first request with a key has been admitted. */
  start({ keyHash, requestHash }: RequestIdentity, nowMs: number): void {
    this.#sql.exec(SQL.start, keyHash, requestHash, nowMs);
  }

  /** It has ended. What `failed` cost nobody anything and is worth repeating: the next try with the key runs anew. */
  end(keyHash: string, outcome: Outcome, answer: Uint8Array | null): void {
    if (outcome === "failed") this.#sql.exec(SQL.drop, keyHash);
    else this.#sql.exec(SQL.end, answer === null ? null : answer.slice().buffer, keyHash);
  }

  /** Erases answers and forgets keys that have had their time; bounded, so it may have to be called again. */
  maintain(nowMs: number): void {
    const erasable = this.#lastBefore(SQL.withAnswers, nowMs - ANSWER_KEPT_MS);
    if (erasable !== null) {
      this.#sql.exec(SQL.eraseAnswers, erasable);
      this.#sql.exec(SQL.setAnswersErased, erasable);
    }
    const forgettable = this.#lastBefore(SQL.oldest, nowMs - KEY_KEPT_MS);
    if (forgettable !== null) this.#sql.exec(SQL.forget, forgettable);
  }

  /** When the next answer has to be erased or the next key to be forgotten; null when there is none. */
  nextMaintenanceAtMs(): number | null {
    const answer = this.#firstCreatedAtMs(SQL.withAnswers);
    const key = this.#firstCreatedAtMs(SQL.oldest);
    if (key === null) return null;
    return answer === null ? key + KEY_KEPT_MS : Math.min(answer + ANSWER_KEPT_MS, key + KEY_KEPT_MS);
  }

  #firstCreatedAtMs(statement: string): number | null {
    return this.#sql.exec<{ created_at: number }>(statement, 1).toArray()[0]?.created_at ?? null;
  }

  // The first row that is too young ends the run.
  #lastBefore(statement: string, beforeMs: number): number | null {
    const rows = this.#sql.exec<{ n: number; created_at: number }>(statement, MAINTENANCE_ROWS).toArray();
    const tooYoung = rows.findIndex((row) => row.created_at > beforeMs);
    return (tooYoung === -1 ? rows.at(-1) : rows[tooYoung - 1])?.n ?? null;
  }
}
