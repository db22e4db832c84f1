import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { gzip } from "../../../src/platform/gzip.ts";
import { IdempotencyKeys } from "../../../src/platform/ledger/idempotency_keys.ts";
import { LedgerBook } from "../../../src/platform/ledger/ledger_book.ts";
import { LedgerStore } from "../../../src/platform/ledger/ledger_store.ts";
import { countedSql, rowsBetween, type RowCounts } from "../../support/counted_sql.ts";
import { ledgerTerms } from "./ledger_terms.ts";

const BATCH = 500;
const DAYS = 10;
const DAY_MS = 86_400_000;
const KEY_ID = "csg_live_0123456789";
const START_MS = Date.parse("2027-03-10T12:00:00Z");
const TTL_MS = 14_000;

type CountedLedger = {
  readonly book: LedgerBook;
  readonly store: LedgerStore;
  readonly sql: SqlStorage;
  readonly rows: () => RowCounts;
};

/** Rows that an object writes are what it costs. */
test("a lookup writes two rows, and a batch of 500 a handful more", async () => {
  await withLedger("rows", async (ledger) => {
    await batch(ledger, BATCH, START_MS);
    const before = ledger.rows();
    await batch(ledger, BATCH, START_MS + 60_000);
    const { written } = rowsBetween(before, ledger.rows());
    expect(written / BATCH).toBeGreaterThanOrEqual(2);
    expect(written - 2 * BATCH).toBeLessThanOrEqual(4);
    // Those of the second batch, which took the rows of the first.
    expect(ledger.sql.exec("SELECT count(*) AS n, min(n) AS first FROM lookups").one()).toEqual({
      n: BATCH,
      first: BATCH + 1,
    });
    expect(ledger.sql.exec("SELECT count(*) AS n FROM batches").one()).toEqual({ n: 2 });
    const [packed] = ledger.sql.exec<{ bytes: number }>("SELECT sum(length(events)) AS bytes FROM batches").toArray();
    expect((packed?.bytes ?? 0) / (2 * BATCH)).toBeLessThan(150);
  });
});

test("rows that wait to be written over are bounded, and none is taken that may be asked for", async () => {
  await withLedger("backlog", async (ledger) => {
    const kept = () => ledger.sql.exec("SELECT count(*) AS n, min(n) AS first, max(n) AS last FROM lookups").one();
    await batch(ledger, 3 * BATCH, START_MS);
    expect(kept()).toEqual({ n: 2 * BATCH, first: BATCH + 1, last: 3 * BATCH });
    const laterMs = START_MS + 60_000;
    lookUp(ledger.book, 0, laterMs);
    expect(kept()).toEqual({ n: 2 * BATCH, first: BATCH + 2, last: 3 * BATCH + 1 });
    // What was ended a moment ago keeps its row, flushed or not, and so does what D1 does not have.
    const events = ledger.store.eventsAfter(ledger.book.flushedThrough, 1);
    ledger.book.markFlushed(ledger.book.lastSeq, await gzip(JSON.stringify(events)), laterMs);
    ledger.book.maintain(laterMs + 1);
    for (let n = 0; n < 3 * BATCH; n += 1) lookUp(ledger.book, n, laterMs + 1);
    expect(kept()).toEqual({ n: 3 * BATCH + 1, first: 3 * BATCH + 1, last: 6 * BATCH + 1 });
    ledger.book.maintain(laterMs + TTL_MS + 2);
    lookUp(ledger.book, 0, laterMs + TTL_MS + 2);
    expect(kept()).toEqual({ n: 3 * BATCH + 1, first: 3 * BATCH + 2, last: 6 * BATCH + 2 });
    lookUp(ledger.book, 0, laterMs + TTL_MS + 2);
    expect(kept()).toEqual({ n: 3 * BATCH + 2, first: 3 * BATCH + 2, last: 6 * BATCH + 3 });
  });
});

test("with 5000 events behind it a lookup writes the rows that it does with none, and all else costs what it does with 50", async () => {
  const costs: Record<number, { lookup: RowCounts; usage: RowCounts }> = {};
  for (const events of [0, 50, 5000]) {
    await withLedger(`behind-${events}`, async (ledger) => {
      const days = events === 0 ? 0 : DAYS;
      for (let day = 0; day < days; day += 1) await batch(ledger, events / days, START_MS + day * DAY_MS);
      const nowMs = START_MS + DAYS * DAY_MS;
      // The first of a period sets its beginning.
      lookUp(ledger.book, 0, nowMs);
      const before = ledger.rows();
      lookUp(ledger.book, 1, nowMs);
      const between = ledger.rows();
      const usage = ledger.book.usage({ from: "2027-03-01", to: "2027-03-31" }, nowMs);
      costs[events] = { lookup: rowsBetween(before, between), usage: rowsBetween(between, ledger.rows()) };
      expect(usage.days.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(events + 2);
    });
  }
  for (const cost of Object.values(costs)) expect(cost.lookup.written).toBe(2);
  // Not those with none: a row that is written over has to be read first.
  expect(costs[5000]?.lookup).toEqual(costs[50]?.lookup);
  expect(costs[5000]?.usage).toEqual(costs[50]?.usage);
});

async function withLedger(name: string, work: (ledger: CountedLedger) => Promise<void>): Promise<void> {
  const stub = env.TENANT_LEDGER.getByName(`${name}:live`);
  await runInDurableObject(stub, async (_, { storage }) => {
    const { sql, rows } = countedSql(storage.sql);
    const store = new LedgerStore(sql);
    const tables = { store, idempotency: new IdempotencyKeys(sql) };
    const book = new LedgerBook(tables, { nowMs: START_MS, intentTtlMs: TTL_MS });
    const tiers = [{ upTo: null, unitPriceMicros: 150_000 }];
    const word = { tenantId: name, version: 1, tiers, allowance: null, keyIds: [KEY_ID], revoked: new Set<string>() };
    book.configure(ledgerTerms(word), START_MS);
    await work({ book, store, sql: storage.sql, rows });
  });
}

/** Some lookups, flushed and dropped. */
async function batch({ book, store }: CountedLedger, lookups: number, nowMs: number): Promise<void> {
  for (let n = 0; n < lookups; n += 1) lookUp(book, n, nowMs);
  const events = store.eventsAfter(book.flushedThrough, lookups);
  book.markFlushed(book.lastSeq, await gzip(JSON.stringify(events)), nowMs);
  book.maintain(nowMs + TTL_MS + 1);
}

function lookUp(book: LedgerBook, n: number, nowMs: number): void {
  const lookupId = `lkp_${crypto.randomUUID()}`;
  const cpfReference = `v1:${crypto.randomUUID().replaceAll("-", "")}`;
  const access = { keyId: KEY_ID, scope: "scores:read", ip: null } as const;
  book.admit({ ...access, lookupId, reference: `order-${n}`, cpfReference, idempotency: null }, nowMs);
  book.settle({ lookupId, outcome: "delivered", transactionId: crypto.randomUUID(), answer: null }, nowMs);
}
