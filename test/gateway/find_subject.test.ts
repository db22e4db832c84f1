import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Failure } from "../../src/domain/failure.ts";
import { newLookupId } from "../../src/domain/lookup_id.ts";
import type { Result } from "../../src/domain/result.ts";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import { findLookup } from "../../src/gateway/find_lookups.ts";
import { findSubject, type SubjectPage, type SubjectPlace } from "../../src/gateway/find_subject.ts";
import { rebuildCopy } from "../../src/gateway/rebuild_copy.ts";
import type { Services } from "../../src/platform/services.ts";
import { ledgerOf, lookup, newTenant, persons, type TestTenant, testServices } from "../support/gateway.ts";
import { close, month, setClock } from "../support/months.ts";

const { period, startMs, endMs } = month("2046-09");
const HOUR_MS = 3_600_000;
const AWAY = { flush: async () => ({ kind: "failed", reason: "behind" }), recopy: async () => ({ kind: "failed" }) };
const FLUSHED = { flush: async () => ({ kind: "flushed", flushedThrough: 0 }) };

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(startMs + HOUR_MS);
  // Each test has the register to itself.
  const tables = ["api_keys", "tenants"];
  await env.DB.batch(tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The gateway's own services; ledgers of the tenants named in `instead` are what stands there. */
function services(instead: (tenantId: string) => object | undefined = () => undefined): Services {
  const made = testServices();
  const getByName = (name: string) => instead(name.split(":")[0] ?? "") ?? env.TENANT_LEDGER.getByName(name);
  return { ...made, ledgers: { getByName } as unknown as Services["ledgers"] };
}

/** Tenants one after the other, in the order of the register. */
async function newTenants(count: number): Promise<TestTenant[]> {
  const made: TestTenant[] = [];
  for (let n = 0; n < count; n += 1) {
    setClock(startMs + HOUR_MS + n);
    made.push(await newTenant());
  }
  return made;
}

/** Puts a tenant that no ledger knows into the register. */
function otherTenant(
  id: string,
  { createdAtMs, like }: { createdAtMs: number; like: TestTenant },
): D1PreparedStatement {
  return env.DB.prepare(
    `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
     SELECT ?, name, document, customer_id, plan, status, ? FROM tenants WHERE id = ?`,
  ).bind(id, createdAtMs, like.tenantId);
}

async function made({ key }: TestTenant, cpf: string): Promise<string> {
  const answer = await lookup(key, cpf);
  expect(answer.status).toBe(200);
  return (await answer.json<{ id: string }>()).id;
}

async function find(cpf: string, place: SubjectPlace | null, from: Services): Promise<Result<SubjectPage, Failure>> {
  const search = { cpf, fromMs: 0, toMs: endMs + 24 * HOUR_MS, reason: "pedido 118" };
  return await findSubject(from, "dpo", { search, place });
}

const idsOf = (page: Result<SubjectPage, Failure>) =>
  page.ok ? page.value.lookups.map(({ event }) => event.id) : [page.failure.code];
const unread = (code: string, tenantId: string) => ({
  ok: false,
  failure: { code, retryAfterSeconds: 5, issues: [{ path: "", code: "tenant_unread", params: { tenantId } }] },
});

test("a person is found by each of 501 tenants, which are more than the register gives at once", async () => {
  const [cpf = ""] = persons(1, 90_000);
  const [first, middle, last] = (await newTenants(3)) as [TestTenant, TestTenant, TestTenant];
  const ids = [await made(first, cpf), await made(middle, cpf), await made(last, cpf)];
  const others = Array.from({ length: 498 }, (_, n) => `ten_other_${String(n).padStart(4, "0")}`);
  // As the register has them: the second in the middle of all, the third as the last one.
  await env.DB.batch([
    ...others.map((id, n) => otherTenant(id, { createdAtMs: startMs + 2 * HOUR_MS + n, like: first })),
    env.DB.prepare("UPDATE tenants SET created_at = ? WHERE id = ?").bind(startMs + 2 * HOUR_MS + 250, middle.tenantId),
    env.DB.prepare("UPDATE tenants SET created_at = ? WHERE id = ?").bind(startMs + 3 * HOUR_MS, last.tenantId),
  ]);
  const all = services((tenantId) => (tenantId.startsWith("ten_other_") ? FLUSHED : undefined));
  const found: string[] = [];
  const progress: number[] = [];
  for (let place: SubjectPlace | null = null; ;) {
    const page = await find(cpf, place, all);
    if (!page.ok) throw new Error(page.failure.code);
    found.push(...idsOf(page));
    progress.push(page.value.tenants.done);
    expect(page.value.tenants.all).toBe(501);
    ({ next: place } = page.value);
    if (place === null) break;
  }
  expect(found).toEqual(ids);
  expect(progress).toEqual([50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 501]);
});

describe("a tenant that cannot be read", () => {
  test("is named and never passed over: what stands before it is told, and the search goes on from it", async () => {
    const [cpf = ""] = persons(1, 90_100);
    const tenants = await newTenants(4);
    const ids: string[] = [];
    for (const tenant of tenants) ids.push(await made(tenant, cpf));
    const lost = tenants[2]?.tenantId ?? "";
    const disturbed = services((tenantId) => (tenantId === lost ? AWAY : undefined));

    const before = await find(cpf, null, disturbed);
    if (!before.ok || before.value.next === null) throw new Error("the search stops before the lost one");
    expect([idsOf(before), before.value.tenants]).toEqual([ids.slice(0, 2), { done: 2, all: 4 }]);
    for (let repeat = 0; repeat < 2; repeat += 1) {
      expect(await find(cpf, before.value.next, disturbed)).toEqual(unread("ledger_unavailable", lost));
    }
    const rest = await find(cpf, before.value.next, services());
    expect([idsOf(rest), rest.ok && rest.value.next]).toEqual([ids.slice(2), null]);
  });

  test("keeps nobody's lookup from being found by its id, and is named when it could have been its own", async () => {
    const [cpf = ""] = persons(1, 90_300);
    const [first, second] = (await newTenants(2)) as [TestTenant, TestTenant];
    const id = await made(second, cpf);
    const disturbed = services((tenantId) =>
      tenantId === first.tenantId ? { ...AWAY, testEvents: async () => [] } : undefined,
    );
    const found = await findLookup(disturbed, id, null);
    expect(found).toMatchObject({ ok: true, value: { lookup: { event: { id, tenantId: second.tenantId } } } });
    const unknown = newLookupId(Date.now(), new Uint8Array(10));
    expect(await findLookup(disturbed, unknown, null)).toEqual(unread("ledger_unavailable", first.tenantId));
  });

  test("keeps no lookup of a later page from being found by its id, and is named at the end while it is still away", async () => {
    const [cpf = ""] = persons(1, 90_500);
    const tenants = await newTenants(2);
    const [first, last] = tenants as [TestTenant, TestTenant];
    const createdAtMs = startMs + 2 * HOUR_MS;
    await env.DB.batch([
      ...Array.from({ length: 60 }, (_, n) => otherTenant(`ten_other_${n + 10}`, { createdAtMs, like: first })),
      env.DB.prepare("UPDATE tenants SET created_at = ? WHERE id = ?").bind(createdAtMs + 1, last.tenantId),
    ]);
    const id = await made(last, cpf);
    const far = { ...FLUSHED, testEvents: async () => [] };
    const disturbed = (isAway: boolean) =>
      services((tenantId) => {
        if (tenantId === first.tenantId) return isAway ? { ...AWAY, testEvents: async () => [] } : undefined;
        return tenantId === last.tenantId ? undefined : far;
      });
    const search = async (sought: string, isAwayAtTheEnd: boolean) => {
      let pages = 1;
      let page = await findLookup(disturbed(true), sought, null);
      while (page.ok && page.value.next !== null) {
        page = await findLookup(disturbed(pages < 2 || isAwayAtTheEnd), sought, page.value.next);
        pages += 1;
      }
      return { pages, page };
    };
    const found = { ok: true, value: { lookup: { event: { id, tenantId: last.tenantId } } } };
    expect(await search(id, true)).toMatchObject({ pages: 3, page: found });
    const unknown = newLookupId(Date.now(), new Uint8Array(10));
    expect(await search(unknown, true)).toEqual({ pages: 3, page: unread("ledger_unavailable", first.tenantId) });
    // Back before the end, it has nothing to hide.
    expect(await search(unknown, false)).toEqual({ pages: 3, page: { ok: true, value: { lookup: null, next: null } } });
  });

  test("is named by a rebuild, which stops at it", async () => {
    const [first] = (await newTenants(1)) as [TestTenant];
    const disturbed = services((tenantId) => (tenantId === first.tenantId ? AWAY : undefined));
    expect(await rebuildCopy(disturbed, null)).toEqual(unread("ledger_unavailable", first.tenantId));
    await ledgerOf(first.tenantId).flush();
  });

  // The last one: a closed month stays.
  test("is named when it is a month's file in R2 that is gone, and is found when that is back", async () => {
    const [cpf = ""] = persons(1, 90_200);
    const [first, second] = (await newTenants(2)) as [TestTenant, TestTenant];
    const ids = [await made(first, cpf), await made(second, cpf)];
    setClock(endMs + HOUR_MS);
    expect(await close(period)).toMatchObject({ status: "closed", failures: [] });
    for (let run = 0; run < 3; run += 1) await archiveStatements(services());
    const stored = await services().statements.statement(second.tenantId, period);
    const key = `${stored?.prefix}events.jsonl`;
    const file = await (await env.STATEMENTS.get(key))?.text();
    await env.STATEMENTS.delete(key);

    const before = await find(cpf, null, services());
    if (!before.ok || before.value.next === null) throw new Error("the search stops before the lost file");
    expect(idsOf(before)).toEqual(ids.slice(0, 1));
    expect(await find(cpf, before.value.next, services())).toEqual(unread("statement_unavailable", second.tenantId));
    await env.STATEMENTS.put(key, file ?? "");
    expect(idsOf(await find(cpf, before.value.next, services()))).toEqual(ids.slice(1));
  });
});
