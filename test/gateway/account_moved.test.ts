import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { rebuildCopy, type RebuildPlace } from "../../src/gateway/rebuild_copy.ts";
import { refillDirectory } from "../../src/gateway/refill_directory.ts";
import { sweep } from "../../src/gateway/sweep.ts";
import { adminJson, lookup, newKey, newTenant, persons, testServices } from "../support/gateway.ts";
import { month, setClock, usageOf } from "../support/months.ts";
import { loseObject } from "../support/object_snapshot.ts";
import { findingsOf, restore } from "../support/recovery.ts";

const MARCH = month("2049-03");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(MARCH.startMs + 3_600_000);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What the cron does with a namespace of keys. */
async function tend(): Promise<void> {
  await refillDirectory(testServices());
  await sweep(testServices());
}

async function emptyDirectory(): Promise<void> {
  const { keys } = await env.KEYS.list();
  await Promise.all(keys.map(({ name }) => env.KEYS.delete(name)));
}

async function rebuild(): Promise<void> {
  for (let place: RebuildPlace | null | undefined; place !== null;) {
    const step = await rebuildCopy(testServices(), place ?? null);
    if (!step.ok) throw new Error(step.failure.code);
    place = step.value.next;
  }
}

async function setStatus(tenantId: string, status: "active" | "suspended"): Promise<void> {
  await adminJson(`/tenants/${tenantId}`, { method: "PATCH", body: { status } });
}

describe("a namespace of keys that was lost", () => {
  test("is filled again by the cron, once", async () => {
    const { tenantId } = await newTenant();
    // No isolate has seen this one.
    const { key } = await newKey(tenantId, { mode: "live" });
    await tend();
    const versions = "SELECT sum(version) AS sum FROM tenants";
    const before = await env.DB.prepare(versions).first("sum");
    await emptyDirectory();
    expect((await lookup(key, persons(1)[0])).status).toBe(401);
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    await tend();
    expect(lines.mock.calls.join("\n")).toContain("key_directory_lost");
    expect((await lookup(key, persons(1)[0])).status).toBe(200);
    const told = lines.mock.calls.length;
    await tend();
    expect(lines.mock.calls.slice(told).join("\n")).not.toMatch(/key_directory_lost|tenant_projected/);
    // Nobody's terms changed by it.
    expect(await env.DB.prepare(versions).first("sum")).toBe(before);
  });
});

test("an account that was moved, with D1 and R2 as they were and all else new, serves its keys and goes on in sequence", async () => {
  const { tenantId, key: known } = await newTenant();
  const { key } = await newKey(tenantId, { mode: "live" });
  for (const cpf of persons(3, 10)) expect((await lookup(known, cpf)).status).toBe(200);
  await setStatus(tenantId, "suspended");
  await rebuild();
  // What waited in the ledger is in D1, for the ledger stays where it is.
  const copied = env.DB.prepare("SELECT max(last_seq) AS seq FROM event_batches WHERE tenant_id = ?").bind(tenantId);
  expect(await copied.first("seq")).toBe(3);

  await emptyDirectory();
  await loseObject(tenantId);
  await tend();
  expect((await lookup(key, persons(1)[0])).status).toBe(503);
  expect(await restore(tenantId)).toMatchObject({ status: "restored", lastSeq: 3 });
  expect((await lookup(key, persons(1)[0])).status).toBe(403);
  await setStatus(tenantId, "active");
  expect((await lookup(key, persons(1)[0])).status).toBe(200);
  expect((await usageOf(tenantId, "2049-03-01", "2049-03-31")).totals.requests).toBe(4);
  await rebuild();
  expect(await copied.first("seq")).toBe(4);
  expect(await findingsOf(tenantId)).toEqual([]);
});
