import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { archiveStatements } from "../../../src/gateway/archive_statements.ts";
import { servicesOf } from "../../../src/platform/services.ts";
import { admin, adminJson, ledgerOf, lookup, newKey } from "../../support/gateway.ts";
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
  delta: number;
  deltaAmount: string;
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
  vi.useRealTimers();
});

async function upload(lines: readonly string[], options: { period?: string; end?: string; type?: string } = {}) {
  const { period = at.period, end = "\n", type = "text/csv" } = options;
  const response = await admin(`/reconciliations?period=${period}`, {
    body: lines.join(end),
    headers: { "content-type": type },
  });
  return { status: response.status, ...(await response.json<Answer>()) };
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
    const expected = { matched: 3, onlyOurs: [], onlyClaro: [], unknownResolved: 0, delta: 0, deltaAmount: "0.0000" };
    expect(await upload([HEADER, ...lines])).toMatchObject({ status: 200, ...expected });
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
    onlyClaro: [{ reason: "unknown_to_us", transactionId: "claro-only", customerId, quantity: 1, amount: "0.1500" }],
    delta: 0,
    deltaAmount: "0.0000",
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
    expect(first).toMatchObject({ matched: 1, unknownResolved: 1, onlyOurs: [], onlyClaro: [], delta: 0 });
    const { id: lookupId, occurredAt } = unknown;
    expect(first.resolved).toEqual([{ tenantId, lookupId, transactionId: "late-answer", occurredAt }]);
    expect(first.sharedCustomerIds).toEqual([]);
    expect(await upload(report)).toEqual(first);
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
    expect(audit).toEqual({ n: 1 });
  });

  test("is not guessed from a charge of another time, and a customer id of several tenants is named", async () => {
    const { customerId, events } = await tenantWith({ delivered: 0, unknown: 1 });
    const [unknown] = events as [Exported];
    const charged = new Date(Date.parse(unknown.occurredAt) + 3 * 3_600_000).toISOString();
    const report = [HEADER, reported(customerId, { ...unknown, occurredAt: charged }, "another")];
    expect(await upload(report)).toMatchObject({ resolved: [], sharedCustomerIds: [], delta: -1 });
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
    const services = servicesOf(env);
    if (!services.ok) throw new Error("misconfigured");
    for (let run = 0; run < 5; run += 1) await archiveStatements(services.value);
    const left = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE tenant_id = ?").bind(tenantId).first();
    expect(left).toEqual({ n: 0 });
    const lines = events.map((event: Exported) => reported(customerId, event));
    expect(await upload([HEADER, ...lines])).toMatchObject({ matched: 2, unknownResolved: 1, delta: 0 });
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
        status: 400,
        code: "invalid_request",
        issues: [{ path: "line 3", code }],
      });
    }
    const { results } = await env.DB.prepare("SELECT seq FROM resolved_unknowns WHERE tenant_id = ?")
      .bind(tenantId)
      .all();
    expect(results).toEqual([]);
    expect(await env.DB.prepare("SELECT 1 FROM reconciliations WHERE period = ?").bind(at.period).all()).toMatchObject({
      results: [],
    });
  });

  test.each([
    ["another type", [HEADER], { type: "application/json" }, 415],
    ["no period", [HEADER], { period: "" }, 400],
    ["a period that is none", [HEADER], { period: "2046-13" }, 400],
    ["a month that has not begun", [HEADER], { period: "2999-01" }, 409],
    ["more than 20 MiB", [HEADER, "x".repeat(21 * 1024 * 1024)], {}, 413],
  ])("%s is refused", async (_, lines, options, status) => {
    expect((await upload(lines, options)).status).toBe(status);
  });

  test("an empty report is a report: everything is only ours", async () => {
    const { tenantId } = await tenantWith({ delivered: 1 });
    expect(await upload([HEADER])).toMatchObject({ status: 200, matched: 0, onlyOurs: [{ tenantId }], delta: 1 });
  });
});

test("a report of a hundred thousand lines is compared", async () => {
  const { customerId } = await tenantWith({ delivered: 1 });
  const time = new Date(at.startMs + 1000).toISOString();
  const lines = Array.from({ length: 100_000 }, (_, index) => `transaction-${index},${time},${customerId},200`);
  const answer = await upload([HEADER, ...lines]);
  expect(answer).toMatchObject({ status: 200, matched: 0, delta: 1 - 100_000 });
  expect(answer.onlyClaro.length).toBeLessThanOrEqual(1001);
  expect(answer.onlyClaro.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(100_000);
});
