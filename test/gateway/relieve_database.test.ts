import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { relieveDatabase } from "../../src/gateway/relieve_database.ts";
import { databaseSize, sizeOf } from "../../src/platform/database_size.ts";
import { adminJson, ledgerOf, lookup, newKey, newTenant, testServices } from "../support/gateway.ts";

async function eventsOf(tenantId: string, mode: string): Promise<number> {
  const sql = "SELECT count(*) AS n FROM events WHERE tenant_id = ? AND mode = ?";
  return (await env.DB.prepare(sql).bind(tenantId, mode).first<{ n: number }>())?.n ?? 0;
}

test.each([
  [6_999_999_999, "ample"],
  [7_000_000_000, "filling"],
  [8_999_999_999, "filling"],
  [9_000_000_000, "nearly_full"],
])("%i bytes of ten gigabytes are %s", (bytes, state) => {
  expect(sizeOf(bytes).state).toBe(state);
});

test("health says how large D1 is", async () => {
  const { bytes } = await databaseSize(env.DB);
  expect(bytes).toBeGreaterThan(10_000);
  const health = await adminJson<{ database: { sizeBytes: number; state: string } }>("/health");
  expect(health.database).toMatchObject({ state: "ample" });
  expect(health.database.sizeBytes).toBeGreaterThanOrEqual(bytes);
});

test("test events leave a D1 that fills, live ones stay, and their ledger does not bring them back", async () => {
  const services = testServices();
  const { tenantId, key } = await newTenant();
  const forTests = await newKey(tenantId, { mode: "test" });
  // As ledgers did that copied their test events too.
  const batch = [{ seq: 1, id: "lkp_test_1", occurred_at: Date.now(), kind: "lookup" }];
  await lookup(forTests.key, "52998224725");
  await lookup(key, "52998224725");
  for (const mode of ["live", "test"] as const) await ledgerOf(tenantId, mode).flush();
  await env.DB.prepare(
    `INSERT INTO event_batches (tenant_id, mode, first_seq, last_seq, events) VALUES (?, 'test', 1, 1, ?)
     ON CONFLICT DO NOTHING`,
  )
    .bind(tenantId, JSON.stringify(batch))
    .run();

  await relieveDatabase(services, async () => sizeOf(1_000_000_000));
  expect(await eventsOf(tenantId, "test")).toBe(1);
  await relieveDatabase(services, async () => sizeOf(7_500_000_000));
  expect([await eventsOf(tenantId, "test"), await eventsOf(tenantId, "live")]).toEqual([0, 1]);
  await ledgerOf(tenantId, "test").recopy(0);
  expect(await eventsOf(tenantId, "test")).toBe(0);
});
