import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { archiveStatements } from "../../../src/gateway/archive_statements.ts";
import { nextPeriod, saoPauloDate } from "../../../src/domain/period.ts";
import { partOf } from "../../../src/domain/reconciliation.ts";
import {
  continueReconciliations,
  ReportReceiver,
  ROWS_A_PART,
  startReconciliation,
} from "../../../src/gateway/reconcile.ts";
import {
  ADMIN_TOKEN,
  admin,
  adminJson,
  ledgerOf,
  lookup,
  newKey,
  sendRequest,
  testServices,
} from "../../support/gateway.ts";
import { bundle, close, download, manifestOf, month, setClock } from "../../support/months.ts";

const HEADER = "transactionId,occurredAt,customerId,status";
let next = 0;

type Difference = {
  reason: string;
  transactionId: string | null;
  lookupId: string | null;
  quantity: number;
  amount: string;
};
type Answer = {
  matched: number;
  onlyOurs: Difference[];
  onlyClaro: Difference[];
  unknownResolved: number;
  resolved: { tenantId: string; lookupId: string; transactionId: string | null; occurredAt: string }[];
  sharedCustomerIds: string[];
  id: string;
  status: string;
  deltaQuantity: number;
  deltaCost: string | null;
  unexplained: number;
  progress?: { done: number; steps: number };
  nextCursor: string | null;
  code?: string;
  issues?: { path: string; code: string }[];
};

/** Each test has a month of its own, so that it sees no other's lookups. */
let at = month("2046-01");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  at = month(`20${46 + Math.floor(next / 12)}-${String((next % 12) + 1).padStart(2, "0")}`);
  next += 1;
  setClock(at.startMs + 1000);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function upload(lines: readonly string[], options: { period?: string; end?: string; type?: string } = {}) {
  const { period = at.period, end = "\n", type = "text/csv" } = options;
  const response = await admin(`/reconciliations?period=${period}`, {
    body: lines.join(end),
    headers: { "content-type": type },
  });
  return { httpStatus: response.status, ...(await response.json<Answer>()) };
}

/** A tenant whose customer id no other has, with delivered lookups and, if asked for, one that nobody settled. */
async function tenantWith({ delivered, unknown = 0 }: { delivered: number; unknown?: number }) {
  const customerId = `cliente ${next}`;
  const { id: tenantId } = await adminJson<{ id: string }>("/tenants", {
    body: { name: "Loja", document: "12ABC34501DE35", allowDuplicate: true, customerId, plan: "pay-per-use" },
  });
  const { id: keyId, key } = await newKey(tenantId, { mode: "live" });
  for (let made = 0; made < delivered; made += 1) expect((await lookup(key, "52998224725")).status).toBe(200);
  for (let made = 0; made < unknown; made += 1) {
    const lookupId = `lkp_${crypto.randomUUID()}`;
    const call = {
      lookupId,
      keyId,
      scope: "scores:read",
      ip: null,
      reference: null,
      cpfReference: "v1:0",
      idempotency: null,
    } as const;
    expect(await ledgerOf(tenantId).admit(call)).toMatchObject({ kind: "admitted" });
  }
  if (unknown > 0) setClock(at.startMs + 600_000);
  const events = (await download(tenantId, at.period, "events.jsonl")).trim().split("\n");
  return { tenantId, customerId, events: events.filter((line) => line !== "").map((line) => JSON.parse(line)) };
}

type Exported = { transactionId: string | null; occurredAt: string; outcome: string; id: string };

function reported(customerId: string, event: Exported, transactionId: string | null = event.transactionId): string {
  return `${transactionId ?? ""},${event.occurredAt},${customerId},200`;
}

describe("a report that says what we say", () => {
  test.each([
    ["by transaction", true],
    ["by day and customer", false],
  ])("matches %s, and changes nothing", async (_, isNamed) => {
    const { customerId, events } = await tenantWith({ delivered: 3 });
    const lines = events.map((event: Exported) => reported(customerId, event, isNamed ? event.transactionId : ""));
    const expected = { matched: 3, onlyOurs: [], onlyClaro: [], unknownResolved: 0, deltaQuantity: 0 };
    expect(await upload([HEADER, ...lines])).toMatchObject({ httpStatus: 200, ...expected });
    // A byte order mark, CRLF, a last line end and no header are all the same report.
    expect(
      await upload(["\uFEFFtransactionId,occurredAt,customerId,status", ...lines, ""], { end: "\r\n" }),
    ).toMatchObject(expected);
    expect(await upload(lines)).toMatchObject(expected);
  });
});

test("differences are listed on both sides, each with its amount", async () => {
  const { tenantId, customerId, events } = await tenantWith({ delivered: 2 });
  const [first, second] = events as [Exported, Exported];
  const answer = await upload([HEADER, reported(customerId, first), reported(customerId, first, "claro-only")]);
  expect(answer).toMatchObject({
    matched: 1,
    onlyOurs: [{ reason: "not_in_report", tenantId, lookupId: second.id, quantity: 1, amount: "0.1500" }],
    onlyClaro: [
      { reason: "unknown_to_us", transactionId: "claro-only", customerId, quantity: 1, amount: "0.0000", cost: null },
    ],
    deltaQuantity: 0,
  });
});

describe("an unknown that Claro confirms", () => {
  test("is resolved once, costs the tenant nothing, and a closed month keeps every byte", async () => {
    const { tenantId, customerId, events } = await tenantWith({ delivered: 1, unknown: 2 });
    expect(events.map(({ outcome }: Exported) => outcome)).toEqual(["delivered", "unknown", "unknown"]);
    const [delivered, unknown] = events as [Exported, Exported];
    setClock(at.endMs);
    expect((await close(at.period)).failures).toEqual([]);
    const closed = await bundle(tenantId, at.period);
    const report = [HEADER, reported(customerId, delivered), reported(customerId, unknown, "late-answer")];

    const first = await upload(report);
    expect(first).toMatchObject({ matched: 1, unknownResolved: 1, onlyOurs: [], onlyClaro: [], deltaQuantity: 0 });
    const { id: lookupId, occurredAt } = unknown;
    expect(first.resolved).toEqual([{ tenantId, lookupId, transactionId: "late-answer", occurredAt }]);
    expect(first.sharedCustomerIds).toEqual([]);
    const {
      id: _id,
      startedAt: _startedAt,
      finishedAt: _finishedAt,
      ...second
    } = (await upload(report)) as Answer & Record<string, unknown>;
    expect(first).toMatchObject(second);
    const { results } = await env.DB.prepare("SELECT seq, transaction_id FROM resolved_unknowns WHERE tenant_id = ?")
      .bind(tenantId)
      .all();
    expect(results).toEqual([{ seq: 2, transaction_id: "late-answer" }]);
    expect(await bundle(tenantId, at.period)).toEqual(closed);
    expect(await (await admin(`/tenants/${tenantId}/statements/${at.period}`)).json()).toMatchObject({
      amount: "0.15",
      counts: { unknown: 2 },
      claroPossibleCost: { delivered: 1, unknown: 2, units: 3, confirmed: 1 },
    });
    const audit = await env.DB.prepare(
      "SELECT count(*) AS n FROM audit WHERE action = 'period.reconcile' AND target = ?",
    )
      .bind(at.period)
      .first();
    // Each comparison is one of its own, and each start is told.
    expect(audit).toEqual({ n: 2 });
  });

  test("is not guessed from a charge of another time, and a customer id of several tenants is named", async () => {
    const { customerId, events } = await tenantWith({ delivered: 0, unknown: 1 });
    const [unknown] = events as [Exported];
    const charged = new Date(Date.parse(unknown.occurredAt) + 3 * 3_600_000).toISOString();
    const report = [HEADER, reported(customerId, { ...unknown, occurredAt: charged }, "another")];
    expect(await upload(report)).toMatchObject({ resolved: [], sharedCustomerIds: [], deltaQuantity: -1 });
    await adminJson("/tenants", {
      body: { name: "Filial", document: "12ABC34501DE35", allowDuplicate: true, customerId, plan: "pay-per-use" },
    });
    expect(await upload(report)).toMatchObject({
      unknownResolved: 0,
      onlyClaro: [{ reason: "unknown_to_us", transactionId: "another" }],
      sharedCustomerIds: [customerId],
    });
  });

  test("is found also when the month's events have left D1", async () => {
    const { tenantId, customerId, events } = await tenantWith({ delivered: 2, unknown: 1 });
    setClock(at.endMs);
    await close(at.period);
    const services = testServices();
    for (let run = 0; run < 5; run += 1) await archiveStatements(services);
    const left = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE tenant_id = ?").bind(tenantId).first();
    expect(left).toEqual({ n: 0 });
    const lines = events.map((event: Exported) => reported(customerId, event));
    expect(await upload([HEADER, ...lines])).toMatchObject({ matched: 2, unknownResolved: 1, deltaQuantity: 0 });
    expect((await manifestOf(tenantId, at.period)).counts.unknown).toBe(1);
  });
});

describe("a report that cannot be read", () => {
  test("names the malformed line, and nothing is applied", async () => {
    const { tenantId, customerId, events } = await tenantWith({ delivered: 0, unknown: 1 });
    const good = reported(customerId, (events as [Exported])[0], "late-answer");
    for (const [bad, code] of [
      ["only,three,cells", "report_cells"],
      [`x,yesterday,${customerId},200`, "report_time"],
      [`x,1999-01-01T00:00:00Z,${customerId},200`, "report_period"],
      [`x,${(events as [Exported])[0].occurredAt},${customerId},perhaps`, "report_status"],
    ] as const) {
      expect(await upload([HEADER, good, bad, good])).toMatchObject({
        httpStatus: 400,
        code: "invalid_request",
        issues: [{ path: "line 3", code }],
      });
    }
    const { results } = await env.DB.prepare("SELECT seq FROM resolved_unknowns WHERE tenant_id = ?")
      .bind(tenantId)
      .all();
    expect(results).toEqual([]);
    expect(
      await env.DB.prepare("SELECT 1 FROM reconciliation_runs WHERE period = ?").bind(at.period).all(),
    ).toMatchObject({
      results: [],
    });
  });

  test.each([
    ["another type", [HEADER], { type: "application/json" }, 415],
    ["no period", [HEADER], { period: "" }, 400],
    ["a period that is none", [HEADER], { period: "2046-13" }, 400],
    ["a month that has not begun", [HEADER], { period: "2999-01" }, 409],
    ["a line of 19 MiB", [HEADER, "x".repeat(19 * 1024 * 1024)], {}, 400],
    ["a line of 19 MiB of quotes", [HEADER, '"'.repeat(19 * 1024 * 1024)], {}, 400],
  ])("%s is refused", async (_, lines, options, status) => {
    expect((await upload(lines, options)).httpStatus).toBe(status);
  });

  test("an empty report is a report: everything is only ours", async () => {
    const { tenantId } = await tenantWith({ delivered: 1 });
    expect(await upload([HEADER])).toMatchObject({
      httpStatus: 200,
      matched: 0,
      onlyOurs: [{ tenantId }],
      deltaQuantity: 1,
    });
  });
});

test("a report of a hundred thousand lines is compared", async () => {
  const { customerId } = await tenantWith({ delivered: 1 });
  const time = new Date(at.startMs + 1000).toISOString();
  const lines = Array.from({ length: 100_000 }, (_, index) => `transaction-${index},${time},${customerId},200`);
  const answer = await upload([HEADER, ...lines]);
  expect(answer).toMatchObject({ httpStatus: 200, matched: 0, deltaQuantity: 1 - 100_000 });
  expect(answer.onlyClaro.length).toBe(1000);
  let quantity = answer.onlyClaro.reduce((sum, entry) => sum + entry.quantity, 0);
  // The rest is kept, and read page by page.
  for (let { nextCursor } = answer; nextCursor !== null;) {
    const page = await adminJson<Answer>(`/reconciliations/${answer.id}?cursor=${nextCursor}`);
    quantity += page.onlyClaro.reduce((sum, entry) => sum + entry.quantity, 0);
    ({ nextCursor } = page);
  }
  expect(quantity).toBe(100_000);
});

describe("a report of any size", () => {
  const addAll = async (report: ReportReceiver, customerId: string, events: readonly Exported[]) => {
    for (const { transactionId, occurredAt } of events) {
      const occurredAtMs = Date.parse(occurredAt);
      await report.add({ transactionId, occurredAtMs, date: saoPauloDate(occurredAtMs), customerId, isCharged: true });
    }
  };
  test("is downloaded whole, both sides in one file, with what the tenant paid and what Claro charges", async () => {
    await adminJson(`/upstream-prices/${at.period}`, {
      method: "PUT",
      body: { tiers: [{ upTo: null, unitPriceMicros: 90_000 }] },
    });
    setClock(at.startMs + 10 * 86_400_000);
    await tenantWith({ delivered: 1 });
    const rows = Array.from({ length: 1200 }, (_, n) => `claros-${n},${at.period}-05T12:00:00Z,=cliente,200`);
    const run = await upload([HEADER, ...rows]);
    expect([run.onlyOurs.length, run.onlyClaro.length]).toEqual([1, 1000]);
    const file = async (name: string) => await admin(`/reconciliations/${run.id}/${name}`);
    const plain = await file("differences.csv");
    expect(plain.headers.get("content-disposition")).toBe(`attachment; filename="${run.id}.differences.csv"`);
    const lines = (await plain.text()).split("\r\n");
    expect(lines).toHaveLength(1 + 1 + 1200 + 1);
    expect(lines[0]).toBe("side,reason,date,customerId,tenantId,lookupId,outcome,transactionId,quantity,amount,cost");
    const [ours] = run.onlyOurs;
    expect(lines[1]?.split(",")).toEqual(
      expect.arrayContaining(["onlyOurs", "not_in_report", ours?.lookupId, "delivered", ours?.amount, "0.0900"]),
    );
    expect(lines[2]).toBe(`onlyClaro,unknown_to_us,${at.period}-05,'=cliente,,,,claros-0,1,0.0000,0.0900`);
    const bytes = await (await file("differences.pt-br.csv")).arrayBuffer();
    const brazilian = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes);
    expect(brazilian.startsWith("\uFEFFlado;explicação;dia")).toBe(true);
    const [first, second] = brazilian.split("\r\n").slice(1);
    expect(first).toMatch(/^só nosso;ausente do relatório;.*;entregue;.*;1;0,\d{4};0,0900$/);
    expect(second).toBe(`só da Claro;desconhecida aqui;${at.period}-05;'=cliente;;;;claros-0;1;0,0000;0,0900`);
    expect((await file("differences.xlsx")).status).toBe(404);
    expect((await admin("/reconciliations/rec_00000000000000000000/differences.csv")).status).toBe(404);
  });

  test("past 250,000 lines is worked through step by step, kept, and read later", async () => {
    const { customerId, events } = await tenantWith({ delivered: 12 });
    const time = new Date(at.startMs + 1000).toISOString();
    const lines = Array.from({ length: 250_001 }, (_, index) => `transaction-${index},${time},${customerId},404`);
    const ours = events.map((event: Exported) => reported(customerId, event));
    const begun = await upload([HEADER, ...lines, ...ours]);
    expect(begun).toMatchObject({ httpStatus: 202, status: "running", lines: 250_013, progress: { done: 0 } });
    expect(begun.nextCursor).not.toBeNull();
    expect(await adminJson(`/reconciliations/${begun.id}`)).toMatchObject({ status: "running" });
    let answer = await adminJson<Answer>(`/reconciliations/${begun.id}?cursor=${begun.nextCursor}`, { method: "POST" });
    for (let steps = 0; answer.status === "running" && steps < 20; steps += 1) {
      answer = await adminJson<Answer>(`/reconciliations/${begun.id}`, { method: "POST" });
    }
    expect(answer).toMatchObject({ status: "done", matched: 12, onlyOurs: [], onlyClaro: [], unexplained: 0 });
    expect(await adminJson(`/reconciliations/${begun.id}`)).toEqual(answer);
    const listed = await adminJson<{ data: { id: string; status: string }[] }>(`/reconciliations?period=${at.period}`);
    expect(listed.data[0]).toMatchObject({ id: begun.id, status: "done", unexplained: 0 });
  });

  test("in parts, whose step dies after it has put events aside, counts each of them once", async () => {
    const { customerId, events } = await tenantWith({ delivered: 12 });
    const report = new ReportReceiver(testServices(), 60 * ROWS_A_PART * 3);
    expect(report.parts).toBe(3);
    await addAll(report, customerId, events as Exported[]);
    const put = env.STATEMENTS.put.bind(env.STATEMENTS);
    const putAside: string[] = [];
    const dying = vi.spyOn(env.STATEMENTS, "put").mockImplementation((async (key: string, ...rest: [string]) => {
      if (key.includes("/events/")) putAside.push(key);
      if (key.endsWith("/state.json") && putAside.length > 0) throw new Error("put: the invocation has died (10001)");
      return await put(key, ...rest);
    }) as typeof env.STATEMENTS.put);
    const asked = { period: at.period, report, reportSha256: "0" };
    await expect(startReconciliation(testServices(), "somebody", asked)).rejects.toThrow("died");
    dying.mockRestore();
    // The first part is compared at once; of the others, those that have a lookup are put aside.
    const partsWithEvents = new Set((events as Exported[]).map(({ transactionId }) => partOf(transactionId, 3)));
    partsWithEvents.delete(0);
    expect(putAside).toHaveLength(partsWithEvents.size);
    await continueReconciliations(testServices());
    const answer = await adminJson(`/reconciliations/${report.id}`);
    expect(answer).toMatchObject({ status: "done", matched: 12, onlyOurs: [], onlyClaro: [], deltaQuantity: 0 });
    expect((await env.STATEMENTS.list({ prefix: `reconciliations/${report.id}/events/` })).objects).toEqual([]);
  });

  test("that died between two steps is ended by the cron", async () => {
    const { customerId, events } = await tenantWith({ delivered: 3 });
    const report = new ReportReceiver(testServices(), 1);
    await addAll(report, customerId, events as Exported[]);
    const put = env.STATEMENTS.put.bind(env.STATEMENTS);
    const dying = vi.spyOn(env.STATEMENTS, "put").mockImplementation((async (key: string, ...rest: [string]) => {
      if (key.includes("/pages/")) throw new Error("put: the invocation has died (10001)");
      return await put(key, ...rest);
    }) as typeof env.STATEMENTS.put);
    const asked = { period: at.period, report, reportSha256: "0" };
    await expect(startReconciliation(testServices(), "somebody", asked)).rejects.toThrow("died");
    dying.mockRestore();
    expect(await testServices().reconciliations.run(report.id)).toMatchObject({ finishedAtMs: null });
    await continueReconciliations(testServices());
    expect(await adminJson(`/reconciliations/${report.id}`)).toMatchObject({ status: "done", matched: 3 });
  });

  test("is read in Windows-1252, with semicolons, in upper case, and as JSON", async () => {
    const { customerId, events } = await tenantWith({ delivered: 2 });
    const cells: string[][] = events.map((event: Exported) => [
      (event.transactionId ?? "").toUpperCase(),
      event.occurredAt,
      customerId,
      "200",
    ]);
    const header = HEADER.replaceAll(",", ";").toUpperCase();
    const rows = [header, ...cells.map((row) => row.join(";")), `;${events[0].occurredAt};São João;404`];
    const bytes = Uint8Array.from([...rows.join("\r\n")], (char) => char.charCodeAt(0));
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "text/csv" };
    const response = await sendRequest(`/admin/v1/reconciliations?period=${at.period}`, {
      method: "POST",
      headers,
      body: bytes,
    });
    expect(await response.json()).toMatchObject({ status: "done", matched: 2, unexplained: 0, lines: 3 });
    const json = cells.map(([transactionId, occurredAt, customer, status]) =>
      JSON.stringify({ transactionId, occurredAt, customerId: customer, status }),
    );
    expect(await upload(json, { type: "application/x-ndjson" })).toMatchObject({ httpStatus: 200, matched: 2 });
  });
});

describe("at a month's end", () => {
  test("what Claro has in one month and we in the next is matched by its transaction, and open in neither", async () => {
    const { customerId, tenantId } = await tenantWith({ delivered: 0 });
    const { key } = await newKey(tenantId, { mode: "live" });
    setClock(at.endMs);
    expect((await lookup(key, "52998224725")).status).toBe(200);
    const following = nextPeriod(at.period);
    const [event] = (await download(tenantId, following, "events.jsonl"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Exported);
    if (event === undefined) throw new Error("no event");
    // Claro's clock was 40 ms behind ours.
    const charged = { ...event, occurredAt: new Date(at.endMs - 40).toISOString() };
    setClock(at.endMs + 86_400_000);
    // The next month first: nobody can tell yet.
    const early = await upload([HEADER], { period: following });
    expect(early).toMatchObject({ unexplained: 0, onlyOurs: [{ reason: "near_month_end", lookupId: event.id }] });
    const first = await upload([HEADER, reported(customerId, charged)]);
    expect(first).toMatchObject({ matched: 1, onlyOurs: [], onlyClaro: [], deltaQuantity: 0, unexplained: 0 });
    const second = await upload([HEADER], { period: following });
    expect(second).toMatchObject({ matched: 0, onlyOurs: [], onlyClaro: [], deltaQuantity: 0 });
    const health = await adminJson<{ reconciliations: { lostAtEdges: number } }>("/health");
    expect(health.reconciliations.lostAtEdges).toBe(0);
  });

  test("an intent of the last seconds that ends as unknown in the next month is resolved by the month's report", async () => {
    const { customerId, tenantId } = await tenantWith({ delivered: 0 });
    const { id: keyId } = await newKey(tenantId, { mode: "live" });
    setClock(at.endMs - 10_000);
    const lookupId = `lkp_${crypto.randomUUID()}`;
    const intent = { lookupId, keyId, scope: "scores:read", ip: null, reference: null, cpfReference: "v1:0" } as const;
    expect(await ledgerOf(tenantId).admit({ ...intent, idempotency: null })).toMatchObject({ kind: "admitted" });
    setClock(at.endMs + 600_000);
    const charged = `late-answer,${new Date(at.endMs - 9000).toISOString()},${customerId},200`;
    expect(await upload([HEADER, charged])).toMatchObject({ unknownResolved: 1, onlyClaro: [], unexplained: 0 });
    expect(await upload([HEADER], { period: nextPeriod(at.period) })).toMatchObject({
      unknownResolved: 0,
      onlyClaro: [],
    });
  });

  test("a lookup that no report of both months names is an alarm in health", async () => {
    const { tenantId } = await tenantWith({ delivered: 0 });
    const { key } = await newKey(tenantId, { mode: "live" });
    setClock(at.endMs - 1000);
    await lookup(key, "52998224725");
    setClock(at.endMs + 86_400_000);
    const before = (await adminJson<{ reconciliations: { lostAtEdges: number } }>("/health")).reconciliations;
    expect(await upload([HEADER])).toMatchObject({ unexplained: 0, onlyOurs: [{ reason: "near_month_end" }] });
    await upload([HEADER], { period: nextPeriod(at.period) });
    const after = (await adminJson<{ reconciliations: { lostAtEdges: number } }>("/health")).reconciliations;
    expect(after.lostAtEdges).toBe(before.lostAtEdges + 1);
  });
});

test("what is still unexplained is an alarm in health, until a report explains it", async () => {
  const { customerId, events } = await tenantWith({ delivered: 1 });
  type Alarms = { reconciliations: { months: { period: string; unexplained: number }[] } };
  const alarmOf = async () =>
    (await adminJson<Alarms>("/health")).reconciliations.months.find(({ period }) => period === at.period)?.unexplained;
  setClock(at.startMs + 864_000_000);
  await upload([HEADER, `claro-only,${new Date(at.startMs + 900_000).toISOString()},${customerId},200`]);
  // Ours is near the month's start: it counts too where the month before has been compared.
  expect(await alarmOf()).toBeGreaterThanOrEqual(1);
  setClock(at.startMs + 864_100_000);
  await upload([HEADER, reported(customerId, events[0] as Exported)]);
  expect(await alarmOf()).toBeUndefined();
});

test("differences are valued at what Claro charges, and a customer id that changed explains itself", async () => {
  const { customerId, tenantId } = await tenantWith({ delivered: 0 });
  const { key } = await newKey(tenantId, { mode: "live" });
  await adminJson(`/upstream-prices/${at.period}`, {
    method: "PUT",
    body: {
      tiers: [
        { upTo: 1, unitPriceMicros: 90_000 },
        { upTo: null, unitPriceMicros: 70_000 },
      ],
    },
  });
  setClock(at.startMs + 3_600_000);
  await lookup(key, "52998224725");
  const time = new Date(at.startMs + 3_600_000).toISOString();
  const lines = [`,${time},${customerId},200`, `,${time},${customerId},200`, `,${time},${customerId},200`];
  expect(await upload([HEADER, ...lines])).toMatchObject({
    matched: 1,
    onlyClaro: [{ quantity: 2, amount: "0.0000", cost: "0.1400" }],
    deltaQuantity: -2,
    deltaCost: "-0.1400",
  });
});
