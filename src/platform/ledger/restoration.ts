import { assert } from "../../domain/assert.ts";
import type { StoredEventRow } from "../../domain/event_row.ts";
import { countEvents, type DaySums } from "../../domain/ledger/day_sums.ts";
import { countRecorded, type Past } from "../../domain/ledger/past.ts";
import { noPast, restoreState } from "../../domain/ledger/restore.ts";
import { notReady, type KeyCounts } from "../../domain/ledger/state.ts";
import { saoPauloDate, type Period } from "../../domain/period.ts";
import { Batches } from "./batches.ts";
import { LEDGER_SCHEMA_VERSION } from "../../domain/ledger/schema_version.ts";
import type { LedgerCore } from "./ledger_core.ts";
import type { BeginRestoreReply, FinishRestoreReply, RestorePart, RestorePartReply } from "./messages.ts";
import type { SideTables } from "./side_tables.ts";
import { BATCH_INDEX } from "./tables.ts";

const TABLES = `
  CREATE TABLE restoration (
    id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, past TEXT NOT NULL, shared_through INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE restored_batches (
    last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, period TEXT,
    first_id_ms INTEGER, last_id_ms INTEGER, events BLOB NOT NULL
  ) STRICT;
  CREATE INDEX restored_batches_by_id ON restored_batches (last_id_ms);
  CREATE TABLE restored_days (date TEXT PRIMARY KEY, sums TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE restored_ids (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE restored_adjustments (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, occurred_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`;

const SQL = {
  drop: `
    DROP TABLE IF EXISTS restoration; DROP TABLE IF EXISTS restored_batches; DROP TABLE IF EXISTS restored_days;
    DROP TABLE IF EXISTS restored_ids; DROP TABLE IF EXISTS restored_adjustments;`,
  hasBegun: `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'restoration'`,
  head: `SELECT name, past, shared_through FROM restoration`,
  begin: `INSERT INTO restoration (id, name, past, shared_through) VALUES (1, ?, ?, ?)`,
  save: `UPDATE restoration SET past = ?, shared_through = ?`,
  day: `SELECT sums FROM restored_days WHERE date = ?`,
  saveDay: `
    INSERT INTO restored_days (date, sums) VALUES (?, ?) ON CONFLICT (date) DO UPDATE SET sums = excluded.sums`,
  addId: `INSERT INTO restored_ids (id) VALUES (?) ON CONFLICT (id) DO NOTHING`,
  hasId: `SELECT 1 FROM restored_ids WHERE id = ?`,
  addAdjustment: `INSERT INTO restored_adjustments (id, seq, occurred_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  takePlaces: `
    DROP TABLE event_batches;
    DROP INDEX restored_batches_by_id;
    ALTER TABLE restored_batches RENAME TO event_batches;
    ${BATCH_INDEX}
    DROP TABLE day_sums;
    ALTER TABLE restored_days RENAME TO day_sums;
    INSERT INTO adjustments (id, seq, occurred_at) SELECT id, seq, occurred_at FROM restored_adjustments WHERE true
      ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, occurred_at = excluded.occurred_at;`,
} as const;

type Head = { name: string; past: Past; sharedThrough: number };

type Own = { readonly idBySeq: ReadonlyMap<number, string>; readonly ids: ReadonlySet<string> };

type Ledger = {
  readonly core: LedgerCore;
  readonly batches: Batches;
  readonly side: SideTables;
};

/**
 * Puts an object back that lost its events, or was restored to an earlier point, from what D1 and R2 have: their events
 * come part by part into tables of their own, which take the places of the object's in one step at the end. Until then the
 * object is what it was, and a restore that was left half done is begun anew.
 */
export class Restoration {
  readonly #sql: SqlStorage;
  readonly #ledger: Ledger;
  /** Of the object's own events that D1 does not have for certain, and its open lookups: what the record may have too. */
  #own: Own | null = null;

  constructor(sql: SqlStorage, ledger: Ledger) {
    this.#sql = sql;
    this.#ledger = ledger;
  }

  /** Begins anew. Only a ledger that does not serve is restored. */
  begin(name: string): BeginRestoreReply {
    const { state } = this.#ledger.core;
    const reason = notReady(state);
    if (reason === null) return { kind: "not_needed", lastSeq: state.lastSeq };
    if (reason === "no_terms") return { kind: "no_terms" };
    this.#drop();
    this.#sql.exec(TABLES);
    this.#sql.exec(SQL.begin, name, serializePast(noPast()), this.#ledger.side.copiedThrough());
    return { kind: "begun", reason };
  }

  /** Takes the next events of the record; those that it has already change nothing. */
  take({ name, batches, isKept }: RestorePart): RestorePartReply {
    const head = this.#head(name);
    if (head === null) return { kind: "other_restore" };
    for (const text of batches) {
      const events = JSON.parse(text) as StoredEventRow[];
      const first = events[0]?.seq ?? 0;
      if ((events.at(-1)?.seq ?? 0) <= head.past.lastSeq) continue;
      assert(first === head.past.lastSeq + 1, `the record goes on at ${head.past.lastSeq + 1}, not at ${first}`);
      this.#takeBatch(head, events, isKept);
    }
    this.#sql.exec(SQL.save, serializePast(head.past), head.sharedThrough);
    return { kind: "taken", through: head.past.lastSeq };
  }

  /** Lets the record take the object's place, and what the object alone knows follow it. */
  finish({ name, lastClosed }: { name: string; lastClosed: Period | null }): FinishRestoreReply {
    const head = this.#head(name);
    if (head === null) return { kind: "other_restore" };
    const { core, batches, side } = this.#ledger;
    const { past } = head;
    const restored = new Batches(this.#sql, "restored_batches");
    // All of it before the tables are gone.
    const ownEvents = [...core.eventsAfter(Math.min(head.sharedThrough, past.lastSeq))];
    const { state, renumbered } = restoreState(core.state, {
      past,
      lastClosed,
      isRecorded: (id) => this.#sql.exec(SQL.hasId, id).toArray().length > 0,
      ownEvents,
      find: (id) => restored.find(id) ?? ownEvents.find((event) => event.id === id),
    });
    this.#sql.exec(SQL.takePlaces);
    for (const { id, seq, occurredAtMs } of renumbered) side.moveAdjustment(id, { seq, occurredAtMs });
    for (const [version, tiers] of state.prices) side.savePrice(version, tiers);
    side.saveCopied(past.lastSeq, LEDGER_SCHEMA_VERSION);
    batches.forget();
    core.replaceState(state);
    core.cutAll();
    this.#drop();
    return { kind: "restored", recordedThrough: past.lastSeq, lastSeq: state.lastSeq, ownEvents: renumbered.length };
  }

  #takeBatch(head: Head, events: readonly StoredEventRow[], isKept: boolean): void {
    const { past } = head;
    const restored = new Batches(this.#sql, "restored_batches");
    if (isKept) restored.pack(events);
    const own = (this.#own ??= this.#readOwn());
    for (const event of events) {
      const { id, seq, kind, corrects, occurred_at: occurredAtMs } = event;
      countRecorded(past, event, corrects === null || kind === "lookup" ? undefined : restored.find(corrects));
      if (own.ids.has(id)) this.#sql.exec(SQL.addId, id);
      // As far as both have the same, the object's own is the record's.
      if (seq === head.sharedThrough + 1 && own.idBySeq.get(seq) === id) head.sharedThrough = seq;
      if (kind === "adjustment") this.#sql.exec(SQL.addAdjustment, id, seq, occurredAtMs);
    }
    const find = (date: string): DaySums | undefined => {
      const [row] = this.#sql.exec<{ sums: string }>(SQL.day, date).toArray();
      return row === undefined ? undefined : (JSON.parse(row.sums) as DaySums);
    };
    for (const sums of countEvents(events, { dayOf, find })) {
      this.#sql.exec(SQL.saveDay, sums.date, JSON.stringify(sums));
    }
    // Keys that ended long ago limit nothing any more.
    const named = new Set(this.#ledger.core.state.terms?.keys.map(({ keyId }) => keyId));
    for (const keyId of past.keys.keys()) if (!named.has(keyId)) past.keys.delete(keyId);
  }

  #readOwn(): Own {
    const { core, side } = this.#ledger;
    const idBySeq = new Map<number, string>();
    for (const { seq, id } of core.eventsAfter(side.copiedThrough())) idBySeq.set(seq, id);
    return { idBySeq, ids: new Set([...idBySeq.values(), ...core.state.open.keys()]) };
  }

  #head(name: string): Head | null {
    if (this.#sql.exec(SQL.hasBegun).toArray().length === 0) return null;
    const row = this.#sql.exec<{ name: string; past: string; shared_through: number }>(SQL.head).one();
    if (row.name !== name) return null;
    return { name, past: parsePast(row.past), sharedThrough: row.shared_through };
  }

  #drop(): void {
    this.#sql.exec(SQL.drop);
    this.#own = null;
  }
}

function dayOf(event: StoredEventRow): string {
  return event.day ?? saoPauloDate(event.occurred_at);
}

function serializePast(past: Past): string {
  return JSON.stringify({ ...past, keys: [...past.keys] });
}

function parsePast(text: string): Past {
  const parsed = JSON.parse(text) as Omit<Past, "keys"> & { keys: [string, KeyCounts][] };
  return { ...parsed, keys: new Map(parsed.keys) };
}
