import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { RememberedKey, RequestIdentity } from "../../domain/ledger/commands.ts";
import { ANSWER_KEPT_MS, KEY_KEPT_MS } from "../../domain/ledger/times.ts";
import { parsePeriod, periodBounds, periodOf } from "../../domain/period.ts";

const HOUR_MS = 3_600_000;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX = "answered_";
/** Of the table of the schema before, as many as one maintenance looks at. */
const OLD_ROWS = 1000;

const SQL = {
  tables: `SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '${PREFIX}[0-9]*' ORDER BY name DESC`,
  hasOld: `SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'idempotency'`,
  findOld: `SELECT request_hash, created_at, answer FROM idempotency WHERE key_hash = ? AND state <> 'running'`,
  // Its rows are in the order of their making, and have no other index: each of these reads one row.
  oldNewest: `SELECT created_at AS at FROM idempotency ORDER BY n DESC LIMIT 1`,
  oldOldest: `SELECT created_at AS at FROM idempotency WHERE n > ? ORDER BY n LIMIT 1`,
  oldPage: `SELECT n, created_at AS at FROM idempotency WHERE n > ? ORDER BY n LIMIT ${OLD_ROWS}`,
  eraseOld: `UPDATE idempotency SET answer = NULL WHERE n > ? AND n <= ? AND answer IS NOT NULL`,
  makeErased: `CREATE TABLE IF NOT EXISTS old_answers (
    id INTEGER PRIMARY KEY CHECK (id = 1), erased_through INTEGER NOT NULL) STRICT`,
  erased: `SELECT erased_through AS n FROM old_answers`,
  saveErased: `
    INSERT INTO old_answers (id, erased_through) VALUES (1, ?)
    ON CONFLICT (id) DO UPDATE SET erased_through = excluded.erased_through`,
  dropOld: `DROP TABLE idempotency; DROP TABLE old_answers`,
  addKey: `INSERT INTO answer_keys (hour, key) VALUES (?, ?)`,
  key: `SELECT key FROM answer_keys WHERE hour = ?`,
  oldestKey: `SELECT min(hour) AS hour FROM answer_keys`,
  forgetKeys: `DELETE FROM answer_keys WHERE hour < ?`,
  reading: `SELECT at FROM clock_reading`,
  saveReading: `
    INSERT INTO clock_reading (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at`,
} as const;

type Row = { request_hash: string; created_at: number; unit_price_micros: number; answer: ArrayBuffer | null };

/**
 * Idempotency keys whose lookups have ended, a row each, written once. They stand in a table a São Paulo month, which is
 * dropped whole. An answer is sealed a second time under a key of its hour: to forget that key erases the hour's answers.
 */
export class AnsweredKeys {
  readonly #sql: SqlStorage;
  #tables: string[];
  #hasOld: boolean;
  #hourKey: { readonly hour: number; readonly key: Uint8Array } | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#tables = sql
      .exec<{ name: string }>(SQL.tables)
      .toArray()
      .map(({ name }) => name);
    this.#hasOld = sql.exec(SQL.hasOld).toArray().length > 0;
    if (this.#hasOld) sql.exec(SQL.makeErased);
  }

  /** What is remembered of the first of these identities that is known. */
  find(identities: readonly RequestIdentity[]): { remembered: RememberedKey; requestHash: string } | undefined {
    for (const { keyHash, requestHash } of identities) {
      const remembered = this.#find(keyHash);
      if (remembered !== undefined) return { remembered, requestHash };
    }
    return undefined;
  }

  /** Writes down how the lookup of a key ended. */
  add(
    { keyHash, requestHash }: RequestIdentity,
    ended: { createdAtMs: number; answer: Uint8Array | null; unitPriceMicros: number },
  ): void {
    const { createdAtMs, answer, unitPriceMicros } = ended;
    const hour = Math.floor(createdAtMs / HOUR_MS);
    const sealed = answer === null ? null : this.#seal(answer, hour);
    // A key that is new again after 35 days may still have its row.
    this.#sql.exec(
      `INSERT INTO ${this.#tableOf(createdAtMs)} (key_hash, request_hash, created_at, unit_price_micros, answer)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (key_hash) DO UPDATE SET
         request_hash = excluded.request_hash, created_at = excluded.created_at,
         unit_price_micros = excluded.unit_price_micros, answer = excluded.answer`,
      keyHash,
      requestHash,
      createdAtMs,
      unitPriceMicros,
      sealed,
    );
  }

  /**
   * Erases answers and forgets keys whose time is over by two readings of the clock, this one and the one of the
   * maintenance before: one reading alone may be a year ahead.
   */
  maintain(nowMs: number): void {
    const dueAtMs = this.nextMaintenanceAtMs();
    if (dueAtMs === null || dueAtMs > nowMs) return;
    const before = this.#sql.exec<{ at: number }>(SQL.reading).toArray()[0]?.at ?? null;
    this.#sql.exec(SQL.saveReading, nowMs);
    if (before === null) return;
    const believedMs = Math.min(before, nowMs);
    this.#hourKey = null;
    this.#sql.exec(SQL.forgetKeys, Math.floor((believedMs - ANSWER_KEPT_MS) / HOUR_MS));
    for (const name of this.#tables) {
      const period = parsePeriod(name.slice(PREFIX.length).replace("_", "-"));
      if (!period.ok || periodBounds(period.value).endMs + KEY_KEPT_MS > believedMs) continue;
      this.#sql.exec(`DROP TABLE ${name}`);
      this.#tables = this.#tables.filter((kept) => kept !== name);
    }
    if (this.#hasOld) this.#maintainOld(believedMs);
  }

  /** When an answer has to be erased, or a key forgotten; null when there is none. */
  nextMaintenanceAtMs(): number | null {
    const { hour } = this.#sql.exec<{ hour: number | null }>(SQL.oldestKey).one();
    const oldest = this.#tables.at(-1);
    const period = oldest === undefined ? null : parsePeriod(oldest.slice(PREFIX.length).replace("_", "-"));
    const times = [
      ...(hour === null ? [] : [(hour + 1) * HOUR_MS + ANSWER_KEPT_MS]),
      ...(period?.ok === true ? [periodBounds(period.value).endMs + KEY_KEPT_MS] : []),
      ...(this.#hasOld ? [this.#oldDueAtMs()] : []),
    ];
    return times.length === 0 ? null : Math.min(...times);
  }

  #find(keyHash: string): RememberedKey | undefined {
    for (const name of this.#tables) {
      const [row] = this.#sql
        .exec<Row>(
          `SELECT request_hash, created_at, unit_price_micros, answer FROM ${name} WHERE key_hash = ?`,
          keyHash,
        )
        .toArray();
      if (row !== undefined) return this.#opened(row);
    }
    const [old] = this.#hasOld ? this.#sql.exec<Omit<Row, "unit_price_micros">>(SQL.findOld, keyHash).toArray() : [];
    if (old === undefined) return undefined;
    const answer = old.answer === null ? null : new Uint8Array(old.answer);
    return {
      requestHash: old.request_hash,
      createdAtMs: old.created_at,
      answer,
      unitPriceMicros: null,
      isErased: false,
    };
  }

  #opened(row: Row): RememberedKey {
    const { created_at: createdAtMs, answer: sealed } = row;
    const remembered = {
      requestHash: row.request_hash,
      createdAtMs,
      answer: null,
      unitPriceMicros: row.unit_price_micros,
      isErased: false,
    };
    if (sealed === null) return remembered;
    const key = this.#keyOf(Math.floor(createdAtMs / HOUR_MS));
    if (key === undefined) return { ...remembered, isErased: true };
    const bytes = new Uint8Array(sealed);
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    try {
      const head = decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES));
      decipher.final();
      return { ...remembered, answer: new Uint8Array(head) };
    } catch {
      // The hour's key was forgotten, and made anew when a clock jumped back.
      return { ...remembered, isErased: true };
    }
  }

  #seal(answer: Uint8Array, hour: number): ArrayBuffer {
    let key = this.#keyOf(hour);
    if (key === undefined) {
      key = new Uint8Array(randomBytes(32));
      this.#sql.exec(SQL.addKey, hour, key.slice().buffer);
      this.#hourKey = { hour, key };
    }
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    const sealed = cipher.update(answer);
    cipher.final();
    const tag = cipher.getAuthTag();
    const bytes = new Uint8Array(IV_BYTES + sealed.length + TAG_BYTES);
    bytes.set(iv);
    bytes.set(sealed, IV_BYTES);
    bytes.set(tag, IV_BYTES + sealed.length);
    return bytes.buffer;
  }

  #keyOf(hour: number): Uint8Array | undefined {
    if (this.#hourKey?.hour === hour) return this.#hourKey.key;
    const [row] = this.#sql.exec<{ key: ArrayBuffer }>(SQL.key, hour).toArray();
    if (row === undefined) return undefined;
    const key = new Uint8Array(row.key);
    this.#hourKey = { hour, key };
    return key;
  }

  #tableOf(createdAtMs: number): string {
    const name = `${PREFIX}${periodOf(createdAtMs).replace("-", "_")}`;
    if (!this.#tables.includes(name)) {
      this.#sql.exec(`CREATE TABLE ${name} (
        key_hash TEXT PRIMARY KEY, request_hash TEXT NOT NULL, created_at INTEGER NOT NULL,
        unit_price_micros INTEGER NOT NULL, answer BLOB
      ) STRICT, WITHOUT ROWID`);
      this.#tables = [name, ...this.#tables].toSorted().toReversed();
    }
    return name;
  }

  #oldDueAtMs(): number {
    const [oldest] = this.#sql.exec<{ at: number }>(SQL.oldOldest, this.#oldErased()).toArray();
    const newestAtMs = this.#oldNewestAtMs();
    return oldest === undefined ? newestAtMs + KEY_KEPT_MS : Math.min(oldest.at, newestAtMs) + ANSWER_KEPT_MS;
  }

  #oldNewestAtMs(): number {
    return this.#sql.exec<{ at: number }>(SQL.oldNewest).toArray()[0]?.at ?? 0;
  }

  /** Answers up to this row are erased. */
  #oldErased(): number {
    return this.#sql.exec<{ n: number }>(SQL.erased).toArray()[0]?.n ?? 0;
  }

  // Keys of the schema before, in their table as it was: dropped when the youngest has had its time.
  #maintainOld(nowMs: number): void {
    const newestAtMs = this.#oldNewestAtMs();
    if (newestAtMs + KEY_KEPT_MS <= nowMs) {
      this.#sql.exec(SQL.dropOld);
      this.#hasOld = false;
      return;
    }
    const from = this.#oldErased();
    const page = this.#sql.exec<{ n: number; at: number }>(SQL.oldPage, from).toArray();
    // A row that a clock made that was ahead keeps the others waiting until the youngest is old enough, and no longer.
    const isDue = (at: number) => Math.min(at, newestAtMs) + ANSWER_KEPT_MS <= nowMs;
    const waiting = page.findIndex(({ at }) => !isDue(at));
    const through = (waiting === -1 ? page : page.slice(0, waiting)).at(-1)?.n;
    if (through === undefined) return;
    this.#sql.exec(SQL.eraseOld, from, through);
    this.#sql.exec(SQL.saveErased, through);
  }
}
