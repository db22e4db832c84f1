import { describe, expect, test } from "vitest";
import { periodOf, previousPeriod } from "../../src/domain/period.ts";
import { call, lookup, newKey, newTenant, persons } from "../support/gateway.ts";

type Listed = { readonly period: string; readonly status: string; readonly requests: number; readonly amount: null };

const month = () => periodOf(Date.now());

function reader(key: string): (path: string) => Promise<Response> {
  return (path) => call(`/v1/statements${path}`, { headers: { authorization: `Bearer ${key}` } });
}

describe("with a test key, statements", () => {
  test("show test mode: this month, open, and nothing of live ones", async () => {
    const tenant = await newTenant();
    const { key } = await newKey(tenant.tenantId, { mode: "test", label: "ensaio" });
    expect((await lookup(tenant.key, persons(1)[0])).status).toBe(200);
    for (const cpf of persons(3, 10)) expect((await lookup(key, cpf)).status).toBe(200);
    const read = reader(key);
    const { data } = await (await read("")).json<{ data: Listed[] }>();
    expect(data).toMatchObject([{ period: month(), status: "open", requests: 3, amount: null }]);
    expect(await (await read(`/${month()}`)).json()).toMatchObject({
      status: "open",
      counts: { requests: 3, delivered: 3, billed: 0 },
      amount: "0.00",
      closedAt: null,
      seq: { count: 3 },
    });
    const usage = await call(`/v1/usage?month=${month()}`, { headers: { authorization: `Bearer ${key}` } });
    expect(await usage.json()).toMatchObject({ totals: { requests: 3 } });
    // The live key sees its own lookup, and none of these.
    const live = await (await reader(tenant.key)(`/${month()}`)).json();
    expect(live).toMatchObject({ counts: { requests: 1 } });
  });

  test("are files in every format, marked as of test mode", async () => {
    const tenant = await newTenant({ mode: "test" });
    for (const cpf of persons(2)) await lookup(tenant.key, cpf);
    const read = reader(tenant.key);
    const { files } = await (await read(`/${month()}`)).json<{ files: { name: string }[] }>();
    expect(files.map(({ name }) => name)).toContain("eventos.xlsx");
    for (const { name } of files) {
      const response = await read(`/${month()}/${name}`);
      expect([name, response.status]).toEqual([name, 200]);
      expect(response.headers.get("content-disposition")).toContain(`${month()}-test-${name}`);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0);
    }
    const lines = (await (await read(`/${month()}/events.jsonl`)).text()).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { mode: string }).mode)).toEqual(["test", "test"]);
    expect(await (await read(`/${month()}/demonstrativo.html`)).text()).toContain("Modo de teste");
    const manifest = await (await read(`/${month()}/manifest.json`)).json();
    expect(manifest).toMatchObject({ status: "open", seq: { count: 2 }, counts: { delivered: 2 } });
    expect(manifest).not.toHaveProperty("signature");
    // A test key is in many hands: it does not see what the tenant pays.
    expect(manifest).toMatchObject({ plan: { tiers: [{ upTo: null, unitPriceMicros: 0 }] } });
  });

  test("have no other month, and are empty before the first lookup", async () => {
    const tenant = await newTenant({ mode: "test" });
    const read = reader(tenant.key);
    expect(await (await read(`/${month()}`)).json()).toMatchObject({ counts: { requests: 0 }, seq: { count: 0 } });
    expect((await read(`/${month()}/events.csv`)).status).toBe(200);
    for (const path of [`/${previousPeriod(month())}`, "/2030-01", `/${previousPeriod(month())}/events.csv`]) {
      expect([path, (await read(path)).status]).toEqual([path, 404]);
    }
  });

  test("hold what the ledger keeps: the last 1,000", { timeout: 120_000 }, async () => {
    const tenant = await newTenant({ mode: "test" });
    const cpfs = persons(1010);
    for (let from = 0; from < cpfs.length; from += 101)
      await Promise.all(cpfs.slice(from, from + 101).map((cpf) => lookup(tenant.key, cpf)));
    const read = reader(tenant.key);
    const lines = (await (await read(`/${month()}/events.jsonl`)).text()).trim().split("\n");
    const seqs = lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect([seqs.length, seqs[0], seqs.at(-1)]).toEqual([1000, 11, 1010]);
    expect(await (await read(`/${month()}`)).json()).toMatchObject({ counts: { requests: 1000 } });
    const { data } = await (await read("")).json<{ data: Listed[] }>();
    expect(data[0]?.requests).toBe(1010);
  });
});
