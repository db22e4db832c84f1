/** The tables of an object of schema version 1, as its code made them at every start. */
export const OLD_SCHEMA = `
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
  CREATE TABLE IF NOT EXISTS batches (
    last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, events BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS idempotency (
    n INTEGER PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, request_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL, state TEXT NOT NULL, answer BLOB
  ) STRICT;
`;

const NEW_TABLES = [
  "journal",
  "checkpoint",
  "event_batches",
  "day_sums",
  "adjustments",
  "prices",
  "answer_keys",
  "clock_reading",
  "copied",
];

/** Makes an object's database what the code of before left there: empty, with its tables. */
export function makeOld(sql: SqlStorage): void {
  for (const table of NEW_TABLES) sql.exec(`DROP TABLE IF EXISTS ${table}`);
  sql.exec(OLD_SCHEMA);
}
