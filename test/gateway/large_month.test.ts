import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { StoredEventRow } from "../../src/domain/event_row.ts";
import { EXPORT_FILES } from "../../src/domain/export/export_files.ts";
import { fail } from "../../src/domain/result.ts";
import { EVENTS_A_CALL } from "../../src/gateway/close_period.ts";
import { closeStatement } from "../../src/gateway/close_statement.ts";
import { encodeEvents } from "../../src/gateway/encode_events.ts";
import { ledgerEvents } from "../../src/gateway/ledger_events.ts";
import { exportContext } from "../../src/gateway/open_statement.ts";
import { manifestOf } from "../../src/gateway/read_statement.ts";
import { MissingEventError, writeEvents } from "../../src/platform/event_copy.ts";
import type { Services } from "../../src/platform/services.ts";
import { newTenant, testServices } from "../support/gateway.ts";
import { month } from "../support/months.ts";

const EVENTS = 100_000;
const PAGE = 2000;
const FLUSH = 500;
const PART_BYTES = 5 * 1024 * 1024;
const { period, startMs } = month("2026-10");
const RANGE = { first: 1, last: EVENTS };
let tenantId = "";
let services: Services;

beforeAll(async () => {
  const made = testServices();
  // The month's ledger as far as closing sees it: all of it is in D1.
  const ledger = { closePeriod: async () => ({ kind: "closed", range: RANGE }), heldEvents: async () => null };
  services = { ...made, ledgers: { getByName: () => ledger } as unknown as Services["ledgers"] };
  ({ tenantId } = await newTenant());
  for (let first = 1; first <= EVENTS; first += FLUSH) {
    const events = Array.from({ length: FLUSH }, (_, index) => event(first + index));
    await writeEvents(env.DB, { tenantId, mode: "live" }, { events: JSON.stringify(events), days: [] });
  }
}, 120_000);

function event(seq: number): StoredEventRow {
  return {
    seq,
    id: `lkp_${String(seq).padStart(8, "0")}-1111-4222-8333-444455556666`,
    occurred_at: startMs + seq * 20,
    key_id: "csg_live_0123456789",
    reference: `pedido ${seq}`,
    outcome: "delivered",
    billed: 1,
    units: 1,
    unit_price_micros: 150_000,
    amount_micros: 150_000,
    transaction_id: `7a52f4c8-03f1-4d0e-9f5e-${String(seq).padStart(12, "0")}`,
    cpf_reference: "v1:9f2c1b7a9f2c1b7a9f2c1b7a9f2c1b7a",
    kind: "lookup",
    corrects: null,
  };
}

async function stream(name: string): Promise<ReadableStream<Uint8Array>> {
  const tenant = await services.register.tenant(tenantId);
  const file = EXPORT_FILES.find((candidate) => candidate.name === name);
  if (tenant === null || file === undefined) throw new Error(`no ${name}`);
  const pages = ledgerEvents(services, { tenantId, mode: "live" }, RANGE);
  const context = await exportContext(services, { tenant, period, status: "open", carriedIn: null });
  return encodeEvents({ pages, context }, file);
}

describe("a month of a hundred thousand events", () => {
  test("is read from D1 no faster than its reader takes it, a page at a time", async () => {
    const reader = (await stream("events.jsonl")).getReader();
    const reads = vi.spyOn(env.DB, "prepare");
    await new Promise((done) => setTimeout(done, 50));
    expect(reads).toHaveBeenCalledTimes(0);
    let lines = 0;
    let largest = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      largest = Math.max(largest, value.byteLength);
      lines += new TextDecoder().decode(value).split("\n").length - 1;
      expect(reads).toHaveBeenCalledTimes(Math.ceil(lines / PAGE));
    }
    reads.mockRestore();
    expect(lines).toBe(EVENTS);
    expect(largest).toBeLessThan(1.5 * 1024 * 1024);
  });

  test("is not read on when its reader leaves", async () => {
    const reader = (await stream("focus.csv")).getReader();
    await reader.read();
    await reader.read();
    const reads = vi.spyOn(env.DB, "prepare");
    await reader.cancel();
    await expect(reader.read()).resolves.toMatchObject({ done: true });
    expect(reads).toHaveBeenCalledTimes(0);
    reads.mockRestore();
  });

  test("is closed in one pass, in parts that do not grow with it, and reads back as its manifest says", async () => {
    const tenant = await services.register.tenant(tenantId);
    const signingKey = services.settings.exportSigningKey;
    if (tenant === null || signingKey === null) throw new Error("no tenant or no key");
    const reads = vi.spyOn(env.DB, "prepare");
    const bucket = vi.spyOn(env.STATEMENTS, "createMultipartUpload");
    const end = vi.fn();
    const begin = vi.fn(async (events: number) => (events < EVENTS ? null : end));
    const asked = { tenant, period, previous: null, signingKey, actor: "test", begin };
    expect(await closeStatement(services, { ...asked, begin: async () => null })).toEqual(fail("too_long"));
    expect(reads).not.toHaveBeenCalled();
    const closed = await closeStatement(services, asked);
    expect([begin.mock.calls, end.mock.calls]).toEqual([[[EVENTS]], [[]]]);
    const pages = reads.mock.calls.filter(([sql]) => sql.includes("events FROM event_batches")).length;
    expect(pages).toBe(EVENTS / PAGE);
    // All but the document, which is as long as its lines, and the workbook, which is packed.
    const small = ["demonstrativo.html", "eventos.xlsx"];
    expect(bucket).toHaveBeenCalledTimes(EXPORT_FILES.length - small.length);
    vi.restoreAllMocks();
    if (!closed.ok) throw new Error("the month was not closed");
    const { seq, totals, files } = manifestOf(closed.value);
    // What the cron takes a month of so many events to call; more, and a run would end on the platform's limit.
    const parts = files.reduce((sum, { bytes }) => sum + Math.ceil(bytes / PART_BYTES), 0);
    expect(pages + parts).toBeLessThanOrEqual(EVENTS / EVENTS_A_CALL);
    expect([seq.count, totals.amount]).toEqual([EVENTS, "15000.00"]);
    for (const { name, bytes, sha256 } of files) {
      if (!small.includes(name)) expect(bytes, name).toBeGreaterThan(PART_BYTES);
      expect(await services.archive.digest(closed.value.prefix, name)).toEqual({ name, bytes, sha256 });
    }
  });

  test("breaks off, rather than end early, where an event is missing", async () => {
    await env.DB.prepare("DELETE FROM event_batches WHERE tenant_id = ? AND first_seq = 54001").bind(tenantId).run();
    const reader = (await stream("events.csv")).getReader();
    const readAll = async () => {
      while (!(await reader.read()).done);
    };
    await expect(readAll()).rejects.toThrow(new MissingEventError(54_001));
  });
});
