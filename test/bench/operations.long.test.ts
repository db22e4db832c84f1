import { beforeAll, describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import type { Counts } from "./counting/counts.ts";
import { countOperations, type Measured } from "./counting/months.ts";
import { priceCases, TARGET_AT_ONCE_USD, TARGET_DEAR_USD, TARGET_USD } from "./sections/operations.ts";

/** A timing decides nothing here: more than twice what a lookup takes of a slow machine's CPU. */
const ASSUMED_CPU_MS = 3;

let measured: Measured;

beforeAll(async () => {
  measured = await countOperations();
}, 300_000);

describe("a lookup", () => {
  const ledgerOnly: Partial<Counts> = {
    workerRequests: 1,
    ledgerRequests: 2,
    ledgerAlarms: 0,
    sharedRequests: 0,
    sharedRowsWritten: 0,
    kvReads: 0,
    kvWrites: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    r2ClassA: 0,
    r2ClassB: 0,
    logLines: 1,
  };

  test("warm: two calls to its ledger, two rows, one of the calls beside Claro", () => {
    const { counts, steps } = measured.lookups.warm;
    expect(counts).toMatchObject({ ...ledgerOnly, ledgerRowsWritten: 2 });
    expect(steps).toBe(2);
  });

  test("warm, with an idempotency key: one row more, the first of its month and hour four, and Claro after the ledger", () => {
    const { counts, steps } = measured.lookups.repeatable;
    // The month's table and the hour's key are made by their first one.
    expect(counts).toMatchObject({ ...ledgerOnly, ledgerRowsWritten: 6 });
    expect(steps).toBe(3);
  });

  test("the first of an isolate: its key from KV, Claro's token from its object, two keys of references from R2, once each", () => {
    const { counts, steps } = measured.lookups.cold;
    expect(counts).toMatchObject({ ...ledgerOnly, kvReads: 1, sharedRequests: 1, r2ClassB: 2 });
    expect(steps).toBe(6);
  });
});

describe("all that comes after a lookup", () => {
  // A quiet tenant's events are copied every six hours, few at a time.
  test.each([
    ["busyTenant", 2.1, 2.05],
    ["quietTenant", 2.5, 2.2],
  ] as const)("adds little to its rows and requests: %s", (tenant, mostRows, mostRequests) => {
    const counts = measured.life[tenant];
    expect(counts.ledgerRowsWritten).toBeLessThan(mostRows);
    expect(counts.ledgerRequests).toBeLessThan(mostRequests);
    expect(counts.logLines).toBe(1);
  });

  test("adds up to half a row a lookup at most where 32 ask at once", () => {
    const counts = measured.life.together;
    expect(counts.ledgerRowsWritten).toBeLessThanOrEqual(0.5);
    expect(counts.ledgerRequests).toBeLessThan(1);
  });

  test("of a busy tenant is done for more than 50 at a time", () => {
    expect(measured.life.busyTenant.ledgerAlarms).toBeLessThan(1 / 50);
  });
});

test("a run of the cron with nothing to do writes nothing and asks few ledgers", () => {
  expect(measured.cron.oneTenant).toMatchObject({ ledgerRequests: 2, kvWrites: 0, d1RowsWritten: 0, logLines: 0 });
  // A list costs twelve times what a read does.
  expect(measured.cron.oneTenant.r2ClassA).toBeLessThanOrEqual(2);
  expect(measured.cron.manyTenants.ledgerRequests).toBeLessThanOrEqual(50);
});

test("the platform adds no log lines of its own, which nothing here would count", () => {
  const { observability } = unstable_readConfig({ config: "wrangler.toml" });
  expect(observability?.logs?.invocation_logs).toBe(false);
});

test("a million lookups cost no more than they may, of one tenant and of a thousand, warm and cold", () => {
  const prices = Object.fromEntries(
    priceCases(measured, ASSUMED_CPU_MS).map(({ name, bill }) => [name, bill.usdPerMillion]),
  );
  expect(prices["1 tenant, warm"]).toBeLessThanOrEqual(TARGET_USD);
  expect(prices["1000 tenants, warm"]).toBeLessThanOrEqual(TARGET_DEAR_USD);
  expect(prices["1 tenant, warm, idempotency keys"]).toBeLessThanOrEqual(TARGET_DEAR_USD);
  // An isolate that is new for each lookup reads two keys of references from R2 (US$ 0.72 a million), and asks KV and Claro's token.
  expect(prices["1 tenant, cold"]).toBeLessThanOrEqual(TARGET_USD + 1.45);
  expect(prices["1000 tenants, cold"]).toBeLessThanOrEqual(TARGET_DEAR_USD + 1.45);
  expect(prices["1 tenant, warm, 32 at once"]).toBeLessThanOrEqual(TARGET_AT_ONCE_USD);
});
