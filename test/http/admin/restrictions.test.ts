import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AdmitCall, AdmitReply } from "../../../src/domain/ledger/commands.ts";
import { projectPending } from "../../../src/gateway/project_pending.ts";
import { tendRestrictions } from "../../../src/gateway/restrictions.ts";
import { sweep } from "../../../src/gateway/sweep.ts";
import { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import { restoreSnapshot, takeSnapshot } from "../../support/d1_snapshot.ts";
import { disturbedGateway, UNREACHABLE_LEDGERS } from "../../support/disturbed.ts";
import {
  admin,
  adminJson,
  call,
  ledgerOf,
  lookup,
  newTenant,
  persons,
  sandbox,
  testServices,
} from "../../support/gateway.ts";

type Restriction = {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
  readonly until: string | null;
  readonly endedAt: string | null;
  readonly endedBy: string | null;
};

let cpf = "";
let other = "";
let drawn = 0;

beforeEach(async () => {
  [cpf = "", other = ""] = persons(2, 9_000 + (drawn += 2));
  // A change waits up to three seconds for early calls; only where those are looked at is that waited for.
  vi.spyOn(scheduler, "wait").mockResolvedValue();
  await sandbox("reset");
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function restrict(more: Record<string, unknown> = {}): Promise<Restriction> {
  return await adminJson<Restriction>("/subjects/restrictions", { body: { cpf, reason: "oposição", ...more } });
}

async function unrestrict(id: string): Promise<Restriction> {
  return await adminJson<Restriction>(`/subjects/restrictions/${id}`, { method: "DELETE" });
}

async function listed(id: string): Promise<Restriction | undefined> {
  const page = await adminJson<{ data: Restriction[] }>("/subjects/restrictions?limit=200");
  return page.data.find((one) => one.id === id);
}

const statusOf = async (key: string, person = cpf) => (await lookup(key, person)).status;
const claroCalls = async () => (await sandbox<{ scoreCalls: number }>("counts")).scoreCalls;

/** Which lookups left for Claro beside their admission. */
function watchAdmissions(): boolean[] {
  const sent: boolean[] = [];
  const { admit } = TenantLedger.prototype as { admit: (this: TenantLedger, call: AdmitCall) => Promise<AdmitReply> };
  vi.spyOn(TenantLedger.prototype, "admit").mockImplementation(async function (this: TenantLedger, asked) {
    sent.push(asked.isSent === true);
    return await admit.call(this, asked);
  });
  return sent;
}

describe("a restriction", () => {
  test("ends when its time is over, without anybody's doing, and the cron writes that down", async () => {
    const { key } = await newTenant();
    const untilMs = Date.now() + 60_000;
    const { id } = await restrict({ until: new Date(untilMs).toISOString() });
    vi.useFakeTimers({ toFake: ["Date"], now: untilMs - 1000 });
    expect(await statusOf(key)).toBe(403);
    vi.setSystemTime(untilMs);
    expect(await statusOf(key)).toBe(200);
    expect(await listed(id)).toMatchObject({
      status: "ended",
      endedAt: new Date(untilMs).toISOString(),
      endedBy: null,
    });
    await tendRestrictions(testServices());
    expect(await listed(id)).toMatchObject({ status: "ended", endedBy: "cron" });
    await sweep(testServices());
    expect(await testServices().register.unprojected(10)).toEqual([]);
  });

  test("is one with its repeat, and goes on where another of the same person has ended", async () => {
    const { key } = await newTenant();
    const [first, again, second] = [await restrict(), await restrict(), await restrict({ reason: "ordem judicial" })];
    expect(again.id).toBe(first.id);
    expect(second.id).not.toBe(first.id);
    await unrestrict(first.id);
    expect(await statusOf(key)).toBe(403);
    const ended = await unrestrict(second.id);
    expect(await statusOf(key)).toBe(200);
    expect(await unrestrict(second.id)).toEqual(ended);
    expect((await admin("/subjects/restrictions/rst_00000000000000000000", { method: "DELETE" })).status).toBe(404);
  });

  test("beyond twenty thousand is refused, for they all stand in a row of every ledger", async () => {
    const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO subject_restrictions (id, subject, reason, created_at, created_by)
      SELECT printf('rst_fill%05d', i), printf('%032d', i), 'fill', 1, 'test' FROM n`;
    const had = await testServices().restrictions.countInForce();
    await env.DB.prepare(fill)
      .bind(20_000 - had)
      .run();
    const response = await admin("/subjects/restrictions", { body: { cpf, reason: "uma a mais" } });
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { issues: [{ code: "too_many_restrictions" }] },
    ]);
    await env.DB.prepare("DELETE FROM subject_restrictions WHERE id LIKE 'rst_fill%'").run();
  });

  test("is in force for a tenant that comes after it, and says in no store or answer whom it is of", async () => {
    const { id } = await restrict();
    const { key } = await newTenant();
    const refused = await lookup(key, cpf, { "accept-language": "en" });
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: "subject_restricted" }]);
    const object = await (await env.STATEMENTS.get(`restrictions/${id}.json`))?.text();
    const rows = await env.DB.prepare("SELECT * FROM subject_restrictions WHERE id = ?").bind(id).all();
    const shown = JSON.stringify([object, rows.results, await listed(id)]);
    expect(shown).not.toContain(cpf);
    expect(JSON.stringify(await listed(id))).not.toContain(JSON.parse(object ?? "").subject);
  });

  test("holds test lookups too, and no other person's", async () => {
    const { key } = await newTenant({ mode: "test" });
    await restrict();
    expect([await statusOf(key), await statusOf(key, other)]).toEqual([403, 200]);
  });

  test.each([
    [{ reason: "x", until: "2020-01-01T00:00:00Z" }, "invalid_request"],
    [{ reason: "do CPF 529.982.247-25" }, "invalid_request"],
    [{ reason: undefined }, "invalid_request"],
    [{ reason: "x", cpf: "123" }, "invalid_cpf"],
  ])("is not made of %j", async (body, code) => {
    const refused = await admin("/subjects/restrictions", { body: { cpf, ...body } });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code }]);
  });
});

describe("early calls", () => {
  beforeEach(() => {
    vi.restoreAllMocks();
  });

  test("of a restricted person are not sent, on a grant from before the restriction or after it", async () => {
    const tenant = await newTenant();
    expect(await statusOf(tenant.key, other)).toBe(200);
    await restrict();
    await sandbox("reset");
    const sent = watchAdmissions();
    expect(await statusOf(tenant.key)).toBe(403);
    expect(await statusOf(tenant.key, other)).toBe(200);
    // The ledger has granted this isolate some again, with the persons in force.
    expect([await statusOf(tenant.key, other), await statusOf(tenant.key)]).toEqual([200, 403]);
    expect([sent, await claroCalls()]).toEqual([[false, false, true, false], 2]);
    await ledgerOf(tenant.tenantId).flush();
    const { results } = await env.DB.prepare("SELECT outcome FROM events WHERE tenant_id = ?")
      .bind(tenant.tenantId)
      .all();
    expect(results).toEqual([1, 2, 3].map(() => ({ outcome: "delivered" })));
  });

  test("without what the tenant's policy asks for are not sent; what the key's defaults give counts", async () => {
    const tenant = await newTenant();
    const headers = { authorization: `Bearer ${tenant.key}` };
    const path = `/tenants/${tenant.tenantId}`;
    await adminJson(path, { method: "PATCH", body: { requires: ["purpose", "requestedBy"] } });
    const grounds = { purpose: "collection", requestedBy: "analista-42" };
    const send = async (body: object) => (await call("/v1/scores", { headers, body: { cpf, ...body } })).status;
    expect(await send(grounds)).toBe(200);
    await sandbox("reset");
    const sent = watchAdmissions();
    expect([await send(grounds), await send({ requestedBy: "analista-42" })]).toEqual([200, 400]);
    expect([sent, await claroCalls()]).toEqual([[true, false], 1]);
    await adminJson(`/keys/${tenant.keyId}`, { method: "PATCH", body: { defaults: { purpose: "credit_review" } } });
    expect([await send({ requestedBy: "analista-42" }), await send({ requestedBy: "analista-42" })]).toEqual([
      200, 200,
    ]);
    expect(sent.slice(2)).toEqual([false, true]);
  });
});

describe("after a failure", () => {
  test("of a ledger the call says what is recorded, and a repeat or the cron completes it", async () => {
    const { key } = await newTenant();
    const down = disturbedGateway({ TENANT_LEDGER: UNREACHABLE_LEDGERS });
    const pending = await down.admin("/subjects/restrictions", { body: { cpf, reason: "oposição" } });
    const problem = await pending.json<{ code: string; issues: { message: string }[] }>();
    expect([pending.status, problem.code]).toEqual([503, "change_pending"]);
    const [id = ""] = /rst_[0-9a-f]{20}/.exec(problem.issues[0]?.message ?? "") ?? [];
    expect(await statusOf(key)).toBe(200);
    await sweep(testServices());
    expect(await statusOf(key)).toBe(403);
    expect((await restrict()).id).toBe(id);
  });

  test("of D1 after R2 has it, the cron brings it to D1 and the ledgers", async () => {
    const { key } = await newTenant();
    const DB = new Proxy(env.DB, {
      get: (db, name) => {
        if (name === "batch") return () => Promise.reject(new Error("D1_ERROR: Network connection lost"));
        const value = Reflect.get(db, name) as unknown;
        return typeof value === "function" ? value.bind(db) : value;
      },
    });
    const pending = await disturbedGateway({ DB }).admin("/subjects/restrictions", {
      body: { cpf, reason: "oposição" },
    });
    expect(pending.status).toBe(503);
    await tendRestrictions(testServices());
    await sweep(testServices());
    expect(await statusOf(key)).toBe(403);
  });

  test("tenants beyond those that a call tells wait for the cron", async () => {
    for (let n = 0; n < 3; n += 1) await newTenant();
    await env.DB.exec("UPDATE tenants SET version = version + 1");
    const count = async () => (await testServices().register.unprojected(1000)).length;
    const before = await count();
    expect(await projectPending(testServices(), before - 2)).toBe(false);
    expect(await count()).toBe(2);
    expect(await projectPending(testServices(), 2)).toBe(true);
    expect(await count()).toBe(0);
  });
});

describe("after a disaster", () => {
  test("a ledger that lost everything refuses the person at its first lookup", async () => {
    const { tenantId, key } = await newTenant();
    await restrict();
    await runInDurableObject(ledgerOf(tenantId), async (_ledger, state) => {
      await state.storage.deleteAll();
      state.abort("lost");
    }).catch(() => undefined);
    expect([await statusOf(key), await statusOf(key, other)]).toEqual([403, 200]);
  });

  test("a D1 restored to before it is brought to it by the cron, and by whoever changes a tenant first", async () => {
    const tenant = await newTenant();
    const snapshot = await takeSnapshot();
    const { id } = await restrict();
    for (const heal of ["cron", "change"]) {
      await restoreSnapshot(snapshot);
      expect(await listed(id)).toBeUndefined();
      // A ledger keeps its newer terms until somebody tells it others.
      expect(await statusOf(tenant.key)).toBe(403);
      if (heal === "cron") await tendRestrictions(testServices());
      await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { name: `Depois ${heal}` } });
      await sweep(testServices());
      expect([heal, await statusOf(tenant.key), await statusOf((await newTenant()).key)]).toEqual([heal, 403, 403]);
      expect(await listed(id)).toMatchObject({ status: "in_force" });
    }
  });

  test("a D1 restored to before its end does not bring it back, and an emptied bucket is filled again", async () => {
    const { key } = await newTenant();
    const { id } = await restrict();
    const snapshot = await takeSnapshot();
    await unrestrict(id);
    await restoreSnapshot(snapshot);
    await tendRestrictions(testServices());
    await sweep(testServices());
    expect([await statusOf(key), (await listed(id))?.status]).toEqual([200, "ended"]);
    await env.STATEMENTS.delete(`restrictions/${id}.json`);
    await tendRestrictions(testServices());
    expect(await (await env.STATEMENTS.get(`restrictions/${id}.json`))?.json()).toMatchObject({
      id,
      endedAtMs: expect.any(Number),
    });
  });
});
