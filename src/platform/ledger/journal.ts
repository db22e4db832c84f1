import { assert } from "../../domain/assert.ts";
import type { Entry } from "../../domain/ledger/entries.ts";
import { apply } from "../../domain/ledger/apply.ts";
import { emptyState, parseState, serializeState, type LedgerState } from "../../domain/ledger/state.ts";
import { LARGEST_ROW_CHARS } from "./tables.ts";

const SQL = {
  append: `INSERT INTO journal (position, entries) VALUES (?, ?)`,
  after: `SELECT position, entries FROM journal WHERE position > ? ORDER BY position`,
  first: `SELECT min(position) AS position FROM journal`,
  checkpoint: `SELECT part, parts, position, state FROM checkpoint ORDER BY part`,
  savePart: `
    INSERT INTO checkpoint (part, parts, position, state) VALUES (?, ?, ?, ?)
    ON CONFLICT (part) DO UPDATE SET parts = excluded.parts, position = excluded.position, state = excluded.state`,
  dropParts: `DELETE FROM checkpoint WHERE part >= ?`,
  drop: `DROP TABLE journal`,
  create: `CREATE TABLE journal (position INTEGER PRIMARY KEY, entries TEXT NOT NULL) STRICT`,
} as const;

/** A journal whose rows are all covered by a checkpoint is dropped when it has this many. */
const DROPPED_ROWS = 1000;

/**
 * The entries of a ledger, a row a turn. A start reads the last checkpoint and the rows after it, and stops where one is
 * missing: a ledger that has lost an entry must not number or price anything.
 */
export class Journal {
  readonly #sql: SqlStorage;
  /** Of the last row. Positions go on from the checkpoint, also when the table was dropped. */
  #position = 0;
  #checkpointPosition = 0;
  #firstPosition = 1;
  #recoveredRows = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Rows since the last checkpoint. */
  get uncheckedRows(): number {
    return this.#position - this.#checkpointPosition;
  }

  /** Rows that the object's start had to read, and the next one has to read again if no checkpoint covers them. */
  get recoveredRows(): number {
    return this.#recoveredRows;
  }

  /** Begins to watch: the function tells whether a row was written since. */
  writes(): () => boolean {
    const before = this.#position;
    return () => this.#position > before;
  }

  /** The state that the rows tell. Throws where a row is missing. */
  recover(): LedgerState {
    const parts = this.#sql
      .exec<{ part: number; parts: number; position: number; state: string }>(SQL.checkpoint)
      .toArray();
    const [first] = parts;
    let state = emptyState();
    if (first !== undefined) {
      const isWhole = parts.length === first.parts && parts.every(({ position }) => position === first.position);
      assert(isWhole, "the checkpoint is not whole");
      state = parseState(parts.map((part) => part.state).join(""));
      this.#position = first.position;
      this.#checkpointPosition = first.position;
    }
    for (const row of this.#sql.exec<{ position: number; entries: string }>(SQL.after, this.#position)) {
      assert(row.position === this.#position + 1, `the journal has no row at position ${this.#position + 1}`);
      for (const entry of JSON.parse(row.entries) as Entry[]) apply(state, entry);
      this.#position = row.position;
    }
    this.#recoveredRows = this.uncheckedRows;
    const { position } = this.#sql.exec<{ position: number | null }>(SQL.first).one();
    this.#firstPosition = position ?? this.#position + 1;
    return state;
  }

  append(entries: readonly Entry[]): void {
    const text = asciiJson(JSON.stringify(entries));
    assert(text.length <= LARGEST_ROW_CHARS, `a turn of ${text.length} characters is too large for a row`);
    this.#sql.exec(SQL.append, this.#position + 1, text);
    this.#position += 1;
  }

  /** Writes down the state as of the last row, and drops the rows when they are many enough. */
  checkpoint(state: LedgerState): void {
    const text = asciiJson(serializeState(state));
    const parts = Math.max(Math.ceil(text.length / LARGEST_ROW_CHARS), 1);
    for (let part = 0; part < parts; part += 1) {
      const piece = text.slice(part * LARGEST_ROW_CHARS, (part + 1) * LARGEST_ROW_CHARS);
      this.#sql.exec(SQL.savePart, part, parts, this.#position, piece);
    }
    this.#sql.exec(SQL.dropParts, parts);
    this.#checkpointPosition = this.#position;
    this.#recoveredRows = 0;
    if (this.#position - this.#firstPosition + 1 < DROPPED_ROWS) return;
    this.#sql.exec(SQL.drop);
    this.#sql.exec(SQL.create);
    this.#firstPosition = this.#position + 1;
  }
}

/**
 * JSON of one byte a character: the platform's limit of a row is of bytes, and a checkpoint may be parted anywhere, also
 * where two halves of a character would be torn apart.
 */
export function asciiJson(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
