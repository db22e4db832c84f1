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
test("a lookup writes three rows, and a batch of 500 a handful more", async () => {
  await withLedger("rows", async (ledger) => {
    await batch(ledger, BATCH, START_MS);
    const before = ledger.rows();
    await batch(ledger, BATCH, START_MS + 60_000);
    const { written } = rowsBetween(before, ledger.rows());
    expect(written / BATCH).toBeGreaterThanOrEqual(3);
    expect(written - 3 * BATCH).toBeLessThanOrEqual(4);
    expect(ledger.sql.exec("SELECT count(*) AS n FROM lookups").one()).toEqual({ n: 0 });
    expect(ledger.sql.exec("SELECT count(*) AS n FROM batches").one()).toEqual({ n: 2 });
    const [packed] = ledger.sql.exec<{ bytes: number }>("SELECT sum(length(events)) AS bytes FROM batches").toArray();
    expect((packed?.bytes ?? 0) / (2 * BATCH)).toBeLessThan(150);
  });
});

test("with 5000 events behind it a lookup costs the rows that it does with none, and usage those that it does with 50", async () => {
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
  expect(costs[0]?.lookup.written).toBe(2);
  expect([costs[50]?.lookup, costs[5000]?.lookup]).toEqual([costs[0]?.lookup, costs[0]?.lookup]);
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
