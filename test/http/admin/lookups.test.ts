import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newLookupId } from "../../../src/domain/lookup_id.ts";
import { archiveStatements } from "../../../src/gateway/archive_statements.ts";
import { MAGIC_CPFS } from "../../../src/sandbox/magic_cpfs.ts";
import { admin, call, newTenant, testServices } from "../../support/gateway.ts";
import { close, month, setClock } from "../../support/months.ts";

type Found = {
  id: string;
  tenantId: string;
  mode: string;
  outcome: string;
  charge: { billed: boolean; reason: string; amount: string };
  statement: { period: string; status: string; seq: number } | null;
};
type Page = { data: Found[]; nextCursor: string | null };

const CPF = "52998224725";
const NOVEMBER = month("2046-11");
const DECEMBER = month("2046-12");
const DAY_MS = 86_400_000;
const PLACE_IN_COPY = { beganMs: 1, endedMs: 1, tenantId: "ten_1", mode: "live", firstSeq: 1, at: 0 };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(NOVEMBER.startMs + DAY_MS);
});

afterEach(() => {
  vi.useRealTimers();
});

async function find(query: string): Promise<Page> {
  const response = await admin(`/lookups?${query}`);
  expect(response.status, await response.clone().text()).toBe(200);
  return await response.json<Page>();
}

async function lookUp(key: string, body: object, headers: Record<string, string> = {}): Promise<string> {
  const response = await call("/v1/scores", { headers: { authorization: `Bearer ${key}`, ...headers }, body });
  const answer = await response.json<{ id?: string; lookupId?: string }>();
  return answer.id ?? answer.lookupId ?? "";
}

describe("GET /admin/v1/lookups", () => {
  test("finds a lookup by its reference, its request's id and its id, at once", async () => {
    const { tenantId, key } = await newTenant();
    const other = await newTenant();
    const id = await lookUp(key, { cpf: CPF, reference: "pedido 7" }, { "x-request-id": "rq-7" });
    await lookUp(key, { cpf: CPF, reference: "pedido 70" });
    await lookUp(other.key, { cpf: CPF, reference: "pedido 7" });
    const { data, nextCursor } = await find(`tenant=${tenantId}&reference=pedido%207`);
    expect(nextCursor).toBeNull();
    expect(data).toMatchObject([
      {
        id,
        tenantId,
        mode: "live",
        outcome: "delivered",
        charge: { billed: true, reason: "score_delivered", amount: "0.1500", currency: "BRL" },
        statement: { period: "2046-11", status: "open", seq: 1 },
      },
    ]);
    expect(await find(`tenant=${tenantId}&requestId=rq-7`)).toEqual({ data, nextCursor: null });
    expect(await find(`id=${id}`)).toEqual({ data, nextCursor: null });
    expect(await find(`tenant=${tenantId}&id=${id}&from=2046-11-01&to=2046-11-02`)).toEqual({ data, nextCursor: null });
    expect(await find(`tenant=${other.tenantId}&id=${id}`)).toEqual({ data: [], nextCursor: null });
    expect((await find(`tenant=${tenantId}&reference=nothing`)).data).toEqual([]);
  });

  test("says of each outcome why it was charged, or was not", async () => {
    const { tenantId, key } = await newTenant({ mode: "test" });
    for (const { cpf, name } of MAGIC_CPFS) await lookUp(key, { cpf, reference: name });
    for (const { name } of MAGIC_CPFS) {
      const { data } = await find(`tenant=${tenantId}&reference=${name}`);
      expect(data, name).toHaveLength(1);
      expect(data[0]).toMatchObject({ mode: "test", charge: { billed: false, reason: "test_mode" }, statement: null });
    }
  });

  test("finds no more than twenty at a time, each once, over all pages", async () => {
    const { tenantId, key } = await newTenant();
    const ids: string[] = [];
    for (let n = 0; n < 45; n += 1) ids.push(await lookUp(key, { cpf: CPF, reference: "lote" }));
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page = await find(
        `tenant=${tenantId}&reference=lote${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      expect(page.data.length).toBeLessThanOrEqual(20);
      found.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(found).toEqual(ids);
  });

  test("keeps to its days, and finds what has been closed and what has left D1", async () => {
    const { tenantId, key } = await newTenant();
    const first = await lookUp(key, { cpf: CPF, reference: "mensal" });
    // They hold what is looked for, each in another field or as a part of one.
    const decoy = await lookUp(
      key,
      { cpf: CPF, reference: "mensal 2", requestedBy: "mensal", consentId: "mensal" },
      { "x-request-id": "mensal" },
    );
    setClock(NOVEMBER.endMs - DAY_MS);
    const last = await lookUp(key, { cpf: CPF, reference: "mensal" });
    setClock(NOVEMBER.endMs + 60_000);
    const next = await lookUp(key, { cpf: CPF, reference: "mensal" });
    const idsOf = async (days: string) =>
      (await find(`tenant=${tenantId}&reference=mensal&${days}`)).data.map(({ id }) => id);
    const expectAll = async () => {
      const byRequest = await find(`tenant=${tenantId}&requestId=mensal&from=2046-11-01&to=2046-11-30`);
      expect(byRequest.data.map(({ id }) => id)).toEqual([decoy]);
      expect(await idsOf("from=2046-11-01&to=2046-11-30")).toEqual([first, last]);
      expect(await idsOf("from=2046-11-03&to=2046-12-01")).toEqual([last, next]);
      expect(await idsOf("from=2046-11-03&to=2046-11-29")).toEqual([]);
    };
    await expectAll();
    expect(await close("2046-11")).toMatchObject({ status: "closed" });
    await expectAll();
    const services = testServices();
    setClock(DECEMBER.endMs + 200 * DAY_MS);
    for (let n = 0; n < 5; n += 1) await archiveStatements(services);
    const stored = await services.statements.statement(tenantId, NOVEMBER.period);
    expect(stored?.isArchived).toBe(true);
    await expectAll();
    const { data } = await find(`tenant=${tenantId}&reference=mensal&from=2046-11-01&to=2046-11-30`);
    expect(data[0]?.statement).toEqual({ period: "2046-11", status: "closed", seq: 1 });
  });

  test("finds lookups of whichever tenant without saying whose, the newest batches first, each once over all pages", async () => {
    const name = `lote "é" ${crypto.randomUUID()}`;
    const expected: string[] = [];
    for (const [batch, size] of [30, 1, 15].entries()) {
      const { tenantId } = await newTenant();
      const events = Array.from({ length: size * 2 }, (_, index) => {
        const id = newLookupId(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
        const isWanted = index % 2 === 0;
        if (isWanted) expected.push(id);
        const atMs = Date.now() - batch * 60_000 + index;
        return {
          ...EVENT,
          seq: index + 1,
          id,
          occurred_at: atMs,
          reference: isWanted ? name : `${name}0`,
          request_id: id,
        };
      });
      await env.DB.prepare("INSERT INTO event_batches VALUES (?, 'live', 1, ?, ?)")
        .bind(tenantId, events.length, JSON.stringify(events))
        .run();
    }
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const asked = `reference=${encodeURIComponent(name)}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: Page = await find(asked);
      expect(page.data.length).toBeLessThanOrEqual(20);
      found.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(found).toEqual(expected);
    expect((await find(`requestId=${expected[0] ?? ""}`)).data.map(({ id }) => id)).toEqual([expected[0]]);
    const before = new Date(Date.now() - 2 * DAY_MS).toISOString().slice(0, 10);
    expect((await find(`reference=${encodeURIComponent(name)}&to=${before}`)).data).toEqual([]);
  });

  test("finds a lookup by its id alone, whose it is", async () => {
    const { tenantId } = await newTenant();
    const atMs = Date.now();
    const ids = [0, 1, 2].map((n) => newLookupId(atMs + n * 1000, crypto.getRandomValues(new Uint8Array(10))));
    const events = ids.map((id, index) => ({ ...EVENT, seq: index + 1, id, occurred_at: atMs + index * 1000 + 200 }));
    await env.DB.prepare("INSERT INTO event_batches VALUES (?, 'live', 1, 3, ?)")
      .bind(tenantId, JSON.stringify(events))
      .run();
    for (const [index, id] of ids.entries()) {
      const { data } = await find(`id=${id}`);
      expect(data).toMatchObject([{ id, tenantId, statement: { seq: index + 1 } }]);
    }
    const plan = await env.DB.prepare(
      `EXPLAIN QUERY PLAN SELECT 1 FROM event_batches
       WHERE events->>'$[0].occurred_at' BETWEEN 1 AND 2 AND events->>'$[#-1].occurred_at' >= 1`,
    ).all<{ detail: string }>();
    expect(JSON.stringify(plan.results)).toContain("event_batches_by_time");
    const made = newLookupId(atMs, crypto.getRandomValues(new Uint8Array(10)));
    let page = await find(`id=${made}`);
    while (page.nextCursor !== null) page = await find(`id=${made}&cursor=${encodeURIComponent(page.nextCursor)}`);
    expect(page.data).toEqual([]);
  });

  test.each([
    ["", "id:required"],
    [
      `reference=x&cursor=${encodeURIComponent(btoa(JSON.stringify({ period: "2046-11", mode: "live", next: 1 })))}`,
      "cursor:cursor",
    ],
    [`tenant=ten_1&reference=x&cursor=${encodeURIComponent(btoa(JSON.stringify(PLACE_IN_COPY)))}`, "cursor:cursor"],
    [`id=lkp_${"0".repeat(36)}`, "tenant:required"],
    ["tenant=ten_1&id=x", "id:invalid_form"],
    ["tenant=ten_1&reference=x&requestId=y", "reference:not_together"],
    ["tenant=ten_1&reference=x&from=2046-10-01&to=2046-11-15", "to:range_too_long"],
    ["tenant=ten_1&reference=x&from=2046-11-15&to=2046-11-01", "to:before_from"],
    ["tenant=ten_1&reference=x&from=2046-02-30", "from:date"],
    ["tenant=ten_1&reference=x&cursor=eA", "cursor:cursor"],
    [`tenant=ten_1&reference=x&cursor=${encodeURIComponent(btoa('[1,"x"]'))}`, "cursor:cursor"],
    ["tenant=ten%20x&reference=x", "tenant:invalid_form"],
  ])("refuses %s: %s", async (query, expected) => {
    const response = await admin(`/lookups?${query}`);
    expect(response.status).toBe(400);
    const { issues } = await response.json<{ issues: { path: string; code: string }[] }>();
    expect(issues.map(({ path, code }) => `${path}:${code}`)).toContain(expected);
  });

  test("says by what else a lookup is found", async () => {
    const response = await admin("/lookups", { headers: { "accept-language": "en" } });
    expect((await response.json<{ detail: string }>()).detail).toContain(
      "`id`: is required, or one of these: `requestId`, `reference`",
    );
  });

  test("does not know a tenant that nobody made", async () => {
    expect((await admin("/lookups?tenant=ten_nobody&reference=x")).status).toBe(404);
  });
});

const EVENT = {
  key_id: "csg_live_0123456789",
  reference: null,
  outcome: "delivered",
  billed: 1,
  units: 1,
  unit_price_micros: 150_000,
  amount_micros: 150_000,
  transaction_id: null,
  cpf_reference: "v1:0",
  kind: "lookup",
  corrects: null,
};
