import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import { admin, ledgerOf, lookup, newTenant, sandbox, testServices } from "../support/gateway.ts";
import { bundle, close, download, FILES, month, setClock, verifyDownloaded } from "../support/months.ts";

const CPF = "52998224725";
const JANUARY = month("2044-01");

beforeEach(async () => {
  await sandbox("reset");
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(JANUARY.startMs + 86_400_000);
});

afterEach(() => {
  vi.useRealTimers();
});

async function everyKey(): Promise<string[]> {
  return (await env.STATEMENTS.list()).objects.map(({ key }) => key);
}

test("lookups go on without the bucket, and closed months are served as they were when their files are put back", async () => {
  const tenant = await newTenant();
  for (let lookups = 0; lookups < 3; lookups += 1) expect((await lookup(tenant.key, CPF)).status).toBe(200);
  await ledgerOf(tenant.tenantId).flush();
  setClock(JANUARY.endMs + 86_400_000);
  expect((await close(JANUARY.period)).failures).toEqual([]);
  const kept = await bundle(tenant.tenantId, JANUARY.period);
  const seals = (await everyKey()).filter((key) => key.endsWith("/closed.json"));

  await env.STATEMENTS.delete(await everyKey());
  expect((await lookup(tenant.key, CPF)).status).toBe(200);
  const path = `/tenants/${tenant.tenantId}/statements/${JANUARY.period}`;
  const lost = await admin(`${path}/events.csv`);
  expect([lost.status, (await lost.json<{ code: string }>()).code]).toEqual([503, "statement_unavailable"]);
  expect((await close(JANUARY.period)).failures).toEqual([]);
  expect((await everyKey()).filter((key) => key.startsWith("statements/"))).toEqual([]);

  // What an operator does, with wrangler: docs/operations.md.
  const prefix = await env.DB.prepare("SELECT prefix FROM statements WHERE tenant_id = ? AND period = ?")
    .bind(tenant.tenantId, JANUARY.period)
    .first<string>("prefix");
  for (const name of [...FILES, "manifest.json"]) {
    const text = kept[name] ?? "";
    const bytes = name.endsWith(".xlsx") ? Uint8Array.from(text, (byte) => byte.charCodeAt(0)) : text;
    await env.STATEMENTS.put(`${prefix}${name}`, bytes);
  }
  await env.DB.prepare("UPDATE statements SET sealed_at = NULL").run();
  const services = testServices();
  await archiveStatements(services);

  expect(await bundle(tenant.tenantId, JANUARY.period)).toEqual(kept);
  expect(await verifyDownloaded(kept)).toEqual([]);
  expect(await download(tenant.tenantId, JANUARY.period, "events.csv")).toBe(kept["events.csv"]);
  expect((await everyKey()).filter((key) => key.endsWith("/closed.json"))).toEqual(seals);
});
