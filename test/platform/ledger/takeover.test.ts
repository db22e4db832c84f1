import { gzipSync } from "node:zlib";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AdmitCall } from "../../../src/domain/ledger/commands.ts";
import { LEDGER_SCHEMA_VERSION } from "../../../src/domain/ledger/schema_version.ts";
import { writeEvents } from "../../../src/platform/event_copy.ts";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import type { Period } from "../../../src/domain/period.ts";
import type { Remote } from "../../../src/platform/remote.ts";
import { AnsweredKeys } from "../../../src/platform/ledger/answered_keys.ts";
import { countedSql } from "../../support/counted_sql.ts";
import { ledgerTerms } from "./ledger_terms.ts";
import { makeOld, OLD_SCHEMA } from "./old_ledger.ts";

const KEY_ID = "csg_live_first00000";
const NOW_MS = Date.parse("2026-11-28T15:00:00Z");
const MINUTE_MS = 60_000;
const PRICE = 150_000;
const RANGE = { from: "2026-01-01", to: "2026-12-31" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(NOW_MS);
});

afterEach(() => {
  vi.useRealTimers();
});

type OldLedger = Remote<TenantLedger, "admit" | "settle" | "usage" | "status" | "seqRange" | "flush" | "adjust"> &
  DurableObjectStub<TenantLedger>;

function ledgerNamed(tenantId: string): OldLedger {
  return env.TENANT_LEDGER.getByName(`${tenantId}:live`) as unknown as OldLedger;
}

function terms(tenantId: string, allowance: number | null) {
  const tiers = [{ upTo: null, unitPriceMicros: PRICE }];
  return ledgerTerms({ tenantId, version: 7, tiers, allowance, keyIds: [KEY_ID], revoked: new Set() });
}

type OldEvent = { seq: number; id: string; atMs: number; outcome: string; amountMicros: number };

function event(seq: number, atMs: number, outcome = "delivered"): OldEvent {
  return { seq, id: `lkp_old_${seq}`, atMs, outcome, amountMicros: outcome === "delivered" ? PRICE : 0 };
}

/** In the form that was copied to D1 before events had more fields. */
function copiedForm({ seq, id, atMs, outcome, amountMicros }: OldEvent) {
  return {
    seq,
    id,
    occurred_at: atMs,
    key_id: KEY_ID,
    reference: null,
    outcome,
    billed: amountMicros > 0 ? 1 : 0,
    units: amountMicros > 0 ? 1 : 0,
    unit_price_micros: amountMicros,
    amount_micros: amountMicros,
    transaction_id: `tx_${seq}`,
    cpf_reference: "v1:0",
    kind: "lookup",
    corrects: null,
  };
}

const dayOf = (atMs: number) => new Date(atMs - 3 * 60 * MINUTE_MS).toISOString().slice(0, 10);

function addWaiting(sql: SqlStorage, { seq, id, atMs, outcome, amountMicros }: OldEvent): void {
  const units = amountMicros > 0 ? 1 : 0;
  sql.exec(
    `INSERT INTO lookups (n, id, key_id, reference, cpf_reference, admitted_at, price_version, idempotency_key,
       occurred_at, day, outcome, billed, units, unit_price_micros, amount_micros, transaction_id, kind, corrects)
     VALUES (?, ?, ?, NULL, 'v1:0', ?, 2, NULL, ?, ?, ?, ?, ?, ?, ?, ?, 'lookup', NULL)`,
    seq,
    id,
    KEY_ID,
    atMs - 100,
    atMs,
    dayOf(atMs),
    outcome,
    units,
    units,
    amountMicros,
    amountMicros,
    `tx_${seq}`,
  );
}

function addIntent(sql: SqlStorage, n: number, id: string, key: string | null = null): void {
  sql.exec(
    `INSERT INTO lookups (n, id, key_id, reference, cpf_reference, admitted_at, price_version, idempotency_key, kind)
     VALUES (?, ?, ?, 'pedido 1', 'v1:0', ?, 2, ?, 'lookup')`,
    n,
    id,
    KEY_ID,
    NOW_MS - 1000,
    key,
  );
}

/** An object as the code of before left it: a closed month, a flush that D1 took and did not confirm, all kinds of rows. */
async function oldLedger(tenantId: string): Promise<OldLedger> {
  const october = Date.parse("2026-10-31T20:00:00Z");
  const flushed = [1, 2, 3].map((seq) => event(seq, october + seq));
  const waiting = [
    event(4, NOW_MS - 3 * MINUTE_MS),
    event(5, NOW_MS - 2 * MINUTE_MS, "not_found"),
    event(6, NOW_MS - MINUTE_MS),
  ];
  const ledger = ledgerNamed(tenantId);
  for (const events of [flushed, waiting.slice(0, 2)]) {
    await writeEvents(env.DB, { tenantId, mode: "live" }, { events: JSON.stringify(events.map(copiedForm)), days: [] });
  }
  await runInDurableObject(ledger, (_, { storage: { sql } }) => {
    makeOld(sql);
    sql.exec(
      `UPDATE ledger SET terms = ?, price_version = 2, flushed_through = 3, period_floor = ?`,
      JSON.stringify(terms(tenantId, 10)),
      Date.parse("2026-11-01T03:00:00Z"),
    );
    const tiersOf = (micros: number) => JSON.stringify([{ upTo: null, unitPriceMicros: micros }]);
    sql.exec(`INSERT INTO prices (version, tiers) VALUES (1, ?), (2, ?)`, tiersOf(100_000), tiersOf(PRICE));
    sql.exec(`INSERT INTO days VALUES ('2026-10-31', 1, 3, 3, 0, 0, 0, 0, 3, ${3 * PRICE}, 0, 0)`);
    const packed = gzipSync(JSON.stringify(flushed.map(copiedForm)));
    sql.exec(
      `INSERT INTO batches VALUES (3, 1, ?)`,
      packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.length),
    );
    for (const each of waiting) addWaiting(sql, each);
    addIntent(sql, -1, "lkp_open_1");
    addIntent(sql, -2, "lkp_open_2", "hash running");
    sql.exec(`INSERT INTO adjustments VALUES ('adj_1', 2, ?)`, october + 2);
    sql.exec(`INSERT INTO key_uses VALUES (?, ?)`, KEY_ID, NOW_MS - MINUTE_MS);
    sql.exec(`INSERT INTO bucket VALUES (1, 3.5, ?)`, NOW_MS - 1000);
    sql.exec(
      `INSERT INTO idempotency VALUES (1, 'hash ended', 'body 1', ?1, 'ended', ?2), (2, 'hash running', 'body 2', ?1, 'running', NULL)`,
      NOW_MS - MINUTE_MS,
      new TextEncoder().encode("the sealed answer").buffer,
    );
  });
  await evictDurableObject(ledger);
  return ledger;
}

function admission(lookupId: string, idempotency: AdmitCall["idempotency"] = null): AdmitCall {
  return {
    lookupId,
    keyId: KEY_ID,
    scope: "scores:read",
    ip: null,
    reference: null,
    cpfReference: "v1:0",
    idempotency,
  };
}

test("an object of schema version 1 goes on as what it was: nothing is lost, nothing counted twice", async () => {
  const tenantId = "old_whole";
  const ledger = await oldLedger(tenantId);
  const usage = await ledger.usage(RANGE);
  expect(usage.days).toMatchObject([
    { date: "2026-10-31", delivered: 3, billed: 3, amountMicros: 3 * PRICE },
    { date: "2026-11-28", delivered: 2, notFound: 1, billed: 2, amountMicros: 2 * PRICE },
  ]);
  // Six that ended, two that are open.
  expect(usage.allowance).toMatchObject({ limit: 10, used: 8 });
  expect(await ledger.seqRange("2026-10" as Period)).toEqual({ first: 1, last: 3 });
  expect(await ledger.seqRange("2026-11" as Period)).toEqual({ first: 4, last: 6 });
  expect(await ledger.status()).toMatchObject({
    schema: LEDGER_SCHEMA_VERSION,
    lastSeq: 6,
    flushedThrough: 3,
    openIntents: 2,
    oldestUnflushedAtMs: NOW_MS - 3 * MINUTE_MS,
    lastUsedAtMs: { [KEY_ID]: NOW_MS - MINUTE_MS },
    notReady: null,
    termsVersion: 7,
  });

  const replay = await ledger.admit(admission("lkp_new_1", { keyHash: "hash ended", requestHash: "body 1" }));
  expect(replay).toMatchObject({ kind: "replay" });
  expect(new TextDecoder().decode((replay as { answer: Uint8Array }).answer)).toBe("the sealed answer");
  const other = await ledger.admit(admission("lkp_new_2", { keyHash: "hash ended", requestHash: "another" }));
  expect(other).toMatchObject({ kind: "refused", failure: { code: "idempotency_mismatch" } });
  const running = await ledger.admit(admission("lkp_new_3", { keyHash: "hash running", requestHash: "body 2" }));
  expect(running).toMatchObject({ kind: "refused", failure: { code: "idempotency_in_progress" } });

  const end = { outcome: "delivered", transactionId: "tx_open", answer: null } as const;
  expect(await ledger.settle({ lookupId: "lkp_old_6", ...end })).toMatchObject({ kind: "settled", seq: 6 });
  const settled = await ledger.settle({ lookupId: "lkp_open_1", ...end });
  expect(settled).toMatchObject({ kind: "settled", seq: 7, charge: { billed: true, amountMicros: PRICE } });
  expect(
    await ledger.adjust({ id: "adj_1", units: 1, amountMicros: 1, reason: "again", corrects: null }),
  ).toMatchObject({
    seq: 2,
  });

  expect(await ledger.flush()).toEqual({ kind: "flushed", flushedThrough: 7 });
  const copied = await copiedRows(tenantId);
  expect(copied.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(copied.at(-1)).toMatchObject({ id: "lkp_open_1", amount_micros: PRICE });

  // The one that nobody settled ends, and its key is free only for what it stood for.
  vi.setSystemTime(NOW_MS + 10 * MINUTE_MS);
  expect(await ledger.status()).toMatchObject({ lastSeq: 8, openIntents: 0 });
  const late = await ledger.admit(admission("lkp_new_4", { keyHash: "hash running", requestHash: "body 2" }));
  expect(late).toMatchObject({ kind: "replay", answer: null });

  await evictDurableObject(ledger);
  expect((await ledger.usage(RANGE)).allowance).toMatchObject({ used: 8 });
});

test("the code of before cannot start on it any more", async () => {
  const ledger = await oldLedger("old_barred");
  await ledger.status();
  const error = await runInDurableObject(ledger, (_, { storage }) => {
    try {
      storage.transactionSync(() => storage.sql.exec(OLD_SCHEMA));
      return null;
    } catch (thrown) {
      return String(thrown);
    }
  });
  expect(error).toMatch(/cannot modify ledger because it is a view/);
  expect(await ledger.status()).toMatchObject({ lastSeq: 6, openIntents: 2 });
});

test("an object that was never used is taken over too", async () => {
  const ledger = ledgerNamed("old_empty");
  await runInDurableObject(ledger, (_, { storage: { sql } }) => makeOld(sql));
  await evictDurableObject(ledger);
  expect(await ledger.status()).toMatchObject({ lastSeq: 0, notReady: "no_terms" });
});

test("a backlog of 20,000 events is streamed, and copied in the portions that D1 may have of it", async () => {
  const tenantId = "old_backlog";
  const count = 20_000;
  const ledger = ledgerNamed(tenantId);
  await runInDurableObject(ledger, (_, { storage }) => {
    const { sql } = storage;
    makeOld(sql);
    storage.transactionSync(() => {
      sql.exec(`UPDATE ledger SET terms = ?, price_version = 2`, JSON.stringify(terms(tenantId, null)));
      sql.exec(`INSERT INTO prices VALUES (2, ?)`, JSON.stringify([{ upTo: null, unitPriceMicros: PRICE }]));
      for (let seq = 1; seq <= count; seq += 1) addWaiting(sql, event(seq, NOW_MS - 2 * count + seq));
    });
  });
  await evictDurableObject(ledger);
  expect(await ledger.status()).toMatchObject({ lastSeq: count, flushedThrough: 0 });
  expect((await ledger.usage(RANGE)).days).toMatchObject([{ delivered: count, amountMicros: count * PRICE }]);
  const batches = await runInDurableObject(ledger, (_, { storage: { sql } }) =>
    sql
      .exec<{ n: number; most: number }>(
        `SELECT count(*) AS n, max(last_seq - first_seq + 1) AS most FROM event_batches`,
      )
      .one(),
  );
  expect(batches).toEqual({ n: count / 500, most: 500 });
  expect(await ledger.flush()).toEqual({ kind: "flushed", flushedThrough: count });
  expect((await copiedRows(tenantId)).length).toBe(count);
}, 60_000);

test("its table of idempotency keys is never read as a whole, and its answers are erased in pages", async () => {
  const keys = 3000;
  const HOUR_MS = 60 * MINUTE_MS;
  const ledger = ledgerNamed("old_keys");
  await runInDurableObject(ledger, (_, { storage: { sql } }) => {
    makeOld(sql);
    for (let n = 1; n <= keys; n += 1) {
      // One of them was made by a clock that was a year ahead.
      const createdAtMs = n === 10 ? NOW_MS + 365 * 24 * HOUR_MS : NOW_MS - (keys - n) * MINUTE_MS;
      sql.exec(
        `INSERT INTO idempotency VALUES (?1, ?2, 'body', ?3, 'ended', ?4)`,
        n,
        `hash ${n}`,
        createdAtMs,
        new Uint8Array([1]).buffer,
      );
    }
  });
  await evictDurableObject(ledger);
  await runInDurableObject(ledger, (_, { storage }) => {
    const counted = countedSql(storage.sql);
    const answered = () => new AnsweredKeys(counted.sql);
    const read = (work: () => unknown) => {
      const before = counted.rows().read;
      work();
      return counted.rows().read - before;
    };
    const withAnswer = () =>
      storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM idempotency WHERE answer IS NOT NULL`).one().n;
    expect(read(() => answered().nextMaintenanceAtMs())).toBeLessThan(60);
    // Two readings of the clock: by then 1,560 of the keys are a day old.
    answered().maintain(NOW_MS);
    expect(read(() => answered().maintain(NOW_MS))).toBeLessThan(4000);
    expect(withAnswer()).toBe(keys - 9);
    answered().maintain(NOW_MS + 25 * HOUR_MS);
    for (let page = 0; page < 4; page += 1) answered().maintain(NOW_MS + 25 * HOUR_MS);
    expect(withAnswer()).toBe(0);
    expect(answered().find([{ keyHash: `hash ${keys}`, requestHash: "body" }])).toBeDefined();
    expect(read(() => answered().nextMaintenanceAtMs())).toBeLessThan(60);
    const atMs = NOW_MS + 36 * 24 * HOUR_MS;
    answered().maintain(atMs);
    answered().maintain(atMs);
    const tables = storage.sql.exec(`SELECT name FROM sqlite_master WHERE name IN ('idempotency', 'old_answers')`);
    expect(tables.toArray()).toEqual([]);
    expect(answered().nextMaintenanceAtMs()).toBeNull();
  });
});

async function copiedRows(tenantId: string): Promise<{ seq: number; id: string; amount_micros: number }[]> {
  const events = env.DB.prepare("SELECT seq, id, amount_micros FROM events WHERE tenant_id = ? ORDER BY seq");
  return (await events.bind(tenantId).all<{ seq: number; id: string; amount_micros: number }>()).results;
}
