import { env } from "cloudflare:workers";
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { archiveStatements } from "../../../src/gateway/archive_statements.ts";
import { completeAdjustments } from "../../../src/gateway/adjust.ts";
import { admin, ledgerOf, lookup, newTenant, testServices } from "../../support/gateway.ts";
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

/** A tenant that has had so many lookups, at 0.15 each. */
async function charged(lookups: number, price = 150_000) {
  const tenant = await newTenant({ plan: { tiers: [{ upTo: null, unitPriceMicros: price }] } });
  for (let made = 0; made < lookups; made += 1) expect((await lookup(tenant.key, "52998224725")).status).toBe(200);
  return tenant;
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
  const charge = await adjust(tenant.tenantId, { units: 0, amount: 0.01, reason: "acréscimo" });
  expect(charge.body).toMatchObject({ seq: 4, amount: "0.0100", corrects: null });

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
      { kind: "charges", quantity: 0, amountMicros: 10_000, amountCentavos: 1 },
    ],
    totals: { amount: "0.01", exactAmount: "0.0100" },
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
    const { tenantId } = await charged(1);
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
    const { tenantId } = await charged(2);
    await adjust(tenantId, CREDIT);
    await adjust(tenantId, CREDIT);
    expect((await manifestOf(tenantId, "2046-11")).totals.exactAmount).toBe("0.0000");
  });

  test("is not needed: the cron completes one whose call died before its event", async () => {
    const { tenantId } = await charged(1);
    const services = testServices();
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.startsWith("UPDATE adjustments")) throw new Error("D1_ERROR: Network connection lost");
      return prepare(sql);
    });
    expect((await adjust(tenantId, CREDIT)).status).toBe(503);
    vi.restoreAllMocks();
    setClock(NOVEMBER.startMs + 120_000);
    await completeAdjustments(services);
    await completeAdjustments(services);
    expect((await manifestOf(tenantId, "2046-11")).adjustments).toBe(1);
    const { results } = await env.DB.prepare("SELECT seq FROM adjustments WHERE tenant_id = ?").bind(tenantId).all();
    expect(results).toEqual([{ seq: 2 }]);
  });
});

test.each([
  ["nothing to adjust", { ...CREDIT, units: 0, amount: "0.00" }],
  ["a lookup back for a charge", { ...CREDIT, amount: "0.15" }],
  ["a lookup more for a credit", { ...CREDIT, units: 1 }],
  ["a fraction of a unit", { ...CREDIT, units: 0.5 }],
  ["a decimal comma", { ...CREDIT, amount: "-0,15" }],
  ["seven places", { ...CREDIT, amount: "0.0000001" }],
  ["an exponent", { ...CREDIT, amount: 1e21 }],
  ["more than a million", { ...CREDIT, amount: "1000000.01" }],
  ["half a centavo", { ...CREDIT, amount: "-0.005" }],
  ["a CPF for an id", { ...CREDIT, id: "529.982.247-25" }],
  ["a lookup that is not there", { ...CREDIT, corrects: "lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20" }],
  ["a month before the tenant", { ...CREDIT, corrects: "2046-10" }],
  ["a month that has not begun", { ...CREDIT, corrects: "2046-12" }],
  ["more than a month has cost", { ...CREDIT, amount: "-0.01" }],
  ["a credit for nothing of a tenant that was charged nothing", { units: 0, amount: "-0.01", reason: "r" }],
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

describe("credits", () => {
  const credit = (corrects: string | null, amount: string) => ({ corrects, units: 0, amount, reason: "acerto" });
  async function firstLookup(tenantId: string, period = "2046-11"): Promise<string> {
    const [line = ""] = (await download(tenantId, period, "events.jsonl")).split("\n");
    return (JSON.parse(line) as { id: string }).id;
  }

  test("for a lookup are at most what it cost, rounded up to the centavo, however many they are", async () => {
    const { tenantId } = await charged(2, 123_456);
    const id = await firstLookup(tenantId);
    expect((await adjust(tenantId, credit(id, "-0.14"))).status).toBe(400);
    expect((await adjust(tenantId, credit(id, "-0.10"))).status).toBe(201);
    const refused = await adjust(tenantId, credit(id, "-0.04"));
    expect(refused.body).toMatchObject({ issues: [{ path: "amount", message: expect.stringContaining("0.03") }] });
    expect((await adjust(tenantId, credit(id, "-0.03"))).status).toBe(201);
    expect((await adjust(tenantId, credit(id, "-0.01"))).status).toBe(400);
    // A charge for the same may be given back again.
    expect((await adjust(tenantId, credit(id, "0.05"))).status).toBe(201);
    expect((await adjust(tenantId, credit(id, "-0.05"))).status).toBe(201);
  });

  test("for a month and for its lookups are together at most what the month cost", async () => {
    const { tenantId } = await charged(2);
    const id = await firstLookup(tenantId);
    expect((await adjust(tenantId, credit("2046-11", "-0.20"))).status).toBe(201);
    expect((await adjust(tenantId, credit(id, "-0.15"))).status).toBe(400);
    expect((await adjust(tenantId, credit(id, "-0.10"))).status).toBe(201);
    expect((await adjust(tenantId, credit("2046-11", "-0.01"))).status).toBe(400);
    expect((await adjust(tenantId, credit(null, "-0.01"))).status).toBe(400);
  });

  test("of several at once are bounded as those of one after another", async () => {
    const { tenantId } = await charged(1);
    const made = await Promise.all(Array.from({ length: 8 }, () => adjust(tenantId, credit("2046-11", "-0.05"))));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(3);
    expect((await manifestOf(tenantId, "2046-11")).totals.exactAmount).toBe("0.0000");
  });

  test("for another tenant's lookup are refused, and for one of an archived month are not", async () => {
    const [mine, others] = [await charged(1), await charged(1)];
    const id = await firstLookup(mine.tenantId);
    expect((await adjust(others.tenantId, credit(id, "-0.01"))).status).toBe(400);
    setClock(NOVEMBER.endMs + 1000);
    await close("2046-11");
    const services = testServices();
    for (let run = 0; run < 3; run += 1) await archiveStatements(services);
    expect((await adjust(mine.tenantId, credit(id, "-0.15"))).body).toMatchObject({ period: "2046-12" });
    expect((await adjust(mine.tenantId, credit(id, "-0.01"))).status).toBe(400);
  });

  test("past what a month comes to are carried to the next, as one line that names the month", async () => {
    const { tenantId, key } = await charged(4);
    setClock(NOVEMBER.endMs + 1000);
    await close("2046-11");
    await adjust(tenantId, credit("2046-11", "-0.50"));
    const december = month("2046-12");
    setClock(december.endMs + 1000);
    await close("2046-12");
    for (let made = 0; made < 4; made += 1) await lookup(key, "52998224725");
    setClock(month("2047-01").endMs);
    await close("2047-01");
    expect(await manifestOf(tenantId, "2046-12")).toMatchObject({
      totals: { amount: "0.00", exactAmount: "-0.5000", carriedOut: "-0.50", carriedOutCentavos: -50 },
    });
    const january = await manifestOf(tenantId, "2047-01");
    expect(january.lines.at(-1)).toMatchObject({ kind: "carried", amountCentavos: -50, carriedFrom: "2046-12" });
    expect(january).toMatchObject({
      seq: { count: 4 },
      totals: { amount: "0.10", exactAmount: "0.6000", carriedOut: null },
    });
    const before = (await bundle(tenantId, "2046-12"))["manifest.json"] ?? "";
    expect(await verifyDownloaded(await bundle(tenantId, "2047-01"), before)).toEqual([]);
  });

  test("are listed, page by page", async () => {
    const { tenantId } = await charged(3);
    for (let made = 0; made < 3; made += 1) await adjust(tenantId, credit("2046-11", `-0.0${made + 1}`));
    type Page = { data: { amount: string; seq: number }[]; nextCursor: string | null };
    const page = async (query: string) =>
      await (await admin(`/tenants/${tenantId}/adjustments?limit=2${query}`)).json<Page>();
    const first = await page("");
    expect(first.data).toHaveLength(2);
    const second = await page(`&cursor=${first.nextCursor}`);
    expect([...first.data, ...second.data].map(({ amount }) => amount).toSorted()).toEqual([
      "-0.0100",
      "-0.0200",
      "-0.0300",
    ]);
    expect(second.nextCursor).toBeNull();
    expect((await admin("/tenants/ten_nobody/adjustments")).status).toBe(404);
  });
});
