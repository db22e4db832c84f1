import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { admin, adminJson, ledgerOf, lookup, newTenant } from "../../support/gateway.ts";
import { close, manifestOf, month, setClock, textOf } from "../../support/months.ts";

const CPF = "52998224725";
const { startMs, endMs } = month("2044-03");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

type Totals = Record<"amount" | "adjustments" | "carriedOut" | "total", string> & {
  quantity: number;
  claroCost: string | null;
  margin: string | null;
};
type Month = { open: number; totals: Totals; tenants: { tenantId: string; name: string; totals: Totals | null }[] };

const read = async () => await adminJson<Month>("/periods/2044-03");
const centavos = (text: string | null) => Math.round(Number(text) * 100);

test("a month of all tenants is refused while it runs, and says when it ends", async () => {
  setClock(startMs + 1000);
  const early = await admin("/periods/2044-03");
  expect(early.status).toBe(409);
  const problem = await early.json<{ code: string; issues: { message: string }[] }>();
  expect([problem.code, problem.issues[0]?.message]).toEqual([
    "period_open",
    expect.stringContaining("01/04/2044, 00:00"),
  ]);
});

describe("a month of all tenants", () => {
  let ids: string[] = [];

  beforeEach(async () => {
    setClock(startMs + 1000);
    if (ids.length > 0) return;
    const one = await newTenant({
      plan: {
        tiers: [
          { upTo: 2, unitPriceMicros: 150_000 },
          { upTo: null, unitPriceMicros: 99_999 },
        ],
      },
    });
    const two = await newTenant({ plan: { tiers: [{ upTo: null, unitPriceMicros: 123_456 }] } });
    const idle = await newTenant();
    for (let made = 0; made < 3; made += 1) await lookup(one.key, CPF);
    for (let made = 0; made < 4; made += 1) await lookup(two.key, CPF);
    await admin(`/tenants/${one.tenantId}/adjustments`, {
      body: { corrects: "2044-03", units: -1, amount: "-0.15", reason: "Cobrança em dobro" },
    });
    ids = [one.tenantId, two.tenantId, idle.tenantId];
  });

  test("is open by name, shows so far what closing comes to, then adds up to the statements, with cost and margin", async () => {
    for (const id of ids) await ledgerOf(id, "live").flush();
    const soFar = await adminJson<Month>("/periods/2044-03?soFar=true");
    expect([soFar.open, soFar.totals.quantity]).toEqual([soFar.tenants.length, 7]);
    expect((await admin("/periods/2044-03.csv?soFar=true")).status).toBe(409);
    setClock(endMs);
    const before = await read();
    expect(before.open).toBe(before.tenants.length);
    expect((await close("2044-03")).failures).toEqual([]);
    const closed = await read();
    expect(closed.totals).toMatchObject({ claroCost: null, margin: null });
    expect([soFar.tenants, soFar.totals]).toEqual([closed.tenants, closed.totals]);
    expect(await adminJson("/periods/2044-03?soFar=true")).toEqual(closed);

    await adminJson("/upstream-prices/2044-01", {
      method: "PUT",
      body: {
        tiers: [
          { upTo: 5, unitPriceMicros: 90_000 },
          { upTo: null, unitPriceMicros: 33_333 },
        ],
      },
    });
    const { open, totals, tenants } = await read();
    expect(open).toBe(0);
    // 5 at 0.09 and 2 at 0.033333, rounded once.
    expect(totals).toMatchObject({ quantity: 7, claroCost: "0.52" });
    for (const name of ["amount", "adjustments", "carriedOut", "total", "claroCost", "margin"] as const) {
      const sum = tenants.reduce((all, tenant) => all + centavos(tenant.totals?.[name] ?? "0"), 0);
      expect([name, sum]).toEqual([name, centavos(totals[name])]);
    }
    for (const { tenantId, totals: own } of tenants.filter((tenant) => ids.includes(tenant.tenantId))) {
      const manifest = await manifestOf(tenantId, "2044-03");
      expect(own).toMatchObject({ quantity: manifest.counts.billed, total: manifest.totals.amount });
      expect(centavos(own?.amount ?? "") + centavos(own?.adjustments ?? "")).toBe(
        centavos(own?.total ?? "") + centavos(own?.carriedOut ?? ""),
      );
    }
  });

  test("is a file too, with the same figures and no number out of a CNPJ", async () => {
    setClock(endMs);
    await close("2044-03");
    const { totals, tenants } = await read();
    const csv = await textOf(await admin("/periods/2044-03.csv"));
    const lines = csv.trimEnd().split("\r\n");
    expect(lines).toHaveLength(tenants.length + 2);
    expect(lines.at(-1)).toContain(`,${totals.total},`);
    expect(csv).toContain("12.ABC.345/01DE-35");
    const brazilian = await textOf(await admin("/periods/2044-03.pt-br.csv"));
    expect(brazilian.startsWith("\uFEFFidentificador;parceiro;CNPJ;")).toBe(true);
    expect(brazilian).toContain(`;${totals.total.replace(".", ",")};`);
    expect(await adminJson("/periods/2044-03.json")).toEqual({ ...(await read()) });
    expect((await admin("/periods/2044-13.csv")).status).toBe(404);
    expect((await admin("/periods/2044-03.pdf")).status).toBe(404);
  });
});

test.each([
  ["no tiers", { tiers: [] }],
  ["a bound at the end", { tiers: [{ upTo: 5, unitPriceMicros: 1 }] }],
  ["a price below zero", { tiers: [{ upTo: null, unitPriceMicros: -1 }] }],
])("prices of Claro with %s are refused", async (_, body) => {
  expect((await admin("/upstream-prices/2044-03", { method: "PUT", body })).status).toBe(400);
});
