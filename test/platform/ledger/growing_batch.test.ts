import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { EVENT_FIELDS, STORED_ONLY_FIELDS } from "../../../src/domain/event_fields.ts";
import type { StoredEventRow } from "../../../src/domain/event_row.ts";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import type { Remote } from "../../../src/platform/remote.ts";
import { ledgerOf, lookup, newTenant, type TestTenant } from "../../support/gateway.ts";
import { findingsOf } from "../../support/recovery.ts";

const CPF = "52998224725";
/** What one of a thousand tenants looks up between two copies. */
const LOOKUPS_A_COPY = 8;

type Ledger = DurableObjectStub<TenantLedger> &
  Remote<TenantLedger, "flush" | "status" | "heldEvents" | "recopy" | "usage">;

function ledger({ tenantId }: TestTenant): Ledger {
  return ledgerOf(tenantId) as unknown as Ledger;
}

/** Each of them starts the object again. */
async function lookUp(tenant: TestTenant, count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    expect((await lookup(tenant.key, CPF)).status).toBe(200);
    await evictDurableObject(ledger(tenant));
  }
}

async function alarm(tenant: TestTenant): Promise<void> {
  await runInDurableObject(ledgerOf(tenant.tenantId), async (object) => await object.alarm());
}

type Kept = { readonly batches: number; readonly journalRows: number; readonly unchecked: number };

async function kept(tenant: TestTenant): Promise<Kept> {
  return await runInDurableObject(ledger(tenant), (_, { storage: { sql } }) => {
    const one = (query: string) => sql.exec<{ n: number }>(query).one().n;
    return {
      batches: one("SELECT count(*) AS n FROM event_batches"),
      journalRows: one("SELECT count(*) AS n FROM journal"),
      unchecked: one(
        "SELECT count(*) AS n FROM journal WHERE position > coalesce((SELECT position FROM checkpoint), 0)",
      ),
    };
  });
}

async function inD1({ tenantId }: TestTenant): Promise<{ seqs: number[]; batches: number; lookups: number }> {
  const of = (query: string) => env.DB.prepare(query).bind(tenantId);
  const seqs = await of("SELECT seq FROM events WHERE tenant_id = ? ORDER BY seq").all<{ seq: number }>();
  const batches = await of("SELECT count(*) AS n FROM event_batches WHERE tenant_id = ?").first<number>("n");
  const lookups = await of(
    "SELECT sum((SELECT sum(value) FROM json_each(sums, '$.counts'))) AS n FROM usage_days WHERE tenant_id = ?",
  ).first<number>("n");
  return { seqs: seqs.results.map(({ seq }) => seq), batches: batches ?? 0, lookups: lookups ?? 0 };
}

async function eventsInD1({ tenantId }: TestTenant): Promise<unknown[]> {
  const events = env.DB.prepare("SELECT * FROM events WHERE tenant_id = ? ORDER BY seq").bind(tenantId);
  return (await events.all()).results;
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

test("few events go to D1 as they wait, in one batch that grows; they are packed when starts read many rows", async () => {
  const tenant = await newTenant();
  const seen: Kept[] = [];
  for (let round = 1; round <= 6; round += 1) {
    await lookUp(tenant, LOOKUPS_A_COPY);
    await alarm(tenant);
    seen.push(await kept(tenant));
    const copied = await inD1(tenant);
    expect(copied.seqs).toEqual(upTo(round * LOOKUPS_A_COPY));
    expect(copied.lookups).toBe(round * LOOKUPS_A_COPY);
    expect(await ledger(tenant).status()).toMatchObject({
      flushedThrough: round * LOOKUPS_A_COPY,
      oldestUnflushedAtMs: null,
    });
  }
  expect(seen.map(({ batches }) => batches)).toEqual([0, 0, 0, 1, 1, 1]);
  expect(Math.max(...seen.map(({ unchecked }) => unchecked))).toBeLessThan(64);
  // The fifth and sixth copy are of the batch after the one that was packed.
  expect((await inD1(tenant)).batches).toBe(2);

  const before = await eventsInD1(tenant);
  expect(await ledger(tenant).flush()).toMatchObject({ kind: "flushed", flushedThrough: 6 * LOOKUPS_A_COPY });
  expect((await kept(tenant)).batches).toBe(2);
  expect(await eventsInD1(tenant)).toEqual(before);
  expect(await findingsOf(tenant.tenantId)).toEqual([]);
});

test("a copy of what waits writes one row of the object", async () => {
  const tenant = await newTenant();
  await lookUp(tenant, LOOKUPS_A_COPY);
  const written = await runInDurableObject(ledgerOf(tenant.tenantId), async (object, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    const cursors: { rowsWritten: number }[] = [];
    sql.exec = ((statement: string, ...values: SqlStorageValue[]) => {
      const cursor = exec(statement, ...values);
      cursors.push(cursor);
      return cursor;
    }) as typeof sql.exec;
    await object.alarm();
    return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
  });
  expect(written).toBe(1);
  expect((await inD1(tenant)).seqs).toEqual(upTo(LOOKUPS_A_COPY));
});

test("what waits and is in D1 already is found by a comparison, and comes again when D1 has lost it", async () => {
  const tenant = await newTenant();
  await lookUp(tenant, 3);
  await alarm(tenant);
  const before = await eventsInD1(tenant);
  const held = (await ledger(tenant).heldEvents(2, { pack: false })) ?? "[]";
  expect((JSON.parse(held) as StoredEventRow[]).map(({ seq }) => seq)).toEqual([2, 3]);
  expect(await ledger(tenant).heldEvents(4, { pack: false })).toBe("[]");

  const { tenantId } = tenant;
  await env.DB.prepare(
    `UPDATE event_batches SET events = json_set(events, '$[1].amount_micros', 1) WHERE tenant_id = ?`,
  )
    .bind(tenantId)
    .run();
  expect((await kept(tenant)).batches).toBe(0);
  expect(await findingsOf(tenantId)).toContainEqual(expect.objectContaining({ code: "events_differ", first: 2 }));

  await env.DB.prepare("DELETE FROM event_batches WHERE tenant_id = ?").bind(tenantId).run();
  expect(await ledger(tenant).recopy(0)).toMatchObject({ kind: "recopied", through: 3, events: 3, isDone: true });
  expect(await eventsInD1(tenant)).toEqual(before);
});

test("D1 shows an event the same whether its unset fields are in the batch's text or not", async () => {
  const tenant = await newTenant();
  await lookUp(tenant, 3);
  await alarm(tenant);
  const { tenantId } = tenant;
  const texts = env.DB.prepare("SELECT events FROM event_batches WHERE tenant_id = ?").bind(tenantId);
  const events = JSON.parse((await texts.first<string>("events")) ?? "[]") as Record<string, unknown>[];
  const unset = Object.fromEntries(
    [...EVENT_FIELDS, ...STORED_ONLY_FIELDS].flatMap(({ column, stored }) =>
      stored === "later" ? [[column, null]] : [],
    ),
  );
  const withAll = events.map((event) => ({ ...unset, ...event }));
  expect(Object.keys(withAll[0] ?? {}).length).toBeGreaterThan(Object.keys(events[0] ?? {}).length);
  const shown = await eventsInD1(tenant);
  await env.DB.prepare("UPDATE event_batches SET events = ? WHERE tenant_id = ?")
    .bind(JSON.stringify(withAll), tenantId)
    .run();
  expect(await eventsInD1(tenant)).toEqual(shown);
  expect(await findingsOf(tenantId)).toEqual([]);
});
