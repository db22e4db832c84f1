import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { cnpjCheckDigits } from "../../../src/domain/cnpj.ts";
import { admin, adminJson, newKey, newTenant } from "../../support/gateway.ts";

const TENANT = {
  name: "Loja São João",
  document: "12ABC34501DE35",
  allowDuplicate: true,
  customerId: "loja sao joao",
  plan: "trial",
};

type Page = { data: { id: string }[]; nextCursor: string | null };

describe("POST /admin/v1/tenants", () => {
  test("makes a tenant, tells where it is, and shows all of its plan", async () => {
    const answer = await admin("/tenants", { body: TENANT });
    expect(answer.status).toBe(201);
    const { warnings, ...tenant } = await answer.json<{ id: string; createdAt: string; warnings: unknown[] }>();
    expect(warnings).toEqual([]);
    expect(answer.headers.get("location")).toBe(`/admin/v1/tenants/${tenant.id}`);
    expect(tenant).toMatchObject({
      name: "Loja São João",
      status: "active",
      plan: {
        name: "trial",
        allowance: { requests: 1000 },
        tiers: [{ upTo: null, unitPriceMicros: 0 }],
        ratePerSecond: 50,
        burst: 50,
        monthlySpendCapMicros: null,
      },
    });
    expect(await adminJson(`/tenants/${tenant.id}`)).toEqual(tenant);
  });

  test.each<[string, string, unknown]>([
    ["no body", "name", {}],
    ["an unknown field", "status", { ...TENANT, status: "active" }],
    ["an unknown plan", "plan", { ...TENANT, plan: "free" }],
    ["an empty name", "name", { ...TENANT, name: "  " }],
    ["a name that turns text around", "name", { ...TENANT, name: "a\u202eb" }],
    ["a document with a wrong check digit", "document", { ...TENANT, document: "12.ABC.345/01DE-36" }],
    ["a document of zeros", "document", { ...TENANT, document: "00000000000000" }],
    ["an e-mail that is none", "email", { ...TENANT, email: "financeiro" }],
    ["an empty legal name", "legalName", { ...TENANT, legalName: " " }],
    ["a document in small letters", "document", { ...TENANT, document: "12abc34501de35" }],
    ["a customer id that would break a header", "customerId", { ...TENANT, customerId: "a\r\nX-Evil: 1" }],
    ["a customer id beyond ASCII", "customerId", { ...TENANT, customerId: "são" }],
    [
      "a price below zero",
      "plan.tiers.0.unitPriceMicros",
      { ...TENANT, plan: { name: "trial", tiers: [{ upTo: null, unitPriceMicros: -1 }] } },
    ],
    [
      "a price between micros",
      "plan.tiers.0.unitPriceMicros",
      { ...TENANT, plan: { name: "trial", tiers: [{ upTo: null, unitPriceMicros: 0.5 }] } },
    ],
    ["no tiers", "plan.tiers", { ...TENANT, plan: { name: "pay-per-use", tiers: [] } }],
    [
      "a last tier with an end",
      "plan.tiers",
      { ...TENANT, plan: { name: "pay-per-use", tiers: [{ upTo: 5, unitPriceMicros: 1 }] } },
    ],
    ["a rate of nothing", "plan.ratePerSecond", { ...TENANT, plan: { name: "pay-per-use", ratePerSecond: 0 } }],
    ["a burst of nothing", "plan.burst", { ...TENANT, plan: { name: "pay-per-use", burst: 0 } }],
    [
      "an allowance that ends on no day",
      "plan.allowance.endsAt",
      { ...TENANT, plan: { name: "trial", allowance: { requests: 1, endsAt: "soon" } } },
    ],
    ["a list", "", [TENANT]],
  ])("refuses %s, names where, and shows no value", async (_case, path, body) => {
    const answer = await admin("/tenants", { body });
    expect(answer.status).toBe(400);
    const problem = await answer.json<{ code: string; issues: { path: string }[] }>();
    expect(problem.code).toBe("invalid_request");
    expect(problem.issues.map((issue) => issue.path)).toContain(path);
    expect(JSON.stringify(problem)).not.toContain("X-Evil");
  });

  test("keeps an end in UTC, however it was written", async () => {
    const plan = { name: "pay-per-use", allowance: { requests: 5, endsAt: "2027-01-01T00:00:00-03:00" } };
    const made = await adminJson<{ plan: unknown }>("/tenants", { body: { ...TENANT, plan } });
    expect(made.plan).toMatchObject({ allowance: { requests: 5, endsAt: "2027-01-01T03:00:00.000Z" } });
  });
});

describe("a tenant as a business", () => {
  const create = async (more: object) =>
    await admin("/tenants", { body: { name: "x", customerId: "x", plan: "trial", ...more } });

  test("has a CNPJ, kept without punctuation, a legal name and an e-mail; each can be changed, the last two taken away", async () => {
    const made = await create({ document: "11.222.333/0001-81", legalName: " Loja Ltda. ", email: "fin@loja.example" });
    const { id, ...shown } = await made.json<{ id: string }>();
    expect(shown).toMatchObject({ document: "11222333000181", legalName: "Loja Ltda.", email: "fin@loja.example" });
    const change = async (body: object) => await adminJson(`/tenants/${id}`, { method: "PATCH", body });
    expect(await change({ document: "33.014.556/0001-96", legalName: null, email: null })).toMatchObject({
      document: "33014556000196",
      legalName: null,
      email: null,
    });
    expect((await admin(`/tenants/${id}`, { method: "PATCH", body: { document: "33014556000197" } })).status).toBe(400);
    const { data } = await adminJson<{ data: { target: string; before: object; after: object }[] }>("/audit?limit=200");
    expect(data.findLast((entry) => entry.target === id)).toMatchObject({
      before: { document: "11222333000181", legalName: "Loja Ltda." },
      after: { document: "33014556000196", legalName: null },
    });
  });

  test("has a CNPJ of its own, unless the operator says otherwise", async () => {
    const document = "90ABCDEF0001";
    const cnpj = `${document}${cnpjCheckDigits(document)}`;
    const { id } = await (await create({ document: cnpj })).json<{ id: string }>();
    const again = await create({ document: cnpj });
    expect(again.status).toBe(409);
    const problem = await again.json<{ code: string; issues: { path: string; message: string }[] }>();
    expect(problem).toMatchObject({ code: "document_in_use", issues: [{ path: "document" }] });
    expect(problem.issues[0]?.message).toContain(id);
    expect((await create({ document: cnpj, allowDuplicate: false })).status).toBe(409);
    const other = await (await create({ document: cnpj, allowDuplicate: true })).json<{ id: string }>();

    const third = await newTenant();
    const change = async (body: object, of = third.tenantId) =>
      (await admin(`/tenants/${of}`, { method: "PATCH", body })).status;
    expect(await change({ document: cnpj })).toBe(409);
    expect((await adminJson(`/tenants/${third.tenantId}`))["document"]).toBe("12ABC34501DE35");
    expect(await change({ document: cnpj, allowDuplicate: true })).toBe(200);
    // Those that share one can still be changed.
    expect(await change({ name: "y", document: cnpj }, other.id)).toBe(200);
  });

  test("of many that come at once with one CNPJ, one is made and one is in the audit", async () => {
    const document = "91ABCDEF0001";
    const cnpj = `${document}${cnpjCheckDigits(document)}`;
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => (await create({ document: cnpj })).status),
    );
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(7);
    const { results } = await env.DB.prepare(
      "SELECT target FROM audit WHERE action = 'tenant.create' AND after->>'document' = ?",
    )
      .bind(cnpj)
      .all();
    expect(results).toHaveLength(1);
  });

  test.each([
    ["pay-per-use without a cap", { name: "pay-per-use", ratePerSecond: 10, burst: 5 }, "129600.7500"],
    ["one with an allowance", { name: "pay-per-use", allowance: { requests: 100 } }, "15.0000"],
    ["one with a cap", { name: "pay-per-use", monthlySpendCapMicros: 5 }, null],
    ["a trial", "trial", null],
  ])("is told what a stolen key could spend in a day: %s", async (_, plan, amount) => {
    const headers = { "accept-language": "en" };
    const { warnings } = await (
      await admin("/tenants", { body: { ...TENANT, plan }, headers })
    ).json<{ warnings: { message: string }[] }>();
    if (amount === null) return expect(warnings).toEqual([]);
    expect(warnings).toMatchObject([{ code: "no_spend_cap", amountPerDay: { amount, currency: "BRL" } }]);
    const shown = Number(amount).toLocaleString("en", { minimumFractionDigits: 2 });
    expect(warnings[0]?.message).toContain(`BRL ${shown} a day`);
  });
});

describe("PATCH /admin/v1/tenants/{id}", () => {
  test("changes what it names and leaves the rest; a plan's name begins it anew, its terms alone do not", async () => {
    const { tenantId } = await newTenant({ plan: { ratePerSecond: 7, burst: 9, monthlySpendCapMicros: 5 } });
    const change = async (body: unknown) => await adminJson(`/tenants/${tenantId}`, { method: "PATCH", body });
    expect(await change({ name: "Nova", plan: { burst: 11 } })).toMatchObject({
      name: "Nova",
      customerId: "loja sao joao",
      plan: { name: "pay-per-use", ratePerSecond: 7, burst: 11, monthlySpendCapMicros: 5 },
    });
    expect(await change({ plan: "pay-per-use" })).toMatchObject({
      name: "Nova",
      plan: { ratePerSecond: 50, burst: 50, monthlySpendCapMicros: null },
    });
    // A trial's end counts from the tenant's creation, not from the change.
    const { createdAt, plan } = (await change({ plan: "trial" })) as {
      createdAt: string;
      plan: { allowance: { endsAt: string } };
    };
    expect(Date.parse(plan.allowance.endsAt)).toBeGreaterThan(Date.parse(createdAt) + 88 * 86_400_000);
    expect((await admin(`/tenants/${tenantId}`, { method: "PATCH", body: { status: "closed" } })).status).toBe(400);
  });

  test("of a tenant that nobody is gives 404, and nothing is made", async () => {
    for (const [path, method, body] of [
      ["/tenants/ten_nobody", "GET", undefined],
      ["/tenants/ten_nobody", "PATCH", { name: "x" }],
      ["/tenants/ten_nobody/keys", "GET", undefined],
      ["/tenants/ten_nobody/keys", "POST", { mode: "live" }],
      ["/tenants/ten_nobody/usage", "GET", undefined],
      ["/keys/csg_live_0000000000/rotate", "POST", {}],
      ["/keys/csg_live_0000000000/revoke", "POST", {}],
    ] as const) {
      const answer = await admin(path, { method, ...(body === undefined ? {} : { body }) });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });
});

describe("lists", () => {
  test("page through every tenant once, in the order of their making, while more are made", async () => {
    for (let made = 0; made < 5; made += 1) await newTenant();
    const before = (await adminJson<Page>("/tenants?limit=200")).data.map(({ id }) => id);
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: Page = await adminJson(
        `/tenants?limit=2${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      seen.push(...page.data.map(({ id }) => id));
      if (seen.length === 2) await newTenant();
      cursor = page.nextCursor;
    }
    expect(seen.slice(0, before.length)).toEqual(before);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("page through a tenant's keys", async () => {
    const tenant = await newTenant();
    for (let made = 0; made < 4; made += 1) await newKey(tenant.tenantId, { mode: "test" });
    const first = await adminJson<Page>(`/tenants/${tenant.tenantId}/keys?limit=3`);
    expect(first.data).toHaveLength(3);
    const rest = await adminJson<Page>(
      `/tenants/${tenant.tenantId}/keys?limit=3&cursor=${encodeURIComponent(first.nextCursor ?? "")}`,
    );
    expect(rest).toMatchObject({ nextCursor: null });
    expect(new Set([...first.data, ...rest.data].map(({ id }) => id)).size).toBe(5);
  });

  test.each(["limit=0", "limit=201", "limit=x", "cursor=%00", "cursor=W10="])("refuse ?%s", async (query) => {
    expect((await admin(`/tenants?${query}`)).status).toBe(400);
  });
});

describe("a plan that begins with a coming month", () => {
  test.each([
    ["2026-13-01", "date"],
    ["2026-12-02", "date"],
    ["2020-01-01", "in_the_past"],
  ])("does not begin on %s: %s", async (effectiveFrom, code) => {
    const { tenantId } = await newTenant();
    const refused = await admin(`/tenants/${tenantId}`, { method: "PATCH", body: { plan: { effectiveFrom } } });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ issues: [{ path: "plan.effectiveFrom", code }] });
  });
});
