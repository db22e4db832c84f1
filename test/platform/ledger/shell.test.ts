import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { AdmitCall, SettleCall } from "../../../src/domain/ledger/commands.ts";
import { emptyState } from "../../../src/domain/ledger/state.ts";
import { newLookupId } from "../../../src/domain/lookup_id.ts";
import { AnsweredKeys } from "../../../src/platform/ledger/answered_keys.ts";
import { Batches } from "../../../src/platform/ledger/batches.ts";
import { Journal } from "../../../src/platform/ledger/journal.ts";
import { LedgerCore } from "../../../src/platform/ledger/ledger_core.ts";
import type { LookupCall } from "../../../src/platform/ledger/messages.ts";
import { SideTables } from "../../../src/platform/ledger/side_tables.ts";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import type { Period } from "../../../src/domain/period.ts";
import type { Remote } from "../../../src/platform/remote.ts";
import { countedSql, rowsBetween, type RowCounts } from "../../support/counted_sql.ts";
import { databaseIn, setD1 } from "./faulty_database.ts";
import { ledgerTerms } from "./ledger_terms.ts";

const KEY_ID = "csg_live_first00000";
const RANGE = { from: "2020-01-01", to: "2040-12-31" };
const CUT = 500;
const START_MS = Date.parse("2026-11-20T12:00:00Z");

afterEach(() => {
  vi.useRealTimers();
});

type Ledger = Remote<TenantLedger, "lookupCalls" | "admit" | "settle" | "usage" | "status" | "seqRange" | "flush"> &
  DurableObjectStub<TenantLedger>;

/** A new stub each time: after an error a stub stays broken. */
function ledgerNamed(tenantId: string): Ledger {
  return env.TENANT_LEDGER.getByName(`${tenantId}:live`) as unknown as Ledger;
}

async function newLedger(tenantId: string): Promise<Ledger> {
  const tiers = [{ upTo: null, unitPriceMicros: 150_000 }];
  const terms = { tenantId, version: 1, tiers, allowance: null, keyIds: [KEY_ID], revoked: new Set<string>() };
  const ledger = ledgerNamed(tenantId);
  await (ledger as DurableObjectStub<TenantLedger>).configure(ledgerTerms(terms));
  return ledger;
}

function admission(lookupId: string, idempotency: AdmitCall["idempotency"] = null): AdmitCall {
  const about = { scope: "scores:read", ip: null, reference: null, cpfReference: "v1:0" } as const;
  return { lookupId, keyId: KEY_ID, ...about, idempotency };
}

function settlement(lookupId: string, answer: Uint8Array | null = null): SettleCall {
  return { lookupId, outcome: "delivered", transactionId: `tx_${lookupId}`, answer };
}

async function makeEvents(ledger: Ledger, count: number, prefix = "lkp"): Promise<void> {
  for (let made = 0; made < count; made += 100) {
    const ids = Array.from({ length: Math.min(100, count - made) }, (_, index) => `${prefix}_${made + index}`);
    await settleAll(ledger, ids);
  }
}

async function settleAll(ledger: Ledger, ids: readonly string[]): Promise<void> {
  await ledger.lookupCalls([
    ...ids.map((id): LookupCall => ({ kind: "admit", call: admission(id) })),
    ...ids.map((id): LookupCall => ({ kind: "settle", call: settlement(id) })),
  ]);
}

/** From now on, until the object starts again, `onStatement` sees each statement before it runs. */
async function watchStatements(tenantId: string, onStatement: (statement: string) => void): Promise<() => RowCounts> {
  const cursors: { rowsRead: number; rowsWritten: number }[] = [];
  await runInDurableObject(env.TENANT_LEDGER.getByName(`${tenantId}:live`), (_, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    sql.exec = ((statement: string, ...values: SqlStorageValue[]) => {
      onStatement(statement);
      const cursor = exec(statement, ...values);
      cursors.push(cursor);
      return cursor;
    }) as typeof sql.exec;
  });
  return () => ({
    read: cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
    written: cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
  });
}

test("whichever statement of a turn fails, nothing of the turn is there, and the object starts again and serves", async () => {
  const tenantId = "shell_abort";
  const ledger = await newLedger(tenantId);
  await makeEvents(ledger, CUT - 1);
  const key = { keyHash: "key", requestHash: "body" };
  await ledger.admit(admission("lkp_keyed", key));
  const before = [await ledger.status(), (await ledger.usage(RANGE)).days];
  // A turn with a kept answer, a cut, and an admission after it.
  const turn: LookupCall[] = [
    { kind: "settle", call: settlement("lkp_keyed", new Uint8Array([1, 2, 3])) },
    { kind: "admit", call: admission("lkp_after") },
  ];
  const failed: string[] = [];
  for (let failing = 1; ; failing += 1) {
    let statements = 0;
    const object = ledgerNamed(tenantId);
    await watchStatements(tenantId, (statement) => {
      statements += 1;
      if (statements !== failing) return;
      failed.push(statement.trim().slice(0, 30));
      throw new Error("the disk is full");
    });
    let replies: unknown;
    try {
      replies = await object.lookupCalls(turn);
    } catch (error) {
      replies = String(error);
    }
    if (statements < failing) {
      expect(replies).toMatchObject([{ value: { kind: "settled", seq: CUT } }, { value: { kind: "admitted" } }]);
      break;
    }
    // A statement that only reads what a decision needs fails that call alone; its turn goes on without it.
    const again = ledgerNamed(tenantId);
    if (typeof replies === "string") {
      const after = [await again.status(), (await again.usage(RANGE)).days];
      expect(after, failed.at(-1)).toEqual(before);
    }
  }
  for (const table of ["journal", "event_batches", "day_sums", "checkpoint", "answered", "answer_keys"])
    expect(failed.join("\n")).toContain(table);
  await evictDurableObject(ledgerNamed(tenantId));
  expect(await ledgerNamed(tenantId).status()).toMatchObject({ lastSeq: CUT, openIntents: 1 });
  const replay = await ledgerNamed(tenantId).admit(admission("lkp_replay", key));
  expect(replay).toMatchObject({ kind: "replay", answer: new Uint8Array([1, 2, 3]) });
});

// What a start does first; where it throws, the constructor does, and with it every call.
test.each([
  ["a journal that has lost a row", "DELETE FROM journal WHERE position = 3", "the journal has no row at position 3"],
  ["a checkpoint that is not whole", "UPDATE checkpoint SET parts = 2", "the checkpoint is not whole"],
  ["a checkpoint of two instants", "INSERT INTO checkpoint VALUES (1, 1, 9, '')", "the checkpoint is not whole"],
  ["a lost checkpoint", "DELETE FROM checkpoint", "the journal has no row at position 1"],
])("%s stops the object", async (name, statement, message) => {
  const ledger = await newLedger(`shell_${name}`);
  await makeEvents(ledger, name.includes("checkpoint") ? CUT + 100 : 300);
  await runInDurableObject(ledger, (_, { storage: { sql } }) => {
    if (name === "a lost checkpoint")
      sql.exec(`DELETE FROM journal WHERE position <= (SELECT position FROM checkpoint)`);
    sql.exec(statement);
    const tables = { batches: new Batches(sql), answered: new AnsweredKeys(sql), side: new SideTables(sql) };
    expect(() => new LedgerCore({ ...tables, journal: new Journal(sql) }, { intentTtlMs: 1 })).toThrow(message);
  });
});

test("a large checkpoint is parted by bytes, whatever characters it has", async () => {
  const ledger = await newLedger("shell_parts");
  const reason = "ação 🙂 ".repeat(300_000);
  const read = await runInDurableObject(ledger, (_, { storage }) => {
    const state = { ...emptyState(), period: reason as Period };
    new Journal(storage.sql).checkpoint(state);
    const sizes = storage.sql.exec<{ bytes: number }>(`SELECT length(CAST(state AS BLOB)) AS bytes FROM checkpoint`);
    return { sizes: sizes.toArray().map(({ bytes }) => bytes), period: new Journal(storage.sql).recover().period };
  });
  expect(read.period === reason).toBe(true);
  expect(read.sizes.length).toBeGreaterThan(2);
  expect(Math.max(...read.sizes)).toBeLessThanOrEqual(1_000_000);
});

test("a lookup writes two rows, one more with an idempotency key, and a cut six at the most", async () => {
  const ledger = await newLedger("shell_rows");
  await makeEvents(ledger, CUT - 3);
  await ledger.admit(admission("lkp_warm", { keyHash: "warm", requestHash: "body" }));
  await ledger.settle(settlement("lkp_warm", new Uint8Array([1])));
  const rows = await watchStatements("shell_rows", () => {});
  await ledger.admit(admission("lkp_alone"));
  await ledger.settle(settlement("lkp_alone"));
  expect(rows().written).toBe(2);
  await ledger.admit(admission("lkp_keyed", { keyHash: "key", requestHash: "body" }));
  const beforeCut = rows().written;
  // The 500th event: the settlement's row, the key's, and the cut's.
  await ledger.settle(settlement("lkp_keyed", new Uint8Array([1])));
  expect(rows().written - beforeCut).toBeGreaterThan(2);
  expect(rows().written - beforeCut).toBeLessThanOrEqual(2 + 6);
  const afterCut = rows().written;
  await ledger.admit(admission("lkp_keyed_2", { keyHash: "key 2", requestHash: "body" }));
  await ledger.settle(settlement("lkp_keyed_2", new Uint8Array([1])));
  expect(rows().written - afterCut).toBe(3);
});

// What comes while a commit is under way is one row after it; how long a commit takes here does not depend on the machine.
test("32 at once share their rows: at most half a row a lookup", async () => {
  const ledger = await newLedger("shell_shared_rows");
  const commit = { isHeld: false };
  await runInDurableObject(ledger as DurableObjectStub<TenantLedger>, (_, { storage }) => {
    const sync = storage.sync.bind(storage);
    storage.sync = async () => {
      while (commit.isHeld) await scheduler.wait(5);
      await sync();
    };
  });
  const rows = await watchStatements("shell_shared_rows", () => {});
  const ids = Array.from({ length: 32 }, (_, n) => `lkp_${n}`);
  const atOnce = async (call: (id: string) => Promise<{ kind: string }>) => {
    commit.isHeld = true;
    const replying = Promise.all(ids.map(call));
    await scheduler.wait(500);
    commit.isHeld = false;
    return new Set((await replying).map(({ kind }) => kind));
  };
  expect(await atOnce((id) => ledger.admit(admission(id)))).toEqual(new Set(["admitted"]));
  expect(await atOnce((id) => ledger.settle(settlement(id)))).toEqual(new Set(["settled"]));
  expect(rows().written / ids.length).toBeLessThanOrEqual(0.5);
});

// As in an hour without D1: the journal is as long as it gets, with 490 lookups that came one by one since the last cut.
test("a backlog of 20,000 events costs a start, a lookup, a repeat and usage no more rows than one of 2,000", async () => {
  const ledger = await newLedger("shell_backlog");
  const object = env.TENANT_LEDGER.getByName("shell_backlog:live");
  const ids: string[] = [];
  const newIds = (count: number) => {
    const fresh = Array.from({ length: count }, (_, n) => newLookupId(START_MS + ids.length + n, new Uint8Array(10)));
    ids.push(...fresh);
    return fresh;
  };
  const lookUp = async (id: string) => {
    await ledger.admit(admission(id));
    await ledger.settle(settlement(id));
  };
  const costs: { start: RowCounts; lookup: RowCounts; repeat: RowCounts; usage: RowCounts }[] = [];
  for (const backlog of [2_000, 20_000]) {
    await setD1(object, databaseIn("down"));
    while (ids.length < backlog) await settleAll(ledger, newIds(Math.min(CUT - (ids.length % CUT), 100)));
    for (const id of newIds(490)) await lookUp(id);
    const start = await runInDurableObject(object, (_, { storage }) => {
      const { sql, rows } = countedSql(storage.sql);
      const tables = {
        journal: new Journal(sql),
        batches: new Batches(sql),
        answered: new AnsweredKeys(sql),
        side: new SideTables(sql),
      };
      const core = new LedgerCore(tables, { intentTtlMs: 30_000 });
      expect(core.state.lastSeq).toBe(ids.length);
      return rows();
    });
    const rows = await watchStatements("shell_backlog", () => {});
    const costOf = async (work: () => Promise<unknown>) => {
      const before = rows();
      await work();
      return rowsBetween(before, rows());
    };
    const [first = ""] = ids;
    const [next = ""] = newIds(1);
    costs.push({
      start,
      lookup: await costOf(() => lookUp(next)),
      repeat: await costOf(() => lookUp(first)),
      usage: await costOf(() => ledger.usage(RANGE)),
    });
    await evictDurableObject(object);
  }
  expect(costs[1]).toEqual(costs[0]);
  expect(costs[1]?.start.read).toBeLessThanOrEqual(5000);
  expect(costs[1]?.start.read).toBeGreaterThan(900);
  expect(costs[1]?.lookup.written).toBe(2);
  // Its two rows: that no batch has its event is known without a look.
  expect(costs[1]?.lookup.read).toBeLessThanOrEqual(2);
  expect(await ledger.status()).toMatchObject({ lastSeq: ids.length });
}, 90_000);

test("journal rows that a checkpoint covers are dropped, and positions go on after them", async () => {
  const ledger = await newLedger("shell_journal");
  const rows = await runInDurableObject(ledger, (_, { storage: { sql } }) => {
    const count = () => sql.exec<{ n: number }>("SELECT count(*) AS n FROM journal").one().n;
    const journal = new Journal(sql);
    const before = journal.recover();
    const seen: number[] = [];
    for (let written = 1; written <= 4000; written += 1) {
      journal.append([]);
      if (written % 700 !== 0) continue;
      journal.checkpoint(before);
      seen.push(count());
    }
    const again = new Journal(sql);
    expect(again.recover()).toEqual(before);
    expect(again.uncheckedRows).toBe(4000 % 700);
    return seen;
  });
  expect(Math.max(...rows)).toBeLessThan(1000);
});

// A start that read the journal from its first position would read up to a thousand rows more, or apply them a second time.
test("a start reads no row that a checkpoint covers, however many are still there", async () => {
  const ledger = await newLedger("shell_recovery");
  await runInDurableObject(ledger, (_, { storage }) => {
    const journal = new Journal(storage.sql);
    const state = journal.recover();
    for (const { covered, after } of [
      { covered: 10, after: 0 },
      { covered: 300, after: 7 },
      { covered: 500, after: 90 },
    ]) {
      for (let written = 0; written < covered; written += 1) journal.append([]);
      journal.checkpoint(state);
      for (let written = 0; written < after; written += 1) journal.append([]);
      const { sql, rows } = countedSql(storage.sql);
      const again = new Journal(sql);
      expect(again.recover()).toEqual(state);
      expect(again.uncheckedRows).toBe(after);
      // Beside the rows after it: the checkpoint's one part, and where the rows begin.
      expect(rows().read - after).toBeLessThanOrEqual(3);
    }
    expect(storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM journal").one().n).toBeGreaterThan(900);
  });
});

test("an event is found at any age, in whatever order the times of the ids are", async () => {
  const ledger = await newLedger("shell_ages");
  const daysFromStart = [0, 400, 1, 399, 2];
  const ids = daysFromStart.map((days) => newLookupId(START_MS + days * 86_400_000, new Uint8Array(10)));
  for (const id of ids) {
    await settleAll(ledger, [id]);
    expect(await ledger.flush()).toMatchObject({ kind: "flushed" });
  }
  const repeated = async () => await Promise.all(ids.map((id) => ledger.settle(settlement(id))));
  const events = ids.map((_, index) => ({ kind: "settled", seq: index + 1 }));
  expect(await repeated()).toMatchObject(events);
  await evictDurableObject(ledger);
  expect(await repeated()).toMatchObject(events);
});

test("a clock that jumped back within the month leaves no event out of the month, nor out of D1's days", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenantId = "shell_clock";
  const ledger = await newLedger(tenantId);
  for (const day of ["2026-11-19", "2026-11-20", "2026-11-18", "2026-11-19"]) {
    vi.setSystemTime(Date.parse(`${day}T15:00:00Z`));
    await makeEvents(ledger, 1, `lkp_${day}_${Math.random()}`);
  }
  const whole = { first: 1, last: 4 };
  expect(await ledger.seqRange("2026-11" as Period)).toEqual(whole);
  expect(await ledger.flush()).toMatchObject({ kind: "flushed", flushedThrough: 4 });
  expect(await ledger.seqRange("2026-11" as Period)).toEqual(whole);
  const days = env.DB.prepare(`SELECT date, last_seq FROM usage_days WHERE tenant_id = ? ORDER BY date`).bind(tenantId);
  expect((await days.all()).results).toEqual([
    { date: "2026-11-18", last_seq: 3 },
    { date: "2026-11-19", last_seq: 4 },
    { date: "2026-11-20", last_seq: 2 },
  ]);
});
