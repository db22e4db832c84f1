/** For finding an event at any age by the time in its id. */
export const BATCH_INDEX = `CREATE INDEX IF NOT EXISTS event_batches_by_id ON event_batches (last_id_ms);`;

/**
 * What one ledger object keeps as rows. State that is decided by is in the journal and its checkpoint; what grows without
 * bound is in the other tables, and is read only when a command names it.
 *
 * | table              | holds                                                        | leaves when                            |
 * |--------------------|--------------------------------------------------------------|----------------------------------------|
 * | journal            | the entries of a turn a row, by position, without a gap      | covered by a checkpoint: dropped whole |
 * | checkpoint         | the state as of a position, in parts of at most 1 MB         | the next checkpoint                    |
 * | event_batches      | up to 500 events of one month, packed                        | its month is archived                  |
 * | day_sums           | what a São Paulo day comes to, as of the last cut            | never (one row a day)                  |
 * | adjustments        | ids of adjustments: a repeat must find its event             | never (one row an adjustment)          |
 * | prices             | tiers by version                                             | never (one row a price change)         |
 * | answered_<month>   | idempotency keys: request hash, sealed answer; by São Paulo  | 35 days after the month's end          |
 * |                    | month of their making                                        |                                        |
 * | answer_keys        | the key that an hour's answers are sealed under              | after 24 h: its answers are erased     |
 * | clock_reading      | one row: the clock at the maintenance before                 | never                                  |
 * | copied             | one row: how far D1 has the batches                          | never                                  |
 * | idempotency,       | keys of the schema before, and how far their answers are     | 35 days after its youngest key         |
 * | old_answers        | erased; only in an object that was taken over                |                                        |
 * | restoration,       | what D1 and R2 have, part by part, while an operator puts a  | with the restore's end                 |
 * | restored_<what>    | lost object back (`restoration.ts`)                          |                                        |
 *
 * A row written is what costs money: a lookup writes two (its admission's turn and its settlement's), fewer when several
 * share a turn. `DROP TABLE` writes none, so whole tables are dropped instead of rows deleted.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS journal (position INTEGER PRIMARY KEY, entries TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS checkpoint (
    part INTEGER PRIMARY KEY, parts INTEGER NOT NULL, position INTEGER NOT NULL, state TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS event_batches (
    last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, period TEXT,
    first_id_ms INTEGER, last_id_ms INTEGER, events BLOB NOT NULL
  ) STRICT;
  ${BATCH_INDEX}
  CREATE TABLE IF NOT EXISTS day_sums (date TEXT PRIMARY KEY, sums TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS adjustments (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, occurred_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS prices (version INTEGER PRIMARY KEY, tiers TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS answer_keys (hour INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS clock_reading (
    id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS copied (
    id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL, schema INTEGER NOT NULL
  ) STRICT;
`;

/** The platform takes 2 MB a row, and a local runtime 4: this asserts half of the first. */
export const LARGEST_ROW_CHARS = 1_000_000;
