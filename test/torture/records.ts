import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
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

/** Loses what D1 has of events. */
export function emptyCopiedEvents(stateDir: string): void {
  withDatabase(databaseOfD1(stateDir), (database) => database.exec("DELETE FROM event_batches"));
}

export function readLedgers(stateDir: string): LedgerOnDisk[] {
  const dir = join(stateDir, "do", "gateway-TenantLedger");
  return objectFiles(dir).flatMap((file) => {
    return withDatabase(file, (database) => {
      const head = database.prepare("SELECT terms, flushed_through FROM ledger").get();
      if (head === undefined || head["terms"] === null) return [];
      const { tenantId, mode } = JSON.parse(head["terms"] as string) as { tenantId: string; mode: string };
      const count = (sql: string) => database.prepare(sql).get()?.["n"] as number;
      const kept = database.prepare("SELECT n FROM lookups WHERE n > 0 ORDER BY n").all();
      return [
        {
          tenantId,
          mode,
          flushedThrough: head["flushed_through"] as number,
          openIntents: count("SELECT count(*) AS n FROM lookups WHERE n < 0"),
          keptSeqs: kept.map((row) => row["n"] as number),
          idempotencyKeys: {
            running: count("SELECT count(*) AS n FROM idempotency WHERE state = 'running'"),
            ended: count("SELECT count(*) AS n FROM idempotency WHERE state = 'ended'"),
          },
        },
      ];
    });
  });
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
