import { env } from "cloudflare:workers";
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { completeAdjustments } from "../../../src/gateway/adjust.ts";
import { servicesOf } from "../../../src/platform/services.ts";
import { admin, ledgerOf, lookup, newTenant } from "../../support/gateway.ts";
import { bundle, close, download, manifestOf, month, setClock, verifyDownloaded } from "../../support/months.ts";

const NOVEMBER = month("2046-11");
const CREDIT = { corrects: "2046-11", units: -1, amount: "-0.15", reason: "Cobrança em dobro" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(NOVEMBER.startMs + 1000);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function adjust(tenantId: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await admin(`/tenants/${tenantId}/adjustments`, { body, headers });
  return { status: response.status, headers: response.headers, body: await response.json<Record<string, unknown>>() };
}

async function auditOf(tenantId: string) {
  const { results } = await env.DB.prepare(
    "SELECT target, after FROM audit WHERE action = 'adjustment.create' AND target LIKE ? || '/%' ORDER BY n",
  )
    .bind(tenantId)
    .all<{ target: string; after: string }>();
  return results;
}

test("after a close it goes to the open month and names what it corrects; the closed one keeps every byte", async () => {
  const tenant = await newTenant();
  await lookup(tenant.key, "52998224725");
  setClock(NOVEMBER.endMs + 1000);
  await close("2046-11");
  const closed = await bundle(tenant.tenantId, "2046-11");
  expect((await lookup(tenant.key, "52998224725")).status).toBe(200);

  const made = await adjust(tenant.tenantId, CREDIT);
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ period: "2046-12", seq: 3, units: -1, amount: "-0.1500", corrects: "2046-11" });
  const charge = await adjust(tenant.tenantId, { units: 0, amount: 0.006, reason: "acréscimo" });
  expect(charge.body).toMatchObject({ seq: 4, amount: "0.0060", corrects: null });

  expect(await bundle(tenant.tenantId, "2046-11")).toEqual(closed);
  setClock(month("2046-12").endMs);
  await close("2046-12");
  const december = await manifestOf(tenant.tenantId, "2046-12");
  expect(december).toMatchObject({
    adjustments: 2,
    counts: { delivered: 1, billed: 1, amountMicros: 150_000 },
    lines: [
      { kind: "lookups", quantity: 1, amountCentavos: 15 },
      { kind: "credits", quantity: -1, amountCentavos: -15 },
      { kind: "charges", quantity: 0, amountMicros: 6000, amountCentavos: 1 },
    ],
    totals: { amount: "0.01", exactAmount: "0.0060" },
  });
  expect(await download(tenant.tenantId, "2046-12", "events.jsonl")).toContain('"corrects":"2046-11"');
  expect(await verifyDownloaded(await bundle(tenant.tenantId, "2046-12"), closed["manifest.json"] ?? "none")).toEqual(
    [],
  );
  expect(await auditOf(tenant.tenantId)).toHaveLength(2);
});

describe("a repeat", () => {
  test.each([
    ["an Idempotency-Key", CREDIT, { "idempotency-key": "corr-1" }],
    ["an id", { ...CREDIT, id: "corr-1" }, {}],
  ])("with %s gives the first answer, also when the event has left the ledger", async (_, body, headers) => {
    const { tenantId } = await newTenant();
    const first = await adjust(tenantId, body, headers);
    expect(first.status).toBe(201);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    await ledgerOf(tenantId).flush();
    setClock(NOVEMBER.startMs + 86_400_000);
    await runDurableObjectAlarm(ledgerOf(tenantId));
    // As if the first call had died before it knew its event.
    await env.DB.prepare("UPDATE adjustments SET seq = NULL WHERE tenant_id = ?").bind(tenantId).run();
    const second = await adjust(tenantId, body, headers);
    expect(second.body).toEqual(first.body);
    const third = await adjust(tenantId, body, headers);
    expect([third.status, third.body]).toEqual([201, first.body]);
    expect(third.headers.get("idempotency-replayed")).toBe("true");
    expect((await manifestOf(tenantId, "2046-11")).adjustments).toBe(1);
    expect(await auditOf(tenantId)).toHaveLength(1);
    const other = await adjust(tenantId, { ...body, amount: "-0.16" }, headers);
    expect([other.status, other.body["code"]]).toEqual([422, "idempotency_mismatch"]);
  });

  test("without either is another adjustment", async () => {
    const { tenantId } = await newTenant();
    await adjust(tenantId, CREDIT);
    await adjust(tenantId, CREDIT);
    expect((await manifestOf(tenantId, "2046-11")).totals.exactAmount).toBe("-0.3000");
  });

  test("is not needed: the cron completes one whose call died before its event", async () => {
    const { tenantId } = await newTenant();
    const services = servicesOf(env);
    if (!services.ok) throw new Error("misconfigured");
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.startsWith("UPDATE adjustments")) throw new Error("D1_ERROR: Network connection lost");
      return prepare(sql);
    });
    expect((await adjust(tenantId, CREDIT)).status).toBe(503);
    vi.restoreAllMocks();
    setClock(NOVEMBER.startMs + 120_000);
    await completeAdjustments(services.value);
    await completeAdjustments(services.value);
    expect((await manifestOf(tenantId, "2046-11")).adjustments).toBe(1);
    const { results } = await env.DB.prepare("SELECT seq FROM adjustments WHERE tenant_id = ?").bind(tenantId).all();
    expect(results).toEqual([{ seq: 1 }]);
  });
});

test.each([
  ["nothing to adjust", { ...CREDIT, units: 0, amount: "0.00" }],
  ["a fraction of a unit", { ...CREDIT, units: 0.5 }],
  ["a decimal comma", { ...CREDIT, amount: "-0,15" }],
  ["seven places", { ...CREDIT, amount: "0.0000001" }],
  ["an exponent", { ...CREDIT, amount: 1e21 }],
  ["more than a million", { ...CREDIT, amount: "1000000.01" }],
  ["no reason", { ...CREDIT, reason: " " }],
  ["a line break", { ...CREDIT, reason: "a\nb" }],
  ["a CPF in the reason", { ...CREDIT, reason: "cliente 529.982.247-25" }],
  ["a field that nobody knows", { ...CREDIT, seq: 1 }],
])("%s is refused, and nothing is recorded", async (_, body) => {
  const { tenantId } = await newTenant();
  const refused = await adjust(tenantId, body);
  expect([refused.status, refused.body["code"]]).toEqual([400, "invalid_request"]);
  expect(await auditOf(tenantId)).toEqual([]);
  expect((await manifestOf(tenantId, "2046-11")).adjustments).toBe(0);
});

test("a tenant that is not there has no adjustments", async () => {
  expect((await adjust("ten_nobody", CREDIT)).status).toBe(404);
});
