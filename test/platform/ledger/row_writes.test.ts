import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { gzip } from "../../../src/platform/gzip.ts";
import { IdempotencyKeys } from "../../../src/platform/ledger/idempotency_keys.ts";
import { LedgerBook } from "../../../src/platform/ledger/ledger_book.ts";
import { LedgerStore } from "../../../src/platform/ledger/ledger_store.ts";
import { ledgerTerms } from "./ledger_terms.ts";

const BATCH = 500;
const KEY_ID = "csg_live_0123456789";
const START_MS = Date.parse("2027-03-10T12:00:00Z");
const TTL_MS = 14_000;

/** Rows that an object writes are what it costs. */
test("a lookup writes three rows, and a batch of 500 a handful more", async () => {
  const stub = env.TENANT_LEDGER.getByName("rows:live");
  await runInDurableObject(stub, async (_, { storage }) => {
    const counted = countedSql(storage.sql);
    const store = new LedgerStore(counted.sql);
    const tables = { store, idempotency: new IdempotencyKeys(counted.sql) };
    const book = new LedgerBook(tables, { nowMs: START_MS, intentTtlMs: TTL_MS });
    const tiers = [{ upTo: null, unitPriceMicros: 150_000 }];
    const word = { tenantId: "rows", version: 1, tiers, allowance: null, keyIds: [KEY_ID], revoked: new Set<string>() };
    book.configure(ledgerTerms(word), START_MS);
    await round(book, store, 0);
    const before = counted.written();
    await round(book, store, 1);
    const written = counted.written() - before;
    expect(written / BATCH).toBeGreaterThanOrEqual(3);
    expect(written - 3 * BATCH).toBeLessThanOrEqual(4);
    expect(storage.sql.exec("SELECT count(*) AS n FROM lookups").one()).toEqual({ n: 0 });
    expect(storage.sql.exec("SELECT count(*) AS n FROM batches").one()).toEqual({ n: 2 });
    const [packed] = storage.sql.exec<{ bytes: number }>("SELECT sum(length(events)) AS bytes FROM batches").toArray();
    expect((packed?.bytes ?? 0) / (2 * BATCH)).toBeLessThan(150);
  });
});

/** One batch of lookups, flushed and dropped. */
async function round(book: LedgerBook, store: LedgerStore, number: number): Promise<void> {
  const nowMs = START_MS + number * 60_000;
  for (let n = 0; n < BATCH; n += 1) {
    const lookupId = `lkp_${crypto.randomUUID()}`;
    const cpfReference = `v1:${crypto.randomUUID().replaceAll("-", "")}`;
    const access = { keyId: KEY_ID, scope: "scores:read", ip: null } as const;
    book.admit({ ...access, lookupId, reference: `order-${n}`, cpfReference, idempotency: null }, nowMs);
    book.settle({ lookupId, outcome: "delivered", transactionId: crypto.randomUUID(), answer: null }, nowMs);
  }
  const events = store.eventsAfter(book.flushedThrough, BATCH);
  book.markFlushed(book.lastSeq, await gzip(JSON.stringify(events)), nowMs);
  book.maintain(nowMs + TTL_MS + 1);
}

/** The object's SQL, and how many rows were written through it. */
function countedSql(sql: SqlStorage): { sql: SqlStorage; written: () => number } {
  const cursors: { rowsWritten: number }[] = [];
  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    const cursor = sql.exec(query, ...bindings);
    cursors.push(cursor);
    return cursor;
  };
  return {
    sql: { exec } as unknown as SqlStorage,
    written: () => cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
  };
}
