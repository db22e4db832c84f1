import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { StoredEventRow } from "../../src/domain/event_row.ts";
import type { MeterEvent } from "../../src/domain/meter_event.ts";
import type { LedgerName } from "../../src/domain/meter_event.ts";
import { ConflictingEventsError, readEvents, writeEvents } from "../../src/platform/event_copy.ts";
import { StatementRecords } from "../../src/platform/statement_records.ts";

let tenants = 0;
let ledger: LedgerName;

beforeEach(() => {
  ledger = { tenantId: `ten_copy_${(tenants += 1)}`, mode: "live" };
});

describe("a batch of events", () => {
  test("is one row, however many events it has", async () => {
    const write = await written(range(1, 500));
    expect(write.rows_written).toBeLessThanOrEqual(2);
    expect(await copied()).toEqual(range(1, 500));
  });

  test("that comes again changes nothing", async () => {
    await written(range(1, 3));
    await written(range(1, 3));
    expect(await batches()).toEqual([[1, 3]]);
    expect(await copied()).toEqual(range(1, 3));
  });

  test("that comes again longer takes the first one's place", async () => {
    await written(range(11, 30));
    await written(range(11, 50));
    expect(await batches()).toEqual([[11, 50]]);
    expect(await copied()).toEqual(range(11, 50));
  });

  test("that comes late and shorter changes nothing", async () => {
    await written(range(11, 50));
    await written(range(11, 30));
    expect(await batches()).toEqual([[11, 50]]);
    expect(await copied()).toEqual(range(11, 50));
  });

  test("takes the places of those within it, and leaves its neighbours alone", async () => {
    await written(range(1, 10));
    for (let seq = 11; seq <= 15; seq += 1) await written([seq]);
    await written(range(16, 20));
    await written(range(11, 15));
    expect(await batches()).toEqual([
      [1, 10],
      [11, 15],
      [16, 20],
    ]);
    expect(await copied()).toEqual(range(1, 20));
  });

  test.each([
    ["as long", range(1, 3)],
    ["longer", range(1, 5)],
    ["shorter", range(1, 2)],
  ])("with another event under a seq is a broken ledger, when it is %s", async (_, seqs) => {
    await written(range(1, 3));
    const events = seqs.map((seq) => (seq === 2 ? { ...event(2), id: "lkp_another" } : event(seq)));
    await expect(writeEvents(env.DB, ledger, { events: JSON.stringify(events), days: [] })).rejects.toThrow(/NOT NULL/);
    expect(await copied()).toEqual(range(1, 3));
  });

  test("that begins within another one is a broken ledger", async () => {
    await written(range(1, 10));
    await expect(written(range(5, 20))).rejects.toThrow(/earlier batch/);
    expect(await copied()).toEqual(range(1, 10));
  });

  test("never takes the place of others that have events which it has not, or others than its own", async () => {
    await written(range(1, 3));
    await written(range(4, 8));
    const others = [...range(1, 3).map(event), { ...event(4), id: "lkp_of_another_life" }];
    const write = writeEvents(env.DB, ledger, { events: JSON.stringify(others), days: [] });
    await expect(write).rejects.toThrow(ConflictingEventsError);
    await expect(written(range(1, 5))).rejects.toThrow(ConflictingEventsError);
    expect(await batches()).toEqual([
      [1, 3],
      [4, 8],
    ]);
  });

  test("with a hole is a broken ledger", async () => {
    await expect(written([1, 2, 4])).rejects.toThrow(/CHECK/);
    expect(await copied()).toEqual([]);
  });
});

describe("events are read", () => {
  test("from any seq to any other, wherever batches begin", async () => {
    for (const [first, last] of [
      [1, 7],
      [8, 8],
      [9, 20],
      [21, 21],
    ] as const) {
      await written(range(first, last));
    }
    for (let first = 1; first <= 21; first += 1) {
      for (let last = first; last <= 21; last += 1) expect(await read({ first, last })).toEqual(range(first, last));
    }
    expect(await read({ first: 5, last: 4 })).toEqual([]);
  });

  test("as they were written, and a ledger's own only", async () => {
    const test: LedgerName = { ...ledger, mode: "test" };
    const full = { ...event(1), reference: 'Conceição "1"\n😀', corrects: "lkp_0", billed: 1 };
    const empty: StoredEventRow = { ...event(1), key_id: null, outcome: null, transaction_id: null, billed: 0 };
    await writeEvents(env.DB, ledger, { events: JSON.stringify([full]), days: [] });
    await writeEvents(env.DB, test, { events: JSON.stringify([empty]), days: [] });
    const [[one] = []] = await pages(ledger, { first: 1, last: 1 });
    expect(one).toMatchObject({ mode: "live", reference: 'Conceição "1"\n😀', corrects: "lkp_0", billed: true });
    const [[other] = []] = await pages(test, { first: 1, last: 1 });
    expect(other).toMatchObject({ mode: "test", reference: null, outcome: null, keyId: null, billed: false });
  });

  test.each([
    ["at the start", [range(3, 9)], 1],
    ["in the middle", [range(1, 4), range(6, 9)], 5],
    ["at the end", [range(1, 7)], 8],
    ["everywhere", [], 1],
  ] as const)("and none behind one that is missing %s", async (_, written_, missing) => {
    for (const seqs of written_) await written([...seqs]);
    const found = await readEvents(env.DB, ledger, { first: 1, last: 9 });
    expect(found.map(({ seq }) => seq)).toEqual(range(1, missing - 1));
  });

  test("a bounded page at a time, also where every event is a batch of its own", async () => {
    for (const seqs of [range(1, 500), range(501, 1000), range(1001, 1500), range(1501, 1999)]) await written(seqs);
    for (let seq = 2000; seq <= 2005; seq += 1) await written([seq]);
    await written(range(2006, 2500));
    const sizes = (await pages(ledger, { first: 1, last: 2500 })).map((page) => page.length);
    expect(sizes).toEqual([2000, 500]);
    expect((await readEvents(env.DB, ledger, { first: 2, last: 2500 })).at(-1)?.seq).toBe(2001);
    expect((await readEvents(env.DB, ledger, { first: 7, last: 2499 })).at(-1)?.seq).toBe(2499);
  });
});

describe("events leave D1", () => {
  test("in whole batches, in pieces, and never those of another month", async () => {
    for (const seqs of [range(1, 4), range(5, 9), range(10, 12), range(13, 20)]) await written(seqs);
    const records = new StatementRecords(env.DB);
    expect(await records.pruneEvents(ledger, { first: 5, last: 12 }, 5)).toBe(false);
    expect(await batches()).toEqual([
      [1, 4],
      [10, 12],
      [13, 20],
    ]);
    expect(await records.pruneEvents(ledger, { first: 5, last: 12 }, 5)).toBe(true);
    expect(await records.pruneEvents(ledger, { first: 5, last: 12 }, 5)).toBe(true);
    expect(await batches()).toEqual([
      [1, 4],
      [13, 20],
    ]);
    expect(await records.pruneEvents(ledger, { first: 1, last: 15 }, 5)).toBe(false);
    expect(await records.pruneEvents(ledger, { first: 1, last: 15 }, 5)).toBe(true);
    expect(await batches()).toEqual([[13, 20]]);
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function event(seq: number): StoredEventRow {
  return {
    seq,
    id: `lkp_${seq}`,
    occurred_at: 1_790_000_000_000 + seq,
    key_id: "csg_live_0123456789",
    reference: null,
    outcome: "delivered",
    billed: 1,
    units: 1,
    unit_price_micros: 150_000,
    amount_micros: 150_000,
    transaction_id: `tx_${seq}`,
    cpf_reference: "v1:0",
    kind: "lookup",
    corrects: null,
  };
}

/** What D1 says of a write. */
async function written(seqs: readonly number[]): Promise<D1Meta> {
  const metas: D1Meta[] = [];
  const counted = {
    prepare: (sql: string) => env.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      metas.push(...(await env.DB.batch(statements)).map(({ meta }) => meta));
    },
  };
  await writeEvents(counted as unknown as D1Database, ledger, {
    events: JSON.stringify(seqs.map(event)),
    days: [],
  });
  return metas[0] as D1Meta;
}

async function batches(): Promise<number[][]> {
  const sql = "SELECT first_seq, last_seq FROM event_batches WHERE tenant_id = ? ORDER BY first_seq";
  const { results } = await env.DB.prepare(sql).bind(ledger.tenantId).all<{ first_seq: number; last_seq: number }>();
  return results.map((row) => [row.first_seq, row.last_seq]);
}

async function copied(): Promise<number[]> {
  const sql = "SELECT seq FROM events WHERE tenant_id = ? ORDER BY seq";
  return (await env.DB.prepare(sql).bind(ledger.tenantId).all<{ seq: number }>()).results.map(({ seq }) => seq);
}

async function pages(of: LedgerName, seqs: { first: number; last: number }) {
  const found: MeterEvent[][] = [];
  for (let { first } = seqs; first <= seqs.last; first = (found.at(-1)?.at(-1)?.seq ?? 0) + 1) {
    const page = await readEvents(env.DB, of, { ...seqs, first });
    if (page.length === 0) break;
    found.push(page);
  }
  return found;
}

async function read(seqs: { first: number; last: number }): Promise<number[]> {
  return (await pages(ledger, seqs)).flat().map(({ seq }) => seq);
}
