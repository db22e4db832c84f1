import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GRANT_MS } from "../../../src/domain/ledger/times.ts";
import { archiveStatements } from "../../../src/gateway/archive_statements.ts";
import { tendReferenceKeys } from "../../../src/gateway/reference_keys.ts";
import {
  admin,
  adminJson,
  call,
  ledgerOf,
  newTenant,
  persons,
  sandbox,
  type TestTenant,
  testServices,
} from "../../support/gateway.ts";
import { close, month, setClock } from "../../support/months.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SEPTEMBER = month("2046-09");
const OCTOBER = month("2046-10");
const NOVEMBER = month("2046-11");

type Lookup = {
  readonly id: string;
  readonly occurredAt: string;
  readonly tenantId: string;
  readonly tenantName: string;
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  readonly requestedBy: string | null;
  readonly outcome: string | null;
  readonly reference: string | null;
  readonly transactionId: string | null;
};
type Restriction = { readonly id: string; readonly status: string; readonly reason: string };
type Page = {
  readonly data: Lookup[];
  readonly nextCursor: string | null;
  readonly progress: { tenants: number; of: number };
  readonly restrictions: Restriction[];
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(SEPTEMBER.startMs + 12 * HOUR_MS);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A search to its end, call by call. */
async function access(cpf: string, asked: Record<string, unknown> = {}): Promise<Page & { calls: number }> {
  const data: Lookup[] = [];
  for (let cursor: string | undefined, calls = 1; ; calls += 1) {
    const page: Page = await adminJson<Page>("/subjects/access", {
      body: { cpf, reason: "pedido 118", ...asked, cursor },
    });
    data.push(...page.data);
    if (page.nextCursor === null) return { ...page, data, calls };
    cursor = page.nextCursor;
  }
}

async function lookUp({ key }: TestTenant, cpf: string, more: Record<string, unknown> = {}) {
  return await call("/v1/scores", { headers: { authorization: `Bearer ${key}` }, body: { cpf, ...more } });
}

async function made(tenant: TestTenant, cpf: string, more: Record<string, unknown> = {}): Promise<string> {
  const answer = await lookUp(tenant, cpf, more);
  expect(answer.status).toBe(200);
  return (await answer.json<{ id: string }>()).id;
}

async function archived(period: string): Promise<void> {
  expect(await close(period)).toMatchObject({ status: "closed", failures: [] });
  for (let run = 0; run < 3; run += 1) await archiveStatements(testServices());
  const open = env.DB.prepare("SELECT count(*) AS n FROM statements WHERE period = ? AND pruned_at IS NULL");
  expect(await open.bind(period).first("n")).toBe(0);
}

const claroCalls = async () => (await sandbox<{ scoreCalls: number }>("counts")).scoreCalls;

describe("an access", () => {
  test("is exact over pages, at whichever lookup a page ends, and goes on after a month was archived meanwhile", async () => {
    const [cpf = "", other = ""] = persons(2, 8_100);
    const tenants = [await newTenant(), await newTenant()];
    const expected: string[] = [];
    for (let n = 0; n < 130; n += 1) {
      for (const tenant of tenants) {
        expected.push(await made(tenant, cpf));
        if (n % 10 === 0) await made(tenant, other);
      }
    }
    const first = await adminJson<Page>("/subjects/access", { body: { cpf } });
    expect([first.data.length, first.nextCursor === null]).toEqual([200, false]);
    setClock(SEPTEMBER.endMs + HOUR_MS);
    await archived("2046-09");
    const rest = await access(cpf, {});
    expect(rest.data.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
    expect(rest.calls).toBe(2);
    const second = await adminJson<Page>("/subjects/access", { body: { cpf, cursor: first.nextCursor } });
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(rest.data.map(({ id }) => id));
  });

  test("finds what D1 has lost and the ledger still has", async () => {
    const [cpf = ""] = persons(1, 8_200);
    const tenant = await newTenant();
    const ids = [await made(tenant, cpf), await made(tenant, cpf)];
    await ledgerOf(tenant.tenantId).flush();
    ids.push(await made(tenant, cpf));
    await ledgerOf(tenant.tenantId).flush();
    await env.DB.prepare("DELETE FROM event_batches WHERE tenant_id = ? AND first_seq = 1").bind(tenant.tenantId).run();
    expect((await access(cpf)).data.map(({ id }) => id)).toEqual(ids);
  });

  test("leaves out test lookups, and asks every tenant", async () => {
    const [cpf = ""] = persons(1, 8_300);
    const tenant = await newTenant({ mode: "test" });
    await made(tenant, cpf);
    const found = await access(cpf);
    expect([found.data, found.progress.tenants]).toEqual([[], found.progress.of]);
  });

  test.each([
    [{ cpf: "11111111111" }, 400, "invalid_cpf"],
    [{ cpf: "52998224725", from: "2046-10-02", to: "2046-10-01" }, 400, "invalid_request"],
    [{ cpf: "52998224725", cursor: "x" }, 400, "invalid_request"],
    [{ cpf: "52998224725", reason: "do CPF 529.982.247-25" }, 400, "invalid_request"],
    [{}, 400, "invalid_request"],
  ])("refuses %j with %i %s and leaves no line in the audit", async (body, status, code) => {
    const count = () => env.DB.prepare("SELECT count(*) AS n FROM audit").first("n");
    const before = await count();
    const refused = await admin("/subjects/access", { body });
    const text = await refused.text();
    expect([refused.status, JSON.parse(text)]).toMatchObject([status, { code }]);
    expect(text).not.toContain("52998224725");
    expect(await count()).toBe(before);
  });
});

// The last one: after it the year of the others has no key.
test("a person's whole path: consulted, told, restricted, freed, and at last not to be found", async () => {
  const [cpf = "", other = ""] = persons(2, 8_000);
  const auditedBefore = (await env.DB.prepare("SELECT coalesce(max(n), 0) AS n FROM audit").first<number>("n")) ?? 0;
  const tenants = [await newTenant(), await newTenant(), await newTenant()];
  const grounds = { purpose: "credit_granting", legalBasis: "credit_protection", requestedBy: "analista-42" };
  const expected: string[] = [];
  for (const { startMs } of [SEPTEMBER, OCTOBER, NOVEMBER]) {
    setClock(startMs + 5 * DAY_MS);
    for (const [index, tenant] of tenants.entries()) {
      expected.push(await made(tenant, cpf, { ...grounds, reference: `pedido-${index}` }));
      await made(tenant, other);
    }
    if (startMs === SEPTEMBER.startMs) {
      setClock(SEPTEMBER.endMs + HOUR_MS);
      await archived("2046-09");
    }
  }

  const found = await access(cpf);
  expect(found.data.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
  expect(found.data.filter(({ tenantId }) => tenantId === tenants[1]?.tenantId)).toMatchObject(
    [SEPTEMBER, OCTOBER, NOVEMBER].map(({ startMs }) => ({
      tenantName: "Loja São João",
      ...grounds,
      outcome: "delivered",
      reference: "pedido-1",
      transactionId: expect.stringMatching(/./) as string,
      occurredAt: expect.stringContaining(new Date(startMs).toISOString().slice(0, 7)) as string,
    })),
  );
  expect(found.progress.tenants).toBe(found.progress.of);
  const inOctober = await access(cpf, { from: "2046-10-01", to: "2046-10-31" });
  expect(inOctober.data.map(({ id }) => id).toSorted()).toEqual(expected.slice(3, 6).toSorted());
  expect((await access(cpf, { to: "2046-09-05" })).data).toEqual([]);

  // Restricted: nothing is sent or charged, whoever asks and whatever was granted before.
  const usage = await Promise.all(tenants.map(usageOf));
  const restriction = await adminJson<Restriction>("/subjects/restrictions", { body: { cpf, reason: "oposição 119" } });
  // The call waited for early calls that were granted before it; the clock of this test stood still.
  setClock(Date.now() + GRANT_MS);
  await sandbox("reset");
  for (const tenant of tenants) {
    for (const headers of [{}, { "idempotency-key": "one" }]) {
      const refused = await call("/v1/scores", {
        headers: { authorization: `Bearer ${tenant.key}`, ...headers },
        body: { cpf },
      });
      expect([refused.status, await refused.json()]).toMatchObject([403, { code: "subject_restricted" }]);
    }
  }
  expect([await claroCalls(), await Promise.all(tenants.map(usageOf))]).toEqual([0, usage]);
  await made(await newTenant(), other);
  expect((await lookUp(await newTenant(), cpf)).status).toBe(403);
  expect((await access(cpf)).restrictions).toMatchObject([{ id: restriction.id, status: "in_force" }]);
  expect((await access(other)).restrictions).toEqual([]);

  await adminJson(`/subjects/restrictions/${restriction.id}`, { method: "DELETE" });
  await made(tenants[0]!, cpf);
  expect((await access(cpf)).restrictions).toMatchObject([{ id: restriction.id, status: "ended" }]);

  // The year's key ends, and with it all that the events of the year say of the person.
  for (const days of [0, 2]) {
    const nowMs = Date.UTC(2052, 0, 1, 3) + days * DAY_MS;
    const later = { clock: { nowMs: () => nowMs }, storeClock: { nowMs: () => Promise.resolve(nowMs) } };
    await tendReferenceKeys({ ...testServices(), ...later });
  }
  setClock(Date.UTC(2052, 0, 4));
  const ended = await access(cpf);
  expect([ended.data, ended.restrictions.length]).toEqual([[], 1]);

  const actions = `SELECT action, target, after FROM audit WHERE action LIKE 'subject.%' AND n > ? ORDER BY n`;
  const { results: audit } = await env.DB.prepare(actions)
    .bind(auditedBefore)
    .all<{ action: string; target: string; after: string }>();
  expect(new Set(audit.map(({ action }) => action))).toEqual(
    new Set(["subject.access", "subject.restrict", "subject.unrestrict"]),
  );
  expect(JSON.parse(audit[0]?.after ?? "")).toMatchObject({ reason: "pedido 118", isContinued: false });
  // One person is one target within a year, and no other person's.
  const targets = audit.filter(({ action }) => action === "subject.access").map(({ target }) => target);
  expect(new Set(targets.map((target) => target.slice(0, 5)))).toEqual(new Set(["2046:", "2052:"]));
  expect(new Set(targets).size).toBe(3);
});

async function usageOf({ tenantId }: TestTenant): Promise<unknown> {
  return (await adminJson<{ totals: unknown }>(`/tenants/${tenantId}/usage?from=2046-09-01&to=2046-11-30`)).totals;
}
