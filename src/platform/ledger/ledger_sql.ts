/**
 * What one ledger object holds, and every statement that touches it.
 *
 * | table       | holds                                                          | leaves when                                  |
 * |-------------|----------------------------------------------------------------|----------------------------------------------|
 * | ledger      | one row: the terms, how far D1 has the events                  | never                                        |
 * | lookups     | n < 0: an open intent; n > 0: the event with seq = n           | D1 has it, no settle can be repeated, and a  |
 * |             |                                                                | new intent takes its row (some are kept for) |
 * | batches     | what D1 was given, a flush a row, gzip                         | its month is closed and archived             |
 * | prices      | tiers by version: an intent keeps the price it was admitted at | never (one row a price change)               |
 * | days        | counts of the São Paulo days whose events D1 has               | never (one row a day)                        |
 * | adjustments | ids: a repeat must find its event even when that has left      | never (one row an adjustment)                |
 * | key_uses    | when each key was last used                                    | never (one row a key)                        |
 * | bucket      | one row: the rate's tokens as of the last maintenance          | never                                        |
 * | idempotency | keys, their request's hash, the encrypted answer               | the answer after 24 h, the row after 35 days |
 *
 * A lookup costs two written rows here: the intent, and the settle's update, which moves the row from its negative number
 * to its seq. The row of an event that has had its time is not deleted, which would be a third, but written over by a new
 * intent.
 *
 * D1 can be emptied and must come back the same, and a month that is not closed exists nowhere else. So a flush keeps the
 * very parameter that D1 took, packed, as one row: one more written row for up to 500 events, some 100 bytes an event
 * (100 MB for a million: cents a month), in a table that no admit and no settle ever reads. Keeping the rows of `lookups`
 * until the month is closed would cost no written row at all, but then everything that reads that table, and every start
 * of the object, would grow with the month.
 */
export const SCHEMA = `
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

/**
 * The last event that ended before an instant, or 0. From the end: what is older than that, a start does not read. Where a
 * clock has jumped back that can be too late an event, so it serves only what may be a little wrong then.
 */
const lastBefore = (instant: string) =>
  `coalesce((SELECT n FROM lookups WHERE n > 0 AND occurred_at < ${instant} ORDER BY n DESC LIMIT 1), 0)`;

export const SQL = {
  head: `SELECT terms, price_version, flushed_through, flushed_at, period_floor, answers_erased_through FROM ledger`,
  lastSeq: `SELECT max(n) AS n FROM lookups WHERE n > 0`,
  openIntents: `SELECT n, id, key_id, admitted_at, price_version, idempotency_key, outcome FROM lookups WHERE n < 0
    ORDER BY n DESC`,
  endedSince: `
    SELECT id, occurred_at AS endedAtMs FROM lookups WHERE n > 0 AND kind = 'lookup' AND occurred_at >= ?
    ORDER BY n DESC LIMIT ?`,
  openAdmissions: `SELECT admitted_at FROM lookups WHERE n < 0 ORDER BY n`,
  endedAdmissions: `SELECT admitted_at, occurred_at FROM lookups WHERE n > 0 AND kind = 'lookup' ORDER BY n DESC`,
  totals: `
    SELECT coalesce(sum(delivered + not_found + rejected + unknown), 0) AS allowance_used,
      coalesce(sum(CASE WHEN date >= ?1 THEN billed END), 0) AS billed,
      coalesce(sum(CASE WHEN date >= ?1 THEN amount_micros END), 0) AS spent
    FROM (SELECT date, delivered, not_found, rejected, unknown, billed, amount_micros FROM days
      UNION ALL SELECT date, delivered, not_found, rejected, unknown, billed, amount_micros FROM
        (SELECT day AS date, ${DAY_COUNTS} FROM lookups WHERE n > ?2 GROUP BY day))`,
  insertIntent: `
    INSERT INTO lookups (n, id, key_id, reference, cpf_reference, admitted_at, price_version, idempotency_key, outcome,
      kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'lookup')`,
  reuseRow: `
    UPDATE lookups SET n = ?, id = ?, key_id = ?, reference = ?, cpf_reference = ?, admitted_at = ?, price_version = ?,
      idempotency_key = ?, outcome = ?, kind = 'lookup', occurred_at = NULL, day = NULL, billed = NULL, units = NULL,
      unit_price_micros = NULL, amount_micros = NULL, transaction_id = NULL, corrects = NULL
    WHERE n = ?`,
  settleIntent: `
    UPDATE lookups SET n = ?, occurred_at = ?, day = ?, outcome = ?, billed = ?, units = ?, unit_price_micros = ?,
      amount_micros = ?, transaction_id = ? WHERE n = ?`,
  insertAdjustment: `
    INSERT INTO lookups (n, id, reference, admitted_at, price_version, occurred_at, day, billed, units, amount_micros,
      kind, corrects) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 'adjustment', ?)`,
  rememberAdjustment: `INSERT INTO adjustments (id, seq, occurred_at) VALUES (?, ?, ?)`,
  adjustment: `SELECT seq, occurred_at AS occurredAtMs FROM adjustments WHERE id = ?`,
  eventById: `SELECT n, outcome, billed, amount_micros, idempotency_key FROM lookups WHERE id = ? AND n > 0`,
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
  insertBatch: `INSERT INTO batches (last_seq, first_seq, events) VALUES (?, ?, ?)`,
  batchesAfter: `SELECT last_seq, first_seq, events FROM batches WHERE last_seq > ? ORDER BY last_seq LIMIT ?`,
  dropBatches: `DELETE FROM batches WHERE last_seq <= ?`,
  setFlushed: `UPDATE ledger SET flushed_through = ?, flushed_at = ?`,
  // Up to the first that is too young: the young ones, many more under load, are not read each time.
  spentRows: `
    SELECT (SELECT min(n) FROM lookups WHERE n > 0) AS first, coalesce(
      (SELECT n FROM lookups WHERE n > 0 AND n <= ?1 AND occurred_at >= ?2 ORDER BY n LIMIT 1), ?1 + 1) - 1 AS last`,
  dropSpent: `DELETE FROM lookups WHERE n > 0 AND n <= ?`,
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
  // What was not saved before the object went is told by the lookups since: all uses are saved at once.
  keyUses: `
    SELECT key_id, max(last_used_at) AS last_used_at FROM (SELECT key_id, last_used_at FROM key_uses
      UNION ALL SELECT key_id, admitted_at / 60000 * 60000 FROM lookups WHERE n < 0
      UNION ALL SELECT key_id, admitted_at / 60000 * 60000 FROM lookups
        WHERE kind = 'lookup' AND n > ${lastBefore("(SELECT coalesce(max(last_used_at), 0) FROM key_uses)")})
    GROUP BY key_id`,
  setKeyUse: `
    INSERT INTO key_uses (key_id, last_used_at) VALUES (?, ?)
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
      WHERE excluded.last_used_at > last_used_at`,
  bucket: `SELECT missing, at AS atMs FROM bucket`,
  saveBucket: `
    INSERT INTO bucket (id, missing, at) VALUES (1, ?, ?)
    ON CONFLICT (id) DO UPDATE SET missing = excluded.missing, at = excluded.at`,
} as const;
