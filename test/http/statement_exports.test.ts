import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { EXPORT_FILES } from "../../src/domain/export/export_files.ts";
import type { ExportedEvent } from "../../src/domain/event_row.ts";
import { periodOf } from "../../src/domain/period.ts";
import { admin, call, lookup, newKey, newTenant } from "../support/gateway.ts";
import { eventsOfRows, FIELD_NAMES, microsOfReais, readCsv } from "../domain/export/readers.ts";

const PERIOD = periodOf(Date.now());

async function file(key: string, name: string, period: string = PERIOD): Promise<Response> {
  return await call(`/v1/statements/${period}/${name}`, { headers: { "x-api-key": key } });
}

// The runtime warns when text is taken from what is not `text/…`.
async function textOf(response: Response): Promise<string> {
  return new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(await response.arrayBuffer());
}

async function jsonl(response: Response): Promise<ExportedEvent[]> {
  const lines = (await textOf(response)).split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line) as ExportedEvent);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("files of the open month", () => {
  test("hold every lookup answered before the call, in every format, for the tenant and for the operator", async () => {
    const tenant = await newTenant({ key: { label: "Loja nº 1" } });
    const numbers = ["529.982.247-25", "11144477735", "123.456.789-09"];
    const answers = await Promise.all(numbers.map((cpf) => lookup(tenant.key, cpf)));
    const ids = await Promise.all(answers.map(async (answer) => (await answer.json<{ id: string }>()).id));

    const response = await file(tenant.key, "events.jsonl");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/jsonl; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe(
      `attachment; filename="${tenant.tenantId}-${PERIOD}-open-events.jsonl"`,
    );
    expect(response.headers.get("statement-status")).toBe("open");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const events = await jsonl(response);
    expect(events.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(events.every((event) => event.keyLabel === "Loja nº 1" && event.keyId === tenant.keyId)).toBe(true);
    expect(JSON.stringify(events)).not.toMatch(/52998224725|529\.982/);

    const csv = await (await file(tenant.key, "events.csv")).text();
    expect(eventsOfRows(readCsv(csv, ","))).toEqual(events);
    for (const { name } of EXPORT_FILES) {
      const asOperator = await admin(`/tenants/${tenant.tenantId}/statements/${PERIOD}/${name}`);
      expect(asOperator.status).toBe(200);
      const asTenant = await file(tenant.key, name);
      const texts = await Promise.all(
        // An open month's document says when it was made, to the second.
        [asOperator, asTenant].map(async (answer) => (await answer.text()).replaceAll(/\d\d:\d\d:\d\d,/g, "")),
      );
      expect(texts[0], name).toEqual(texts[1]);
    }
  });

  test("add up to what usage says, in every format", async () => {
    const tiers = [
      { upTo: 2, unitPriceMicros: 150_001 },
      { upTo: null, unitPriceMicros: 99_999 },
    ];
    const tenant = await newTenant({ plan: { tiers } });
    for (let made = 0; made < 4; made += 1) await lookup(tenant.key, "11144477735");
    const adjustment = { units: -1, amount: "-0.12", reason: "crédito" };
    expect((await admin(`/tenants/${tenant.tenantId}/adjustments`, { body: adjustment })).status).toBe(201);
    const usage = await call("/v1/usage", { headers: { "x-api-key": tenant.key } });
    const { totals } = await usage.json<{ totals: { billed: number; amount: string } }>();
    expect(totals).toMatchObject({ billed: 4, amount: "0.5000" });

    const rows = async (name: string, separator: string) =>
      readCsv((await textOf(await file(tenant.key, name))).replace("\uFEFF", ""), separator);
    const formats = {
      jsonl: await jsonl(await file(tenant.key, "events.jsonl")),
      csv: eventsOfRows(await rows("events.csv", ",")),
      focus: eventsOfRows((await rows("focus.csv", ",")).map((cells) => cells.slice(-FIELD_NAMES.length))),
    };
    for (const events of Object.values(formats)) {
      expect(events).toEqual(formats.jsonl);
      const lookups = events.filter(({ kind }) => kind === "lookup");
      expect(lookups.filter(({ billed }) => billed)).toHaveLength(totals.billed);
      expect(lookups.reduce((sum, { amountMicros }) => sum + amountMicros, 0)).toBe(microsOfReais(totals.amount));
      expect(events.filter(({ kind }) => kind === "adjustment").map(({ amountMicros }) => amountMicros)).toEqual([
        -120_000,
      ]);
    }
  });

  test("of a tenant without a lookup hold a header and nothing else", async () => {
    const tenant = await newTenant();
    expect(await textOf(await file(tenant.key, "events.jsonl"))).toBe("");
    expect(readCsv(await (await file(tenant.key, "events.csv")).text(), ",")).toHaveLength(1);
  });

  test("HEAD answers as GET, without a body", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, "11144477735");
    const path = `/v1/statements/${PERIOD}/events.csv`;
    const response = await call(path, { method: "HEAD", headers: { "x-api-key": tenant.key } });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("text/csv");
    expect(await response.text()).toBe("");
  });

  test("are not there for other months, other names and other tenants", async () => {
    const tenant = await newTenant();
    for (const [period, name] of [
      ["1999-01", "events.csv"],
      ["2999-01", "events.csv"],
      ["2026-13", "events.csv"],
      [PERIOD, "events.xls"],
    ] as const) {
      expect((await file(tenant.key, name, period)).status).toBe(404);
    }
    expect((await admin(`/tenants/ten_nobody/statements/${PERIOD}/events.csv`)).status).toBe(404);
    expect((await call(`/v1/statements/${PERIOD}/events.csv`)).status).toBe(401);
  });

  test("need the scope, and show a test key no live event", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, "11144477735");
    const withoutScope = await newKey(tenant.tenantId, { mode: "live", scopes: ["scores:read"] });
    const response = await file(withoutScope.key, "events.csv");
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([403, "insufficient_scope"]);
    const forTests = await newKey(tenant.tenantId, { mode: "test" });
    expect((await (await file(tenant.key, "events.csv")).text()).trim().split("\n")).toHaveLength(2);
    expect((await (await file(forTests.key, "events.csv")).text()).trim().split("\n")).toHaveLength(1);
  });

  test("answer 503 while D1 is down, and are whole when it is back", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, "11144477735");
    const database = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: Network connection lost");
    });
    const down = await file(tenant.key, "events.jsonl");
    expect([down.status, (await down.json<{ code: string }>()).code]).toEqual([503, "statement_unavailable"]);
    expect(down.headers.get("retry-after")).toBe("5");
    database.mockRestore();
    expect(await jsonl(await file(tenant.key, "events.jsonl"))).toHaveLength(1);
  });
});
