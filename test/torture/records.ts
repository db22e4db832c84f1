import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { apply } from "../../src/domain/ledger/apply.ts";
import type { Entry } from "../../src/domain/ledger/entries.ts";
import { emptyState, parseState } from "../../src/domain/ledger/state.ts";
import type { SealedKey } from "./reference_key.ts";

/** One row of D1's `events`. */
export type CopiedEvent = {
  readonly tenant_id: string;
  readonly mode: string;
  readonly seq: number;
  readonly id: string;
  readonly occurred_at: number;
  readonly outcome: string | null;
  readonly billed: number;
  readonly units: number;
  readonly unit_price_micros: number | null;
  readonly amount_micros: number;
  readonly transaction_id: string | null;
  readonly cpf_reference: string | null;
  readonly kind: string;
  readonly corrects: string | null;
};

/** What one ledger object says of itself on disk. */
export type LedgerOnDisk = {
  readonly tenantId: string;
  readonly mode: string;
  readonly flushedThrough: number;
  readonly openIntents: number;
  /** The seq of all events that are still in the object. */
  readonly keptSeqs: readonly number[];
  readonly idempotencyKeys: { readonly running: number; readonly ended: number };
};

/** D1 as it lies on disk. Only while no gateway runs over it. */
export function readCopiedEvents(stateDir: string): CopiedEvent[] {
  return withDatabase(databaseOfD1(stateDir), (database) => {
    return database.prepare("SELECT * FROM events ORDER BY tenant_id, mode, seq").all() as unknown as CopiedEvent[];
  });
}

/** The keys of the references in events, sealed. */
export function readReferenceKeys(stateDir: string): SealedKey[] {
  return withDatabase(databaseOfD1(stateDir), (database) => {
    return database.prepare("SELECT name, sealed FROM reference_keys WHERE sealed IS NOT NULL").all() as SealedKey[];
  });
}

/** Calls to Claro that no ledger has been told of. */
export function countStrayCalls(stateDir: string): number {
  return withDatabase(databaseOfD1(stateDir), (database) => {
    return database.prepare("SELECT count(*) AS n FROM stray_calls").get()?.["n"] as number;
  });
}

/** Loses what D1 has of events. */
export function emptyCopiedEvents(stateDir: string): void {
  withDatabase(databaseOfD1(stateDir), (database) => database.exec("DELETE FROM event_batches"));
}

/** All ledgers, and what is wrong with those that cannot be read. */
export function readLedgers(stateDir: string): { ledgers: LedgerOnDisk[]; unreadable: string[] } {
  const dir = join(stateDir, "do", "gateway-TenantLedger");
  const unreadable: string[] = [];
  const ledgers = objectFiles(dir).flatMap((file) => {
    try {
      return withDatabase(file, readLedger);
    } catch (error) {
      unreadable.push(String(error));
      return [];
    }
  });
  return { ledgers, unreadable };
}

/** What a start of the object would find: the checkpoint and the journal after it, and the packed events. */
function readLedger(database: DatabaseSync): LedgerOnDisk[] {
  const parts = database.prepare("SELECT position, state FROM checkpoint ORDER BY part").all();
  const position = (parts[0]?.["position"] as number | undefined) ?? 0;
  const state = parts.length === 0 ? emptyState() : parseState(parts.map((part) => part["state"] as string).join(""));
  const rows = database
    .prepare("SELECT position, entries FROM journal WHERE position > ? ORDER BY position")
    .all(position);
  for (const [index, row] of rows.entries()) {
    if (row["position"] !== position + index + 1) throw new Error(`the journal has no row ${position + index + 1}`);
    for (const entry of JSON.parse(row["entries"] as string) as Entry[]) apply(state, entry);
  }
  if (state.terms === null) return [];
  const { tenantId, mode } = state.terms;
  const batches = database.prepare("SELECT events FROM event_batches ORDER BY last_seq").all();
  const packed = batches.flatMap((row) => {
    return JSON.parse(gunzipSync(row["events"] as Uint8Array).toString()) as { seq: number }[];
  });
  const keptSeqs = [...packed, ...state.waiting.values()].map(({ seq }) => seq);
  const copied = database.prepare("SELECT through FROM copied").get();
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'answered_*'")
    .all();
  const ended = tables.reduce((sum, { name }) => {
    return sum + (database.prepare(`SELECT count(*) AS n FROM ${String(name)}`).get()?.["n"] as number);
  }, 0);
  return [
    {
      tenantId,
      mode,
      // Test events are in no other place.
      flushedThrough: mode === "test" ? state.lastSeq : ((copied?.["through"] as number | undefined) ?? 0),
      openIntents: state.open.size,
      keptSeqs,
      idempotencyKeys: { running: state.openKeys.size, ended },
    },
  ];
}

function databaseOfD1(stateDir: string): string {
  const [file] = objectFiles(join(stateDir, "d1", "miniflare-D1DatabaseObject"));
  if (file === undefined) throw new Error("there is no D1 on disk");
  return file;
}

function objectFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite")
    .map((name) => join(dir, name));
}

function withDatabase<Value>(file: string, use: (database: DatabaseSync) => Value): Value {
  const database = new DatabaseSync(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
}
